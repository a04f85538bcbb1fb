"""What a run of the cluster test prints in the end."""

from __future__ import annotations

from collections.abc import Iterator

from reliability.cluster.play import Played
from reliability.cluster.stage import charged
from reliability.cluster.targets import Kind

_COLUMNS = ("what", "songs", "charged", "lost replies", "lost results", "hung", "false successes", "seen")


def report(played: Played) -> str:
    """Return the tables and the failed checks as text."""
    return "\n".join(
        [
            "",
            f"Up after {played.seconds_up:.0f} s, with {played.memory:.0f} MiB.",
            *_kills(played),
            *_scenarios(played),
            *(f"SKIPPED without network namespaces: {name}" for name in played.skipped),
            *(f"FAILED: {violation}" for violation in played.violations),
        ]
    )


def _kills(played: Played) -> Iterator[str]:
    if not played.rounds:
        return
    total = played.total
    rows = [
        ("songs", f"{total.songs} in {played.rounds} rounds, in {total.tries} tries of their tasks"),
        ("kills (SIGKILL)", f"{played.killed.total()}"),
        *((f"  {kind}", f"{played.killed[kind]}") for kind in Kind if played.killed[kind]),
        ("charged", f"{charged(total.charges)}"),
        ("  more than allowed", f"{len(total.overcharged)} (allowed: once, and once per consent)"),
        ("lost replies reported", f"{total.lost_replies}, of which {total.consents} then cleared by a person"),
        ("  without a kill to explain them", f"{len(total.unexplained)}"),
        ("re-attached", f"{played.reattached} times"),
        ("lost results", f"{len(total.lost)}"),
        ("failed otherwise", f"{len(total.failed)}"),
        ("hung tasks", f"{len(total.hung)}"),
        ("false successes", f"{len(total.false_successes)}"),
    ]
    yield from (f"  {name:<58}{figure}" for name, figure in rows)


def _scenarios(played: Played) -> Iterator[str]:
    if not played.rows:
        return
    for cells in (_COLUMNS, tuple("---" for _ in _COLUMNS), *(row.cells() for row in played.rows)):
        yield f"| {' | '.join(cells)} |"
