"""Say which argument is meant by one that an operator does not have."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.fields import nearest_name

_OURS = __name__.partition(".")[0]
_CONNECTION = "suno_conn_id"
_OTHER_NAMES = {
    "job_id": "music_task_id",
    "music_task": "music_task_id",
    "task": "music_task_id",
    "lyrics": "prompt",
    "text": "prompt",
    "tags": "style",
    "genre": "style",
    "voice": "persona_id",
    "persona": "persona_id",
    "track_id": "audio_id",
    "file": "source",
    "path": "source",
}
"""What users call our parameters, in other clients of the API."""

_OTHER_CONNECTION = re.compile(r"(.*_)?conn(ection)?(_?id|_?name)?", re.IGNORECASE)


@contextmanager
def hint_at_names(operator: type, given: Iterable[str]) -> Iterator[None]:
    """
    Let an error about unknown arguments say which known ones are nearest.

    :param operator: the class that is given the arguments.
    :param given: their names, right ones among them.
    """
    try:
        yield
    except TypeError as error:
        parameters = _parameters(operator)
        unknown = [name for name in given if name not in parameters]
        own = [name for name, is_own in parameters.items() if is_own]
        hints = [f"{name}: did you mean {meant}?" for name in unknown if (meant := _meant(name, own))]
        if hints:
            error.args = (" ".join([str(error), *hints]),)
        raise


def spell_out_parameters(operator: Any, defaults: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    """
    Let the signature of ``__init__`` name all that its ``**arguments`` stand for.

    ``help()`` shows it, and Airflow hands on from ``default_args`` only what a signature names.

    :param operator: the class, whose ``__init__`` takes nothing but keywords.
    :param defaults: the parameters that no signature names yet, with their defaults.
    :param types: their types.
    """
    fields = {
        name: inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=_plain(types[name]) if default is not None else _plain(types[name]) | None,
        )
        for name, default in defaults.items()
    }
    signatures = [inspect.signature(init) for init in _own_inits(operator)]
    own = {name: each for signature in signatures[::-1] for name, each in signature.parameters.items()}
    rest = {name: each for name, each in own.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
    init = vars(operator)["__init__"]
    first, *_, last = signatures[0].parameters.values()
    init.__signature__ = signatures[0].replace(parameters=[first, *(fields | rest).values(), last])


def _plain(annotation: Any) -> Any:
    """Return a type without pydantic's rules."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(map(_plain, get_args(annotation)))]  # noqa: UP007  # of a tuple
    return annotation


def _own_inits(operator: type) -> list[Any]:
    """Return the ``__init__`` of a class and of its bases in this provider."""
    ours = [kind for kind in operator.__mro__ if kind.__module__.partition(".")[0] == _OURS]
    return [init for kind in ours if (init := vars(kind).get("__init__")) is not None]


def _meant(name: str, own: list[str]) -> str | None:
    if _OTHER_CONNECTION.fullmatch(name):
        return _CONNECTION
    other = _OTHER_NAMES.get(name)
    return other if other in own else nearest_name(name, own)


def own_parameters(operator: type) -> frozenset[str]:
    """Return the names of the parameters that a class adds to Airflow's, its base classes of this provider included."""
    inits = [vars(kind).get("__init__") for kind in operator.__mro__[:-1] if not kind.__module__.startswith("airflow.")]
    names = {name for init in inits if init is not None for name in inspect.signature(init).parameters}
    return frozenset(names - {"kwargs", "arguments", *inspect.signature(BaseOperator.__init__).parameters})


def default_of(operator: type, name: str) -> Any:
    """
    Return the default of a parameter, ``inspect.Parameter.empty`` when it has none.

    :param operator: the class; those that it is derived from count too.
    :param name: the parameter.
    """
    for kind in operator.__mro__:
        init = vars(kind).get("__init__")
        found = inspect.signature(init).parameters.get(name) if init is not None else None
        if found is not None:
            return found.default
    return inspect.Parameter.empty


def _parameters(operator: type) -> dict[str, bool]:
    """Return the names of all its parameters, and of each whether it is this provider's own."""
    found: dict[str, bool] = {}
    for kind in operator.__mro__[:-1]:
        is_own = kind.__module__.partition(".")[0] == _OURS
        with suppress(TypeError, ValueError):  # it has no signature
            for name in inspect.signature(kind.__init__).parameters:  # type: ignore[misc]
                found[name] = is_own or found.get(name, False)
    return {name: is_own for name, is_own in found.items() if name not in ("self", "kwargs", "arguments")}
