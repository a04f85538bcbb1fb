"""Which part of the package may import which: one table for all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider_suno

OWN = "airflow_provider_suno"
PACKAGE = Path(airflow_provider_suno.__file__).parent

_API = {"api", "exceptions"}
_POLLING = {*_API, "http", "polling"}
_JOURNAL = {*_POLLING, "journal"}
_AIRFLOW = {"airflow", "compat"}
_ALL = {*_JOURNAL, *_AIRFLOW, "hooks", "task", "triggers"}

MAY_IMPORT = {
    "__init__.py": set(),
    "get_provider_info.py": set(),
    "exceptions.py": set(),
    "compat.py": {"airflow", "get_provider_info"},
    "api": _API,
    "http": {*_API, "http"},
    "polling": _POLLING,
    "journal": {*_JOURNAL, *_AIRFLOW},
    "hooks": {*_POLLING, *_AIRFLOW, "hooks"},
    # Its annotations name the triggers.
    "task": _ALL,
    "triggers": {*_POLLING, *_AIRFLOW, "hooks", "triggers"},
    "sensors": {*_ALL, "sensors"},
    "operators": {*_ALL, "operators"},
    "simulator": {"simulator"},
}
"""By file or folder: which others it may import; ``airflow`` is Airflow itself."""


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wings_of(path: Path) -> set[str]:
    """Return what a file imports, as far as the table knows it."""
    parts = [name.split(".") for name in imports_of(path)]
    ours = {
        part[1]
        for part in parts
        if part[0] == OWN and (PACKAGE / part[1]).exists() | (PACKAGE / f"{part[1]}.py").exists()
    }
    return ours | {"airflow" for part in parts if part[0] == "airflow"}


def test_the_table_is_whole() -> None:
    found = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found == set(MAY_IMPORT)


@pytest.mark.parametrize("wing", MAY_IMPORT)
def test_imports_point_one_way(wing: str) -> None:
    place = PACKAGE / wing
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for file in files:
        assert not wings_of(file) - MAY_IMPORT[wing], f"{file.relative_to(PACKAGE)} imports what {wing} may not"
