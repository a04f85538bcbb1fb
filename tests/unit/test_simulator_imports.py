"""Who imports whom within the simulator: no circle, and only from a folder to those before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import airflow_provider_suno

ROOT = Path(airflow_provider_suno.__file__).parents[1]
SIMULATOR = "airflow_provider_suno.simulator"
FOLDERS = ("jobs", "state", "rules", "control", "wire", "")
"""Each imports only from itself and from those before it. The last one stands for the modules beside the folders."""

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
    rest = module.removeprefix(SIMULATOR).removeprefix(".")
    return rest.partition(".")[0] if rest.partition(".")[0] in FOLDERS else ""


def against_the_direction(imports: Imports) -> list[str]:
    return [
        f"{module} imports {imported}"
        for module, all_imported in imports.items()
        for imported in sorted(all_imported)
        if FOLDERS.index(folder_of(imported)) > FOLDERS.index(folder_of(module))
    ]


@pytest.fixture(scope="module")
def imports() -> Imports:
    return imports_within(ROOT, SIMULATOR)


def test_the_simulator_has_no_import_circle(imports: Imports) -> None:
    assert circle_in(imports) is None


def test_the_folders_import_in_one_direction_only(imports: Imports) -> None:
    assert against_the_direction(imports) == []


def test_every_folder_has_its_place_and_its_modules(imports: Imports) -> None:
    folders = {path.name for path in (ROOT / SIMULATOR.replace(".", "/")).iterdir() if list(path.glob("*.py"))}
    assert folders == set(FOLDERS) - {""}
    assert {folder_of(module) for module in imports} == set(FOLDERS)
    assert sum(map(len, imports.values())) > 100


def test_jobs_state_and_rules_know_no_web_framework() -> None:
    for module, path in modules_of(ROOT, SIMULATOR).items():
        if folder_of(module) in ("jobs", "state", "rules"):
            known = {name.partition(".")[0] for name in imported_names(path)}
            assert not known & {"fastapi", "starlette", "uvicorn", "http", "requests"}, module


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
    state, jobs = f"{SIMULATOR}.state.ledger", f"{SIMULATOR}.jobs.record"
    assert against_the_direction({state: {jobs}, jobs: {state}}) == [f"{jobs} imports {state}"]
