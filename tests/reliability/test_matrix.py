"""The run of the tests on each version: which cells there are, and how a run of pytest becomes a row."""

from __future__ import annotations

import subprocess
import sys
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


def test_a_python_is_found_by_its_version() -> None:
    found = interpreter(sys.version_info.minor)
    assert found
    asked = subprocess.run([found, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True)
    assert asked.stdout.decode().strip() == f"(3, {sys.version_info.minor})"
    assert interpreter(99) is None


def test_a_failing_test_or_a_run_that_breaks_off_fails_all_and_a_missing_python_does_not(
    report: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make = tmp_path / "make"
    monkeypatch.setattr(matrix, "_PROJECT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(matrix, "interpreter", lambda _: sys.executable)

    def outcome(script: str) -> tuple[int, str]:
        make.write_text(f"#!/bin/sh\n{script}\n")
        make.chmod(0o755)
        return main(["3.3.2:3.12"]), capsys.readouterr().out

    code, said = outcome(f'for a in "$@"; do case $a in REPORT=*) cp {report} "${{a#REPORT=}}";; esac; done; exit 2')
    assert (code, "3 passed, 2 failed" in said, "test_some::test_fails" in said) == (1, True, True)
    code, said = outcome("exit 2")
    assert (code, "ended with exit code 2" in said) == (1, True)
    monkeypatch.setattr(matrix, "interpreter", lambda _: None)
    code, said = outcome("exit 2")
    assert (code, "this Python is not here" in said) == (0, True)


def test_a_cell_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"There is no cell 3\.0\.6:3\.13\. Choose from: whole, 3\.0\.6:3\.11"):
        main(["3.0.6:3.13"])


def test_the_matrix_has_the_airflows_that_have_a_file_of_versions() -> None:
    pinned = {file.stem.removeprefix("airflow-") for file in (PROJECT / "constraints").glob("airflow-*.txt")}
    assert pinned <= set(matrix.NEWEST_PYTHON_OF)
