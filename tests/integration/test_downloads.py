"""Fetching one file from hosts that break off, lie, stall, flood or redirect; over real sockets."""

from __future__ import annotations

import gzip
import hashlib
import random
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_suno.exceptions import SunoDownloadError, SunoFileGoneError, SunoValidationError
from airflow_provider_suno.http import downloads
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.downloads import Downloader, DownloadLimits, Validators
from airflow_provider_suno.http.media_session import MediaSession
from airflow_provider_suno.http.settings import MediaSettings
from tests.support.media_host import (
    Behaviour,
    MediaHost,
    answer,
    chunked,
    claims,
    compressed,
    cut,
    cut_without_ranges,
    drip,
    endless,
    media_host,
    redirect,
    serve,
    slow_headers,
    slowly,
    sound,
)

HURRIED = DownloadLimits(first_gap=0.01, longest_gap=0.05, window=0.2, slowest=1000, slow_windows=2, report_gap=0.02)
SONG = sound(300_000)
SQUEEZED = gzip.compress(SONG)
MEMBERS = gzip.compress(SONG[:100_000]) + gzip.compress(SONG[100_000:])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with media_host() as host:
        host.add("/song.mp3", SONG)
        yield host


class Fetching:
    """A downloader that hurries, and what it reported."""

    def __init__(self, settings: MediaSettings, path: Path) -> None:
        self.reports: list[tuple[str, int, int | None]] = []
        self.cancellation = Cancellation()
        self.session = MediaSession(settings)
        self.path = path
        self.downloader = Downloader(
            self.session,
            cancellation=self.cancellation,
            report=lambda *report: self.reports.append(report),
            limits=HURRIED,
        )

    def __call__(self, url: str, **options: Any) -> Any:
        return self.downloader.fetch(url, self.path, **{"content": "audio", "most_bytes": 10**6, **options})


@pytest.fixture
def fetch(tmp_path: Path) -> Iterator[Fetching]:
    fetching = Fetching(MediaSettings(read_timeout=1.0, connect_timeout=1.0, allow_private=True), tmp_path / "part")
    with fetching.session:
        yield fetching


def holds(path: Path, content: bytes) -> bool:
    return path.read_bytes() == content


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([serve], id="whole"),
        pytest.param([chunked], id="no length"),
        pytest.param([compressed], id="compressed although not asked for"),
        pytest.param([answer(200, MEMBERS, Content_Encoding="gzip")], id="compressed in two members"),
        pytest.param([cut(0.5), serve], id="cut once"),
        pytest.param([cut(0.0), cut(0.3), cut(0.3), serve], id="cut thrice"),
        pytest.param([cut_without_ranges(0.3), cut_without_ranges(0.6), serve], id="a host without ranges"),
        pytest.param([answer(503, Retry_After="0"), answer(429), answer(500), serve], id="down for a while"),
        pytest.param([answer(200, b"<html>Please wait</html>"), serve], id="a page for a while"),
        pytest.param([cut(0.5), answer(416), serve], id="the rest is refused"),
        pytest.param([cut(0.5), answer(206, b"x", Content_Range="bytes 7-7/300000"), serve], id="another range"),
        pytest.param([claims(len(SONG) + 1000), serve], id="a length that is too long"),
    ],
)
def test_a_file_arrives_whole(script: list[Behaviour], host: MediaHost, fetch: Fetching) -> None:
    host.script = script
    fetched = fetch(host.url + "/song.mp3?signature=abc")
    assert holds(fetch.path, SONG)
    assert (fetched.size, fetched.sha256) == (len(SONG), hashlib.sha256(SONG).hexdigest())
    assert fetched.media_type.extension == ".mp3"
    assert host.script == []


def test_a_transfer_that_is_cut_thirty_times_goes_on_where_it_ended(host: MediaHost, fetch: Fetching) -> None:
    chance = random.Random(7)
    host.script = [cut(chance.uniform(0, 0.2)) for _ in range(30)]
    fetch(host.url + "/song.mp3")
    assert holds(fetch.path, SONG)
    assert len(host.requests) == 31
    starts = [int(headers["Range"][6:-1]) for headers in host.requests if "Range" in headers]
    assert len(starts) >= 25
    assert starts == sorted(starts)


