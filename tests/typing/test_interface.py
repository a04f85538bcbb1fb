"""What mypy tells the author of a Dag file: nothing about a right one, each mistake of a wrong one."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
from pathlib import Path

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator
from mypy import api

from airflow_provider_suno.api import request
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.operators.music import UploadAndExtendAudioOperator
from airflow_provider_suno.task.parameters import OperatorArguments, SensorArguments
from tests.support.endpoints import MODULES, REQUESTS
from tests.support.project import PROJECT

FOLDER = Path(__file__).parent
ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE)
EXPECTED = re.compile(r"# E: (?P<codes>[a-z-]+(?:, [a-z-]+)*)$")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[int, str]]]:
    """
    Return the errors of both files as a user would see them: outside of the tests, for which mypy is less strict.

    With the project's settings, it finds in its cache what it found when it looked at the package.
    """
    folder = tmp_path_factory.mktemp("dags")
    copies = [str(shutil.copy(FOLDER / f"{name}.py", folder)) for name in NAMES]
    printed, trouble, _ = api.run(["--config-file", str(PROJECT / "pyproject.toml"), *copies])
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


def typed_fields() -> dict[str, set[str]]:
    """Return the fields of each ``TypedDict`` for type checkers, with those of its bases; they exist in the source."""
    classes = {
        node.name: node
        for module in (request, *MODULES)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Fields")
    }

    def fields_of(name: str) -> set[str]:
        own = {each.target.id for each in classes[name].body if isinstance(each, ast.AnnAssign)}  # type: ignore[union-attr]
        bases = [base.value.id for base in classes[name].bases if isinstance(base, ast.Subscript)]  # type: ignore[attr-defined]
        return own.union(*(fields_of(base) for base in bases if base in classes))

    return {name: fields_of(name) for name in classes}


def test_every_request_is_found() -> None:
    assert {"generate_music", "generate_persona", "boost_style", "recover_music"} <= {each.call for each in REQUESTS}
    assert len(REQUESTS) == 24


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.call)
def test_what_a_user_types_has_the_fields_of_the_request(model: type[SunoRequest]) -> None:
    missing = {"audio_id"} if model.call == "generate_persona" else set()  # a parameter beside the others
    typed = typed_fields()[model.__name__.replace("Request", "Fields")]
    assert typed == set(model.field_names()) - missing


def test_what_airflow_takes_is_known() -> None:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    operator, sensor = (
        {name for name, each in inspect.signature(kind.__init__).parameters.items() if each.kind not in kinds}
        - {"self"}
        for kind in (BaseOperator, BaseSensorOperator)
    )
    assert operator <= set(OperatorArguments.__annotations__)
    assert sensor <= {*SensorArguments.__annotations__, "poke_interval", "timeout"}


def test_help_names_every_field_with_its_type() -> None:
    said = str(inspect.signature(UploadAndExtendAudioOperator))
    for field in (
        "upload_url: 'str | None' = None",
        "instrumental: 'bool' = False",
        "wait_timeout: 'float | timedelta",
    ):
        assert field in said
