"""Callback URLs: where the service posts to."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

NO_CALLBACK_URL = "https://no-callback.invalid/"
"""The default. The API requires a URL; this host cannot exist, so results leak to nobody."""

CALLBACK_PARAMETER = "suno_submission"
"""The query parameter that holds the random part of a journal's entry."""

TOKEN_PARAMETER = "suno_token"  # noqa: S105  # a name, no token
"""The query parameter that holds a signed token; Airflow masks parameters of such a name in its access log."""

CALLBACK_PATH = "/suno/callback"
"""Where Airflow's API server receives callbacks, below its own base path."""


def receiver_url(callback_url: str) -> str:
    """
    Return the URL of the receiver in Airflow.

    :param callback_url: Airflow's public address, with its base path if it has one, or the receiver's own URL.
    """
    parts = urlsplit(callback_url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(CALLBACK_PATH) else f"{path}{CALLBACK_PATH}"))


def with_token(callback_url: str, token: str) -> str:
    """
    Return a callback URL with the token of a submission in its query.

    :param token: text that needs no quoting in a URL; a signed one has a ``.``.
    """
    parts = urlsplit(callback_url)
    query = f"{parts.query}&" if parts.query else ""
    name = TOKEN_PARAMETER if "." in token else CALLBACK_PARAMETER
    return urlunsplit(parts._replace(query=f"{query}{name}={token}"))
