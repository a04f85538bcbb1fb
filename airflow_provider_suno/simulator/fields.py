"""Questions about a call's fields, each answerable whatever nonsense the fields hold."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_suno.simulator.call import Call

_Kind = Literal["text", "flag", "number"]

_BARE_LIBRARIES = re.compile(
    r"^(?:python-requests|python-urllib|python-httpx|python/\d\S* aiohttp|aiohttp|httpx|urllib3|"
    r"go-http-client|java|okhttp|node-fetch|axios|undici|node|libwww-perl)(?:/|$)",
    re.IGNORECASE,
)
_TEXTS = (
    "prompt style title model callBackUrl negativeTags vocalGender personaId personaModel "
    "taskId audioId name description"
).split()
_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(("customMode", "instrumental"), "flag"),
    **dict.fromkeys(("styleWeight", "weirdnessConstraint", "audioWeight", "vocalStart", "vocalEnd"), "number"),
}


def bare_library(user_agent: str) -> bool:
    """
    Return whether a User-Agent is empty or an HTTP library's own, as the edge refuses them.

    :param user_agent: the header. ``my-app/1 python-requests/2`` names its caller and is welcome, as is curl.
    """
    return not user_agent.strip() or _BARE_LIBRARIES.match(user_agent.strip()) is not None


def custom(call: Call) -> bool:
    """
    Return whether a call asks for custom mode.

    :param call: the call.
    """
    return call.fields.get("customMode") is True


def missing(call: Call, field: str) -> bool:
    """
    Return whether a field is absent, null, or a text of blanks.

    :param call: the call.
    :param field: the field.
    """
    value = call.fields.get(field)
    return value is None or (isinstance(value, str) and not value.strip())


def wrongly_typed(call: Call) -> bool:
    """
    Return whether any known field holds a value of another JSON type. Null counts as absent.

    :param call: the call.
    """
    return any(
        value is not None and not _is(_KINDS[field], value) for field, value in call.fields.items() if field in _KINDS
    )


def _is(kind: _Kind, value: Any) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    return _number(value) is not None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))


def outside_unit(value: Any) -> bool:
    """
    Return whether a value is a number below 0 or above 1.

    :param value: the field's value.
    """
    number = _number(value)
    return number is not None and not 0 <= number <= 1


def finer_than_hundredths(value: Any) -> bool:
    """
    Return whether a value is a number with more than two decimals.

    :param value: the field's value.
    """
    number = _number(value)
    return number is not None and number.normalize().as_tuple().exponent < -2  # type: ignore[operator]


def vocal_window(call: Call) -> tuple[Decimal, Decimal]:
    """
    Return where a persona's analysis begins and ends, in seconds.

    :param call: the call.
    """
    start = _number(call.fields.get("vocalStart"))
    end = _number(call.fields.get("vocalEnd"))
    return Decimal(0) if start is None else start, Decimal(30) if end is None else end
