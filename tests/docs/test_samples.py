"""Each sample of the documentation is right: Dags run on the simulator, tests pass, commands and settings exist."""

from __future__ import annotations

import configparser
import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.cli import cli_parser
from airflow.configuration import conf
from airflow.sdk import DAG

from airflow_provider_suno.api.callback_url import CALLBACK_PATH
from airflow_provider_suno.get_provider_info import get_provider_info
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.testing.pace import hurried
from tests.support.airflow_versions import dags_in
from tests.support.project import text_of
from tests.support.samples import PROJECTS, SAMPLES, Sample, samples
from tests.support.scheduling import Scheduling

pytestmark = [pytest.mark.samples, pytest.mark.usefixtures("hurry")]

LANGUAGES = {"bash", "dockerfile", "ini", "json", "nginx", "python", "sh", "yaml"}
IN_PYTHON = samples("python")
FOREIGN = {"kubectl"}
"""Programs of others, whose arguments nothing here can check."""


def test_every_block_has_a_language_that_is_checked() -> None:
    others = [sample for sample in SAMPLES if sample.language not in LANGUAGES]
    # What the commands of these pages have printed has no language.
    assert [str(sample) for sample in others if not sample.page.startswith("docs/reliability")] == []
    assert len(IN_PYTHON) > 50


def test_few_samples_are_not_run() -> None:
    assert len([sample for sample in SAMPLES if sample.how != "run"]) <= 4


@pytest.fixture
def dags(_database: None, tmp_path: Path) -> Callable[[Sample], list[DAG]]:
    """Return what reads a sample as a Dag file."""

    def read(sample: Sample) -> list[DAG]:
        (tmp_path / "sample.py").write_text(sample.text)
        found = dags_in(tmp_path / "sample.py")
        assert found
        return found

    return read


@pytest.fixture
def hurry() -> Iterator[None]:
    """Let the polls of a song begin at once."""
    with hurried():
        yield


def named(found: list[Sample]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", found, ids=str)


@named([sample for sample in IN_PYTHON if sample.is_dag_file and sample.how == "run"])
def test_a_dag_runs(
    sample: Sample,
    dags: Callable[[Sample], list[DAG]],
    sim: RunningSimulator,
    schedule: Callable[[DAG], Scheduling],
) -> None:
    for dag in dags(sample):
        schedule(dag)  # writes the Dag to the database, which dag.test() expects
        assert dag.test(run_conf=params_of(dag)).state == "success", dag.dag_id
    if "Operator(" in sample.text:
        assert sim.ledger()["requests"]


def params_of(dag: DAG) -> dict[str, Any]:
    """Return what a person would enter: an id of a song that is paid for."""
    if "music_task_id" not in dag.params:
        return {}
    return {"music_task_id": SunoHook().generate_music(prompt="A slow waltz", model="V5")}


@named([sample for sample in IN_PYTHON if sample.is_dag_file and sample.how == "only parsed"])
def test_a_dag_is_parsed(sample: Sample, dags: Callable[[Sample], list[DAG]]) -> None:
    assert dags(sample)


@named([sample for sample in IN_PYTHON if not sample.is_dag_file and not sample.is_test_file and sample.how == "run"])
def test_a_statement_runs(sample: Sample, sim: RunningSimulator) -> None:
    exec(compile(sample.text, str(sample), "exec"), {"__name__": "sample"})


@named([sample for sample in IN_PYTHON if sample.how == "not run"])
def test_what_is_not_run_is_python(sample: Sample) -> None:
    compile(sample.text, str(sample), "exec")


@named([sample for sample in IN_PYTHON if sample.is_test_file])
def test_a_test_passes(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(sample.text)
    run_tests_in(tmp_path, [sample])


@pytest.mark.parametrize("page", sorted(PROJECTS))
def test_a_project_passes_its_tests(page: str, tmp_path: Path) -> None:
    blocks = [block for block in PROJECTS[page] if block.language == "python"]
    for number, block in enumerate(blocks):
        file = tmp_path / (block.file or f"tests/test_block_{number}.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text)
    run_tests_in(tmp_path, blocks)


def run_tests_in(folder: Path, blocks: list[Sample]) -> None:
    """Run tests as a user does, with an Airflow of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    if not any("AIRFLOW_HOME" in block.text for block in blocks):
        environment["AIRFLOW_HOME"] = str(folder / "airflow")
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = sum(len(re.findall(r"^\s*def test_", block.text, re.MULTILINE)) for block in blocks)
    assert f"{tests} passed" in done.stdout


def test_the_docstring_has_the_sample_of_the_guide() -> None:
    (found,) = [sample for sample in IN_PYTHON if "running_simulator(" in sample.text and "guides/sim" in sample.page]
    assert textwrap.indent(found.text, "    ") in (inspect.getdoc(running_simulator) or "") + "\n"


@named(samples("bash", "sh"))
def test_commands_exist(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in commands(sample.text):
        check_command(words, monkeypatch)


def commands(text: str) -> Iterator[list[str]]:
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def check_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    match words:
        case ["export", setting]:
            name, _, value = setting.partition("=")
            check_setting(name, value, monkeypatch)
        case ["make", *arguments]:
            targets = {word for word in arguments if "=" not in word}
            assert targets <= set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE))
        case ["airflow", *arguments]:
            cli_parser.get_parser().parse_args(arguments)
        case ["python", "-m", module, *arguments]:
            assert importlib.util.find_spec(module)
            options = {word for word in arguments if word.startswith("--")}
            assert options <= set(re.findall(r"--[a-z-]+", help_of(module, arguments)))
        case ["pip", "install", package]:
            name, _, extra = package.rstrip("]").partition("[")
            project = tomllib.loads(text_of("pyproject.toml"))["project"]
            assert name == project["name"]
            assert not extra or extra in project["optional-dependencies"]
        case [program, *_]:
            assert program in FOREIGN or program == ".venv/bin/pre-commit", words


def help_of(module: str, arguments: list[str]) -> str:
    command = [word for word in arguments[:1] if not word.startswith("-")]
    done = subprocess.run(
        [sys.executable, "-m", module, *command, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def check_setting(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("AIRFLOW_CONN_"):
        check_connection(value, monkeypatch)
    else:
        _, section, key = name.split("__")
        check_option(section.lower(), key.lower())


def check_option(section: str, key: str) -> None:
    described = {**conf.configuration_description, **get_provider_info().get("config", {})}
    assert described[section]["options"].get(key), f"[{section}] {key}"


def check_connection(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a connection as a task does."""
    monkeypatch.setenv("AIRFLOW_CONN_OF_SAMPLE", value)
    assert SunoHook("of_sample").settings.client.base_url.startswith("http")


@named(samples("json"))
def test_json_is_right(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = json.loads(sample.text)
    if loaded.get("conn_type"):
        check_connection(sample.text, monkeypatch)


@named(samples("ini"))
def test_settings_exist(sample: Sample) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(sample.text)
    assert parser.sections()
    for section in parser.sections():
        for key in parser[section]:
            check_option(section, key)


@named(samples("yaml"))
def test_yaml_is_right(sample: Sample) -> None:
    loaded = yaml.safe_load(sample.text)
    assert isinstance(loaded, dict)
    for section, options in loaded.get("config", {}).items():
        for key in options:
            check_option(section, key)


@named(samples("nginx"))
def test_the_proxy_passes_callbacks(sample: Sample) -> None:
    assert sample.text.count("{") == sample.text.count("}")
    assert f"location = {CALLBACK_PATH} {{" in sample.text
    statements = re.sub(r"#.*", "", sample.text)
    assert all(line.strip()[-1] in "{};" for line in statements.splitlines() if line.strip())


@named(samples("dockerfile"))
def test_the_image_has_the_package(sample: Sample) -> None:
    assert [line.split()[0] for line in sample.text.splitlines()] == ["FROM", "RUN"]
    assert "airflow-provider-suno" in sample.text