def test_a_file_that_changed_between_two_attempts_begins_anew(host: MediaHost, fetch: Fetching) -> None:
    other = sound(200_000, seed=1)

    def change(exchange: Any) -> None:
        cut(0.5)(exchange)
        host.files["/song.mp3"] = other

    host.script = [change]
    fetch(host.url + "/song.mp3")
    assert holds(fetch.path, other)


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        ([answer(404)], SunoFileGoneError, "cannot be fetched any more: the host answered 404"),
        ([answer(403, b"error code: 1010")], SunoFileGoneError, "the host answered 403: b'error code: 1010'"),
        ([answer(410)], SunoFileGoneError, "the host answered 410"),
        ([answer(400, b"no")], SunoFileGoneError, "the host answered 400: b'no'"),
        ([answer(402, b"no")], SunoDownloadError, "cannot be fetched: the host answered 402: b'no'"),
        ([answer(200, b"<html>Gone</html>")] * 2, SunoDownloadError, "it holds a page of text instead of audio"),
        ([answer(200, b'{"code": 1}' * 9)] * 2, SunoDownloadError, "it holds JSON instead of audio"),
        ([answer(200)] * 2, SunoDownloadError, "in 2 attempts: it holds nothing instead of audio"),
        ([answer(200, PNG)] * 2, SunoDownloadError, "it holds picture (image/png) instead of audio"),
        ([answer(200, SONG, Content_Encoding="br")] * 8, SunoDownloadError, "the host sent it as 'br'"),
        ([answer(200, SQUEEZED[:-9], Content_Encoding="gzip")] * 8, SunoDownloadError, "form ended too early"),
        ([answer(200, b"x" * 99, Content_Encoding="gzip")] * 8, SunoDownloadError, "its answer not read (Error -3"),
        ([redirect("http://[bad/song.mp3")] * 8, SunoDownloadError, "cannot be asked"),
        ([redirect(f"http://{'x' * 70}.example/")] * 8, SunoDownloadError, "cannot be asked"),
        (
            [answer(500, b"no")] * 8,
            SunoDownloadError,
            "fetched in 8 attempts: the host answered 500: b'no'",
        ),
        ([claims(len(SONG) + 5)] * 9, SunoDownloadError, "broke after 300000 of 300005 bytes"),
        ([redirect("/song.mp3")] * 6, SunoDownloadError, "it is redirected more than 5 times"),
        ([redirect("ftp://host/song.mp3")], SunoValidationError, "is not an http or https URL"),
        ([redirect("http://me:secret@host/song.mp3")], SunoValidationError, "has a user name or password"),
        ([endless], SunoDownloadError, "max_bytes allows 1 MB"),
        ([claims(2 * 10**6)], SunoDownloadError, "The file has 2.0 MB or more"),
        ([drip] * 3, SunoDownloadError, "bytes arrived in 0 s"),
    ],
)
def test_what_cannot_be_fetched(
    script: list[Behaviour], error: type[Exception], said: str, host: MediaHost, fetch: Fetching
) -> None:
    host.usual = script[-1]
    host.script = script
    with pytest.raises(error) as raised:
        fetch(host.url + "/song.mp3?signature=secret")
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


def test_redirects_are_followed(host: MediaHost, fetch: Fetching) -> None:
    host.script = [redirect("/a"), redirect(f"{host.url}/b?x=1"), redirect("c"), redirect("/d"), redirect("/song.mp3")]
    fetch(host.url + "/start")
    assert holds(fetch.path, SONG)


def test_a_file_that_has_not_changed_is_not_sent_again(host: MediaHost, fetch: Fetching) -> None:
    fetched = fetch(host.url + "/song.mp3")
    assert fetch(host.url + "/song.mp3", unless=fetched.validators) is None
    assert fetch(host.url + "/song.mp3", unless=Validators('"other"')).sha256 == fetched.sha256


