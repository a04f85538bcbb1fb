"""The types of a request's fields, and how what is wrong with one is said."""

from __future__ import annotations

import difflib
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
"""Seconds, some 30 years: what is longer is a mistake, and no time that a clock can show."""

NO_VALUES = frozenset({"None", "null", "undefined", "nan", "NaN"})
"""Texts that programs make of a value that is missing."""

EXPANDED = (
    ".expand(audio_id=wait.output) where wait is a MusicTaskSensor, "
    ".expand(music_task_id=songs.output) where songs is a mapped task"
)
"""Examples of how each of several values gets a task of its own."""


def _one_string(value: Any) -> Any:
    if value is None:
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be one string, not {_kind(value)}{_way_on(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"has a character at {error.start} that is no text") from None
    return value


def _kind(value: Any) -> str:
    """Name what a value is: a list, a dict or a number by its type, what a mapped task returned by what it holds."""
    name = type(value).__name__
    return "several values (of a mapped task)" if name.startswith("Lazy") else name


def _way_on(value: Any) -> str:
    """Say how a value that is no text may have come about, and what to do."""
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, Mapping)) and not _is_xcom_arg(value):
        return f"; for several, map the task over them with expand(): {EXPANDED}"
    if _is_xcom_arg(value):
        return " (Airflow resolves no XComArg inside of a literal for expand_kwargs() or a task group: map over one)"
    if isinstance(value, bool):
        return " (templates become flags where the Dag sets render_template_as_native_obj=True)"
    if isinstance(value, (int, float)):
        return " (write it in quotes; templates become numbers where the Dag sets render_template_as_native_obj=True)"
    return ""


def _is_xcom_arg(value: Any) -> bool:
    return hasattr(value, "iter_references")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def one_id(value: Any) -> str:
    """
    Return an id without the blanks that templates leave around it.

    :raises ValueError: when it is not one string that can be an id.
    """
    text = _not_blank(str(_one_string("" if value is None else value))).strip()
    if text in NO_VALUES:
        raise ValueError("is no id: what it was made of is missing")
    if not text.isprintable():
        raise ValueError("has a character that no id has")
    if len(text) > LONGEST_ID:
        raise ValueError(f"{len(text)} characters; an id has at most {LONGEST_ID}")
    return text


def blank_is_none(value: Any) -> Any:
    """Count a text of blanks as not given, as templates and forms produce it."""
    return None if isinstance(value, str) and not value.strip() else value


def checked_id(name: str, value: Any) -> str:
    """
    Return an id that is no field of a request, read in the same way.

    :param name: what the user calls it.
    :raises SunoValidationError: when it is not one string that can be an id.
    """
    try:
        return one_id(value)
    except ValueError as problem:
        raise SunoValidationError(f"{name}: {problem}; got {excerpt(value)}.") from None


def checked_seconds(name: str, value: Any, *, zero: bool = False) -> float:
    """
    Return a number of seconds that is no field of a request: a number, the same as text, or a timedelta.

    :param name: what the user calls it.
    :param zero: whether it may be none at all.
    :raises SunoValidationError: when it is none, or longer than any wait can be.
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


def _two_decimals(value: float) -> float:
    if Decimal(str(value)).normalize().as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(f"takes at most two decimals, such as {round(value, 2)}")
    return value


def checked_url(value: str) -> str:
    """
    Return a URL as it is.

    :raises ValueError: when it is none that can be called.
    """
    called = "must be an http or https URL"
    if not (re.fullmatch(r"https?://[^\s/]+\S*", value) and value.isprintable()):
        raise ValueError(called)
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
        _ = parts.port
    except ValueError as problem:
        raise ValueError(f"{called} ({problem})") from None
    if not has_host:
        raise ValueError(called)
    return value


OneString = BeforeValidator(_one_string)
BlankIsNone = BeforeValidator(blank_is_none)

FREE_TEXT = "free text"
"""Marks text that is no id, name or choice: a template may leave it blank, which counts as not given."""

Text = Annotated[str | None, BlankIsNone, OneString, FREE_TEXT]
RequiredText = Annotated[str, AfterValidator(_not_blank), OneString]
Flag = Annotated[bool | None, BlankIsNone]
Switch = Annotated[bool, BeforeValidator(lambda value: False if blank_is_none(value) is None else value)]
Id = Annotated[str, BeforeValidator(one_id)]
OptionalId = Id | None
Number = BeforeValidator(_number)
Weight = Annotated[Annotated[float, Field(ge=0, le=1), AfterValidator(_two_decimals)] | None, Number]
Seconds = Annotated[Annotated[float, Field(ge=0)] | None, Number]
PositiveSeconds = Annotated[float, Field(gt=0), Number]
HttpUrl = Annotated[str, AfterValidator(checked_url), OneString]


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """
    Return the known name that may be meant by an unknown one, if any is near.

    :param name: the unknown one.
    :param known: the names that there are.
    """
    return next(iter(difflib.get_close_matches(_snake(name), known, n=1, cutoff=0.7)), None)


def problem_with(details: Mapping[str, Any], known: Sequence[str]) -> str:
    """
    Say in one line what pydantic found wrong with a field.

    :param details: one of its errors.
    :param known: the names that the fields have.
    """
    field = str(details["loc"][0]) if details["loc"] else "fields"
    kind = details["type"]
    if kind == "extra_forbidden":
        nearest = difflib.get_close_matches(_snake(field), known, n=2)
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else "."
        return f"{field}: no such field{hint} (What the API takes beyond these goes into extra_fields.)"
    if kind == "missing":
        return f"{field}: required"
    if kind == "string_too_long":
        return f"{field}: {len(details['input'])} characters; at most {details['ctx']['max_length']}"
    message = str(details["msg"]).removeprefix("Value error, ")
    return f"{field}: {message[:1].lower()}{message[1:]}, got {excerpt(details['input'], 80)}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
