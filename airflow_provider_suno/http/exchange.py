"""Send one HTTP request with an account's key, and return what the reply carries or raise what went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3

from airflow_provider_suno import __version__
from airflow_provider_suno.api.envelope import HEADERS_READ, decipher
from airflow_provider_suno.exceptions import SunoError, SunoProtocolError
from airflow_provider_suno.http.failures import transport_error
from airflow_provider_suno.http.settings import ClientSettings

LARGEST_REPLY = 1024 * 1024
USER_AGENT = f"airflow-provider-suno/{__version__}"

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_CHUNK = 64 * 1024
_NOTED_FRAMES = 4


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
    Send once, and return what an accepted reply carries.

    :param settings: the account; its API key goes with the request.
    :param url: a URL of the account's host or of its upload host.
    :param timeout: seconds to connect and to send, and seconds without a byte of the reply; the account's by default.
    :param content: ``params``, ``json`` or ``data``, as ``requests`` takes them.
    :raises SunoError: when there is no reply, or the service did not accept the request.
    """
    timeout = timeout or (settings.connect_timeout, settings.read_timeout)
    try:
        with session.request(
            method,
            url,
            auth=settings.auth,
            headers={**_HEADERS, **(headers or {})},
            timeout=timeout,
            verify=settings.verify,
            proxies=dict(settings.proxies),  # requests adds those of the environment
            allow_redirects=False,
            stream=True,
            **content,
        ) as response:
            body = settings.auth.mask.body(b"".join(_read(response)))
        # No variable holds the unmasked headers, which may repeat the key: tracebacks keep locals alive.
        masked = {
            name: settings.auth.mask.text(response.headers[name]) for name in HEADERS_READ if name in response.headers
        }
    except (OSError, urllib3.exceptions.HTTPError) as error:  # the errors of requests are OSErrors
        problem: BaseException = transport_error(error, settings, url, timeout)
    except SunoError as error:  # raised while a body was sent or read
        problem = error.with_traceback(None)
    except BaseException as error:  # noqa: BLE001  # such as Airflow's execution_timeout
        problem = _without_frames(error)
    else:
        return decipher(response.status_code, masked, body, profile=settings.profile, connection=settings.connection)
    # Raised outside of the handlers: as its context, the caught error would keep frames that hold the key.
    raise problem


def _without_frames(error: BaseException) -> BaseException:
    """Return an error without its traceback, with a note that says where it was raised."""
    links = [error]
    for link in links:
        frames = traceback.extract_tb(link.__traceback__)[-_NOTED_FRAMES:]
        link.__traceback__ = None
        if frames:
            path = " > ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames)
            link.add_note(f"{type(link).__name__} was raised in {path}")
        links += [other for other in (link.__cause__, link.__context__) if other is not None and other not in links]
    return error


def _read(response: requests.Response) -> Iterator[bytes]:
    """Yield the body piece by piece, up to a limit."""
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        yield chunk
        chunk = b""  # may repeat the key: tracebacks keep locals alive
        if size > LARGEST_REPLY:
            raise SunoProtocolError(f"The reply is longer than {LARGEST_REPLY} bytes.", code=response.status_code)
