"""Send one HTTP request as an account, and say what went wrong below HTTP; knows no call of the API."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3

from airflow_provider_suno import __version__
from airflow_provider_suno.api.envelope import HEADERS_READ, decipher
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoProtocolError,
)
from airflow_provider_suno.http.failures import transport_error
from airflow_provider_suno.http.settings import ClientSettings

LARGEST_REPLY = 1024 * 1024
USER_AGENT = f"airflow-provider-suno/{__version__}"

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_CHUNK = 64 * 1024
_NOTED_STEPS = 4


def exchange(
    session: requests.Session,
    settings: ClientSettings,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
    **content: Any,
) -> Any:
    """
    Send once and decipher the reply.

    :param session: what to send by.
    :param settings: as whom; the API key goes with the request.
    :param method: the HTTP method.
    :param url: where to; a host of the account's profile.
    :param headers: further headers.
    :param timeout: seconds to connect and to send, and seconds without a byte of the reply; the account's by default.
    :param content: ``params``, ``json`` or ``data``, as ``requests`` takes them.
    :raises SunoError: when there is no reply, or it is no acceptance.
    """
    connect_timeout, read_timeout = timeout or (settings.connect_timeout, settings.read_timeout)
    try:
        with session.request(
            method,
            url,
            auth=settings.auth,
            headers={**_HEADERS, **(headers or {})},
            timeout=(connect_timeout, read_timeout),
            verify=settings.verify,
            proxies=dict(settings.proxies),  # to which requests adds those of the environment
            allow_redirects=False,
            stream=True,
            **content,
        ) as response:
            body = settings.auth.mask(b"".join(_read(response)))
        # No variable holds the headers: they may tell the key, and errors keep what their frames hold.
        told = {
            name: settings.auth.mask_text(response.headers[name]) for name in HEADERS_READ if name in response.headers
        }
    except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' own errors are OSErrors
        problem: BaseException = transport_error(error, settings, url, connect_timeout, read_timeout)
    except SunoError as error:  # ours, from the middle of a body that is sent or read
        problem = error.with_traceback(None)
    except BaseException as error:  # noqa: BLE001  # such as Airflow's execution_timeout
        problem = _frameless(error)
    else:
        return decipher(response.status_code, told, body, profile=settings.profile, connection=settings.connection)
    # Outside of the handlers, so that nothing hangs on to the library's frames and requests: they hold the key.
    raise problem


def _frameless(error: BaseException) -> BaseException:
    """Return an error that came from elsewhere without the frames it went through, but with a note of where it rose."""
    links = [error]
    for link in links:
        steps = traceback.extract_tb(link.__traceback__)[-_NOTED_STEPS:]
        link.__traceback__ = None
        if steps:
            went = " > ".join(f"{step.name} ({step.filename}:{step.lineno})" for step in steps)
            link.add_note(f"{type(link).__name__} rose in {went}")
        links += [other for other in (link.__cause__, link.__context__) if other is not None and other not in links]
    return error


def _read(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, so that a flood does not fill the memory."""
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        yield chunk
        chunk = b""  # it may hold the key, and errors keep what their frames hold
        if size > LARGEST_REPLY:
            raise SunoProtocolError(f"The reply is longer than {LARGEST_REPLY} bytes.", code=response.status_code)
