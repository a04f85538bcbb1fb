"""What the pages of the project say of each other: make targets, versions, links, figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import readme_renderer.markdown
import yaml

import airflow_provider_suno
from tests.support.project import PROJECT, on_the_package_index, text_of

PACKAGE = Path(airflow_provider_suno.__file__).parent
WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"
NIGHTLY = PROJECT / ".github" / "workflows" / "nightly.yml"
PAGES = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), PROJECT / "benchmarks" / "RESULTS.md"]

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE))


def named(text: str) -> set[str]:
    """Return the make targets that a text names, in code or in a command."""
    commands = re.findall(r"(?:`|^\s*|run: |&& )make((?: [a-z-]+)+)", text, re.MULTILINE)
    return {target for command in commands for target in command.split()}


def workflow(file: Path = WORKFLOW) -> dict[str, Any]:
    loaded = yaml.safe_load(file.read_text())
    assert isinstance(loaded, dict)
    return loaded


def targets_of_the_workflow(file: Path = WORKFLOW) -> Iterator[str]:
    for job in workflow(file)["jobs"].values():
        for step in job["steps"]:
            for target in re.findall(r"make ((?:[a-z-]+|\$\{\{ matrix\.target \}\}))", step.get("run", "")):
                yield from job["strategy"]["matrix"]["target"] if target.startswith("$") else [target]


def test_the_workflow_runs_what_has_to_pass() -> None:
    runs = re.findall(r"^run(?:_both)? ([a-z -]+)$", text_of(".ci/run"), re.MULTILINE)
    of_the_script = {target for run in runs for target in run.split()}
    assert len(of_the_script) > 8
    # What `make coverage` runs, `make test` runs too: one machine runs it once, several side by side measure it.
    assert set(targets_of_the_workflow()) - {"environment", "coverage"} == of_the_script


@pytest.mark.parametrize("file", [WORKFLOW, NIGHTLY], ids=lambda path: path.name)
def test_each_job_of_a_workflow_has_an_end_and_names_only_targets_that_exist(file: Path) -> None:
    longest = {"cluster": 120}
    assert all(job["timeout-minutes"] <= longest.get(name, 60) for name, job in workflow(file)["jobs"].items())
    assert set() < set(targets_of_the_workflow(file)) <= targets_of_make()


@pytest.mark.parametrize("page", [*PAGES, PROJECT / ".ci/run"], ids=lambda path: path.name)
def test_pages_name_only_targets_that_exist(page: Path) -> None:
    assert not named(page.read_text()) - targets_of_make()


def test_contributing_has_a_line_for_each_target() -> None:
    lines = re.findall(r"^\| `make ([a-z-]+)` \|", text_of("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(lines) == sorted(targets_of_make())


def test_every_target_is_phony() -> None:
    declared = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text_of("Makefile"), re.MULTILINE)
    assert declared
    assert set(declared[1].replace("\\\n", " ").split()) == targets_of_make()


def test_each_benchmark_that_is_named_exists_and_has_its_figures() -> None:
    declared = re.search(r"^BENCHMARK_NAMES := ((?:.*\\\n)*.*)$", text_of("Makefile"), re.MULTILINE)
    assert declared
    of_make = declared[1].replace("\\\n", " ").split()
    assert all((PROJECT / "benchmarks" / f"{name}.py").exists() for name in of_make)
    in_results = re.findall(r"^`make benchmark NAME=(\w+)`$", text_of("benchmarks/RESULTS.md"), re.MULTILINE)
    assert sorted(in_results) == sorted(of_make)


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    (newest, *_) = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert newest == airflow_provider_suno.__version__


def test_readme_and_reliability_tell_the_same_figures() -> None:
    readme, reliability = " ".join(text_of("README.md").split()), text_of("docs/reliability.md")
    of_the_readme = re.search(r"(\d+) kills over (\d+) songs", readme)
    of_the_table = re.search(r"`make kill-test ROUNDS=(\d+)` .*?(\d+) kills over (\d+) songs", reliability)
    measured = [re.search(rf"^{what} +(\d+)", reliability, re.MULTILINE) for what in (r"kills \(SIGKILL\)", "songs")]
    assert of_the_readme
    assert of_the_table
    assert of_the_readme.groups() == of_the_table.groups()[1:]
    assert of_the_readme.groups() == tuple(found[1] for found in measured if found)
    long_form = f"ROUNDS={of_the_table[1]} for the long form"
    for page in ("README.md", "Makefile", "CONTRIBUTING.md"):
        assert long_form in text_of(page).replace("`", ""), page


def heading_ids(markdown: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        there = (PACKAGE.parent if name.startswith(PACKAGE.name) else page.parent) / name if name else page
        assert there.exists(), link
        assert not heading or heading in heading_ids(there.read_text()), link


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pictures_exist(page: Path) -> None:
    text = FENCED.sub("", page.read_text())
    pictures = re.findall(r"!\[[^\]]+\]\(([^)#]+)|(?:src|srcset)=\"([^\"]+)\"", text)
    assert [name for found in pictures for name in found if name and not (page.parent / name).exists()] == []


def test_links_work_on_the_package_index() -> None:
    page = on_the_package_index()
    rendered = readme_renderer.markdown.render(page)
    assert rendered
    links = re.findall(r'href="([^"]*)"', rendered)
    assert all(link.startswith(("https://", "#")) for link in links), links
    assert "<img" not in rendered
    for shown in ("<code>docs/guides/retries.md</code>", "<code>docs/reliability.md</code>", "<table>", "<pre"):
        assert shown in rendered
    assert FENCED.findall(page) == FENCED.findall(text_of("README.md"))
