"""Say in words what went wrong below HTTP, and what to do about it."""

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

_SAID_CHARACTERS = 300
_TLS_ADVICE = {
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"): "nothing there speaks TLS: should the base URL begin with "
    "http://, or have another port?",
    ("certificate has expired",): "its certificate has expired: tell those who run it.",
    ("Hostname mismatch", "IP address mismatch"): "its certificate is another host's: check the base URL.",
    ("CERTIFICATE_VERIFY_FAILED",): "its certificate is not trusted here: check the base URL, or the extra 'verify' (a "
    "CA bundle, or false).",
}
_NO_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)


def transport_error(
    error: Exception, settings: ClientSettings, url: str, connect_timeout: float, read_timeout: float
) -> SunoError:
    """
    Say what went wrong, and whether the request surely never left: only what was noted on the way tells that.

    :param error: what was raised.
    :param settings: as whom it was sent.
    :param url: where to.
    :param connect_timeout: seconds to connect and to send.
    :param read_timeout: seconds without a byte of the reply.
    """
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    on_the_wire = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    if not isinstance(error, on_the_wire):
        said = _said(error, settings)
        return SunoValidationError(f"The request could not be prepared: check the connection's extras. ({said})")
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return SunoValidationError(f"A field of the request cannot be written as JSON. ({_said(error, settings)})")
    if isinstance(error, _NO_URL):
        or_proxy = ", or one of the proxies in the extra 'proxies'," if settings.proxies else ""
        said = _said(error, settings)
        return SunoValidationError(
            f"The base URL {excerpt(where)}{or_proxy} cannot be used: mend the connection. ({said})"
        )
    reasons = list(_chain(error))
    root = reasons[-1]
    never_sent = any(map(was_never_sent, reasons))
    if never_sent:
        message = _why_not_connected(reasons, where, connect_timeout)
    elif isinstance(root, SlowReplyError):
        message = f"{where} did not send its whole reply in time."
    elif isinstance(error, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        message = f"{where} did not answer within {read_timeout:g} s."
    else:
        message = f"The connection to {where} broke before the reply was whole."
    said = f"{message} ({type(root).__name__}: {_said(root, settings)})"
    return SunoUnavailableError(said, refused=never_sent)


def _why_not_connected(reasons: list[BaseException], where: str, timeout: float) -> str:
    """Say why there was no connection, and what to do."""
    outermost, root = reasons[0], reasons[-1]
    if isinstance(outermost, requests.exceptions.ProxyError) or "Tunnel connection failed" in str(root):
        return (
            f"The proxy on the way to {where} refused or is not there: check the extra 'proxies', or the proxy that "
            "the environment names."
        )
    if isinstance(outermost, requests.exceptions.SSLError):
        return f"TLS trouble with {where}: {_tls_advice(str(root))}"
    if isinstance(root, socket.gaierror) and root.errno == socket.EAI_AGAIN:
        return f"No name server could tell where the host of {where} is: try later, or mend this machine's DNS."
    if any(isinstance(reason, urllib3.exceptions.NameResolutionError) for reason in reasons):
        return f"The host of {where} was not found: check the host of the connection."
    if isinstance(outermost, requests.exceptions.Timeout):
        return f"No connection to {where} within {timeout:g} s: check the host, or try later."
    return f"No connection to {where}: check the host and port of the connection, or try later."


def _said(error: BaseException, settings: ClientSettings) -> str:
    """Return what an error says, without the key and the proxies' passwords, which it may repeat."""
    proxies = {**getproxies_environment(), **settings.proxies}
    return printable(settings.auth.mask_text(without_users(str(error), proxies.values())), _SAID_CHARACTERS)


def _tls_advice(trouble: str) -> str:
    for signs, advice in _TLS_ADVICE.items():
        if any(sign in trouble for sign in signs):
            return advice
    return "they could not agree on a secure connection: check the base URL and its port, or try later."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps, outermost first: requests and urllib3 keep the reason in their arguments."""
    seen: list[BaseException] = [error]
    while seen[-1:]:
        current = seen[-1]
        yield current
        nested = [getattr(current, "reason", None), *current.args, current.__cause__]
        current_reason = next((r for r in nested if isinstance(r, BaseException) and r not in seen), None)
        if current_reason is None:
            return
        seen.append(current_reason)
