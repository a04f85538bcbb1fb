"""Callback URLs: what a request names when the user names none, and how a callback names its submission."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

NO_CALLBACK_URL = "https://no-callback.invalid/"
"""The API demands a callback URL; results must not leak to a stranger's host, so it names one that cannot exist."""

CALLBACK_PARAMETER = "suno_submission"
"""The parameter of the callback URL that names the submission."""


def with_token(callback_url: str, token: str) -> str:
    """
    Return a callback URL with a token in its query, by which a callback names its submission.

    :param callback_url: the URL.
    :param token: text that needs no quoting in a URL.
    """
    parts = urlsplit(callback_url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{CALLBACK_PARAMETER}={token}"))
