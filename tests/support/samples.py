"""The fenced blocks of the pages, and what a comment before one says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<remark>[^>]+) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_REASON = re.compile(r"(?P<how>only parsed|not run): \w.+")


@dataclass(frozen=True)
class Sample:
    """
    A fenced block.

    :param page: its file, below the project.
    :param line: the line of the file where it begins.
    :param language: the word after the fence.
    :param text: its content.
    :param how: ``run``, or less: ``only parsed`` on the real Airflow, or ``not run`` at all. The latter two need a
        comment before the block, with the reason.
    """

    page: str
    line: int
    language: str
    text: str
    how: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name that its first line gives it, as a file of a project that the page shows."""
        named = re.match(r"# ([\w/]+\.py)\n", self.text)
        return named[1] if named else None

    @property
    def is_dag_file(self) -> bool:
        return bool(re.search(r"with DAG\(|^\s*@dag", self.text, re.MULTILINE))

    @property
    def is_test_file(self) -> bool:
        return bool(re.search(r"^\s*def test_", self.text, re.MULTILINE))


def samples_of(path: Path) -> Iterator[Sample]:
    """Yield the fenced blocks of a file."""
    text = path.read_text()
    for found in _BLOCK.finditer(text):
        reason = _REASON.fullmatch(found["remark"] or "")
        yield Sample(
            page=path.relative_to(PROJECT).as_posix(),
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            how=reason["how"] if reason else "run",
        )


SAMPLES = [sample for page in PAGES for sample in samples_of(page)]


PROJECTS = {
    page: [each for each in SAMPLES if each.page == page] for page in {each.page for each in SAMPLES if each.file}
}
"""The pages that show a whole project, in several blocks, and their blocks."""


def samples(*languages: str) -> list[Sample]:
    """Return the blocks in these languages, but those of Python that are a part of a project."""
    return [
        sample
        for sample in SAMPLES
        if sample.language in languages and not (sample.language == "python" and sample.page in PROJECTS)
    ]
