"""The hook over real sockets: the calls against the simulator, and the message of each kind of failure."""

from __future__ import annotations

import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_suno.exceptions import SunoConflictError, SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator, running_simulator

KEY = "a-key-that-nobody-may-see"
CREDIT = "/api/v1/chat/credit"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SunoHook]:
    """Return what makes a hook on a connection."""

    def make(host: str, password: str = KEY, **extra: Any) -> SunoHook:
        connection = {"conn_type": "suno", "host": host, "password": password, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps(connection))
        return SunoHook()

    return make


@pytest.fixture(scope="module")
def sim_on_ipv6() -> Iterator[RunningSimulator]:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as problem:
            pytest.skip(f"this machine has no ::1 ({problem})")
    with running_simulator(host="::1", speed=10_000) as simulator:
        yield simulator


@pytest.mark.parametrize(
    "form",
    [
        '{{"conn_type": "suno", "host": "::1", "port": {port}, "schema": "http", "password": "{key}"}}',
        '{{"conn_type": "suno", "host": "[::1]", "port": {port}, "schema": "http", "password": "{key}"}}',
        "suno://:{key}@[::1]:{port}/http",
        "suno://:{key}@%3A%3A1:{port}/http",  # as Airflow itself writes such a host into a URI
    ],
)
def test_a_host_of_ipv6(form: str, sim_on_ipv6: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    value = form.format(port=sim_on_ipv6.port, key=sim_on_ipv6.api_key)
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", value)
    music_task_id = SunoHook().generate_music(model="V5", prompt="rain")
    sim_on_ipv6.clock.advance(300)
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    assert record.complete


@pytest.mark.usefixtures("sim")
class TestCalls:
    def test_a_song_and_its_record(self, song: Callable[..., str]) -> None:
        task = SunoHook().get_music_task(song(title="Rain", style="folk"))
        assert task is not None
        assert task.complete
        assert [track.title for track in task.tracks] == ["Rain", "Rain"]

    def test_an_unknown_id_is_none(self) -> None:
        assert SunoHook().get_music_task("0" * 32) is None

    def test_a_persona_and_a_second_one(self, song: Callable[..., str]) -> None:
        hook = SunoHook()
        music_task_id = song()
        task = hook.get_music_task(music_task_id)
        assert task is not None
        fields = {"music_task_id": music_task_id, "audio_id": task.audio_ids[0], "name": "n", "description": "d"}
        assert hook.generate_persona(**fields).persona_id
        with pytest.raises(SunoConflictError, match=f"^Track {task.audio_ids[0]} cannot get a second persona: "):
            hook.generate_persona(**fields)

    def test_credits_go_down(self, song: Callable[..., str]) -> None:
        before = SunoHook().get_credits()
        song()
        assert isinstance(before, Decimal)
        assert SunoHook().get_credits() < before

    @pytest.mark.parametrize("field", ["promt", "persona"])
    def test_an_unknown_field_names_the_nearest(self, field: str, sim: RunningSimulator) -> None:
        with pytest.raises(SunoValidationError, match=f"{field}.*did you mean"):
            SunoHook().generate_music(model="V5", prompt="rain", **{field: "x"})
        assert sim.ledger()["requests"] == []


class TestTestConnection:
    def test_a_good_key(self, sim: RunningSimulator) -> None:
        assert SunoHook().test_connection() == (
            True,
            f"The API key works; the account has {sim.ledger()['credits']} credits.",
        )

    def test_a_wrong_key(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        ok, said = connect(sim.url).test_connection()
        assert not ok
        assert "check the password of this connection" in said
        assert KEY not in said

    def test_no_key(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        ok, said = connect(sim.url, password="").test_connection()
        assert not ok
        assert "API key" in said

    def test_no_credits(self, sim: RunningSimulator) -> None:
        sim.simulation.reset(credits=Decimal(0))
        ok, said = SunoHook().test_connection()
        assert not ok
        assert "no credits left" in said

    def test_no_such_host(self, connect: Callable[..., SunoHook]) -> None:
        ok, said = connect("https://suno.invalid").test_connection()
        assert not ok
        assert "was not found: check the host" in said

    def test_no_server_on_the_port(self, connect: Callable[..., SunoHook]) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        ok, said = connect(f"http://127.0.0.1:{port}").test_connection()
        assert not ok
        assert "check the host and port" in said

    def test_a_page_in_place_of_the_api(self, connect: Callable[..., SunoHook]) -> None:
        with serving() as port:
            ok, said = connect(f"http://127.0.0.1:{port}").test_connection()
        assert not ok
        assert "Welcome to somewhere else" in said
        assert KEY not in said

    def test_no_reply_in_time(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        sim.faults.add(Fault(path=CREDIT, kind="hang", seconds=3))
        ok, said = connect(sim.url, timeout=0.2).test_connection()
        assert not ok
        assert "did not answer within 0.2 s" in said

    def test_a_proxy_that_is_not_there(self, connect: Callable[..., SunoHook]) -> None:
        ok, said = connect("http://suno.invalid", proxies="http://127.0.0.1:9").test_connection()
        assert not ok
        assert "check the extra 'proxies'" in said

    @pytest.mark.parametrize(
        ("name", "days", "trusted", "advice"),
        [
            ("localhost", 1, False, "its certificate is not trusted here: check the base URL, or the extra 'verify'"),
            ("elsewhere.example", 1, True, "its certificate is another host's: check the base URL"),
            ("localhost", -1, True, "its certificate has expired"),
        ],
    )
    def test_tls_trouble(
        self, name: str, days: int, trusted: bool, advice: str, connect: Callable[..., SunoHook], tmp_path: Path
    ) -> None:
        certificate = make_certificate(tmp_path, name, days)
        with serving(certificate) as port:
            extra = {"verify": str(certificate)} if trusted else {}
            ok, said = connect(f"https://localhost:{port}", **extra).test_connection()
        assert not ok
        assert f"TLS trouble with https://localhost:{port}: {advice}" in said

    @pytest.mark.parametrize("verify", ["false", False, "the CA bundle"])
    def test_verify_fixes_it(self, verify: Any, connect: Callable[..., SunoHook], tmp_path: Path) -> None:
        certificate = make_certificate(tmp_path, "localhost")
        with serving(certificate) as port:
            bundle = str(certificate) if verify == "the CA bundle" else verify
            _, said = connect(f"https://localhost:{port}", verify=bundle).test_connection()
        assert "Welcome to somewhere else" in said

    def test_https_on_a_plain_port(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        ok, said = connect(sim.url.replace("http:", "https:")).test_connection()
        assert not ok
        assert "nothing there speaks TLS: should the base URL begin with http://" in said

    def test_a_path_that_is_not_the_apis(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        ok, said = connect(f"{sim.url}/api/v1", sim.api_key).test_connection()
        assert not ok
        assert f"{sim.url}/api/v1 has no /api/v1/chat/credit: check the base URL" in said
        assert "the extra 'profile' (now apikley)" in said

    def test_a_bundle_that_is_not_there(self, connect: Callable[..., SunoHook]) -> None:
        ok, said = connect("https://localhost:9", verify="/no/such/bundle.pem").test_connection()
        assert not ok
        assert "extra 'verify': '/no/such/bundle.pem' is neither true, false, nor a file" in said

    def test_a_proxy_of_no_known_kind(self, connect: Callable[..., SunoHook], sim: RunningSimulator) -> None:
        ok, said = connect(sim.url, sim.api_key, proxies="gopher://localhost:1").test_connection()
        assert not ok
        assert "or one of the proxies in the extra 'proxies', cannot be used" in said


class TestWhereTheConnectionComesFrom:
    def test_a_uri(self, monkeypatch: pytest.MonkeyPatch, sim: RunningSimulator) -> None:
        uri = f"suno://:{sim.api_key}@{quote(sim.url, safe='')}/?timeout=5&verify=false"
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", uri)
        assert SunoHook().test_connection()[0]

    def test_another_connection(self, monkeypatch: pytest.MonkeyPatch, sim: RunningSimulator) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_STUDIO", sim.connection_json)
        monkeypatch.delenv("AIRFLOW_CONN_SUNO_DEFAULT")
        assert SunoHook("studio").test_connection()[0]

    @pytest.mark.parametrize("form", ["fields", "uri"])
    def test_a_secrets_backend(self, form: str, tmp_path: Path, sim: RunningSimulator) -> None:
        uri = f"suno://:{sim.api_key}@127.0.0.1:{sim.port}/http?timeout=5"
        secrets = {"studio": sim.connection if form == "fields" else uri}
        file = tmp_path / "connections.json"
        file.write_text(json.dumps(secrets))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
        backend = {
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(file)}),
        }
        ask = "from airflow_provider_suno.hooks.suno import SunoHook; print(SunoHook('studio').test_connection())"
        done = subprocess.run(
            [sys.executable, "-c", ask],
            env={**kept, **backend},
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        assert "(True, 'The API key works" in done.stdout


def test_a_submit_that_never_connected_is_a_refusal(
    connect: Callable[..., SunoHook], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = connect("https://suno.invalid")
    monkeypatch.setattr(hook.client.cancellation, "pause", lambda seconds: None)
    with pytest.raises(SunoUnavailableError) as caught:
        hook.generate_music(model="V5", prompt="rain")
    assert caught.value.refused


def test_the_key_is_not_in_reprs(connect: Callable[..., SunoHook]) -> None:
    hook = connect("https://suno.invalid")
    seen = [repr(hook), repr(vars(hook)), repr(hook.client), repr(vars(hook.client)), repr(hook.settings)]
    assert not [text for text in seen if KEY in text]


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = f"<html>Welcome to somewhere else, {self.headers['Authorization']}</html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[int]:
    """Serve a page that is not the API, and yield the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path, name: str, days: int = 1) -> Path:
    """Make a certificate that nobody has signed but itself; return the file of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


def test_a_retried_call_logs_it_once(sim: RunningSimulator, hooks_log: Callable[[SunoHook], list[str]]) -> None:
    hook = SunoHook()
    lines = hooks_log(hook)
    sim.faults.add(Fault(path="/api/v1/generate", kind="code", code=429, msg="Too fast", times=2))
    assert hook.generate_music(model="V5", prompt="rain")
    (line,) = [line for line in lines if "is sent again" in line]
    assert line.startswith("/api/v1/generate failed and is sent again: ")
    assert "Too fast" in line
