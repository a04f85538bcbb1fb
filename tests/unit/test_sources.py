"""What may be uploaded, and which track is meant."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_suno.exceptions import SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.files import open_source
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from airflow_provider_suno.http.uploads import LocalFile, MultipartStream
from airflow_provider_suno.polling.finished import track_number


class BytesInside(os.PathLike[Any]):
    def __fspath__(self) -> bytes:
        return b"/a.mp3"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("~nobody-at-all/a.mp3", "is not a path"),
        (BytesInside(), "is not a path"),
        ("https://[/a.mp3", "must be an http or https URL"),
        ("https://files.example/a\x00b.mp3", "must be an http or https URL"),
        ("https://", "must be an http or https URL"),
        (10**5000, "must be a path or a URL, got <int that cannot be shown>"),
    ],
    ids=["nobody's home", "bytes", "half an address", "a NUL", "no host", "a number"],
)
def test_what_is_no_source_is_refused_in_words(source: Any, said: str) -> None:
    with pytest.raises(SunoValidationError, match=said):
        open_source(source, None)


def test_a_url_may_be_written_in_capitals() -> None:
    assert open_source(" HTTPS://files.example/A.mp3\n", None) == ("https://files.example/A.mp3", "url")


class StoreError(Exception):
    """An error of a storage library, which is no ``OSError``."""


class Unreachable:
    """A file in a store that answers for some time only."""

    name = "a.mp3"

    def __init__(self, opens: int) -> None:
        self._opens = opens

    def stat(self) -> Any:
        return SimpleNamespace(st_size=3)

    def open(self, mode: str) -> Any:
        assert mode == "rb"
        self._opens -= 1
        if self._opens < 0:
            raise StoreError("the store is away")
        return io.BytesIO(b"ID3")


def test_a_file_in_a_store_that_cannot_be_reached_is_read_again_by_a_retry() -> None:
    away = r"cannot be read just now: StoreError\(.the store is away.\)"
    with pytest.raises(SunoUnavailableError, match=away) as caught:
        LocalFile.check(Unreachable(0), "a.mp3")
    assert not caught.value.fatal
    file = LocalFile.check(Unreachable(1), "a.mp3")
    client: Any = SunoClient(ClientSettings(auth=BearerAuth("key"), base_url="https://api.example"))
    with pytest.raises(SunoUnavailableError, match=away):
        client.upload_base64(file, "folder")
    with pytest.raises(SunoUnavailableError, match=away), MultipartStream(file, {}, print, lambda: None):
        pass


def test_a_file_name_that_is_no_text_needs_another(tmp_path: Path) -> None:
    odd = Path(f"{tmp_path}/\udcff.mp3")
    odd.write_bytes(b"ID3 and so on")
    with pytest.raises(SunoValidationError, match="is not valid text; give it another one"):
        LocalFile.check(odd)
    assert LocalFile.check(odd, "a.mp3").name == "a.mp3"


@pytest.mark.parametrize("name", ["\ud800.mp3", "a\r\nb.mp3", 5])
def test_a_name_or_folder_that_is_no_text_is_refused(name: Any) -> None:
    for options in ({"name": name}, {"folder": name}):
        with pytest.raises(SunoValidationError, match="must be text, got"):
            SunoHook().upload_file("/a.mp3", **options)


@pytest.mark.parametrize("track", ["9" * 5000, 10**5000, -1, True, "٣", "x", None], ids=lambda _: "")
def test_what_is_no_number_of_a_track(track: Any) -> None:
    with pytest.raises(SunoValidationError, match="track: must be a whole number from 0, got"):
        track_number(track)
