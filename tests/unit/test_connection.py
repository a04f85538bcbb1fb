"""Connections in every form a user gives them."""

from __future__ import annotations

import copy
import json
import pickle
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import Connection
from pydantic import SecretStr

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL
from airflow_provider_suno.exceptions import SunoAuthError, SunoValidationError
from airflow_provider_suno.hooks.connection import CallbackSettings, read_connection
from airflow_provider_suno.hooks.suno import SunoHook


def settings(monkeypatch: pytest.MonkeyPatch, value: str) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_TEST", value)
    return SunoHook("suno_test").settings


def test_a_key_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings(monkeypatch, '{"conn_type": "suno", "password": "k"}')
    assert read.client.base_url == "https://api.apikley.ru"
    assert read.client.profile.name == "apikley"
    assert (read.client.read_timeout, read.client.verify, read.poll_limit) == (30.0, True, 100)
    assert read.client.connect_timeout == 10.0
    assert read.callbacks == CallbackSettings(NO_CALLBACK_URL)


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("suno://:k@api.example", "https://api.example"),
        ("suno://:k@api.example:8443", "https://api.example:8443"),
        ("suno://:k@https%3A%2F%2Fapi.example%2Fv1/", "https://api.example/v1"),
        ("suno://:k@127.0.0.1:8321/http", "http://127.0.0.1:8321"),
        ("suno://:k@api.kie.ai", "https://api.kie.ai"),
        ("suno://:k@[::1]:8321/http", "http://[::1]:8321"),
        ("suno://:k@%3A%3A1:8321/http", "http://[::1]:8321"),  # as Airflow itself writes such a host into a URI
        ("suno://:k@[2001:db8::7]", "https://[2001:db8::7]"),
        ('{"conn_type": "suno", "password": "k", "host": "::1", "port": 8321, "schema": "http"}', "http://[::1]:8321"),
        ('{"conn_type": "suno", "password": "k", "host": "[::1]", "port": 8321}', "https://[::1]:8321"),
        ('{"conn_type": "suno", "password": "k", "host": "http://[::1]:8321/v1"}', "http://[::1]:8321/v1"),
        ('{"conn_type": "suno", "password": "k", "host": "http://::1", "port": 8321}', "http://[::1]:8321"),
        ('{"conn_type": "suno", "password": "k", "host": "::1/suno"}', "https://[::1]/suno"),
    ],
)
def test_base_urls(monkeypatch: pytest.MonkeyPatch, uri: str, base_url: str) -> None:
    assert settings(monkeypatch, uri).client.base_url == base_url


def test_extras_of_a_uri_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "suno://:k@h?timeout=5&verify=false&poll_limit=50&profile=kie&proxies=http%3A%2F%2Fp%3A1"
    read = settings(monkeypatch, uri)
    assert (read.client.read_timeout, read.client.verify, read.poll_limit) == (5.0, False, 50)
    assert read.client.connect_timeout == 5.0
    assert read.client.profile.name == "kie"
    assert read.client.proxies == {"http": "http://p:1", "https": "http://p:1"}


