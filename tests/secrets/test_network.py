"""The key goes to the API and to nobody else: redirects, media hosts, .netrc, proxies, plain HTTP, strangers' TLS."""

from __future__ import annotations

import base64
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme

from airflow_provider_suno.exceptions import SunoError, SunoLostReplyError, SunoProtocolError, SunoUnavailableError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.cancellation import Cancellation
from tests.support.secrets.awkward import CASES, Answer, AwkwardService
from tests.support.secrets.forms import Seeker, new_key
from tests.support.secrets.wires import TunnelProxy

pytestmark = pytest.mark.secrets

KEY = new_key("network")
PASSWORD = new_key("proxy")
NETRC_PASSWORD = new_key("netrc")
SEEKER = Seeker({"key": KEY, "proxy password": PASSWORD, ".netrc": NETRC_PASSWORD})
USER = f"user:{quote(PASSWORD, safe='')}"
REDIRECTS = (301, 302, 303, 307, 308)


def _credits(_key: str) -> Answer:
    return Answer(200, b'{"code": 200, "data": 12}')


def _accepted(_key: str) -> Answer:
    return Answer(200, b'{"code": 200, "data": {"taskId": "job-1", "downloadUrl": "https://files.invalid/x"}}')


KNOWN = {**CASES, "credits": _credits, "accepted": _accepted}


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cancellation, "pause", lambda *_: None)


@pytest.fixture
def api() -> Iterator[AwkwardService]:
    with AwkwardService(cases=KNOWN) as running:
        yield running


@pytest.fixture
def stranger() -> Iterator[AwkwardService]:
    """Another host, to which nothing should come."""
    with AwkwardService(cases=KNOWN) as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Return the file of the one authority that is trusted."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def serving_tls(authority: trustme.CA, *names: str) -> AwkwardService:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return AwkwardService(tls=context, cases=KNOWN)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SunoHook]:
    def make(host: str, **extra: Any) -> SunoHook:
        connection = {"conn_type": "suno", "host": host, "password": KEY, "extra": {"timeout": 2, **extra}}
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_NET", json.dumps(connection))
        return SunoHook("suno_net")

    return make


def silent(*texts: object) -> bool:
    return not any(SEEKER.find(str(text)) for text in texts)


class TestRedirects:
    @pytest.mark.parametrize("to", ["port", "host", "scheme", "same"])
    @pytest.mark.parametrize("status", REDIRECTS)
    def test_none_is_followed(
        self, status: int, to: str, connect: Any, api: AwkwardService, stranger: AwkwardService
    ) -> None:
        """Neither to another port, host or scheme, nor to the same: no key goes there, and no POST is repeated."""
        targets = {
            "port": stranger.url("accepted"),
            "host": stranger.url("accepted", host="localhost"),
            "scheme": stranger.url("accepted").replace("http:", "https:"),
            "same": api.url("accepted"),
        }
        api.cases = {**KNOWN, "moved": lambda key: Answer(status, b"", {"Location": f"{targets[to]}?key={key}"})}
        hook = connect(api.url("moved"))
        with pytest.raises(SunoLostReplyError) as lost:
            hook.generate_music(model="V5", prompt="rain")
        assert [seen.method for seen in api.seen] == ["POST"]
        assert f"HTTP {status} redirects to" in str(lost.value)
        with pytest.raises(SunoProtocolError) as caught:
            hook.client.get_credits(resend=False)
        with pytest.raises(SunoProtocolError):
            hook.upload("https://media.invalid/hum.wav")
        assert all(seen.path.startswith("/moved/") for seen in api.seen)
        assert stranger.seen == []
        assert silent(lost.value, caught.value)


