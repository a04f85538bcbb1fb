"""The development environment is used only if it is complete and up to date."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from demo.environment import STAMP, fingerprint, is_complete


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / ".venv" / STAMP).write_text(fingerprint(tmp_path, (3, 11)) + "\n")
    return tmp_path


def _is_complete(project: Path, version: tuple[int, int] = (3, 11)) -> bool:
    return is_complete(project / ".venv", fingerprint(project, version))


def test_a_complete_one_is_used(project: Path) -> None:
    assert _is_complete(project)


def test_an_incomplete_one_is_not_used(project: Path) -> None:
    (project / ".venv" / STAMP).unlink()
    assert not _is_complete(project)


def test_one_for_another_pyproject_is_not_used(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert not _is_complete(project)


def test_one_for_other_constraints_is_not_used(project: Path) -> None:
    constraints = project / "constraints.txt"
    constraints.write_text("apache-airflow==3.0.6\n")
    old = fingerprint(project, (3, 11), constraints)
    assert old != fingerprint(project, (3, 11))
    constraints.write_text("apache-airflow==3.0.7\n")
    assert old != fingerprint(project, (3, 11), constraints)


def test_one_for_another_python_is_not_used(project: Path) -> None:
    assert not _is_complete(project, (3, 12))


def test_a_moved_one_is_not_used(project: Path) -> None:
    moved = project.rename(project.with_name("moved"))
    assert not _is_complete(moved)


def test_one_whose_python_was_removed_is_not_used(project: Path) -> None:
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert not _is_complete(project)
