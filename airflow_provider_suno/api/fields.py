"""The types of a request's fields, and the messages about wrong values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from airflow_provider_suno.api.parsing import LONGEST_ID
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoValidationError

LONGEST_WAIT = 1e9
"""Seconds, some 30 years; a longer time is a mistake, and no date can show it."""

NO_VALUES = frozenset({"None", "null", "undefined", "nan", "NaN"})
"""Texts that programs write for a missing value."""

EXPANDED = (
    ".expand(audio_id=wait.output) where wait is a MusicTaskSensor, "
    ".expand(music_task_id=songs.output) where songs is a mapped task"
)
"""Examples of how to give each of several values its own task."""


_ONE_OF_THEM = "or take one of them, such as {{ ti.xcom_pull('lyrics')[0] }}"
_XCOM_OF_AN_ID = "the id is the XCom of that name, such as task.output['job_id']"
_UPLOADED = frozenset({"upload_url", "upload_url_list", "voice_url", "verify_url", "audio_url"})
"""The fields whose URL may be that of an uploaded file."""

_TYPES = {
    "bool_parsing": "must be True or False",
    "dict_type": "must be a dict",
    "float_parsing": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "string_type": "must be text",
}
"""Shorter words for pydantic's errors."""


def _one_string(value: Any, *, is_id: bool = False) -> Any:
    if value is None:
        return value
    if not isinstance(value, str):
        name = type(value).__name__
        kind = "several values (of a mapped task)" if name.startswith("Lazy") else name
        raise ValueError(f"must be one string, not {kind}{_advice(value, is_id=is_id)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"has an invalid character at {error.start}") from None
    return value


def _advice(value: Any, *, is_id: bool) -> str:
    """Say why a value may not be text, and what to do."""
    if hasattr(value, "iter_references"):
        return (
            " (Airflow resolves no XComArg inside a literal for expand_kwargs() or a task group: map over an XComArg)"
        )
    if isinstance(value, Mapping):
        return f"; {_XCOM_OF_AN_ID}" if is_id else ""
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return f"; for several, map the task over them with expand(){f': {EXPANDED}' if is_id else f', {_ONE_OF_THEM}'}"
    if isinstance(value, bool):
        return " (templates become flags where the Dag sets render_template_as_native_obj=True)"
    if isinstance(value, (int, float)):
        return " (write it in quotes; templates become numbers where the Dag sets render_template_as_native_obj=True)"
    return ""


def not_blank(value: str) -> str:
    """Return a text unchanged; raise a :class:`ValueError` when it is blank."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def one_id(value: Any) -> str:
    """Return an id, stripped of whitespace; raise a :class:`ValueError` when it is not one string or not an id."""
    text = not_blank(str(_one_string("" if value is None else value, is_id=True))).strip()
    if text in NO_VALUES:
        raise ValueError("is not an id: a value that it was made from is missing")
    if not text.isprintable():
        raise ValueError("has a character that an id cannot have")
    if len(text) > LONGEST_ID:
        raise ValueError(f"{len(text)} characters; an id has at most {LONGEST_ID}")
    return text


def _id_to_send(value: Any) -> str:
    """Return an id of a request. A text or a URL is refused here only: a job's own id may look odd and be paid for."""
    text = one_id(value)
    if " " in text or "://" in text:
        raise ValueError(f"is {'a URL' if '://' in text else 'a text'}, not an id; {_XCOM_OF_AN_ID}")
    return text


def blank_is_none(value: Any) -> Any:
    """Return ``None`` for blank text, which templates and forms produce for a missing value."""
    return None if isinstance(value, str) and not value.strip() else value


def checked_id(name: str, value: Any) -> str:
    """
    Return an id that is not a field of a request, checked in the same way.

    :param name: the parameter's name.
    :raises SunoValidationError: when it is not one string or not an id.
    """
    try:
        return one_id(value)
    except ValueError as problem:
        raise SunoValidationError(f"{name}: {problem}; got {excerpt(value)}.") from None


def checked_seconds(name: str, value: Any, *, zero: bool = False) -> float:
    """
    Return a number of seconds that is not a field of a request; it may be given as text or as a timedelta.

    :param name: the parameter's name.
    :param zero: whether it may be 0.
    :raises SunoValidationError: when it is not a number of seconds, or longer than ``LONGEST_WAIT``.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_WAIT or (seconds == 0 and not zero):
        bounds = f"up to {LONGEST_WAIT:.0f}" if seconds > LONGEST_WAIT else "from 0" if zero else "above 0"
        raise SunoValidationError(f"{name}: must be a number of seconds {bounds}, got {excerpt(value)}.")
    return seconds


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return blank_is_none(value)


def two_decimals(value: float) -> float:
    """Return a number unchanged; raise a :class:`ValueError` when it has more than two decimals."""
    if Decimal(str(value)).normalize().as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(f"takes at most two decimals, such as {round(value, 2)}")
    return value


def checked_url(value: str) -> str:
    """Return an http or https URL unchanged; raise a :class:`ValueError` when it is not one."""
    message = "must be an http or https URL"
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
        _ = parts.port
    except ValueError as problem:
        raise ValueError(f"{message} ({problem})") from None
    if not (has_host and re.fullmatch(r"https?://[^\s/]+\S*", value) and value.isprintable()):
        raise ValueError(message)
    return value


def _several(value: Any) -> Any:
    """Return a list, also of what an upstream task's list looks like; text is one value, not several."""
    if value is None or isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        as_text = isinstance(value, str) and value.lstrip().startswith("[")
        hint = ", not its text (templates render text: pass the task's output instead)" if as_text else ""
        raise ValueError(f"must be a list of URLs{hint}")
    return tuple(value)


OneString = BeforeValidator(_one_string)
BlankIsNone = BeforeValidator(blank_is_none)

FREE_TEXT = "free text"
"""Marks free text (not an id, a name or a choice), which a template may render blank: that counts as not given."""

Text = Annotated[str | None, BlankIsNone, OneString, FREE_TEXT]
RequiredText = Annotated[str, AfterValidator(not_blank), OneString]
Flag = Annotated[bool | None, BlankIsNone]
Switch = Annotated[bool, BeforeValidator(lambda value: False if blank_is_none(value) is None else value)]
Id = Annotated[str, BeforeValidator(_id_to_send)]
OptionalId = Id | None
Number = BeforeValidator(_number)
Weight = Annotated[Annotated[float, Field(ge=0, le=1), AfterValidator(two_decimals)] | None, Number]
Seconds = Annotated[Annotated[float, Field(ge=0)] | None, Number]
Position = Annotated[float, Field(ge=0), AfterValidator(two_decimals), Number]
"""A place in a sound, in seconds."""

PositiveSeconds = Annotated[float, Field(gt=0), Number]
HttpUrl = Annotated[str, AfterValidator(checked_url), OneString]
OptionalUrl = Annotated[HttpUrl | None, BlankIsNone]
Urls = Annotated[tuple[HttpUrl, ...], BeforeValidator(_several)]


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is most like an unknown one, if one is close."""
    return next(iter(nearest(_snake(name), known, cutoff=0.7)), None)


def nearest(name: str, known: Sequence[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known names that are most like an unknown one."""
    import difflib  # takes a while, and is needed for messages only

    return difflib.get_close_matches(name, known, n=most, cutoff=cutoff)


def why_no_json(value: Any) -> str | None:
    """Return why a value cannot be sent as JSON, ``None`` if it can."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"cannot be sent as JSON: {error}"
    return None


def problem_with(details: Mapping[str, Any], known: Sequence[str]) -> str:
    """Return a one-line message for one of pydantic's errors; ``known`` are the names of the fields."""
    field = str(details["loc"][0]) if details["loc"] else "fields"
    kind = details["type"]
    if kind == "extra_forbidden":
        names = nearest(_snake(field), known, most=2)
        hint = f"; did you mean {' or '.join(names)}?" if names else "."
        return f"{field}: no such field{hint} (Put fields that only the API knows into extra_fields.)"
    if kind == "missing":
        return f"{field}: required"
    if kind == "string_too_long":
        return f"{field}: {len(details['input'])} characters; at most {details['ctx']['max_length']}"
    if kind in ("too_short", "too_long"):
        bound = f"at least {details['ctx'].get('min_length')}" if kind == "too_short" else ""
        bound = bound or f"at most {details['ctx'].get('max_length')}"
        return f"{field}: {details['ctx']['actual_length']} given; {bound}"
    message = _TYPES.get(kind, str(details["msg"])).removeprefix("Value error, ").replace("Input should be", "must be")
    if message.startswith("must be an http or https URL") and field in _UPLOADED:
        message += " (UploadFileOperator uploads a local file and returns its URL)"
    return f"{field}: {message[:1].lower()}{message[1:]}, got {excerpt(details['input'], 80)}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
