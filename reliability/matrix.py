"""
Run the tests on each supported Airflow and Python that is here, and print a table of the results.

Exit codes: 0 each cell passed that could be run; 1 one did not, or none could be run.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

NEWEST_PYTHON_OF = {"3.0.6": 12, "3.1.8": 13, "3.2.2": 14, "3.3.2": 14, "3.4.0b2": 14}
"""The Airflows, and the newest minor version of Python 3 that each supports: the oldest and the newest supported
Airflow, the last patch of each minor version between them, and the newest pre-release."""

OLDEST_PYTHON = 11
RELEASED = "3.3.2"
"""The newest Airflow that is no pre-release: the one that pip installs."""

USUAL_PYTHON = 12
"""The one of Airflow's container images."""

_PROJECT = Path(__file__).resolve().parent.parent
_USABLE = "import ensurepip, sqlite3, sys, venv; print(sys.version_info.minor)"
_MOST_REASONS = 4
_COLUMNS = ("Airflow", "Python", "passed", "failed", "skipped", "why skipped", "took")
_ENDED = re.compile(r"^pytest ended with exit code (\d+)$", re.MULTILINE)
"""What `make test-on` prints where pytest's exit code is not 0: the one of make is always 2."""

_SOME_FAILED = 1
"""Pytest's exit code when all tests have been run and some have failed."""


@dataclass(frozen=True)
class Cell:
    """
    One Airflow on one Python.

    :param airflow: its version.
    :param python: the minor version of Python 3.
    """

    airflow: str
    python: int

    def __str__(self) -> str:
        return f"{self.airflow}:3.{self.python}"


@dataclass
class Result:
    """
    What the tests showed in one cell.

    :param passed: how many passed.
    :param failed: the names of those that did not.
    :param skipped: how many were skipped, by reason.
    :param problem: why the tests were not run to their end, if they were not.
    :param seconds: how long it took, with setting up the environment.
    """

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    seconds: float = 0.0

    @property
    def any_ran(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.passed or self.failed or self.skipped)


def whole() -> list[Cell]:
    """Return each Airflow on each Python that it supports."""
    return [
        Cell(airflow, python)
        for airflow, newest in NEWEST_PYTHON_OF.items()
        for python in range(OLDEST_PYTHON, newest + 1)
    ]


def each_once() -> list[Cell]:
    """Return each Airflow on the usual Python, and the newest release on each Python."""
    return [cell for cell in whole() if cell.python == USUAL_PYTHON or cell.airflow == RELEASED]


def interpreter(python: int) -> str | None:
    """
    Return a Python of the system or of pyenv that can make environments, or ``None``.

    :param python: the minor version.
    """
    named = filter(None, map(shutil.which, (f"python3.{python}", "python3", "python")))
    # Those of pyenv are side by side, also where HOME is not that of their owner.
    places = (Path(sys.base_prefix).parent, Path.home() / ".pyenv" / "versions")
    kept = [str(found) for place in places for found in sorted(place.glob(f"3.{python}.*/bin/python3"), reverse=True)]
    for candidate in (*named, *kept):
        asked = subprocess.run([candidate, "-c", _USABLE], check=False, capture_output=True, text=True)
        if asked.returncode == 0 and asked.stdout.strip() == f"{python}":
            return candidate
    return None


def run(cell: Cell, python: str, folder: Path) -> Result:
    """
    Run the tests of one cell.

    :param cell: the Airflow and the Python.
    :param python: the interpreter.
    :param folder: gets the log and pytest's report.
    """
    report, log = folder / f"{cell}.xml", folder / f"{cell}.log"
    report.unlink(missing_ok=True)
    command = ["make", "test-on", f"AIRFLOW={cell.airflow}", f"PYTHON={python}", f"REPORT={report}"]
    began = time.monotonic()
    with log.open("w") as output:
        code = subprocess.run(command, cwd=_PROJECT, check=False, stdout=output, stderr=subprocess.STDOUT).returncode
    if code and (ended := _ENDED.findall(log.read_text(errors="replace"))):
        code = int(ended[-1])
    result = Result()
    try:
        result = read(report)
    except FileNotFoundError:
        result.problem = f"no report, exit code {code}; see {log}"
    except ET.ParseError as error:
        result.problem = f"a broken report ({error}), exit code {code}; see {log}"
    else:
        if code != (_SOME_FAILED if result.failed else 0):
            result.problem = f"broken off with exit code {code}; see {log}"
        elif not result.passed and not result.failed:
            result.problem = f"no test was run; see {log}"
    result.seconds = time.monotonic() - began
    return result


def read(report: Path) -> Result:
    """
    Read what pytest has written of a run.

    :param report: the file of ``--junitxml``.
    """
    result = Result()
    for case in ET.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif skipped is not None:
            result.skipped[_reason(skipped)] += 1
        else:
            result.passed += 1
    return result


def _reason(skipped: ET.Element) -> str:
    """Return why a test was skipped."""
    message = skipped.get("message") or ""
    if message == "collection skipped":  # of a whole file: the text is a tuple of the file, the line and the reason
        message = str(ast.literal_eval(skipped.text or "")[2]).removeprefix("Skipped: ")
    return message


def table(results: Sequence[tuple[Cell, Result]]) -> str:
    """Return the results as a table in Markdown."""
    return "\n".join([_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *(_row(_cells(*result)) for result in results)])


def _cells(cell: Cell, result: Result) -> Iterator[str]:
    yield from (cell.airflow, f"3.{cell.python}")
    if not result.any_ran:
        yield from ("–", "–", "–", result.problem, "–")
        return
    reasons = [f"{reason} ({count:,})" for reason, count in result.skipped.most_common(_MOST_REASONS)]
    others = result.skipped.total() - sum(count for _, count in result.skipped.most_common(_MOST_REASONS))
    yield from (f"{result.passed:,}", f"{len(result.failed):,}", f"{result.skipped.total():,}")
    problem = [f"**{result.problem}**"] if result.problem else []
    yield "; ".join([*problem, *reasons, *([f"other reasons ({others:,})"] if others else [])])
    yield f"{result.seconds / 60:.0f} min"


def _row(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _chosen(names: Sequence[str]) -> list[Cell]:
    if "whole" in names:
        return whole()
    by_name = {str(cell): cell for cell in whole()}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise SystemExit(f"There is no cell {', '.join(unknown)}. Choose from: whole, {', '.join(by_name)}")
    return [by_name[name] for name in names] or each_once()


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the tests on each Airflow and Python.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m reliability.matrix", description="run the tests on each version.")
    parser.add_argument(
        "cells",
        nargs="*",
        help="such as 3.2.2:3.12, or whole (default: each Airflow on the usual Python, the newest release on each one)",
    )
    cells = _chosen(parser.parse_args(argv).cells)
    folder = _PROJECT / "build" / "matrix"
    folder.mkdir(parents=True, exist_ok=True)
    results: list[tuple[Cell, Result]] = []
    bad, any_was_run = False, False
    for cell in cells:
        python = interpreter(cell.python)
        print(f"Airflow {cell.airflow} on Python 3.{cell.python}", end=": ", flush=True)
        if python is None:
            result = Result(problem="this Python is not here")
        else:
            result = run(cell, python, folder)
            any_was_run = True
            bad = bad or bool(result.failed or result.problem)
        results.append((cell, result))
        counts = [f"{result.passed:,} passed, {len(result.failed):,} failed"] if result.any_ran else []
        print("; ".join([*counts, *filter(None, [result.problem])]), flush=True)
        for name in result.failed:
            print(f"  {name}", flush=True)
    print(f"\n{table(results)}")
    if not any_was_run:
        print("No cell could be run: no such Python is here that can make environments", file=sys.stderr)
    return 1 if bad or not any_was_run else 0


if __name__ == "__main__":
    sys.exit(main())
