"""Read an Airflow connection of type ``suno`` into plain settings."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from airflow_provider_suno.api.callback import NO_CALLBACK_URL
from airflow_provider_suno.api.fields import HttpUrl, blank_is_none
from airflow_provider_suno.api.profiles import PROFILES, choose_profile
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.http.redaction import Mask
from airflow_provider_suno.http.settings import CONNECT_TIMEOUT, READ_TIMEOUT, BearerAuth, ClientSettings

DEFAULT_POLL_LIMIT = 100
_MOST_NAMED = 10
_NAMES_OF_A_KEY = frozenset(
    {"apikey", "key", "token", "apitoken", "accesstoken", "password", "secret", "authorization"}
)
"""What users call an extra that they put the key into, without case and punctuation."""

_WEB = ("http", "https")
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_PROXIED = ("http", "https", "all", "no_proxy")


def _flag_or_bundle(value: Any) -> Any:
    """Read ``verify``: a flag, the same as text, or the path of a CA bundle, which is tried at once."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("must be true, false, or the path of a CA bundle")
    if value.strip().lower() in _FLAGS:
        return _FLAGS[value.strip().lower()]
    try:
        if not Path(value).is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except (OSError, ValueError) as problem:
        raise ValueError(
            f"{excerpt(value, 200)} is neither true, false, nor a file of CA certificates ({problem})"
        ) from None
    return value


def _proxy_by_scheme(value: Any) -> Any:
    """Read ``proxies``: an object, the same as JSON text, or one URL for both schemes."""
    if isinstance(value, str):
        value = _json(value) if value.lstrip().startswith("{") else {"http": value, "https": value}
    if not isinstance(value, dict):
        raise ValueError('must be one URL, or an object such as {"https": "http://proxy:3128"}')
    if "no_proxy" in value and len(value) > 1:
        raise ValueError("no_proxy holds for the environment's proxies alone, so it cannot stand beside others")
    for scheme, url in value.items():
        if scheme not in _PROXIED and "://" not in scheme:
            raise ValueError(f"{excerpt(scheme)} is no scheme; use {', '.join(_PROXIED)}")
        if scheme != "no_proxy" and not _leads_to_a_host(url):
            raise ValueError(f"{excerpt(scheme)} must lead to the URL of a proxy, such as http://proxy:3128")
    return value


def _leads_to_a_host(url: Any) -> bool:
    """Return whether it is a URL; what is wrong with it is not said, since it may hold a password."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.scheme and parts.hostname and parts.port != 0)
    except ValueError:
        return False


def _without_user(url: str) -> str:
    if "@" in url:
        raise ValueError("must not hold a user name or password; the API key is the password field")
    return url


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _known_profile(value: Any) -> Any:
    name = value.strip().lower() if isinstance(value, str) else None
    if name not in PROFILES:
        raise ValueError(f"{excerpt(value)} is not known; use one of {', '.join(PROFILES)}")
    return name


def _unless_blank(read: Callable[[Any], Any]) -> BeforeValidator:
    """Read a value that was given; a form leaves blank what was not."""
    return BeforeValidator(lambda value: None if blank_is_none(value) is None else read(value))


class ConnectionExtras(BaseModel):
    """
    Hold the connection's extras. Values may be text, as a connection URI gives them.

    :param timeout: seconds without a byte before a reply counts as lost; a whole reply may take twice that. One under
        10 bounds the making of a connection too.
    :param callback_url: where the service posts its progress.
    :param callback_secret: what authenticates such a post.
    :param poll_limit: record reads per 10 s and triggerer process.
    :param upload_url: where files are uploaded to, if not where the profile says: for a gateway before the API.
    :param profile: ``apikley``, ``kie`` or ``sunoapi``; by default that of the host.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, or one for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: Annotated[float | None, Field(gt=0, le=600), BeforeValidator(blank_is_none)] = None
    callback_url: Annotated[HttpUrl | None, BeforeValidator(blank_is_none)] = None
    callback_secret: Annotated[SecretStr | None, BeforeValidator(blank_is_none)] = None
    poll_limit: Annotated[int | None, Field(ge=1), BeforeValidator(blank_is_none)] = None
    upload_url: Annotated[Annotated[HttpUrl, AfterValidator(_without_user)] | None, BeforeValidator(blank_is_none)] = (
        None
    )
    profile: Annotated[str | None, _unless_blank(_known_profile)] = None
    verify: Annotated[bool | str | None, _unless_blank(_flag_or_bundle)] = None
    proxies: Annotated[dict[str, str] | None, _unless_blank(_proxy_by_scheme)] = None


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


