"""The run of the tests on each version: which cells there are, and how a run of pytest becomes a row."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from reliability import matrix
from reliability.matrix import Cell, Result, each_once, interpreter, main, read, table, whole
from tests.support.project import PROJECT, text_of

SOME_TESTS = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_passes(n): pass

def test_fails(): assert 0

@pytest.fixture
def broken(): raise OSError

def test_has_an_error(broken): pass

@pytest.mark.skip(reason="the journal needs Airflow 3.3")
def test_is_skipped(): pass
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tests")
    (folder / "test_some.py").write_text(SOME_TESTS)
    (folder / "test_whole_file.py").write_text('import pytest\npytest.importorskip("no_such_package")\n')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "--junitxml", "r.xml"]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    return folder / "r.xml"


def test_the_cells_cover_each_version_and_stay_within_what_airflow_supports() -> None:
    cells = each_once()
    assert {cell.airflow for cell in cells} == set(matrix.NEWEST_PYTHON_OF)
    assert {cell.python for cell in cells} == {11, 12, 13, 14}
    assert set(cells) < set(whole())
    assert Cell("3.0.6", 12) in whole()
    assert Cell("3.0.6", 13) not in whole()


def test_the_workflow_runs_the_whole_matrix() -> None:
    job = yaml.safe_load(text_of(".github/workflows/nightly.yml"))["jobs"]["matrix"]["strategy"]["matrix"]
    left_out = [(one["airflow"], one["python"]) for one in job["exclude"]]
    cells = {(airflow, python) for airflow in job["airflow"] for python in job["python"]} - set(left_out)
    assert cells == {(cell.airflow, f"3.{cell.python}") for cell in whole()}


def test_the_guide_names_what_the_matrix_has() -> None:
    told = text_of("docs/guides/upgrading.md").partition("### What is tested\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| (3\.\S+).*? \| 3\.(\d+)(?: to 3\.(\d+))? \|", told, re.MULTILINE)
    cells = [Cell(airflow, one) for airflow, low, high in rows for one in range(int(low), int(high or low) + 1)]
    assert sorted(map(str, cells)) == sorted(map(str, whole()))
    assert set(re.findall(r"\b3\.\d+\.\d+\w*", told)) == set(matrix.NEWEST_PYTHON_OF)


def test_the_readme_names_each_airflow() -> None:
    (told,) = re.findall(r"\(3\.0\.6 or later; (.*?)\)", text_of("README.md"), re.DOTALL)
    assert set(re.findall(r"\b3\.\d+\.\d+\w*", told)) == set(matrix.NEWEST_PYTHON_OF)


def test_a_report_of_pytest_is_read(report: Path) -> None:
    result = read(report)
    assert result.passed == 3
    assert sorted(name.rpartition("::")[2] for name in result.failed) == ["test_fails", "test_has_an_error"]
    reasons = {"the journal needs Airflow 3.3", "could not import 'no_such_package': No module named 'no_such_package'"}
    assert dict(result.skipped) == dict.fromkeys(reasons, 1)


def test_the_table_names_the_most_frequent_reasons() -> None:
    result = Result(passed=3096, seconds=452)
    result.skipped.update({"old": 280, "a": 4, "b": 3, "c": 2, "d": 1, "e": 1})
    missing = Result(problem="this Python is not here")
    assert table([(Cell("3.0.6", 12), result), (Cell("3.3.2", 14), missing)]).splitlines()[2:] == [
        "| 3.0.6 | 3.12 | 3,096 | 0 | 291 | old (280); a (4); b (3); c (2); other reasons (2) | 8 min |",
        "| 3.3.2 | 3.14 | – | – | – | this Python is not here | – |",
    ]


def test_the_table_shows_a_problem_also_where_tests_have_passed() -> None:
    broken_off = Result(passed=3096, problem="broken off with exit code 3; see a.log", seconds=452)
    broken_off.skipped.update({"old": 280})
    assert table([(Cell("3.0.6", 12), broken_off)]).splitlines()[2:] == [
        "| 3.0.6 | 3.12 | 3,096 | 0 | 280 | **broken off with exit code 3; see a.log**; old (280) | 8 min |",
    ]


def test_a_python_is_found_by_its_version() -> None:
    found = interpreter(sys.version_info.minor)
    assert found
    asked = subprocess.run([found, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True)
    assert asked.stdout.decode().strip() == f"(3, {sys.version_info.minor})"
    assert interpreter(99) is None


Outcome = Callable[..., tuple[int, str]]


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Outcome:
    """Run one cell with another program in make's place; return the exit code and what was printed."""
    make = tmp_path / "make"
    monkeypatch.setattr(matrix, "_PROJECT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(matrix, "interpreter", lambda _: sys.executable)

    def outcome(report: str | None, pytest_code: int | None, code: int) -> tuple[int, str]:
        said = f'echo "pytest ended with exit code {pytest_code}"' if pytest_code else ""
        (tmp_path / "to_report").write_text(report or "")
        copied = f'for a in "$@"; do case $a in REPORT=*) cp {tmp_path}/to_report "${{a#REPORT=}}";; esac; done'
        make.write_text(f"#!/bin/sh\n{copied if report is not None else ''}\n{said}\nexit {code}\n")
        make.chmod(0o755)
        return main(["3.3.2:3.12"]), capsys.readouterr().out

    return outcome


ALL_PASSED = "<testsuites><testsuite><testcase classname='a' name='b' /></testsuite></testsuites>"
NONE_RAN = "<testsuites><testsuite><testcase><skipped message='old' /></testcase></testsuite></testsuites>"


def row(said: str) -> str:
    return said.splitlines()[-1]


def test_a_run_to_the_end_counts(outcome: Outcome, report: Path) -> None:
    code, said = outcome(ALL_PASSED, None, 0)
    assert (code, "1 passed, 0 failed\n" in said) == (0, True)
    assert row(said) == "| 3.3.2 | 3.12 | 1 | 0 | 0 |  | 0 min |"
    code, said = outcome(report.read_text(), 1, 2)
    assert (code, "3 passed, 2 failed\n" in said, "test_some::test_fails" in said) == (1, True, True)
    assert "**" not in row(said)


@pytest.mark.parametrize(
    ("report_text", "pytest_code", "code", "problem"),
    [
        pytest.param(ALL_PASSED, 3, 2, "broken off with exit code 3", id="pytest crashed"),
        pytest.param(ALL_PASSED, 1, 2, "broken off with exit code 1", id="a failure that is not in the report"),
        pytest.param(ALL_PASSED, None, 137, "broken off with exit code 137", id="killed"),
        pytest.param("", 1, 2, "a broken report (no element found: line 1, column 0), exit code 1", id="empty"),
        pytest.param(ALL_PASSED[:-9], 2, 2, "a broken report (unclosed token: line 1, ", id="truncated"),
        pytest.param(None, None, 2, "no report, exit code 2", id="no environment"),
        pytest.param(NONE_RAN, None, 0, "no test was run", id="all skipped"),
    ],
)
def test_a_run_that_breaks_off_is_shown_and_fails(
    outcome: Outcome, report_text: str | None, pytest_code: int | None, code: int, problem: str
) -> None:
    code, said = outcome(report_text, pytest_code, code)
    assert code == 1
    assert problem in row(said)


@pytest.mark.parametrize(("pytest_code", "code"), [(2, 2), (3, 2), (None, 2), (None, 0)])
def test_failures_do_not_hide_that_a_run_broke_off(
    outcome: Outcome, report: Path, pytest_code: int | None, code: int
) -> None:
    code, said = outcome(report.read_text(), pytest_code, shown := code)
    assert code == 1
    assert f"| 3 | 2 | 2 | **broken off with exit code {pytest_code or shown}; see " in row(said)


@pytest.mark.parametrize(("code", "found"), [(0, []), (1, ["1"]), (3, ["3"])])
def test_make_says_how_pytest_ended(tmp_path: Path, code: int, found: list[str]) -> None:
    for name, its_code in (("nothing-to-set-up", 0), ("bin/python", code)):
        program = tmp_path / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nexit {its_code}\n")
        program.chmod(0o755)
    chosen = ("AIRFLOW=3.3.2", f"PYTHON={tmp_path}/nothing-to-set-up", f"TESTED_ON={tmp_path}", "REPORT=r.xml")
    done = subprocess.run(["make", "test-on", *chosen], cwd=PROJECT, check=False, capture_output=True, text=True)
    assert (done.returncode, matrix._ENDED.findall(done.stdout)) == (2 if code else 0, found)


def test_a_missing_python_fails_only_if_it_is_the_only_one(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda _: None)
    code, said = outcome(ALL_PASSED, None, 0)
    assert (code, row(said)) == (1, "| 3.3.2 | 3.12 | – | – | – | this Python is not here | – |")
    monkeypatch.setattr(matrix, "interpreter", lambda minor: sys.executable if minor == 12 else None)
    assert main(["3.3.2:3.12", "3.3.2:3.13"]) == 0
    assert "this Python is not here" in row(capsys.readouterr().out)


def test_a_cell_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"There is no cell 3\.0\.6:3\.13\. Choose from: whole, 3\.0\.6:3\.11"):
        main(["3.0.6:3.13"])


def test_the_matrix_has_the_airflows_that_have_a_file_of_versions() -> None:
    pinned = {file.stem.removeprefix("airflow-") for file in (PROJECT / "constraints").glob("airflow-*.txt")}
    assert pinned <= set(matrix.NEWEST_PYTHON_OF)
