"""The pages of the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def text_of(name: str) -> str:
    return (PROJECT / name).read_text()


def on_the_package_index() -> str:
    """Return the README as the build rewrites it for the package index."""
    build = tomllib.loads(text_of("pyproject.toml"))["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    readme = "".join(text_of(fragment["path"]) for fragment in build["fragments"])
    for substitution in build["substitutions"]:
        readme = re.sub(substitution["pattern"], substitution["replacement"], readme)
    return readme