def test_the_profile_follows_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, "suno://:k@api.sunoapi.org").client.profile.name == "sunoapi"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"timout": 5}, "Connection 'c': extra 'timout' is not known (known: timeout,"),
        ({"timeout": "soon"}, "Connection 'c': extra 'timeout':"),
        ({"timeout": 0}, "extra 'timeout': Input should be greater than 0"),
        ({"poll_limit": 0}, "extra 'poll_limit':"),
        ({"callback_url": "nowhere"}, "extra 'callback_url': must be an http or https URL"),
        ({"profile": "other"}, "extra 'profile': 'other' is not known; use one of apikley, kie, sunoapi"),
        ({"proxies": "{"}, "extra 'proxies': must be one URL, or an object such as"),
        ({"proxies": []}, "extra 'proxies': must be one URL, or an object such as"),
        ({"proxies": "somewhere"}, "extra 'proxies': 'http' must be the URL of a proxy"),
        ({"proxies": {"https": ""}}, "extra 'proxies': 'https' must be the URL of a proxy"),
        ({"proxies": {"htps": "http://p:1"}}, "extra 'proxies': 'htps' is not a scheme"),
        ({"verify": "maybe"}, "extra 'verify': 'maybe' is neither true, false, nor a file of CA certificates"),
        ({"verify": __file__}, "nor a file of CA certificates"),
        ({"verify": 7}, "extra 'verify': must be true, false, or the path of a CA bundle"),
        ({"proxies": "http://u:hush@p:99999"}, "extra 'proxies': 'http' must be the URL of a proxy"),
        ({"proxies": "http://u:hush@p\u2100:1"}, "extra 'proxies': 'http' must be the URL of a proxy"),
        ({"upload_url": "https://u:hush@h"}, "extra 'upload_url': must not hold a user name or password"),
        ({"a": 1, "b": 2, "timeout": 0}, "than 0; extra 'a', 'b' is not known (known: timeout,"),
    ],
)
def test_wrong_extras_are_named(extra: dict[str, Any], said: str) -> None:
    connection = Connection(conn_id="c", conn_type="suno", password="k")
    with pytest.raises(SunoValidationError) as caught:
        read_connection(connection, extra)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "schema", "said"),
    [
        ("ftp://files", None, "host: 'ftp://files' is not an http or https URL"),
        ("http://", None, "host: 'http://' is not an http or https URL"),
        ("http://[::1", None, "host: Invalid IPv6 URL"),
        ("fe80::1%eth0", None, "host: 'fe80::1%eth0' has a zone, such as %eth0, which cannot be used here"),
        ("http://h:99999", None, "host: Port out of range"),
        ("h", "ftp", "schema: must be http or https, got 'ftp'"),
        ("api kie.ai", None, "host: 'api kie.ai' must be a URL without spaces"),
        ("https://h?x=1", None, "host: 'https://h?x=1' must be a URL without spaces, '?' and '#'"),
        ("https://someone:hush@h", None, "host: must not hold a user name or password"),
        ("someone:hush@h", None, "host: must not hold a user name or password"),
        ("https://someone:1#hush@h", None, "host: must not hold a user name or password"),
        ("https://someone:hush/hush@h", None, "host: must not hold a user name or password"),
    ],
)
def test_wrong_hosts_are_named(host: str, schema: str | None, said: str) -> None:
    connection = Connection(conn_id="c", conn_type="suno", password="k", host=host, schema=schema)
    with pytest.raises(SunoValidationError) as caught:
        read_connection(connection, {})
    assert str(caught.value).startswith(f"Connection 'c': {said}")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("extra", ["not json", '["a"]', '"x"', "5"])
def test_an_extra_that_is_not_an_object_is_refused(extra: str) -> None:
    connection = SimpleNamespace(conn_id="c", password="k", host=None, schema=None, port=None, extra=extra)
    try:
        parsed = json.loads(extra)
    except ValueError:
        parsed = {}
    with pytest.raises(SunoValidationError, match="Connection 'c': the extra must be a JSON object"):
        read_connection(connection, parsed)


@pytest.mark.parametrize("extra", [None, "", "{}", " { } "])
def test_a_blank_extra_is_an_empty_one(extra: str | None) -> None:
    connection = SimpleNamespace(conn_id="c", password="k", host=None, schema=None, port=None, extra=extra)
    assert read_connection(connection, {}).client.profile.name == "apikley"


def test_the_upload_url_can_be_set() -> None:
    connection = Connection(conn_id="c", conn_type="suno", password="k", host="https://gateway.example")
    read = read_connection(connection, {"profile": "kie", "upload_url": "https://files.example/"})
    assert read.client.upload_url == "https://files.example"


def test_blank_fields_of_a_saved_form() -> None:
    blank = {"callback_url": None, "callback_secret": None, "profile": None, "proxies": None}
    extra = {"timeout": 30, "poll_limit": 100, "verify": "true", **blank}
    connection = Connection(conn_id="c", conn_type="suno", password="k", host="https://api.apikley.ru", port=443)
    read = read_connection(connection, extra)
    assert read.client.base_url == "https://api.apikley.ru:443"
    assert (read.client.verify, read.client.profile.name, read.client.proxies) == (True, "apikley", {})


@pytest.mark.parametrize(
    ("verify", "read"), [("on", True), (" Yes ", True), ("1", True), ("OFF", False), (False, False)]
)
def test_spellings_of_a_flag(verify: object, read: bool) -> None:
    connection = Connection(conn_id="c", conn_type="suno", password="k")
    assert read_connection(connection, {"verify": verify}).client.verify is read


def test_a_key_in_a_wrong_field_is_not_shown() -> None:
    connection = Connection(conn_id="c", conn_type="suno", password="sk-secret", host="ftp://sk-secret")
    with pytest.raises(SunoValidationError, match=r"host: 'ftp://\*\*\*' is not an http or https URL"):
        read_connection(connection, {})


def test_a_used_hook_leaves_the_key_behind_when_it_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = SunoHook("suno_test")
    settings(monkeypatch, '{"conn_type": "suno", "password": "sk-secret"}')
    assert hook.client.settings is hook.settings.client
    pickled = pickle.dumps(hook)
    assert b"sk-secret" not in pickled
    for copied in (pickle.loads(pickled), copy.deepcopy(hook)):
        assert copied.settings.client.base_url == hook.settings.client.base_url
    with pytest.raises(TypeError, match="The API key does not leave this process"):
        pickle.dumps(hook.client)


