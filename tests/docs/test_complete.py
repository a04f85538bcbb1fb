"""The pages have everything that is public, and say of it what the code says."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from airflow_provider_suno import exceptions, simulator, testing
from airflow_provider_suno.api import endpoints
from airflow_provider_suno.get_provider_info import get_provider_info
from airflow_provider_suno.hooks.connection import ConnectionExtras
from airflow_provider_suno.task.keeping import FILES_KEY
from airflow_provider_suno.task.names import is_ours
from docs import make_reference, site
from tests.support.project import PROJECT, text_of

GUIDES = "\n".join(path.read_text() for path in sorted((PROJECT / "docs").glob("guides/*.md")))
WORDS_A_MINUTE = 250
LONGEST_TO_READ = 10

PAGES = [
    path
    for path in [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    if path.parent.name != "reference"  # tables, in which one looks up
]


def section(page: str, heading: str = "") -> str:
    """Return what stands below a heading; by default what comes before the first one."""
    parts = text_of(page).split(f"\n## {heading}\n" if heading else "\n## ")
    return parts[1].split("\n## ")[0] if heading else parts[0]


def table(text: str) -> Iterator[list[str]]:
    """Yield the rows of Markdown tables, without their heads."""
    for line in text.splitlines():
        if line.startswith(("| `", "| [`")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def classes(part: str) -> list[Any]:
    modules = [name for entry in get_provider_info()[part] for name in entry["python-modules"]]
    return [
        value
        for name in modules
        for value in vars(importlib.import_module(name)).values()
        if inspect.isclass(value) and value.__module__ == name and is_ours(value) and not value.__name__.startswith("_")
    ]


OPERATORS = {cls.__name__: cls for cls in [*make_reference._classes("operators"), *make_reference._classes("sensors")]}


def test_each_operator_and_sensor_has_its_row() -> None:
    rows = {re.sub(r"[\[`]|\].*", "", row[0]): row for row in table(section("docs/operators.md"))}
    assert set(rows) == set(OPERATORS)
    for name, (_, call, _, waits) in rows.items():
        cls = OPERATORS[name]
        if request := getattr(cls, "request_type", None):
            assert f"`{request.path.removeprefix('/api/v1/')}`" == call, name
        if "wait_for_completion" in (parameters := make_reference._parameters(cls)):
            assert waits == ("yes" if parameters["wait_for_completion"].default else "no"), name


@pytest.mark.parametrize("cls", [*classes("triggers"), *classes("hooks")], ids=lambda cls: cls.__name__)
def test_other_classes_have_a_page(cls: type) -> None:
    pages = [*(PROJECT / "docs/api").glob("*.md"), *(PROJECT / "docs/reference").glob("*.md")]
    assert any(
        f"::: {cls.__module__}.{cls.__name__}" in (text := page.read_text()) or f"# {cls.__name__}\n" in text
        for page in pages
    )


ERRORS = [value for value in vars(exceptions).values() if inspect.isclass(value) and is_ours(value)]


def test_each_link_of_the_ui_is_explained() -> None:
    names = [resolve_name(path).name for path in get_provider_info()["extra-links"]]
    explained = section("docs/guides/links.md")
    assert names
    assert [name for name in names if f"\n| {name} |" not in explained] == []


@pytest.mark.parametrize("name", sorted({*simulator.__all__, *testing.__all__}))
def test_what_tests_use_is_explained(name: str) -> None:
    pages = text_of("docs/api/simulator.md") + text_of("docs/api/testing.md") + GUIDES
    assert re.search(rf"\b{name}\b", pages)


def test_each_error_is_explained() -> None:
    guide = text_of("docs/guides/errors.md")
    assert [cls.__name__ for cls in ERRORS if f"`{cls.__name__}`" not in guide] == []


def test_the_guide_says_of_each_error_whether_it_is_retried() -> None:
    by_name = {cls.__name__: cls for cls in ERRORS}
    told = {}
    for row in table(text_of("docs/guides/errors.md")):
        for name in re.findall(r"`(Suno\w+)`", row[0]):
            told[name] = row[2].split(",")[0].split(" (")[0]
    wrong = {name for name, retried in told.items() if retried != ("no" if by_name[name].fatal else "yes")}
    assert len(told) > 15
    assert not wrong


def test_each_extra_of_the_connection_is_explained() -> None:
    rows = table(section("docs/guides/connection.md", "Extras"))
    assert {row[0].strip("`") for row in rows} == set(ConnectionExtras.model_fields)


def test_each_setting_of_airflow_is_explained() -> None:
    options = [option for section in get_provider_info().get("config", {}).values() for option in section["options"]]
    assert [option for option in options if option not in GUIDES] == []


def pushed() -> set[str]:
    """Return the keys of the XComs that the package pushes."""
    sources = [path.read_text() for path in Path(exceptions.__file__).parent.rglob("*.py")]
    literal = {key for source in sources for key in re.findall(r'xcom_push\(\s*key="(\w+)"', source)}
    ids = {cls.id_parameter for cls in OPERATORS.values() if hasattr(cls, "id_parameter")}
    return literal | ids | {kind.record_key for kind in kinds()} | {FILES_KEY}


def kinds() -> Iterator[Any]:
    for path in Path(endpoints.__file__).parent.glob("*.py"):
        if kind := getattr(importlib.import_module(f"{endpoints.__name__}.{path.stem}"), "KIND", None):
            yield kind


def test_each_xcom_is_explained() -> None:
    explained = section("docs/operators.md", "What they return and push")
    keys = pushed()
    assert {"music_task", "music_task_id", "job_id", "lrc", "persona", "recovery"} <= keys
    assert [key for key in sorted(keys) if f"`{key}`" not in explained] == []


def test_each_example_has_its_row() -> None:
    rows = {re.sub(r"[\[`]|\].*", "", row[0]) for row in table(text_of("docs/examples.md"))}
    assert rows == {path.stem for path in (PROJECT / "example_dags").glob("*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_is_read_in_ten_minutes(page: Path) -> None:
    without_code = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    shown = re.sub(r"\]\(.*?\)|\[[^\]]*\]: .*", "", without_code)  # without the addresses of links
    assert len(re.findall(r"[^\W_]+", shown)) <= WORDS_A_MINUTE * LONGEST_TO_READ


def test_links_of_pages_beside_the_docs_are_made_right() -> None:
    text = (
        "[a](docs/guides/retries.md#in-detail) [`Makefile`](Makefile) [b](example_dags/suno_chain.py) [c](https://x.y)"
    )
    right = "[a](guides/retries.md#in-detail) `Makefile` [b](examples/suno_chain.md) [c](https://x.y)"
    assert site.with_links(text, "CONTRIBUTING.md", "contributing.md") == right
    with pytest.raises(ValueError, match=r"docs/nothing\.md does not exist"):
        site.with_links("[a](docs/nothing.md)", "CONTRIBUTING.md", "contributing.md")
