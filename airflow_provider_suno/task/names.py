"""The names of an operator's parameters: what its signature shows, and hints when a name is unknown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.fields import nearest_name

_CONNECTION = "suno_conn_id"
_OTHER_NAMES = {
    "job_id": ("music_task_id", "stems_job_id", "phrase_job_id", "voice_job_id"),
    "music_task_id": ("source_music_task_id", "stems_job_id", "job_id"),
    "music_task": ("music_task_id",),
    "task": ("music_task_id",),
    "lyrics": ("prompt",),
    "text": ("prompt", "content"),
    "prompt": ("content",),
    "style": ("tags", "content"),
    "tags": ("style", "content"),
    "genre": ("style", "tags", "content"),
    "voice": ("persona_id",),
    "voice_id": ("persona_id", "voice_job_id"),
    "persona": ("persona_id",),
    "track_id": ("audio_id",),
    "url": ("upload_url", "upload_url_list", "voice_url", "verify_url"),
    "file": ("source",),
    "path": ("source",),
}
"""Names that other clients of the API, or other operators, use, and ours."""

_OTHER_CONNECTION = r"(?i)(.*_)?conn(ection)?(_?id|_?name)?"


@contextmanager
def suggest_names(operator: type, given: Iterable[str]) -> Iterator[None]:
    """
    Add the nearest known names to an error about unknown arguments.

    :param operator: the class that is given the arguments.
    :param given: the names of all given arguments, known and unknown.
    """
    try:
        yield
    except TypeError as error:
        parameters = _parameters(operator)
        unknown = [name for name in given if name not in parameters]
        own = [name for name, is_own in parameters.items() if is_own]
        hints = [f"{name}: did you mean {near}?" for name in unknown if (near := _suggested_name(name, own))]
        if hints:
            error.args = (" ".join([str(error), *hints]),)
        raise


def spell_out_parameters(operator: Any, defaults: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    """
    Replace ``**arguments`` in the signature of ``__init__`` by the parameters that it stands for.

    ``help()`` shows the signature, and Airflow passes only the ``default_args`` that it names.

    :param operator: the class; its ``__init__`` takes keywords only.
    :param defaults: the parameters to add, with their defaults.
    :param types: the types of these.
    """
    fields = {
        name: inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=_in_words(types[name]) + ("" if default is not None else " | None"),
        )
        for name, default in defaults.items()
    }
    inits = [init for kind in operator.__mro__ if is_ours(kind) and (init := vars(kind).get("__init__")) is not None]
    own_init = vars(operator).get("__init__")
    # The signature of its own __init__ is replaced below, those of its bases stay: they are read once.
    signatures = [inspect.signature(init) if init is own_init else _signature(init) for init in inits]
    own = {name: each for signature in signatures[::-1] for name, each in signature.parameters.items()}
    rest = {name: each for name, each in own.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
    init = own_init
    if init is None:

        def init(self: Any, **arguments: Any) -> None:
            super(operator, self).__init__(**arguments)

        operator.__init__ = init
        signatures.insert(0, inspect.signature(init))
    first, *_, last = signatures[0].parameters.values()
    init.__signature__ = signatures[0].replace(parameters=[first, *(fields | rest).values(), last])


@cache
def _signature(init: Callable[..., None]) -> inspect.Signature:
    return inspect.signature(init)


@cache
def _in_words(annotation: Any) -> str:
    """Return a type as one would write it, without pydantic's rules and ``None``."""
    if get_origin(annotation) is Annotated:
        return _in_words(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(_in_words(each) for each in get_args(annotation) if each is not NoneType)
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def is_ours(thing: Any) -> bool:
    """Return whether a class or a function is defined in this provider."""
    return bool(thing.__module__.partition(".")[0] == __name__.partition(".")[0])


def _suggested_name(name: str, own: list[str]) -> str | None:
    if re.fullmatch(_OTHER_CONNECTION, name):
        return _CONNECTION
    others = [other for other in _OTHER_NAMES.get(name, ()) if other in own]
    return others[0] if others else nearest_name(name, own)


def own_parameters(operator: type) -> frozenset[str]:
    """Return the names of the parameters that a class and its bases add to those of ``BaseOperator``."""
    inits = [vars(kind).get("__init__") for kind in operator.__mro__[:-1] if not kind.__module__.startswith("airflow.")]
    names = {name for init in inits if init is not None for name in inspect.signature(init).parameters}
    return frozenset(names - {"kwargs", "arguments", *inspect.signature(BaseOperator.__init__).parameters})


def default_of(operator: type, name: str) -> Any:
    """Return the default of a parameter, own or inherited; ``inspect.Parameter.empty`` when it has none."""
    for kind in operator.__mro__:
        init = vars(kind).get("__init__")
        found = inspect.signature(init).parameters.get(name) if init is not None else None
        if found is not None:
            return found.default
    return inspect.Parameter.empty


def _parameters(operator: type) -> dict[str, bool]:
    """Return the names of all parameters, and for each whether it is this provider's."""
    found: dict[str, bool] = {}
    for kind in operator.__mro__[:-1]:
        with suppress(TypeError, ValueError):  # it has no signature
            for name in inspect.signature(kind.__init__).parameters:  # type: ignore[misc]
                found[name] = is_ours(kind) or found.get(name, False)
    return {name: is_own for name, is_own in found.items() if name not in ("self", "kwargs", "arguments")}