def read_connection(connection: Any, extra: Mapping[str, Any], *, called: str | None = None) -> ConnectionSettings:
    """
    Return the settings that a connection holds.

    :param connection: the Airflow connection; its host, schema, port and password are read.
    :param extra: its extras as a dict; passed in because a triggerer reads them asynchronously.
    :param called: what messages call it; by default by its id.
    :raises SunoAuthError: when there is no API key.
    :raises SunoValidationError: when an extra is unknown or malformed; it is named.
    """
    called = called or f"connection {excerpt(connection.conn_id)}"
    try:
        return _settings(connection, extra, called)
    except ValidationError as error:
        problem: SunoError = SunoValidationError(f"{'; '.join(_problems(error))}.")
    except SunoError as error:
        problem = error
    said = f"{called[:1].upper()}{called[1:]}: {Mask(connection.password or '').text(problem.message)}"
    told = type(problem)(said)
    del connection, extra, problem  # an error keeps what its frames hold
    raise told


def _settings(connection: Any, extra: Mapping[str, Any], called: str) -> ConnectionSettings:
    if not isinstance(extra, Mapping) or (not extra and not isinstance(_json(connection.extra or "{}"), dict)):
        raise SunoValidationError("the extra must be a JSON object.")
    extras = ConnectionExtras.model_validate(dict(extra))
    base_url = _base_url(connection.host, connection.schema, connection.port)
    profile = choose_profile(extras.profile, base_url)
    return ConnectionSettings(
        client=ClientSettings(
            auth=BearerAuth(connection.password or ""),
            base_url=base_url or profile.base_url,
            profile=profile,
            upload_url=extras.upload_url and extras.upload_url.rstrip("/"),
            read_timeout=extras.timeout or READ_TIMEOUT,
            connect_timeout=min(extras.timeout or READ_TIMEOUT, CONNECT_TIMEOUT),
            verify=True if extras.verify is None else extras.verify,
            proxies=extras.proxies or {},
            connection=called,
        ),
        callback_url=extras.callback_url or NO_CALLBACK_URL,
        callback_secret=extras.callback_secret,
        poll_limit=extras.poll_limit or DEFAULT_POLL_LIMIT,
    )


def _base_url(host: str | None, schema: str | None, port: int | None) -> str | None:
    """Put the base URL together: a host may be a whole URL; a bare one is reached by https unless schema says http."""
    if not host or not host.strip():
        return None
    scheme, has_scheme, rest = host.strip().rpartition("://")
    if not has_scheme:
        if schema not in (None, "", *_WEB):
            raise SunoValidationError(f"schema: must be http or https, got {excerpt(schema)}.")
        scheme = schema or "https"
    name, slash, path = rest.partition("/")
    url = f"{scheme}://{f'[{name}]' if _is_bare_ipv6(name) else name}{slash}{path}"
    if "@" in url:  # perhaps in a place where it is read as part of a port, a path or a query
        raise SunoValidationError("host: must not hold a user name or password; the API key is the password field.")
    try:
        parts = urlsplit(url.rstrip("/"))
        its_port = parts.port
    except ValueError as problem:
        raise SunoValidationError(f"host: is no URL ({printable(str(problem), 300)}).") from None
    if re.search(r"\s", url) or parts.query or parts.fragment:
        raise SunoValidationError(f"host: {excerpt(host, 200)} must be a URL without blanks, '?' and '#'.")
    if parts.scheme not in _WEB or not parts.hostname:
        raise SunoValidationError(f"host: {excerpt(host, 200)} is no http or https URL.")
    if "%" in parts.hostname:
        raise SunoValidationError(f"host: {excerpt(host, 200)} has a zone, such as %eth0, which cannot be used here.")
    if port and its_port is None:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts.geturl()


def _is_bare_ipv6(host: str) -> bool:
    try:
        return IPv6Address(host).version == 6
    except ValueError:
        return False


def _problems(error: ValidationError) -> list[str]:
    """Name each extra that is wrong, and what is wrong with it."""
    found = error.errors(include_url=False, include_input=False)
    if any(not problem["loc"] for problem in found):
        return ["an extra has a name that is no text"]
    unknown = [excerpt(problem["loc"][0], 60) for problem in found if problem["type"] == "extra_forbidden"][
        :_MOST_NAMED
    ]
    wrong = [
        f"extra {problem['loc'][0]!r}: {printable(problem['msg'].removeprefix('Value error, '), 600)}"
        for problem in found
        if problem["type"] != "extra_forbidden"
    ]
    if unknown:
        wrong.append(f"extra {', '.join(unknown)} is not known (known: {', '.join(ConnectionExtras.model_fields)})")
    if any(re.sub("[^a-z]", "", name.lower()).removeprefix("suno") in _NAMES_OF_A_KEY for name in unknown):
        wrong.append("put the API key into the password of the connection")
    return wrong
