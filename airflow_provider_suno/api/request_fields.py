"""The types of a request's fields, and how what is wrong with one is said."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field


def _one_string(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    several = "" if isinstance(value, (int, float)) else "; for several, map the task over them with expand()"
    raise ValueError(f"must be one string, not {type(value).__name__}{several}")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def blank_is_none(value: Any) -> Any:
    """Count a text of blanks as not given, as templates and forms produce it."""
    return None if isinstance(value, str) and not value.strip() else value


def _two_decimals(value: float) -> float:
    if Decimal(str(value)).normalize().as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(f"takes at most two decimals, such as {round(value, 2)}")
    return value


def _http_url(value: str) -> str:
    if not re.match(r"https?://[^\s/]+", value):
        raise ValueError("must be an http or https URL")
    return value


OneString = BeforeValidator(_one_string)
BlankIsNone = BeforeValidator(blank_is_none)

Text = Annotated[str | None, BlankIsNone, OneString]
RequiredText = Annotated[str, AfterValidator(_not_blank), OneString]
Flag = Annotated[bool | None, BlankIsNone]
Weight = Annotated[float, Field(ge=0, le=1), AfterValidator(_two_decimals)] | None
Seconds = Annotated[float, Field(ge=0)] | None
PositiveSeconds = Annotated[float, Field(gt=0)]
HttpUrl = Annotated[str, AfterValidator(_http_url), OneString]


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
        hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        return f"{field}: no such field; {hint}(what the API takes beyond these goes into extra_fields)"
    if kind == "missing":
        return f"{field}: required"
    if kind == "string_too_long":
        return f"{field}: {len(details['input'])} characters; at most {details['ctx']['max_length']}"
    message = str(details["msg"]).removeprefix("Value error, ")
    return f"{field}: {message[:1].lower()}{message[1:]}, got {details['input']!r:.80}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
