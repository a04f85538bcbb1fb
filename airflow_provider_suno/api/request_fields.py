"""The types of a request's fields, and how what is wrong with one is said."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from airflow_provider_suno.exceptions import SunoValidationError


def _one_string(value: Any) -> Any:
    if value is None:
        return value
    if not isinstance(value, str):
        several = "; for several, map the task over them with expand()" if isinstance(value, (list, tuple)) else ""
        raise ValueError(f"must be one string, not {type(value).__name__}{several}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"has a character at {error.start} that is no text") from None
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def one_id(value: Any) -> str:
    """
    Return an id without the blanks that templates leave around it.

    :raises ValueError: when it is not one string that holds something.
    """
    return _not_blank(str(_one_string("" if value is None else value))).strip()


def blank_is_none(value: Any) -> Any:
    """Count a text of blanks as not given, as templates and forms produce it."""
    return None if isinstance(value, str) and not value.strip() else value


def checked_id(name: str, value: Any) -> str:
    """
    Return an id that is no field of a request, read in the same way.

    :param name: what the user calls it.
    :raises SunoValidationError: when it is not one string that holds something.
    """
    try:
        return one_id(value)
    except ValueError as problem:
        raise SunoValidationError(f"{name}: {problem}; got {value!r:.100}.") from None


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return blank_is_none(value)


def _two_decimals(value: float) -> float:
    if Decimal(str(value)).normalize().as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(f"takes at most two decimals, such as {round(value, 2)}")
    return value


def _http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", value):
        raise ValueError("must be an http or https URL")
    return value


OneString = BeforeValidator(_one_string)
BlankIsNone = BeforeValidator(blank_is_none)

Text = Annotated[str | None, BlankIsNone, OneString]
RequiredText = Annotated[str, AfterValidator(_not_blank), OneString]
Flag = Annotated[bool | None, BlankIsNone]
Switch = Annotated[bool, BeforeValidator(lambda value: False if blank_is_none(value) is None else value)]
Id = Annotated[str, BeforeValidator(one_id)]
Number = BeforeValidator(_number)
Weight = Annotated[Annotated[float, Field(ge=0, le=1), AfterValidator(_two_decimals)] | None, Number]
Seconds = Annotated[Annotated[float, Field(ge=0)] | None, Number]
PositiveSeconds = Annotated[float, Field(gt=0), Number]
HttpUrl = Annotated[str, AfterValidator(_http_url), OneString]


@contextmanager
def nearest_names(given: Iterable[str], known: Sequence[str]) -> Iterator[None]:
    """
    Let an error about an unknown argument say which known one is nearest.

    :param given: the names of the arguments.
    :param known: the names that fields have.
    """
    try:
        yield
    except TypeError as error:
        for name in given:
            if nearest := difflib.get_close_matches(_snake(name), known, n=1, cutoff=0.7):
                error.args = (f"{error} {name}: did you mean {nearest[0]}?",)
        raise


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
    return f"{field}: {message[:1].lower()}{message[1:]}, got {details['input']!r:.80}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
