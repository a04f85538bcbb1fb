"""Read an Airflow connection of type ``suno`` into plain settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from airflow_provider_suno.api.profiles import choose_profile
from airflow_provider_suno.api.requests import NO_CALLBACK_URL, HttpUrl, blank_is_none
from airflow_provider_suno.client import READ_TIMEOUT, BearerAuth, ClientSettings
from airflow_provider_suno.exceptions import SunoValidationError

DEFAULT_POLL_LIMIT = 100


def _flag_or_path(value: Any) -> Any:
    """Read ``verify``: a flag, the same as text, or the path of a CA bundle."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _proxy_by_scheme(value: Any) -> Any:
    """Read ``proxies``: an object, the same as JSON text, or one URL for both schemes."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    return {"http": value, "https": value}


class ConnectionExtras(BaseModel):
    """
    Hold the connection's extras. Values may be text, as a connection URI gives them.

    :param timeout: seconds without a byte before a reply counts as lost.
    :param callback_url: where the service posts its progress.
    :param callback_secret: what authenticates such a post.
    :param poll_limit: record reads per 10 s and triggerer process.
    :param profile: ``apikley``, ``kie`` or ``sunoapi``; by default that of the host.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, or one for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: Annotated[float | None, Field(gt=0, le=600), BeforeValidator(blank_is_none)] = None
    callback_url: Annotated[HttpUrl | None, BeforeValidator(blank_is_none)] = None
    callback_secret: Annotated[SecretStr | None, BeforeValidator(blank_is_none)] = None
    poll_limit: Annotated[int | None, Field(ge=1), BeforeValidator(blank_is_none)] = None
    profile: Annotated[str | None, BeforeValidator(blank_is_none)] = None
    verify: Annotated[bool | str | None, BeforeValidator(_flag_or_path), BeforeValidator(blank_is_none)] = None
    proxies: Annotated[dict[str, str] | None, BeforeValidator(_proxy_by_scheme), BeforeValidator(blank_is_none)] = None


@dataclass(frozen=True)
class ConnectionSettings:
    """
    Say all that a connection says.

    :param client: how to reach the account.
    :param callback_url: the callback URL of requests that name none.
    :param callback_secret: what authenticates callbacks.
    :param poll_limit: record reads per 10 s and triggerer process.
    """

    client: ClientSettings
    callback_url: str
    callback_secret: SecretStr | None
    poll_limit: int


def read_connection(connection: Any, extra: Mapping[str, Any]) -> ConnectionSettings:
    """
    Return the settings that a connection holds.

    :param connection: the Airflow connection; its host, schema, port and password are read.
    :param extra: its extras as a dict; passed in because a triggerer reads them asynchronously.
    :raises SunoAuthError: when there is no API key.
    :raises SunoValidationError: when an extra is unknown or malformed; it is named.
    """
    conn_id = connection.conn_id
    try:
        extras = ConnectionExtras.model_validate(dict(extra))
        base_url = _base_url(connection.host, connection.schema, connection.port)
        profile = choose_profile(extras.profile, base_url)
    except ValidationError as error:
        problems = "; ".join(_problem(details) for details in error.errors(include_url=False, include_input=False))
        raise SunoValidationError(f"Connection {conn_id!r}: {problems}.") from None
    except SunoValidationError as error:
        raise SunoValidationError(f"Connection {conn_id!r}: {error.message}") from error
    return ConnectionSettings(
        client=ClientSettings(
            auth=BearerAuth(connection.password or ""),
            base_url=base_url or profile.base_url,
            profile=profile,
            read_timeout=extras.timeout or READ_TIMEOUT,
            verify=True if extras.verify is None else extras.verify,
            proxies=extras.proxies or {},
        ),
        callback_url=extras.callback_url or NO_CALLBACK_URL,
        callback_secret=extras.callback_secret,
        poll_limit=extras.poll_limit or DEFAULT_POLL_LIMIT,
    )


def _base_url(host: str | None, schema: str | None, port: int | None) -> str | None:
    """Put the base URL together: a host may be a whole URL; a bare one is reached by https unless schema says http."""
    if not host or not host.strip():
        return None
    url = host.strip().rstrip("/")
    if "://" not in url:
        url = f"{schema or 'https'}://{url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SunoValidationError(f"host: {host!r} is no http or https URL.")
    if port and parts.port is None:
        url = parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
    return url


def _problem(details: Mapping[str, Any]) -> str:
    name = details["loc"][0]
    if details["type"] == "extra_forbidden":
        return f"extra {name!r} is not known (known: {', '.join(ConnectionExtras.model_fields)})"
    return f"extra {name!r}: {str(details['msg']).removeprefix('Value error, ')}"