def test_progress_of_a_long_transfer(host: MediaHost, fetch: Fetching) -> None:
    host.script = [slowly(0.5)]
    fetch(host.url + "/song.mp3?signature=abc")
    assert fetch.reports
    where, size, total = fetch.reports[0]
    assert (where, total) == (host.url + "/song.mp3", len(SONG))
    assert 0 < size <= len(SONG)


def test_a_kill_ends_a_transfer_at_once(host: MediaHost, fetch: Fetching) -> None:
    host.script = [slowly(30)]

    def kill() -> None:
        time.sleep(0.3)
        fetch.cancellation.request()
        fetch.session.break_off()

    threading.Thread(target=kill).start()
    began = time.monotonic()
    with pytest.raises(SunoDownloadError, match="Killed while a file was fetched") as raised:
        fetch(host.url + "/song.mp3")
    assert not raised.value.fatal
    assert time.monotonic() - began < 3


def test_headers_must_come_in_time_but_a_file_may_take_longer(host: MediaHost, fetch: Fetching) -> None:
    host.script = [slow_headers] * 8
    fetch.downloader._limits = replace(HURRIED, attempts=2)
    began = time.monotonic()
    with pytest.raises(SunoDownloadError, match="its reply took longer than"):
        fetch(host.url + "/song.mp3")
    assert time.monotonic() - began < 12
    host.script = [slowly(4)]
    assert fetch(host.url + "/song.mp3").size == len(SONG)


def test_the_rest_of_a_file_without_proof_that_it_is_the_same_is_not_added(host: MediaHost, fetch: Fetching) -> None:
    other = sound(len(SONG), seed=5)
    rest = answer(206, other[150_000:], Content_Range=f"bytes 150000-{len(SONG) - 1}/{len(SONG)}")
    host.script = [cut(0.5), rest, serve]
    fetch(host.url + "/song.mp3")
    assert holds(fetch.path, SONG)


def test_a_temporary_file_that_cannot_be_written(host: MediaHost, fetch: Fetching) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(SunoDownloadError, match=r"could not be written .File too large") as raised:
            fetch(host.url + "/song.mp3")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert len(host.requests) == 1
    assert not raised.value.fatal


def test_no_key_and_no_netrc_goes_to_a_media_host(
    host: MediaHost, fetch: Fetching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    fetch(host.url + "/song.mp3")
    [headers] = host.requests
    assert {"Authorization", "Cookie"}.isdisjoint(headers)
    assert headers["User-Agent"].startswith("airflow-provider-suno/")


@pytest.mark.parametrize("by_redirect", [False, True])
@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]", "2130706433"],
)
def test_private_addresses_are_refused(
    name: str, by_redirect: bool, host: MediaHost, fetch: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"http://{name}:{host.url.rpartition(':')[2]}/song.mp3"
    if by_redirect:
        # The first host counts as a public one.
        real = MediaSession._addresses
        strict = replace(fetch.session.settings, allow_private=False)

        def addresses(session: MediaSession, called: str, port: int) -> Any:
            if len(host.requests) > 0:
                session.settings = strict
            return real(session, called, port)

        monkeypatch.setattr(MediaSession, "_addresses", addresses)
        host.script = [answer(302, Location=target, Connection="close")]
        url = host.url + "/start"
    else:
        fetch.session.settings = replace(fetch.session.settings, allow_private=False)
        url = target
    with pytest.raises(SunoValidationError, match="allow_private_media") as raised:
        fetch(url)
    assert raised.value.fatal
    assert len(host.requests) == int(by_redirect)


def test_a_name_that_resolves_anew_to_a_private_address_gains_nothing(
    host: MediaHost, fetch: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch.session.settings = replace(fetch.session.settings, allow_private=False)
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    connected = []

    def resolve(name: str, port: Any, *_: Any, **__: Any) -> Any:
        address = next(answers) if name == "rebinding.example" else name
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("airflow_provider_suno.http.media_session.create_connection", connect)
    with pytest.raises((SunoDownloadError, SunoValidationError)):
        fetch("http://rebinding.example/song.mp3")
    assert connected == ["93.184.216.34"]


def test_the_defaults() -> None:
    assert DownloadLimits() == downloads.LIMITS
    assert DownloadLimits().slow_windows * DownloadLimits().window == 180
