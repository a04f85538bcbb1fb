"""Read an Airflow connection of type ``suno`` into plain settings."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from airflow_provider_suno.api.callback import CallbackToken, UnverifiedToken
from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL, receiver_url
from airflow_provider_suno.api.fields import HttpUrl, blank_is_none
from airflow_provider_suno.api.profiles import PROFILES, choose_profile
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.http.redaction import Mask
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings

_MOST_NAMED = 10
_MISPLACED_KEY = re.compile("(suno)?((api|access)?(key|token)|password|secret|authorization)")
"""Extras that users put the API key into, without case and punctuation."""

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_PROXIED = ("http", "https", "all", "no_proxy")


def _flag_or_bundle(value: Any) -> Any:
    """Read ``verify``: a flag, the same as text, or the path of a CA bundle, which is loaded to check it."""
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


def _flag(value: Any) -> bool:
    """Read a flag, or the same as text."""
    flag = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise ValueError("must be true or false")
    return flag


def _proxy_by_scheme(value: Any) -> Any:
    """Read ``proxies``: an object, the same as JSON text, or one URL for both schemes."""
    if isinstance(value, str):
        value = _json(value) if value.lstrip().startswith("{") else {"http": value, "https": value}
    if not isinstance(value, dict):
        raise ValueError('must be one URL, or an object such as {"https": "http://proxy:3128"}')
    if "no_proxy" in value and len(value) > 1:
        raise ValueError("no_proxy applies to the environment's proxies only, so it cannot be set beside others")
    for scheme, url in value.items():
        if scheme not in _PROXIED and "://" not in scheme:
            raise ValueError(f"{excerpt(scheme)} is not a scheme; use {', '.join(_PROXIED)}")
        if scheme != "no_proxy" and not (isinstance(url, str) and _names_a_host(url)):
            # The URL is not shown: it may hold a password.
            raise ValueError(f"{excerpt(scheme)} must be the URL of a proxy, such as http://proxy:3128")
    return value


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.scheme and parts.hostname and parts.port != 0)
    except ValueError:
        return False


def _without_user(url: str) -> str:
    if "@" in url:  # anywhere: URL parsers may take it for part of a port, a path or a query
        raise ValueError("must not hold a user name or password; the API key is the password field")
    return url.rstrip("/")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _several(value: Any) -> Any:
    """Read texts: a list, or one text with commas between them; blank ones are left out."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a text, or a list of texts")
    return tuple(text.strip() for text in texts if text.strip())


def _profile(value: Any) -> str:
    name = value.strip().lower() if isinstance(value, str) else None
    if name not in PROFILES:
        raise ValueError(f"{excerpt(value)} is not known; use one of {', '.join(PROFILES)}")
    return str(name)