class TestWhoAsksForAuthorization:
    @pytest.mark.parametrize(
        "scheme", ['Basic realm="x"', 'Digest realm="x", nonce="1"', "Negotiate", "NTLM", "Bearer"]
    )
    def test_the_api(self, scheme: str, connect: Any, api: AwkwardService) -> None:
        """It gets the key once, and no other credentials."""
        api.cases = {**KNOWN, "asks": lambda _key: Answer(401, b"", {"WWW-Authenticate": scheme})}
        with pytest.raises(SunoError, match="API key was refused"):
            connect(api.url("asks")).get_credits()
        assert [seen.headers["Authorization"] for seen in api.seen] == [f"Bearer {KEY}"]

    def test_a_media_host(self, connect: Any, api: AwkwardService, stranger: AwkwardService) -> None:
        """Where tracks and recordings lie is not visited from here at all; the service is told the address alone."""
        media = stranger.url("auth_page") + "/hum.wav"
        tracks = [{"id": "a", "audioUrl": media, "imageUrl": media, "streamAudioUrl": media}]
        record = {"code": 200, "data": {"status": "SUCCESS", "response": {"sunoData": tracks}}}
        api.cases = {**KNOWN, "record": lambda _key: Answer(200, json.dumps(record).encode())}
        assert connect(api.url("record")).get_music_task("job-1").tracks[0].audio_url == media
        hook = connect(api.url("accepted"))
        hook.upload(media)
        hook.upload_and_cover_audio(upload_url=media, model="V5", prompt="rain")
        assert stranger.seen == []
        assert len(api.seen) == 3
        assert silent(*(seen.body for seen in api.seen))

    def test_a_netrc_changes_nothing(
        self, connect: Any, api: AwkwardService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        entries = [f"machine {host} login me password {NETRC_PASSWORD}" for host in ("127.0.0.1", "localhost")]
        netrc.write_text("\n".join([*entries, f"default login me password {NETRC_PASSWORD}"]))
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        assert connect(api.url("credits")).get_credits() == 12
        connect(api.url("accepted")).generate_music(model="V5", prompt="rain")
        with pytest.raises(SunoError) as caught:
            connect(api.url("auth_page")).get_credits()
        assert {seen.headers["Authorization"] for seen in api.seen} == {f"Bearer {KEY}"}
        assert silent(caught.value)


class TestProxies:
    @pytest.fixture(autouse=True)
    def _no_proxy_of_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)

    @pytest.mark.parametrize("by", ["extra", "environment"])
    def test_a_tunnel_does_not_see_the_key_or_pass_on_its_password(
        self, by: str, connect: Any, authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with TunnelProxy() as proxy, serving_tls(authority, "127.0.0.1") as api:
            extra = {"proxies": proxy.url(USER)} if by == "extra" else {}
            if by == "environment":
                monkeypatch.setenv("HTTPS_PROXY", proxy.url(USER))
            hook = connect(api.url("credits"), verify=bundle, **extra)
            assert hook.get_credits() == 12
            assert proxy.told.startswith(f"CONNECT 127.0.0.1:{api.port} ".encode())
            basic = base64.b64encode(f"user:{PASSWORD}".encode())
            assert b"Proxy-Authorization: Basic " + basic in proxy.told
            assert {name for name, _form in SEEKER.find(proxy.told)} == {"proxy password"}
            assert len(proxy.passed) > 1000
            assert not SEEKER.find(proxy.passed)
            (seen,) = api.seen
            assert seen.headers["Authorization"] == f"Bearer {KEY}"
            assert "Proxy-Authorization" not in seen.headers
            assert {name for name, _form in SEEKER.find(bytes(seen))} == {"key"}

    @pytest.mark.parametrize("by", ["extra", "environment"])
    def test_one_that_refuses_and_repeats_the_password(
        self, by: str, connect: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with TunnelProxy(refuses=True) as proxy:
            if by == "environment":
                monkeypatch.setenv("HTTPS_PROXY", proxy.url(USER))
            hook = connect("https://api.invalid", **({"proxies": proxy.url(USER)} if by == "extra" else {}))
            with pytest.raises(SunoUnavailableError, match=r"The proxy on the way to .* refused") as caught:
                hook.generate_music(model="V5", prompt="rain")
        assert b"Proxy-Authorization" in proxy.told
        assert not SEEKER.find(proxy.told.replace(base64.b64encode(f"user:{PASSWORD}".encode()), b""))
        assert silent(caught.value, repr(caught.value), hook.test_connection(), caplog.text)

    @pytest.mark.parametrize(
        "proxy",
        [
            "http://user:{password}@127.0.0.1:9",
            "ftp://user:{password}@127.0.0.1:9",
            "http://user:{password}@127.0.0.1:99999",
            "http://user:{password} x@127.0.0.1:9",
            "http://user:{password}@bad host:9",
            "http://user:{password}@[::1:9",
            "http://user:{password}@proxy\u2100:9",
            "user:{password}@127.0.0.1:9",
        ],
    )
    @pytest.mark.parametrize("by", ["extra", "environment"])
    def test_one_that_cannot_be_used(
        self, by: str, proxy: str, connect: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for password in (quote(PASSWORD, safe=""), PASSWORD, PASSWORD.replace("/", "")):
            url = proxy.format(password=password)
            if by == "environment":
                monkeypatch.setenv("HTTPS_PROXY", url)
            hook = connect("https://api.invalid", **({"proxies": url} if by == "extra" else {}))
            ok, said = hook.test_connection()
            assert not ok
            assert silent(said, caplog.text), said


class TestStrangersTls:
    def test_an_untrusted_certificate_stops_it_before_the_key(self, connect: Any, bundle: str) -> None:
        with serving_tls(trustme.CA(), "127.0.0.1") as other:
            with pytest.raises(SunoUnavailableError, match="its certificate is not trusted here"):
                connect(other.url("credits"), verify=bundle).get_credits()
            assert other.seen == []

    def test_a_certificate_of_another_host_stops_it_before_the_key(
        self, connect: Any, authority: trustme.CA, bundle: str
    ) -> None:
        with serving_tls(authority, "elsewhere.example") as other:
            with pytest.raises(SunoUnavailableError, match="its certificate is another host's"):
                connect(other.url("credits"), verify=bundle).generate_music(model="V5", prompt="rain")
            assert other.seen == []


class TestPlainHttp:
    @pytest.mark.parametrize("where", ["base URL", "upload URL"])
    def test_plain_http_to_another_machine_is_warned_of(self, where: str, connect: Any, hooks_log: Any) -> None:
        outside = "http://gateway.invalid:8080/suno"
        hook = connect(outside) if where == "base URL" else connect("https://api.invalid", upload_url=outside)
        lines = hooks_log(hook)
        assert hook.settings is hook.settings
        assert lines == [
            "http://gateway.invalid is not encrypted: the API key can be read on its way there. Use https."
        ]

    @pytest.mark.parametrize(
        "url", ["https://api.invalid", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"]
    )
    def test_https_and_this_machine_are_not_warned_of(self, url: str, connect: Any, hooks_log: Any) -> None:
        hook = connect(url)
        lines = hooks_log(hook)
        assert hook.settings
        assert lines == []

    def test_the_connection_test_warns_too(self, connect: Any, api: AwkwardService, monkeypatch: Any) -> None:
        from airflow_provider_suno.http import settings as transport

        monkeypatch.setattr(transport, "_is_this_machine", lambda _host: False)
        ok, said = connect(api.url("credits")).test_connection()
        assert ok
        assert said == (
            "The API key works; the account has 12 credits. But http://127.0.0.1 is not encrypted: the API key can be "
            "read on its way there. Use https."
        )


def test_requests_hold_it_in_one_header_only(connect: Any, api: AwkwardService, tmp_path: Path) -> None:
    """Not in a callback URL, a field, a form, a file's name, or a query."""
    recording = tmp_path / "hum.wav"
    recording.write_bytes(b"RIFF" + bytes(400))
    hook = connect(api.url("accepted"), callback_url="https://dags.example/suno?x=1")
    hook.generate_music(model="V5", prompt="rain")
    hook.extend_music(audio_id="a", model="V5")
    hook.upload_and_cover_audio(upload_url="https://media.invalid/x.mp3", model="V5", prompt="rain")
    hook.upload_and_extend_audio(upload_url="https://media.invalid/x.mp3", model="V5", continue_at=3)
    hook.upload("https://media.invalid/x.mp3")
    hook.upload(str(recording))
    hook.upload(str(recording), method="base64")
    assert len(api.seen) == 7
    assert sum(b"dags.example" in seen.body for seen in api.seen) == 4
    for seen in api.seen:
        headers = dict(seen.headers)
        assert headers.pop("Authorization") == f"Bearer {KEY}"
        assert silent(seen.path, headers, seen.body)
