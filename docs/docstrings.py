"""Let mkdocstrings, which reads Markdown, understand the docstrings' roles and literal blocks."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|meth|attr|func|mod|data):`~?([\w.]+)`")
_LITERAL = re.compile(r"::\n\n((?: {4}.*\n|\n)+)")


def markdown(text: str) -> str:
    """Return a docstring as Markdown; its fields, such as ``:param``, stay as they are."""
    text = _LITERAL.sub(
        lambda found: f":\n\n```python\n{textwrap.dedent(found[1]).strip(chr(10))}\n```\n\n", text + "\n"
    )
    return _ROLE.sub(lambda found: f"`{found[1].rpartition('.')[2]}`", text).rstrip("\n")


class MarkdownDocstrings(griffe.Extension):  # type: ignore[misc]  # griffe is in another environment
    """Rewrite each docstring when its object has been read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
