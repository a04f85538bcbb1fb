"""What a run of the cluster test prints in the end."""

from __future__ import annotations

from collections.abc import Iterator

from reliability.cluster.run import Results
from reliability.cluster.targets import Kind

_COLUMNS = (
    "scenario",
    "what is cut, killed, starved",
    "songs",
    "charged",
    "lost replies",
    "lost results",
    "hung",
    "false successes",
    "seen",
)


def report(results: Results) -> str:
    """Return the tables and the failed checks as text."""
    return "\n".join(
        [
            "",
            f"Up after {results.seconds_up:.0f} s, with {results.memory:.0f} MiB.",
            *_kills(results),
            *_scenarios(results),
            *(f"SKIPPED without network namespaces: {name}" for name in results.skipped),
            *(f"FAILED: {violation}" for violation in results.violations),
        ]
    )


def _kills(results: Results) -> Iterator[str]:
    if not results.rounds:
        return
    total = results.total
    rows = [
        ("songs", f"{total.songs} in {results.rounds} rounds, in {total.tries} tries of their tasks"),
        ("kills (SIGKILL)", f"{results.killed.total()}"),
        *((f"  {kind}", f"{results.killed[kind]}") for kind in Kind if results.killed[kind]),
        *total.table(results.reattached),
    ]
    yield from (f"  {name:<58}{figure}" for name, figure in rows)


def _scenarios(results: Results) -> Iterator[str]:
    if not results.rows:
        return
    for cells in (_COLUMNS, tuple("---" for _ in _COLUMNS), *(row.cells() for row in results.rows)):
        yield f"| {' | '.join(cells)} |"
