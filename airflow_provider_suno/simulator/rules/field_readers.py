"""Questions about a call's fields, each answerable whatever nonsense the fields hold."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_suno.simulator.rules.call import Call, Endpoint

_Kind = Literal["text", "flag", "number", "whole", "texts"]

_MUSIC: dict[str, _Kind] = {
    "prompt": "text",
    "style": "text",
    "title": "text",
    "model": "text",
    "callBackUrl": "text",
    "negativeTags": "text",
    "vocalGender": "text",
    "styleWeight": "number",
    "weirdnessConstraint": "number",
    "audioWeight": "number",
    "personaId": "text",
    "personaModel": "text",
    "variety": "whole",
}
_FILE: dict[str, _Kind] = {"uploadPath": "text", "fileName": "text"}
_KINDS: dict[Endpoint, dict[str, _Kind]] = {
    Endpoint.GENERATE: {
        **_MUSIC,
        "customMode": "flag",
        "instrumental": "flag",
        "duration": "whole",
        "lyrics": "text",
        "imageUrls": "texts",
        "videoUrls": "texts",
        "audioUrls": "texts",
    },
    Endpoint.EXTEND: {**_MUSIC, "audioId": "text", "defaultParamFlag": "flag", "continueAt": "number"},
    Endpoint.UPLOAD_COVER: {**_MUSIC, "uploadUrl": "text", "customMode": "flag", "instrumental": "flag"},
    Endpoint.UPLOAD_EXTEND: {
        **_MUSIC,
        "uploadUrl": "text",
        "defaultParamFlag": "flag",
        "instrumental": "flag",
        "continueAt": "number",
    },
    Endpoint.GENERATE_PERSONA: {
        "taskId": "text",
        "audioId": "text",
        "name": "text",
        "description": "text",
        "vocalStart": "number",
        "vocalEnd": "number",
        "style": "text",
    },
    Endpoint.UPLOAD_BASE64: {**_FILE, "base64Data": "text"},
    Endpoint.UPLOAD_STREAM: _FILE,
    Endpoint.UPLOAD_URL: {**_FILE, "fileUrl": "text"},
}
# Null in one of these is answered in the words of its own rule, as if it were absent.
_NULL_IS_ABSENT = frozenset(
    (
        "customMode",
        "defaultParamFlag",
        "instrumental",
        "model",
        "callBackUrl",
        "uploadUrl",
        "taskId",
        "audioId",
        "name",
        "description",
        "uploadPath",
        "base64Data",
        "fileUrl",
    )
)


def is_refused_user_agent(user_agent: str) -> bool:
    """
    Return whether the edge turns a caller away by its User-Agent: only the one of Python's own library is refused.

    :param user_agent: the header, or an empty text.
    """
    return user_agent.strip().lower().startswith("python-urllib")


def mode_flag(call: Call) -> str:
    """
    Return the field that says whether a submission brings settings of its own.

    :param call: the call.
    """
    continues = call.endpoint in (Endpoint.EXTEND, Endpoint.UPLOAD_EXTEND)
    return "defaultParamFlag" if continues else "customMode"


def custom(call: Call) -> bool:
    """
    Return whether a submission brings settings of its own: style, title, lyrics.

    :param call: the call.
    """
    return call.fields.get(mode_flag(call)) is True


def simple(call: Call) -> bool:
    """
    Return whether a submission is in simple mode, in which the service writes what will be sung.

    :param call: the call.
    """
    return mode_flag(call) == "customMode" and not custom(call)


def missing(call: Call, field: str) -> bool:
    """
    Return whether a field is absent, null, or a text of blanks.

    :param call: the call.
    :param field: the field.
    """
    value = call.fields.get(field)
    return value is None or (isinstance(value, str) and not value.strip())


def length(call: Call, field: str) -> int:
    """
    Return the length of a text in characters, blanks included; 0 if the field is no text.

    :param call: the call.
    :param field: the field.
    """
    value = call.fields.get(field)
    return len(value) if isinstance(value, str) else 0


def wrongly_typed(call: Call) -> list[str]:
    """
    Return the fields known to the endpoint that hold a value of another JSON type.

    :param call: the call.
    """
    kinds = _KINDS.get(call.endpoint, {})
    return [
        field
        for field, value in call.fields.items()
        if field in kinds and not _is(kinds[field], value) and not (value is None and field in _NULL_IS_ABSENT)
    ]


def _is(kind: _Kind, value: Any) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "whole":
        given = number(value)
        return given is not None and given % 1 == 0
    return number(value) is not None


def number(value: Any) -> Decimal | None:
    """
    Return a JSON number as it was written, or None if the value is none.

    :param value: the field's value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))


def outside_unit(value: Any) -> bool:
    """
    Return whether a value is a number below 0 or above 1.

    :param value: the field's value.
    """
    weight = number(value)
    return weight is not None and not 0 <= weight <= 1


def count(call: Call, field: str) -> int:
    """
    Return how many values a list holds; 0 if the field is no list.

    :param call: the call.
    :param field: the field.
    """
    value = call.fields.get(field)
    return len(value) if isinstance(value, list) else 0


def finer_than_hundredths(value: Any) -> bool:
    """
    Return whether a value is a number with more than two decimals.

    :param value: the field's value.
    """
    weight = number(value)
    return weight is not None and weight * 100 % 1 != 0


def vocal_window(call: Call) -> tuple[Decimal, Decimal]:
    """
    Return where a persona's analysis begins and ends, in seconds.

    :param call: the call.
    """
    start = number(call.fields.get("vocalStart"))
    end = number(call.fields.get("vocalEnd"))
    return Decimal(0) if start is None else start, Decimal(30) if end is None else end


def decoded(text: str) -> tuple[str, bytes]:
    """
    Return the MIME type (empty if not said) and the bytes of a data URL or of plain base64.

    :param text: the field as sent.
    :raises ValueError: if it is neither.
    """
    said = ""
    if text.startswith("data:"):
        head, comma, text = text.removeprefix("data:").partition(",")
        said, base64_marker, _ = head.partition(";base64")
        if not comma or not base64_marker:
            raise ValueError("a data URL must hold base64")
    try:
        return said, base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
