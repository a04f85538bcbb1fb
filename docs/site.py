"""
What MkDocs cannot do by itself: pages made of files beside ``docs``, and links from pages to files of the project.

``mkdocs.yml`` names this module as a hook. MkDocs is imported where it is used: it is in another environment than the
tests.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]

ADDED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "figures.md",
}
"""The pages that are made of files beside ``docs``; ``docs/index.md`` is there in the README's place."""

_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LIGHT = re.compile(r"!\[([^\]]+)\]\(([^)\s]+)-light\.png\)")
_LINK = re.compile(r"(?<!!)\[((?:[^\]\n\\]|\\.)+)\]\(([^)\s]+)\)")


def page_of(path: str) -> str | None:
    """
    Return the page that shows a file of the project, if there is one.

    :param path: below the project.
    """
    if path in ADDED:
        return ADDED[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if posixpath.dirname(path) == "example_dags" and path.endswith(".py"):
        return f"examples/{posixpath.basename(path)[:-3]}.md"
    return None


def with_links(text: str, path: str, page: str) -> str:
    """
    Return the Markdown of a file with links that are right on its page.

    A link to a file without a page becomes the file's name.

    :param path: the file, below the project.
    :param page: the page, below ``docs``.
    :raises ValueError: if a link leads to a file that does not exist.
    """

    def right(found: re.Match[str]) -> str:
        words, link = found.groups()
        if "://" in link or link.startswith(("#", "mailto:")):
            return found[0]
        name, _, anchor = link.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if not (PROJECT / there).exists():
            raise ValueError(f"{path}: {link} does not exist")
        if target := page_of(there):
            relative = posixpath.relpath(target, posixpath.dirname(page) or ".")
            return f"[{words}]({relative}{'#' * bool(anchor)}{anchor})"
        return words if words.strip("`") in (there, name, posixpath.basename(name)) else f"{words} (`{there}`)"

    parts = _FENCED.split(text)
    parts[::2] = [_LINK.sub(right, part) for part in parts[::2]]
    return "".join(parts)


def with_dark_pictures(text: str) -> str:
    """Return Markdown that shows, where the reader has chosen the dark theme, the dark one of two pictures."""
    return _LIGHT.sub(r"![\1](\2-light.png#only-light)![\1](\2-dark.png#only-dark)", text)


def example_page(path: Path) -> str:
    """Return the page of an example Dag."""
    source = path.read_text()
    summary = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]
    return f"# {path.stem}\n\n{summary}\n\n```python\n{source}```\n"


def on_config(config: Any) -> Any:
    """Add the lines of the navigation that follow from other files."""
    for entry in config.nav:
        for title, pages in entry.items():
            if title == "Examples":
                pages += [str(page_of(path.relative_to(PROJECT).as_posix())) for path in _examples()]
            elif title == "Reference":
                pages[1:1] = reference_sections()
    return config


def reference_sections() -> list[dict[str, list[str]]]:
    """Return the sections of the reference's overview, each with its pages."""
    _, *sections = re.split(r"^## ", (PROJECT / "docs/reference/README.md").read_text(), flags=re.MULTILINE)
    return [
        {
            section.partition("\n")[0]: [
                f"reference/{page}" for page in re.findall(r"^\| \[.*?\]\((.*?)\)", section, re.MULTILINE)
            ]
        }
        for section in sections
    ]


def _examples() -> list[Path]:
    return sorted((PROJECT / "example_dags").glob("*.py"))


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of files beside ``docs``."""
    from mkdocs.structure.files import File

    for path, page in ADDED.items():
        if page != "index.md":
            text = with_links((PROJECT / path).read_text(), path, page)
            files.append(File.generated(config, page, content=text))
    for example in _examples():
        shown = page_of(example.relative_to(PROJECT).as_posix())
        files.append(File.generated(config, shown, content=example_page(example)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Make a page's links and pictures right."""
    source = page.file.abs_src_path
    if not source:
        return markdown
    return with_links(with_dark_pictures(markdown), Path(source).relative_to(PROJECT).as_posix(), page.file.src_uri)
