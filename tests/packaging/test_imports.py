"""Who imports whom: one table for the folders of the package, one for those of the simulator, and no circle at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import airflow_provider_suno

OWN = "airflow_provider_suno"
PACKAGE = Path(airflow_provider_suno.__file__).parent
ROOT = PACKAGE.parent
TESTS = Path(__file__).parents[1]
SIMULATOR = f"{OWN}.simulator"

_API = {"api", "exceptions.py"}
_POLLING = {*_API, "http", "polling"}
_JOURNAL = {*_POLLING, "journal"}
_AIRFLOW = {"airflow", "compat.py"}
_ALL = {*_JOURNAL, *_AIRFLOW, "assets", "hooks", "lineage", "links", "task", "triggers"}

MAY_IMPORT = {
    "__init__.py": set(),
    "get_provider_info.py": set(),
    "__main__.py": {*_API, *_AIRFLOW, "hooks"},
    "exceptions.py": set(),
    "compat.py": {"airflow", "get_provider_info.py"},
    "api": _API,
    "http": {*_API, "http"},
    "polling": _POLLING,
    "journal": {*_JOURNAL, *_AIRFLOW},
    "lineage": {*_AIRFLOW, "lineage"},
    "links": {*_API, *_AIRFLOW, "links"},
    "assets": {*_API, *_AIRFLOW},
    "hooks": {*_POLLING, *_AIRFLOW, "hooks", "lineage"},
    "task": {*_POLLING, *_AIRFLOW, "hooks", "lineage", "links", "task"},
    "triggers": {*_POLLING, *_AIRFLOW, "hooks", "triggers"},
    "sensors": {*_ALL, "sensors"},
    "operators": {*_ALL, "operators"},
    "plugins": {*_JOURNAL, *_AIRFLOW, "assets", "hooks", "links", "plugins", "triggers"},
    "simulator": {"simulator"},
    "testing": {*_POLLING, "hooks", "simulator", "testing", "triggers"},
}
"""By file or folder: which others it may import; ``airflow`` is Airflow itself."""

FOLDERS = ("jobs", "kinds.job", "state", "rules", "kinds.rules", "control", "calls", "kinds.calls", "wire", "")
"""
Each imports only from itself and from those before it. The last one stands for the modules beside the folders.

The folder of a kind has parts at three places: what the job is, what its calls refuse, and what they do.
"""

OF_RULES = {"rules", "rule_table", "predicates", "modes", "model_limits", "source_lookup", "tuning"} | {
    f"{part}_rules" for part in ("addition", "section", "sound")
}
"""The modules of the kinds that have to do with rules. Beside these and ``calls``, a kind has modules of its job."""

Imports = Mapping[str, set[str]]


def modules_of(root: Path, package: str) -> dict[str, Path]:
    """Return all modules of a package, by dotted name."""
    found = {}
    for path in sorted((root / package.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything a module imports: also in functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import, which this test does not read"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_within(root: Path, package: str) -> Imports:
    """Return which modules of a package each of its modules imports."""
    modules = modules_of(root, package)

    def module_of(name: str) -> str | None:
        return next((known for known in (name, name.rpartition(".")[0]) if known in modules), None)

    return {
        module: {known for name in imported_names(path) if (known := module_of(name)) and known != module}
        for module, path in modules.items()
    }


def circle_in(imports: Imports) -> list[str] | None:
    """Return the modules of one circle, or None if there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str] | None:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return None
        for imported in sorted(imports[module]):
            if circle := visit(imported, [*path, module]):
                return circle
        done.add(module)
        return None

    return next((circle for module in imports if (circle := visit(module, []))), None)


def folder_of(module: str) -> str:
    folder, _, rest = module.removeprefix(SIMULATOR).removeprefix(".").partition(".")
    if folder == "kinds":
        name = rest.rpartition(".")[2]
        return "kinds.calls" if name == "calls" else "kinds.rules" if name in OF_RULES else "kinds.job"
    return folder if folder in FOLDERS else ""


def against_the_direction(imports: Imports) -> list[str]:
    return [
        f"{module} imports {imported}"
        for module, all_imported in imports.items()
        for imported in sorted(all_imported)
        if FOLDERS.index(folder_of(imported)) > FOLDERS.index(folder_of(module))
    ]


def parts_of(path: Path) -> set[str]:
    """Return which files and folders of the package a module imports, and whether it imports Airflow."""
    names = [name.split(".") for name in imported_names(path)]
    return {name[1] for name in names if name[0] == OWN and name[1] != "__version__"} | {
        "airflow" for name in names if name[0] == "airflow"
    }


@pytest.fixture(scope="module")
def imports() -> Imports:
    return imports_within(ROOT, SIMULATOR)


def test_the_table_is_whole() -> None:
    found = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found == set(MAY_IMPORT)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part: str) -> None:
    place = PACKAGE / part
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for file in files:
        imported = {name for name in parts_of(file) if name == "airflow" or (PACKAGE / name).is_dir()} | {
            f"{name}.py" for name in parts_of(file) if (PACKAGE / f"{name}.py").exists()
        }
        assert not imported - MAY_IMPORT[part], f"{file.relative_to(PACKAGE)} imports what {part} may not"


def test_the_package_has_no_import_circle() -> None:
    found = imports_within(ROOT, OWN)
    assert len(found) > 100
    assert circle_in(found) is None


def test_tests_import_from_no_other_tests() -> None:
    for path in TESTS.rglob("*.py"):
        others = [name for name in imported_names(path) if re.match(r"tests\.(?!support\b)", name)]
        assert not others, f"{path.relative_to(TESTS)} imports {others}"


def test_the_folders_import_in_one_direction_only(imports: Imports) -> None:
    assert against_the_direction(imports) == []


def test_every_folder_has_its_place_and_its_modules(imports: Imports) -> None:
    folders = {path.name for path in (ROOT / SIMULATOR.replace(".", "/")).iterdir() if list(path.glob("*.py"))}
    assert folders == {folder.partition(".")[0] for folder in FOLDERS} - {""}
    assert {folder_of(module) for module in imports} == set(FOLDERS)
    assert sum(map(len, imports.values())) > 100


def test_only_control_and_wire_know_the_web_framework() -> None:
    for module, path in modules_of(ROOT, SIMULATOR).items():
        known, folder = {name.partition(".")[0] for name in imported_names(path)}, folder_of(module)
        if folder not in ("control", "wire", ""):
            assert not known & {"fastapi", "starlette", "uvicorn", "requests"}, module
        if folder in FOLDERS[: FOLDERS.index("control")]:
            assert "http" not in known, module


@pytest.mark.parametrize(
    ("code", "circle"),
    [
        ("import p.a", ["p.a", "p.b", "p.a"]),
        ("from p import a", ["p.a", "p.b", "p.a"]),
        ("def f():\n    from p.a import x", ["p.a", "p.b", "p.a"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import x", ["p.a", "p.b", "p.a"]),
        ("import json", None),
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(tmp_path: Path, code: str, circle: list[str] | None) -> None:
    package = tmp_path / "p"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from p.b import y")
    (package / "b.py").write_text(code)
    assert circle_in(imports_within(tmp_path, "p")) == circle


def test_an_import_against_the_direction_is_found() -> None:
    state, jobs = f"{SIMULATOR}.state.ledger", f"{SIMULATOR}.jobs.mp3"
    assert against_the_direction({state: {jobs}, jobs: {state}}) == [f"{jobs} imports {state}"]