class ConnectionExtras(BaseModel):
    """
    Hold the connection's extras. Values may be text, as a connection URI gives them.

    :param timeout: seconds without a byte before a reply counts as lost; a whole reply may take twice that. A timeout
        shorter than that of connecting bounds connecting too.
    :param callback_url: where the service posts its progress, for requests that name no URL.
    :param callback_secret: signs the URLs of such posts, when ``callback_url`` is the address of this Airflow. Several
        may be given, separated by commas: the first signs, and all are accepted.
    :param webhook_hmac_secret: the account's key for the signatures of kie.ai, which are then required, too.
    :param poll_limit: record reads per 10 s and triggerer process.
    :param upload_url: where files are uploaded to, for a gateway before the API; by default where the profile says.
    :param profile: ``apikley``, ``kie`` or ``sunoapi``; by default that of the host.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, or one for all.
    :param allow_private_media: fetch finished files from private, loopback and link-local addresses too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: float = Field(ClientSettings.read_timeout, gt=0, le=600)
    callback_url: HttpUrl = NO_CALLBACK_URL
    callback_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_several)] = ()
    webhook_hmac_secret: SecretStr | None = None
    poll_limit: int = Field(100, ge=1)
    upload_url: Annotated[HttpUrl, AfterValidator(_without_user)] | None = None
    profile: Annotated[str, BeforeValidator(_profile)] | None = None
    verify: Annotated[bool | str, BeforeValidator(_flag_or_bundle)] = ClientSettings.verify
    proxies: Annotated[dict[str, str], BeforeValidator(_proxy_by_scheme)] = Field(default_factory=dict)
    allow_private_media: Annotated[bool, BeforeValidator(_flag)] = False


_SHORTEST_SECRET = 16


@dataclass(frozen=True)
class CallbackSettings:
    """
    How the service tells of its progress.

    :param url: where it posts to.
    :param secrets: sign the tokens in the URL; the first one signs, each one is accepted. Without one, ``url`` is not
        the address of this Airflow.
    :param host_key: checks kie.ai's own signature.
    """

    url: str
    secrets: tuple[SecretStr, ...] = ()
    host_key: SecretStr | None = None

    @classmethod
    def of(cls, extras: ConnectionExtras) -> CallbackSettings:
        """Return those of a connection."""
        url, secrets = extras.callback_url, extras.callback_secret
        if url == NO_CALLBACK_URL:
            secrets = ()
        return cls(receiver_url(url) if secrets else url, secrets, extras.webhook_hmac_secret)

    @property
    def weakness(self) -> str | None:
        """What is wrong with the secrets, if anything."""
        if all(len(secret.get_secret_value()) >= _SHORTEST_SECRET for secret in self.secrets):
            return None
        return (
            f"the connection's callback_secret, or one of several in it (a comma separates them), is shorter than "
            f"{_SHORTEST_SECRET} characters. Whoever sees a callback URL could guess it: use a long random text."
        )

    def sign(self, token: CallbackToken) -> str:
        """Return a token as text."""
        return token.signed(self.secrets[0].get_secret_value())

    def answer(self, token: CallbackToken) -> str:
        """Return what a receiver with these secrets answers to a test of its address: one line for each."""
        return "\n".join(token.answer(secret.get_secret_value()) for secret in self.secrets)

    def verify(self, token: UnverifiedToken) -> CallbackToken | None:
        """Return a token if one of the secrets has signed it."""
        return token.verified(secret.get_secret_value() for secret in self.secrets)


@dataclass(frozen=True)
class ConnectionSettings:
    """Hold what a connection says: how to reach the account, and the extras that the client does not need."""

    client: ClientSettings
    callbacks: CallbackSettings
    poll_limit: int


def no_connection(conn_id: str, missing: Exception) -> str:
    """Return what to tell people of a connection that Airflow does not know."""
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    return (
        f"There is no connection {conn_id!r}. Create it under Admin, Connections (type Suno), or set {variable} in "
        f"every process of Airflow. ({missing})"
    )


def read_connection(connection: Any, extra: Mapping[str, Any], *, called: str | None = None) -> ConnectionSettings:
    """
    Return the settings of an Airflow connection: its host, schema, port, password and extras.

    :param extra: its extras as a dict; passed in because a triggerer reads them asynchronously.
    :param called: what messages call the connection; its id by default.
    :raises SunoAuthError: when there is no API key.
    :raises SunoValidationError: when the host or an extra is wrong; the message names it.
    """
    called = called or f"connection {excerpt(connection.conn_id)}"
    try:
        return _settings(connection, extra, called)
    except ValidationError as error:
        problem: SunoError = SunoValidationError(f"{'; '.join(_problems(error))}.")
    except SunoError as error:
        problem = error
    message = f"{called[:1].upper()}{called[1:]}: {Mask(connection.password or '').text(problem.message)}"
    masked = type(problem)(message)
    del connection, extra, problem  # tracebacks keep locals alive: drop the secrets
    raise masked


def _settings(connection: Any, extra: Mapping[str, Any], called: str) -> ConnectionSettings:
    if not isinstance(extra, Mapping) or (not extra and not isinstance(_json(connection.extra or "{}"), dict)):
        raise SunoValidationError("the extra must be a JSON object.")
    known = ConnectionExtras.model_fields
    # A saved form leaves known extras blank.
    extra = {name: value for name, value in extra.items() if name not in known or blank_is_none(value) is not None}
    extras = ConnectionExtras.model_validate(extra)
    base_url = _base_url(connection.host, connection.schema, connection.port)
    profile = choose_profile(extras.profile, base_url)
    client = ClientSettings(
        auth=BearerAuth(connection.password or ""),
        base_url=base_url or profile.base_url,
        profile=profile,
        upload_url=extras.upload_url,
        read_timeout=extras.timeout,
        connect_timeout=min(extras.timeout, ClientSettings.connect_timeout),
        verify=extras.verify,
        proxies=extras.proxies,
        allow_private_media=extras.allow_private_media,
        connection=called,
    )
    return ConnectionSettings(client, CallbackSettings.of(extras), extras.poll_limit)


def _base_url(host: str | None, schema: str | None, port: int | None) -> str | None:
    """Build the base URL. The host may be a whole URL; otherwise the schema decides, and ``https`` is the default."""
    if not host or not host.strip():
        return None
    shown = excerpt(host, 200)
    scheme, has_scheme, rest = host.strip().rpartition("://")
    if not has_scheme:
        if schema not in (None, "", "http", "https"):
            raise SunoValidationError(f"schema: must be http or https, got {excerpt(schema)}.")
        scheme = schema or "https"
    name, slash, path = rest.partition("/")
    bare_ipv6 = name.count(":") > 1 and not name.startswith("[")
    url = f"{scheme}://{f'[{name}]' if bare_ipv6 else name}{slash}{path}"
    try:
        parts = urlsplit(_without_user(url))
        port_in_host = parts.port
    except ValueError as problem:
        raise SunoValidationError(f"host: {printable(str(problem), 300)}.") from None
    if re.search(r"\s", url) or parts.query or parts.fragment:
        raise SunoValidationError(f"host: {shown} must be a URL without spaces, '?' and '#'.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SunoValidationError(f"host: {shown} is not an http or https URL.")
    if "%" in parts.hostname:
        raise SunoValidationError(f"host: {shown} has a zone, such as %eth0, which cannot be used here.")
    if port and port_in_host is None:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts.geturl()


def _problems(error: ValidationError) -> list[str]:
    """Name each extra that is wrong, and say why."""
    found = error.errors(include_url=False, include_input=False)
    if any(not problem["loc"] for problem in found):
        return ["an extra has a name that is not valid text"]
    unknown = [excerpt(problem["loc"][0], 60) for problem in found if problem["type"] == "extra_forbidden"]
    wrong = [
        f"extra {problem['loc'][0]!r}: {printable(problem['msg'].removeprefix('Value error, '), 600)}"
        for problem in found
        if problem["type"] != "extra_forbidden"
    ]
    if unknown:
        known = ", ".join(ConnectionExtras.model_fields)
        wrong.append(f"extra {', '.join(unknown[:_MOST_NAMED])} is not known (known: {known})")
    if any(_MISPLACED_KEY.fullmatch(re.sub("[^a-z]", "", name.lower())) for name in unknown):
        wrong.append("put the API key into the password of the connection")
    return wrong
