"""Print the figures, and record them in ``RESULTS.md`` with a description of the machine."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"

_DISTRIBUTIONS = (
    "airflow-provider-suno",
    "apache-airflow",
    "apache-airflow-task-sdk",
    "apache-airflow-providers-http",
    "apache-airflow-providers-openai",
    "apache-airflow-providers-airbyte",
    "apache-airflow-providers-dbt-cloud",
)


def _commit() -> str:
    """Return the commit of the checkout, and whether it has uncommitted changes beside the figures."""
    output = []
    for command in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "..", f":!{RESULTS.name}")):
        try:
            ran = subprocess.run(["git", *command], cwd=RESULTS.parent, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError):
            return "unknown"
        output.append(ran.stdout.strip())
    return f"{output[0]}{' with changes' if output[1] else ''}"


_COMMIT_AT_START = _commit()
"""Read at the start: a run may take an hour, and meanwhile a commit may be made."""


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """
    Return a parser with the option that all benchmarks have.

    :param module: the benchmark's module, as in ``python -m benchmarks.imports``.
    :param description: what it measures.
    """
    options = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=description)
    options.add_argument("--record", action="store_true", help="put the figures into benchmarks/RESULTS.md")
    return options


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """
    Return a table in Markdown; all columns but the first are right-aligned.

    :param columns: their headings, with the unit.
    :param rows: the cells; a float is printed with three significant figures, None as a dash.
    """
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """Return a description of the machine and the versions, as one paragraph."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; {', '.join(_versions())}; "
        f"commit {_COMMIT_AT_START}"
    )


def publish(name: str, text: str, *, record: bool) -> None:
    """
    Print figures, and record them on request.

    :param name: the section of ``RESULTS.md``, which has a begin and an end mark.
    :param text: the figures in Markdown.
    :param record: whether to record them.
    """
    section = f"{text.strip()}\n\nMeasured on {machine()}."
    print(section, flush=True)
    if not record:
        return
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = RESULTS.read_text()
    if begin not in old or end not in old:
        raise ValueError(f"{RESULTS.name} has no section {name!r}")
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    RESULTS.write_text(place.sub(lambda _: f"{begin}\n{section}\n{end}", old))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _processor() -> str:
    try:
        named = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.machine()


def _versions() -> list[str]:
    found = []
    for name in _DISTRIBUTIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
