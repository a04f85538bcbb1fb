"""Keeping in S3 through s3fs, and in Google Cloud Storage through gcsfs: against servers that stand in for them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_suno.exceptions import SunoDownloadError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.links import kept_file
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.media_host import MediaHost, cut, media_host, sound
from tests.support.object_stores import attached, s3_server

BUCKET = "songs"


@dataclass(frozen=True)
class Store:
    """A bucket, the filesystem of ``fsspec`` that reaches it, and where its server is."""

    bucket: str
    files: Any
    address: str
    sender: tuple[Any, str]
    """Where the coroutine is that sends a part of a file, beside other things perhaps."""

    def songs(self, folder: str) -> list[str]:
        """Return the audio files below a folder, as the store lists them now."""
        self.files.invalidate_cache()
        return [path for path in self.files.find(f"{BUCKET}/{folder}") if path.endswith(".mp3")]


@contextmanager
def s3() -> Iterator[Store]:
    """Run a server, and let ``s3://`` lead to it."""
    with s3_server(BUCKET) as (files, address):
        yield Store(f"s3://{BUCKET}", files, address, (files, "_call_s3"))


@contextmanager
def gcs() -> Iterator[Store]:
    """Run a server, and let ``gs://`` lead to it."""
    # Without this, gcsfs asks for the kind of bucket over gRPC, which the server does not have.
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
    gcsfs = pytest.importorskip("gcsfs")
    from gcp_storage_emulator import server as emulator

    server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    port = server._api._httpd.server_address[1]

    class Files(gcsfs.GCSFileSystem):  # type: ignore[misc,name-defined]
        async def _call(self, method: str, path: str, *arguments: Any, **options: Any) -> Any:
            if method == "DELETE" and "upload_id" in path:
                return None  # the server cannot abandon an upload, and would be asked to for half a minute
            return await super()._call(method, path, *arguments, **options)

    files = Files(endpoint_url=f"http://127.0.0.1:{port}", token="anon", project="songs")
    address = f"http://127.0.0.1:{port}/storage/v1/"
    try:
        with attached("gs", files):
            yield Store(f"gs://{BUCKET}", files, address, (gcsfs.core, "upload_chunk"))
    finally:
        server.stop()


@pytest.fixture(scope="module", params=[s3, gcs])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with request.param() as store:
        yield store


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with media_host() as host:
        yield host


def record_of(host: MediaHost, size: int) -> dict[str, Any]:
    url = host.add("/a1.mp3", sound(size))
    track = {"audio_id": "a1", "title": "Größe #1? 100%", "audio_url": url}
    return {"music_task_id": "t1", "status": "SUCCESS", "tracks": [track]}


def test_songs_are_kept_whole_and_once(store: Store, song: Callable[..., str], sim: RunningSimulator) -> None:
    music_task_id = song()
    first = SunoHook().download(music_task_id, f"{store.bucket}/kept", covers=True)
    again = SunoHook().download(music_task_id, f"{store.bucket}/kept", covers=True)
    assert [file.to_dict() for file in again] == [file.to_dict() for file in first]
    assert [file.fetched for file in again] == [False] * 4
    assert len(sim.ledger()["downloads"]) == 4
    for file in first:
        assert hashlib.sha256(store.files.cat_file(file.uri)).hexdigest() == file.sha256
    assert len(store.files.ls(f"{BUCKET}/kept")) == 8


def test_where_a_bucket_is_can_be_told_when_its_files_are_kept(
    store: Store, host: MediaHost, sim: RunningSimulator
) -> None:
    # The links to consoles depend on it, and the filesystems do not document where they have it.
    [file] = SunoHook().download(record_of(host, 20_000), f"{store.bucket}/linked")
    told = {"s3": kept_file._s3_address, "gs": kept_file._gcs_address}[store.bucket[:2]]
    assert told(file.uri) == store.address


def test_a_large_file_is_uploaded_in_parts(store: Store, host: MediaHost, sim: RunningSimulator) -> None:
    record = record_of(host, 120_000_000)
    host.script = [cut(0.5)]
    [file] = SunoHook().download(record, f"{store.bucket}/large")
    assert store.files.info(f"{BUCKET}/large/{file.uri.rpartition('/')[2]}")["size"] == file.size
    assert "Größe _1_ 100_" in file.uri


def test_a_failed_upload_leaves_no_object(
    store: Store, host: MediaHost, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(host, 120_000_000)
    real = getattr(*store.sender)
    parts: list[Any] = []

    async def send(what: Any, *arguments: Any, **options: Any) -> Any:
        if what in ("upload_part", store.files):
            parts.append(what)
        if len(parts) > 1:
            raise PermissionError("Access Denied")
        return await real(what, *arguments, **options)

    with monkeypatch.context() as broken:
        broken.setattr(*store.sender, send)
        with pytest.raises(SunoDownloadError, match=r"cannot be written .*Access Denied"):
            SunoHook().download(record, f"{store.bucket}/denied")
    assert len(parts) > 1
    assert store.songs("denied") == []
    assert len(SunoHook().download(record, f"{store.bucket}/denied")) == 1
    assert len(store.songs("denied")) == 1


def test_two_tracks_of_one_name_in_one_bucket(store: Store, host: MediaHost, sim: RunningSimulator) -> None:
    first, second = record_of(host, 20_000), record_of(host, 20_000)
    second["music_task_id"], second["tracks"][0]["audio_id"] = "t2", "b1"
    uris = [
        file.uri
        for record in (first, second, first, second)
        for file in SunoHook().download(record, f"{store.bucket}/same", name="{title}")
    ]
    assert len(set(uris)) == 2
    assert uris[:2] == uris[2:]
