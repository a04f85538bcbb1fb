"""What mypy tells the author of a Dag file: nothing about a right one, each mistake of a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

import airflow_provider_suno

FOLDER = Path(__file__).parent
ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE)
EXPECTED = re.compile(r"# E: (?P<codes>[a-z-]+(?:, [a-z-]+)*)$")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[int, str]]]:
    """Return the errors of both files as a user would see them: by the package's annotations alone."""
    settings = tmp_path_factory.mktemp("mypy") / "mypy.ini"
    settings.write_text(
        f"[mypy]\nstrict = True\nmypy_path = {Path(airflow_provider_suno.__file__).parents[1]}\n"
        "explicit_package_bases = True\nfollow_imports = silent\n"
    )
    cache = Path.cwd() / ".mypy_cache" / "of-typing-tests"
    printed, trouble, _ = api.run(
        ["--config-file", str(settings), "--cache-dir", str(cache), *(str(FOLDER / f"{name}.py") for name in NAMES)]
    )
    assert not trouble, trouble
    errors: dict[str, set[tuple[int, str]]] = {name: set() for name in NAMES}
    for error in ERROR.finditer(printed):
        errors[Path(error["file"]).stem].add((int(error["line"]), error["code"]))
    return errors


NAMES = ("right", "wrong")


def expected(name: str) -> set[tuple[int, str]]:
    lines = (FOLDER / f"{name}.py").read_text().splitlines()
    marks = [(number, EXPECTED.search(line)) for number, line in enumerate(lines, start=1)]
    return {(number, code) for number, mark in marks if mark for code in mark["codes"].split(", ")}


@pytest.mark.parametrize("name", NAMES)
def test_mypy_finds_the_marked_mistakes_and_no_other(name: str, found: dict[str, set[tuple[int, str]]]) -> None:
    assert found[name] == expected(name)


def test_there_is_something_to_find() -> None:
    assert len(expected("wrong")) >= 10
    assert not expected("right")
