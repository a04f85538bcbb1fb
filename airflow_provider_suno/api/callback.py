"""Callback URLs: the default one, and the token that tells to which submission a callback belongs."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

NO_CALLBACK_URL = "https://no-callback.invalid/"
"""The default. The API requires a URL; this host cannot exist, so results leak to nobody."""

CALLBACK_PARAMETER = "suno_submission"
"""The query parameter that holds the token."""


def with_token(callback_url: str, token: str) -> str:
    """
    Return a callback URL with the token of a submission in its query.

    :param token: text that needs no quoting in a URL.
    """
    parts = urlsplit(callback_url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{CALLBACK_PARAMETER}={token}"))