@pytest.mark.parametrize(
    ("host", "extra", "exposed"),
    [
        ("http://gateway:8080", {}, "http://gateway is not encrypted: the API key can be read on its way there"),
        ("https://gateway", {"upload_url": "http://10.0.0.1"}, "http://10.0.0.1 is not encrypted"),
        ("https://gateway", {"upload_url": "http://localhost:1"}, None),
        ("http://127.0.0.1:8321", {}, None),
        ("http://[::1]", {}, None),
        ("http://[2001:db8::1]", {}, "http://[2001:db8::1] is not encrypted"),
        ("http://127.0.0.1:8321", {"proxies": "http://proxy:3128"}, "http://127.0.0.1 is not encrypted"),
        ("http://127.0.0.1:8321", {"proxies": "http://localhost:3128"}, None),
        ("", {}, None),
    ],
)
def test_exposure_of_the_key(
    host: str, extra: dict[str, str], exposed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    connection = Connection(conn_id="c", conn_type="suno", password="k", host=host)
    said = read_connection(connection, extra).client.exposure
    assert (said is None) if exposed is None else str(said).startswith(exposed)


def test_no_key() -> None:
    with pytest.raises(SunoAuthError, match="has no API key: put it into the password field"):
        read_connection(Connection(conn_id="c", conn_type="suno"), {})


def test_secrets_are_not_in_reprs(monkeypatch: pytest.MonkeyPatch) -> None:
    value = '{"conn_type": "suno", "password": "sk-secret", "extra": {"callback_secret": "hush-hush"}}'
    hook = SunoHook("suno_test")
    read = settings(monkeypatch, value)
    assert hook.settings == hook.settings
    assert not any(secret in repr(vars(hook)) + repr(read) for secret in ("sk-secret", "hush-hush"))


@pytest.mark.parametrize(
    ("secret", "secrets"),
    [
        ("one", ["one"]),
        (" new, a pass phrase,", ["new", "a pass phrase"]),
        (["new", "", "old"], ["new", "old"]),
        ([""], []),
        (" , ", []),
    ],
)
def test_callback_secrets_make_the_callback_url_that_of_airflow(
    secret: Any, secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"callback_url": "https://airflow.example/base", "callback_secret": secret, "webhook_hmac_secret": "h"}
    read = settings(monkeypatch, json.dumps({"conn_type": "suno", "password": "k", "extra": extra})).callbacks
    assert [one.get_secret_value() for one in read.secrets] == secrets
    assert read.url == "https://airflow.example/base" + ("/suno/callback" if secrets else "")
    assert read.host_key.get_secret_value() == "h"
    without_url = {"callback_secret": secret}
    read = settings(monkeypatch, json.dumps({"conn_type": "suno", "password": "k", "extra": without_url})).callbacks
    assert (read.url, read.secrets) == (NO_CALLBACK_URL, ())


@pytest.mark.parametrize("extra", [{"profile": []}, {"\ud800": 1}, {"x" * 9000: 1}, {"proxies": {"\n": "x"}}])
def test_a_strange_extra_is_refused_in_a_few_words(extra: dict[str, Any]) -> None:
    connection = SimpleNamespace(conn_id="c", host=None, schema=None, port=None, password="k", extra=json.dumps(extra))
    with pytest.raises(SunoValidationError, match="extra") as caught:
        read_connection(connection, extra)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("key", ["a/b%c@d", "a%41b", "[a]?#+:&=b", "sk-ü"])
def test_a_percent_encoded_key_arrives_as_it_is(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_TEST", f"suno://:{quote(key, safe='')}@api.apikley.ru?timeout=30")
    connection = SunoHook("suno_test").get_connection("suno_test")
    assert (connection.password, connection.host) == (key, "api.apikley.ru")
    # Airflow 3.1 makes a number of it.
    assert {name: f"{value}" for name, value in connection.extra_dejson.items()} == {"timeout": "30"}


@pytest.mark.parametrize("name", ["api_key", "apiKey", "api-key", "token", "KEY", "SUNO_API_KEY", "password"])
def test_a_key_among_the_extras_is_pointed_to_the_password(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(SunoValidationError, match="put the API key into the password") as caught:
        settings(monkeypatch, json.dumps({"conn_type": "suno", "password": "k", "extra": {name: "sk-1234567"}}))
    assert "sk-1234567" not in str(caught.value)


def test_a_missing_key_names_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SunoAuthError, match=r"Connection 'suno_test': .*put it into the password"):
        settings(monkeypatch, '{"conn_type": "suno"}')


@pytest.mark.parametrize(("secret", "weak"), [("x" * 16, False), ("x" * 15, True), ("x" * 20 + ",short", True)])
def test_short_callback_secrets_are_warned_of(secret: str, weak: bool) -> None:
    settings = CallbackSettings("https://airflow.example/suno/callback", tuple(map(SecretStr, secret.split(","))))
    assert ("is shorter than 16 characters" in (settings.weakness or "")) == weak
