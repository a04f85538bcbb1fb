"""Explain errors below HTTP (DNS, TCP, TLS, proxies, timeouts) and say what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import requests
import urllib3

from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError, SunoValidationError
from airflow_provider_suno.http.redaction import without_users
from airflow_provider_suno.http.session import SlowReplyError, was_never_sent

if TYPE_CHECKING:
    from airflow_provider_suno.http.settings import ClientSettings

_SHOWN_CHARACTERS = 300
_TLS_ADVICE = {
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"): (
        "nothing there speaks TLS: should the base URL begin with http://, or have another port?"
    ),
    ("certificate has expired",): "its certificate has expired: tell those who run it.",
    ("Hostname mismatch", "IP address mismatch"): "its certificate is another host's: check the base URL.",
    ("CERTIFICATE_VERIFY_FAILED",): (
        "its certificate is not trusted here: check the base URL, or the extra 'verify' (a CA bundle, or false)."
    ),
    ("",): "they could not agree on a secure connection: check the base URL and its port, or try later.",
}
_NOT_A_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)


def transport_error(error: Exception, settings: ClientSettings, url: str, timeout: tuple[float, float]) -> SunoError:
    """Return an error that says what went wrong and what to do; it is a refusal if nothing was sent."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    *_, root = reasons = list(chain_of(error))
    shown = _shown(error, settings)
    if not isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)):
        return SunoValidationError(f"The request could not be prepared: check the connection's extras. ({shown})")
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return SunoValidationError(f"A field of the request cannot be written as JSON. ({shown})")
    if isinstance(error, _NOT_A_URL):
        or_proxy = ", or one of the proxies in the extra 'proxies'," if settings.proxies else ""
        return SunoValidationError(
            f"The base URL {excerpt(where)}{or_proxy} cannot be used: correct the connection. ({shown})"
        )
    never_sent = any(map(was_never_sent, reasons))
    if never_sent:
        message = _no_connection(reasons, where, timeout[0])
    elif isinstance(root, SlowReplyError):
        message = f"{where} did not send its whole reply in time."
    elif isinstance(error, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        message = f"{where} did not answer within {timeout[1]:g} s."
    else:
        message = f"The connection to {where} broke before the reply was whole."
    return SunoUnavailableError(f"{message} ({type(root).__name__}: {_shown(root, settings)})", refused=never_sent)


def _no_connection(reasons: list[BaseException], where: str, timeout: float) -> str:
    """Say why there was no connection, and what to do."""
    outermost, root = reasons[0], reasons[-1]
    if isinstance(outermost, requests.exceptions.ProxyError) or "Tunnel connection failed" in str(root):
        return (
            f"The proxy on the way to {where} refused or is not there: check the extra 'proxies', or the proxy that "
            "the environment names."
        )
    if isinstance(outermost, requests.exceptions.SSLError):
        advice = next(advice for signs, advice in _TLS_ADVICE.items() if any(sign in str(root) for sign in signs))
        return f"TLS trouble with {where}: {advice}"
    if isinstance(root, socket.gaierror) and root.errno == socket.EAI_AGAIN:
        return f"No name server answered for the host of {where}: try later, or check this machine's DNS."
    if any(isinstance(reason, urllib3.exceptions.NameResolutionError) for reason in reasons):
        return f"The host of {where} was not found: check the host of the connection."
    if isinstance(outermost, requests.exceptions.Timeout):
        return f"No connection to {where} within {timeout:g} s: check the host, or try later."
    return f"No connection to {where}: check the host and port of the connection, or try later."


def _shown(error: BaseException, settings: ClientSettings) -> str:
    """Return an error's text without the key and the proxies' passwords."""
    proxies = {**getproxies_environment(), **settings.proxies}
    return printable(settings.auth.mask.text(without_users(str(error), proxies.values())), _SHOWN_CHARACTERS)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors it wraps, outermost first; requests and urllib3 wrap in their arguments."""
    seen: list[BaseException] = []
    wrapped: BaseException | None = error
    while wrapped is not None:
        yield wrapped
        seen.append(wrapped)
        nested = [getattr(wrapped, "reason", None), *wrapped.args, wrapped.__cause__]
        wrapped = next((inner for inner in nested if isinstance(inner, BaseException) and inner not in seen), None)
