"""
Write the reference pages in ``docs/reference`` from the docstrings: ``python -m docs.make_reference``.

The modules are those that ``get_provider_info`` names, so that a new operator needs no change here.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from airflow_provider_suno import exceptions
from airflow_provider_suno.get_provider_info import get_provider_info
from airflow_provider_suno.hooks.api_calls import ApiCalls
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.answered import AnsweredOperator
from airflow_provider_suno.operators.made_once import MadeOnceOperator
from airflow_provider_suno.operators.submit_job import SubmitJobOperator
from airflow_provider_suno.operators.submit_music import SubmitMusicOperator
from airflow_provider_suno.task.names import is_ours

FOLDER = Path(__file__).parent / "reference"
BASES = (SubmitJobOperator, SubmitMusicOperator, MadeOnceOperator, AnsweredOperator)
"""Classes that a Dag does not use itself: their docstrings say what their subclasses share."""

_MARK = "<!-- Written by `make reference` from the docstrings: change those. -->"
_PARAM = re.compile(r"^:param (\w+): ((?:.|\n(?!:))*)", re.MULTILINE)
_FIELDS_OF = re.compile(r"(?:those|the others) of\s+:class:`~([\w.]+Request)`")
_RETURNS = re.compile(r"(?:(?<=\.)\s|^)(?=Returns? )")
_SEE = re.compile(r"\s(?=For\s(?:what|the\smodes|``if_exists``))")


def pages() -> dict[str, str]:
    """Return the text of each page, by the name of its file."""
    operators, sensors = (list(_classes(part)) for part in ("operators", "sensors"))
    return {
        "README.md": _index(operators, sensors),
        **{f"{cls.__name__}.md": _page(cls) for cls in (*operators, *sensors)},
        **{f"{cls.__name__}.md": _base_page(cls) for cls in BASES},
        "SunoHook.md": _hook_page(),
        "exceptions.md": _exceptions_page(),
    }


def main() -> None:
    """Write the pages, and delete those of classes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text)


def _classes(part: str) -> Iterator[type]:
    """Yield the operators or the sensors, in the order of the files."""
    for entry in get_provider_info()[part]:
        for name in entry["python-modules"]:
            for value in vars(importlib.import_module(name)).values():
                if inspect.isclass(value) and value.__module__ == name and value.__name__.endswith(part[:-1].title()):
                    yield value


def _index(operators: Iterable[type], sensors: Iterable[type]) -> str:
    def rows(classes: Iterable[type]) -> Iterator[tuple[str, ...]]:
        return ((f"[`{cls.__name__}`]({cls.__name__}.md)", _summary(cls)) for cls in classes)

    others = (
        ("[`SunoHook`](SunoHook.md)", "the methods of the hook"),
        ("[exceptions](exceptions.md)", "the errors, and which of them Airflow retries"),
    )
    return _text(
        _MARK,
        "# Reference",
        "One page for each operator and sensor. [Operators and sensors](../operators.md) has all of them in one table.",
        "## Operators",
        _table(("operator", "what it does"), rows(operators)),
        "## What operators share",
        _table(("base class", "what it does"), rows(BASES)),
        "## Sensors",
        _table(("sensor", "what it does"), rows(sensors)),
        "## Hook and errors",
        _table(("page", "what it has"), others),
    )


def _page(cls: Any) -> str:
    """Return the page of an operator or a sensor."""
    before, returns, after = _parts(_description(cls))
    return _text(
        _MARK,
        f"# {cls.__name__}",
        f"```python\nfrom {cls.__module__} import {cls.__name__}\n```",
        f"Calls `POST {cls.request_type.path}`." if hasattr(cls, "request_type") else "",
        _markdown(before, cls),
        "## Parameters",
        _parameter_table(cls),
        "It also takes all parameters of Airflow's own "
        + ("sensors." if hasattr(cls, "poke") else "operators, such as `task_id` and `retries`."),
        "## Returns and pushes",
        _markdown(returns, cls),
        _markdown(after, cls),
    )


def _base_page(cls: type) -> str:
    """Return the page of a class that a Dag does not use itself."""
    users = [each for each in _classes("operators") if issubclass(each, cls)]
    return _text(
        _MARK,
        f"# {cls.__name__}",
        _markdown(_description(cls), cls),
        "Operators: " + ", ".join(f"[`{each.__name__}`]({each.__name__}.md)" for each in users) + ".",
    )


def _hook_page() -> str:
    calls: list[tuple[str, ...]] = []
    others: list[tuple[str, ...]] = []
    for name in sorted({**vars(ApiCalls), **vars(SunoHook)}):
        method = vars(SunoHook).get(name) or vars(ApiCalls)[name]
        if inspect.isfunction(method) and not name.startswith("_"):
            (others if name in vars(SunoHook) else calls).append(_method_row(name, method))
    head = ("method", "what it does", "arguments")
    return _text(
        _MARK,
        "# SunoHook",
        f"```python\nfrom {SunoHook.__module__} import SunoHook\n```",
        _markdown(_description(SunoHook), SunoHook),
        "## Calls of the API",
        _markdown(_description(ApiCalls), ApiCalls),
        _table(head, calls),
        "## Other methods",
        _table(head, others),
    )


def _method_row(name: str, method: Callable[..., Any]) -> tuple[str, ...]:
    docs = inspect.getdoc(method) or ""
    arguments = [
        f"`{each}`: {_markdown(_FIELDS_OF.sub(_listed, what), SunoHook)}" for each, what in _PARAM.findall(docs)
    ]
    return f"`{name}`", _markdown(docs.partition("\n\n")[0], SunoHook), "<br>".join(arguments)


def _listed(named: re.Match[str]) -> str:
    """Return the fields of the request model that a docstring names, and where they are described."""
    module, _, name = named[1].rpartition(".")
    request = getattr(importlib.import_module(module), name)
    fields = {field: request.model_fields[field].is_required() for field in request.field_names()}
    listed = ", ".join(f"``{field}``{' (required)' * required}" for field, required in fields.items())
    pages = [cls.__name__ for cls in _classes("operators") if getattr(cls, "request_type", None) is request]
    return f"{listed}{''.join(f'; see :class:`{page}`' for page in pages)}"


def _exceptions_page() -> str:
    classes: list[Any] = [value for value in vars(exceptions).values() if inspect.isclass(value) and is_ours(value)]
    rows = (
        (f"`{cls.__name__}`", f"`{cls.__mro__[1].__name__}`", "no" if cls.fatal else "yes", _summary(cls))
        for cls in classes
    )
    return _text(
        _MARK,
        "# Exceptions",
        f"```python\nfrom {exceptions.__name__} import SunoError\n```",
        "The attribute `fatal` of one error may differ from that of its class, for instance where a retry would pay "
        "again. The guide says [when each is raised](../guides/errors.md).",
        _table(("error", "is a", "retried", "what it means, and what to do"), rows),
    )


def _parameter_table(cls: Any) -> str:
    defaults = {name: parameter.default for name, parameter in _parameters(cls).items()}
    rows = []
    for name, what in _described(cls, defaults).items():
        required = defaults[name] is inspect.Parameter.empty or not _may_be_left_out(cls, name, defaults[name])
        default = "required" if required else f"`{defaults[name]!r}`"
        rows.append((f"`{name}`", default, "yes" if name in cls.template_fields else "no", _markdown(what, cls)))
    return _table(("name", "default", "templated", "meaning"), rows)


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters that this provider adds to those of Airflow's operators."""
    found: dict[str, inspect.Parameter] = {}
    for kind in filter(is_ours, cls.__mro__):
        if "__init__" in vars(kind):
            for name, parameter in inspect.signature(kind.__init__).parameters.items():
                # A subclass may set a parameter of its base: then it has no such template field.
                is_set = name in getattr(kind, "template_fields", ()) and name not in cls.template_fields
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not is_set:
                    found.setdefault(name, parameter)
    return found


def _may_be_left_out(cls: Any, name: str, default: Any) -> bool:
    return default is not None or bool(cls.may_be_left_out(name))


def _described(cls: Any, names: Iterable[str]) -> dict[str, str]:
    """Return what the docstrings say of each parameter, those of the class itself first."""
    request = getattr(cls, "request_type", None)
    found: dict[str, str] = {}
    for kind in filter(is_ours, (*cls.__mro__, *(request.__mro__ if request else ()))):
        for name, what in _PARAM.findall(inspect.getdoc(kind) or "" if "__doc__" in vars(kind) else ""):
            found.setdefault(name, what)
    return {name: what for name, what in found.items() if name in names} | {
        name: _missing(cls, name) for name in names if name not in found
    }


def _missing(cls: type, name: str) -> str:
    raise ValueError(f"{cls.__name__}: no docstring has a line for the parameter {name!r}")


def _description(cls: type) -> str:
    """Return the docstring without the parameters."""
    return re.split(r"^:(?:param|ivar)", inspect.getdoc(cls) or "", maxsplit=1, flags=re.MULTILINE)[0].strip()


def _summary(cls: type) -> str:
    return _markdown(_description(cls).partition("\n\n")[0], cls)


def _parts(description: str) -> tuple[str, str, str]:
    """Return what comes before the sentences about the result, these, and what comes after."""
    paragraphs = description.split("\n\n")
    for number, paragraph in enumerate(paragraphs):
        if found := _RETURNS.search(paragraph):
            returns, *see = _SEE.split(paragraph[found.end() :], maxsplit=1)
            before = [*paragraphs[:number], paragraph[: found.start()]]
            return "\n\n".join(before), returns, "\n\n".join([*see, *paragraphs[number + 1 :]])
    raise ValueError(f"no sentence says what is returned: {description}")


def _markdown(text: str, cls: type) -> str:
    """Return the text of a docstring as Markdown, with links to the other pages."""

    def link(found: re.Match[str]) -> str:
        name = found[1].rpartition(".")[2]
        return f"[`{name}`]({name}.md)" if name in _names() and name != cls.__name__ else f"`{name}`"

    text = re.sub(r":(?:class|meth|attr|func|mod):`~?([\w.]+)`", link, text)
    text = re.sub(r"``(\w+)``", link, text)
    return "\n\n".join(_paragraph(part) for part in text.replace("``", "`").strip().split("\n\n"))


def _paragraph(text: str) -> str:
    """Return a paragraph or a list without the breaks of its lines."""
    return re.sub(r"\n(?!- )\s*", " ", text).strip()


@cache
def _names() -> set[str]:
    return {cls.__name__ for cls in (*_classes("operators"), *_classes("sensors"), *BASES, SunoHook)}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (head, ("---",) * len(head), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    main()
