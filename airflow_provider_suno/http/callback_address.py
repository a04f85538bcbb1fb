"""Ask a callback address whether it is the receiver of an Airflow that has the connection's secret."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from urllib3.exceptions import HTTPError

from airflow_provider_suno.api.text import printable
from airflow_provider_suno.http.exchange import USER_AGENT
from airflow_provider_suno.http.session import BoundedSession
from airflow_provider_suno.http.settings import MediaSettings

_TIMEOUT = 10.0
_LONGEST_ANSWER = 2000


def why_no_callback_comes(url: str, answers: Iterable[str], settings: MediaSettings) -> str | None:
    """
    Return why callbacks to an address would not arrive; ``None`` if it answers as it should.

    :param url: the callback URL with the token of a test.
    :param answers: what a receiver answers that has the secret; one of them is enough.
    :param settings: how to reach other hosts than the API, without the key.
    """
    shown = re.sub(r"//[^/@]*@", "//", url.partition("?")[0])
    try:
        with (
            BoundedSession() as session,
            session.request(
                "POST",
                url,
                headers={"User-Agent": USER_AGENT},
                timeout=_TIMEOUT,
                verify=settings.verify,
                proxies=dict(settings.proxies),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            status, answer = response.status_code, response.raw.read(_LONGEST_ANSWER, decode_content=True)
    except (OSError, ValueError, HTTPError) as error:  # the errors of requests are OSErrors
        return f"{shown} cannot be reached from here ({printable(type(error).__name__, 100)})"
    if status == 404:
        return (
            f"{shown} answers 404: it is not this Airflow's API server (with its base path), this provider is not "
            "installed there, or it knows another callback_secret for this connection. (With several API workers, test "
            "a saved connection by `airflow connections test`.)"
        )
    if status == 503:
        return f"{shown} answers 503: it cannot look up this connection for now, or gets too many callbacks; try again"
    if 300 <= status <= 399:
        return f"{shown} redirects (HTTP {status}), and the service may not follow: use the address that it leads to"
    lines = answer.decode("ascii", "replace").split()
    if status == 200 and any(hmac.compare_digest(one, line) for one in answers for line in lines):
        return None
    return f"{shown} answers {status}, but not as this Airflow's receiver: is a proxy or a login page before it?"
