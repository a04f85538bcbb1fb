"""Anything as a file to upload, and anything as a connection: taken, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_suno.api.endpoints.uploads import UploadedFile
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.hooks.connection import ConnectionExtras, read_connection
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.uploads import LocalFile, MultipartStream
from tests.support.properties.chaos import Chaos, chaos, texts, values
from tests.support.properties.checks import check_error
from tests.support.properties.effort import HOSTILE

SOURCES: list[Any] = [
    "", " ", "~", "~nobody-at-all/x.mp3", "\x00.mp3", "a\x00b.mp3", "\ud800.mp3", "x" * 5000, "/", "/dev/null",
    "/proc/self/mem", "file:///nowhere/a.mp3", "s3://bucket/a.mp3", "nosuch://x/a.mp3", "://", "://x", "http://",
    "https://[/a.mp3", "https://x\x00/", "HTTPS://files.example/a.mp3", "https://files.example/a b.mp3", "file://",
    "file://[", "history://x/a.mp3", "github://x", "zip://a::b", "simplecache::s3://x", Path("/nowhere.mp3"), b"a.mp3",
    5, None, True, [], {}, object(), ["a.mp3"],
]  # fmt: skip
NAMES: list[Any] = [
    None, "", " ", "a.mp3", "a", "\ud800.mp3", 'a"b\r\nc.mp3', "x" * 5000 + ".mp3", "../a.mp3", "\x00.mp3", "é.mp3", 5,
    [], b"a.mp3",
]  # fmt: skip


class ByteFspath:
    """What is a path by its words, and none by its nature."""

    def __fspath__(self) -> bytes:
        return b"/nowhere/a.mp3"


class Taken:
    """A client that takes every upload."""

    def upload(self, file: LocalFile, folder: str, report: Any) -> UploadedFile:
        with MultipartStream(file, {"uploadPath": folder, "fileName": file.name}, report, lambda: None) as body:
            sent = b"".join(iter(body.read, b""))
            assert body.content_type.encode("latin-1")
        head = sent.split(b"\r\n\r\n", 1)[0]
        assert head.count(b"\r\n") == 1, "a header of the sender's own"
        assert sent.count(b"\r\n--") == 3, "a part of the sender's own"
        return self.upload_url("https://files.example/x", folder, file.name)

    def upload_base64(self, file: LocalFile, folder: str) -> UploadedFile:
        with file.path.open("rb") as content:
            assert content.read()
        return self.upload_url("https://files.example/x", folder, file.name)

    def upload_url(self, url: str, folder: str, name: str | None) -> UploadedFile:
        assert url.lower().startswith(("http://", "https://"))
        json.dumps([url, folder, name], ensure_ascii=False).encode()
        return UploadedFile.model_validate({"downloadUrl": "https://files.example/x"})


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sounds") / "a.mp3"
    made.write_bytes(b"ID3" + bytes(100))
    return made


def check_upload(source: Any, **options: Any) -> str | None:
    """Check what becomes of a source; return the URL when it was taken."""
    hook = SunoHook()
    vars(hook)["client"] = Taken()
    try:
        return hook.upload_file(source, **options)
    except SunoError as error:
        check_error(error)
        return None


@HOSTILE
@given(
    source=st.sampled_from([*SOURCES, ByteFspath()]) | texts() | values(),
    method=st.sampled_from([None, "", "stream", "base64", "url", "ftp", 5, [], {}]) | texts(),
    folder=st.sampled_from(NAMES),
    name=st.sampled_from(NAMES),
)
@example("~nobody-at-all/x.mp3", None, None, None).via("a home that nobody has")
@example("https://[/a.mp3", None, None, None).via("half an address")
def test_any_source(source: Any, method: Any, folder: Any, name: Any) -> None:
    for kwargs in ({}, {"method": method}, {"folder": folder, "name": name}, {"method": method, "name": name}):
        url = check_upload(source, **kwargs)
        assert url is None or source.strip().lower().startswith("http") or Path(source).stat().st_size


@HOSTILE
@given(
    folder=st.sampled_from(NAMES) | texts(),
    name=st.sampled_from(NAMES) | texts(),
    method=st.sampled_from(["stream", "base64"]),
)
@example("x", "\ud800.mp3", "stream").via("a name that is no text")
@example("a\r\n--\r\n\r\nb", "a.mp3", "stream").via("a folder with lines of its own")
def test_any_folder_and_name(sound: Path, folder: Any, name: Any, method: str) -> None:
    taken = check_upload(sound, folder=folder, name=name, method=method)
    assert taken in (None, "https://files.example/x")


def test_a_file_whose_name_is_no_text(sound: Path) -> None:
    odd = Path(str(sound.parent) + "/\udcff.mp3")
    odd.write_bytes(sound.read_bytes())
    assert check_upload(odd) is None
    assert check_upload(odd, name="a.mp3") == "https://files.example/x"


SECRET = "sK-7qX2"
EXTRAS = st.dictionaries(st.sampled_from([*ConnectionExtras.model_fields, "unheard of"]), values(), max_size=4)
HOSTS = [
    None, "", " ", "api.example", "https://api.example/", "http://[", "http://x:port", "ftp://x", "https://u:p@x",
    "a b", "x" * 9000, "http://\u2100.example", "https://x/?a", "\x00", "\ud800", "https://x\x1b[31m/", "x\u202e",
]  # fmt: skip


@HOSTILE
@given(
    extra=EXTRAS | values(),
    host=st.sampled_from(HOSTS) | texts(),
    schema=st.sampled_from([None, "", "http", "https", "ftp"]) | texts(),
    port=st.none() | st.integers(),
    password=st.none() | texts() | texts().map(lambda text: SECRET + text),
)
@example({"profile": []}, None, None, None, "a-secret-key").via("a name of a profile that is none")
def test_any_connection(extra: Any, host: Any, schema: Any, port: Any, password: Any) -> None:
    connection = SimpleNamespace(
        conn_id="suno", host=host, schema=schema, port=port, password=password, extra=json.dumps(extra)
    )
    try:
        settings = read_connection(connection, extra)
    except SunoError as error:
        check_error(error)
        assert SECRET not in str(error)
        return
    assert settings.client.base_url.startswith("http")
    assert repr(settings).isprintable()
    assert password.strip()
    assert SECRET not in repr(settings)


@HOSTILE
@given(chaos())
def test_true_extras_that_were_damaged(made: Chaos) -> None:
    true = {"timeout": 30, "callback_url": "https://x/", "poll_limit": "100", "profile": "kie", "verify": "true",
        "proxies": {"https": "http://proxy:3128"}, "upload_url": "https://up/"}  # fmt: skip
    extra = made.mutated(true)
    connection = SimpleNamespace(
        conn_id="suno", host=made.text(), schema=None, port=None, password="a-secret-key", extra=json.dumps(extra)
    )
    try:
        assert read_connection(connection, extra).poll_limit > 0
    except SunoError as error:
        check_error(error)
