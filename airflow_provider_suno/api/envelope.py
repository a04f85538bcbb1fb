"""Read replies: the envelope, its codes, and the errors they stand for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_provider_suno.api.parsing import is_code
from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoConflictError,
    SunoError,
    SunoInsufficientCreditsError,
    SunoMaintenanceError,
    SunoMediaUnavailableError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)

ACCEPTED = 200

HEADERS_READ = ("retry-after", "date", "location")
"""The headers that are read here; no others have to be masked."""

_ADVICE: dict[type[SunoError], str] = {
    SunoAuthError: "The API key was refused: check the password of {connection} ('API key' in its form).",
    SunoInsufficientCreditsError: (
        "The account has no credits left for this: top up the account of {connection}, then run it again."
    ),
    SunoNotFoundError: "The service does not know this: check each id given, and the base URL of {connection}.",
    SunoConflictError: "It exists already, and the API cannot read its id back.",
    SunoValidationError: "The service refused the request's fields, so nothing is charged: correct them.",
    SunoMediaUnavailableError: "The service could not fetch the media: check that its URL is public.",
    SunoRateLimitError: "Too many requests at once: try later, or run fewer at once (an Airflow pool).",
    SunoMaintenanceError: "The service is under maintenance: try later.",
    SunoUnavailableError: "The service is in trouble.",
    SunoProtocolError: (
        "The reply does not follow the API: check the base URL of {connection}, and any proxy before it."
    ),
}

_CLASS_BY_CODE: dict[int, type[SunoError]] = {
    400: SunoValidationError,
    401: SunoAuthError,
    403: SunoAuthError,
    404: SunoNotFoundError,
    408: SunoUnavailableError,
    409: SunoConflictError,
    413: SunoValidationError,
    422: SunoValidationError,
    451: SunoMediaUnavailableError,
    455: SunoMaintenanceError,
}

_BARE_REFUSALS = frozenset({400, 401, 402, 403, 404, 413, 422, 429})
"""HTTP statuses that are sure refusals even without an envelope: the request was not carried out."""

_ABOUT_CREDITS = re.compile(r"credit|insufficient|top.?up", re.IGNORECASE)
_ABOUT_SPEED = re.compile(r"frequen|too many|rate.?limit|slow", re.IGNORECASE)
_EDGE_REFUSAL = re.compile(rb"\b1010\b|cloudflare", re.IGNORECASE)
_SHOWN_CHARACTERS = 300
_MSG_CHARACTERS = 2000


def decipher(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    profile: HostProfile = APIKLEY,
    connection: str = "the connection",
) -> Any:
    """
    Return the ``data`` of a reply that accepts a request.

    If the body is an envelope, its ``code`` decides, else the HTTP status. Only an envelope can accept: an HTTP status
    of 200 alone is not enough.

    :param status: the HTTP status.
    :param headers: the HTTP headers, of which :data:`HEADERS_READ` are read.
    :param body: the body, with secrets masked.
    :param profile: the reseller, whose codes may differ.
    :param connection: what to call the connection in messages.
    :raises SunoError: of the class for what to do next. Its message holds the service's ``msg`` (up to 2000 characters,
        invisible ones escaped), or the first bytes of a body that is not an envelope.
    """
    read = {name: str(value) for given, value in headers.items() if (name := given.lower()) in HEADERS_READ}
    retry_after = retry_after_of(read)
    envelope = _envelope(body)
    if envelope is None:
        raise _error_without_envelope(status, read, body, retry_after, connection)
    code: int = envelope["code"]
    if code == ACCEPTED:
        return envelope.get("data")
    msg = _shown_msg(envelope.get("msg"))
    error_class = _class_of(code, msg, profile)
    advice = _ADVICE[error_class].format(connection=connection)
    error = error_class(f"{advice} (code {code}: {msg})", code=code, retry_after=retry_after)
    error.in_envelope, error.data = True, envelope.get("data")
    raise error


def _envelope(body: bytes) -> dict[str, Any] | None:
    parsed = _json(body)
    if not isinstance(parsed, dict):
        return None
    return parsed if is_code(parsed.get("code")) else None


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _class_of(code: int, msg: str, profile: HostProfile) -> type[SunoError]:
    if code in profile.credit_codes:
        too_fast = code == 429 and _ABOUT_SPEED.search(msg) and not _ABOUT_CREDITS.search(msg)
        return SunoRateLimitError if too_fast else SunoInsufficientCreditsError
    if code in profile.rate_limit_codes:
        return SunoInsufficientCreditsError if _ABOUT_CREDITS.search(msg) else SunoRateLimitError
    if code in _CLASS_BY_CODE:
        return _CLASS_BY_CODE[code]
    return SunoUnavailableError if 500 <= code <= 599 else SunoProtocolError


def _error_without_envelope(
    status: int, headers: Mapping[str, str], body: bytes, retry_after: float | None, connection: str
) -> SunoError:
    shown = _shown_bytes(body)
    if status == 403 and _EDGE_REFUSAL.search(body):
        blocked = SunoAuthError(
            "The network edge before the service refused us (HTTP 403), which is not about the API key: it blocks "
            f"some User-Agents and addresses. Check the base URL, the proxy and this machine's address. Reply: {shown}",
            code=status,
        )
        blocked.may_pass = True
        return blocked
    if 300 <= status <= 399:
        return SunoProtocolError(
            f"HTTP {status} redirects to {excerpt(headers.get('location', 'nowhere'), _SHOWN_CHARACTERS)}, "
            f"and this API never redirects: check the base URL of {connection}.",
            code=status,
        )
    # Without an envelope the status is plain HTTP: the codes of a reseller's own do not apply.
    is_known = status in _BARE_REFUSALS or status >= 500 or status == 408
    error_class = _class_of(status, shown, APIKLEY) if is_known else SunoProtocolError
    advice = _ADVICE[error_class].format(connection=connection)
    message = f"{advice} (HTTP {status}, not the API's envelope: {shown})"
    return error_class(message, code=status, retry_after=retry_after)


def _shown_bytes(body: bytes) -> str:
    if not body:
        return "an empty body"
    return excerpt(body[: 4 * _SHOWN_CHARACTERS].decode("utf-8", "replace"), _SHOWN_CHARACTERS)


def _shown_msg(msg: Any) -> str:
    if isinstance(msg, str) or not msg:
        return printable(msg or "no message", _MSG_CHARACTERS)
    return excerpt(msg, _MSG_CHARACTERS)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``: seconds, or a date, from which the reply's own ``Date`` is subtracted."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_between(headers.get("date", ""), text)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_between(earlier: str, later: str) -> float:
    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan
