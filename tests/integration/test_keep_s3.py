"""Keeping in S3, as moto's server plays it, through s3fs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from airflow.sdk.io import attach

from airflow_provider_suno.exceptions import SunoDownloadError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.media_host import MediaHost, cut, media_host, sound

BUCKET = "songs"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """Run a server, and let ``s3://`` lead to it."""
    s3fs = pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    files = s3fs.S3FileSystem(
        key="key", secret="secret", client_kwargs={"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-1"}
    )
    files.mkdir(BUCKET, region_name="eu-west-1")
    attach("s3", fs=files)
    try:
        yield files
    finally:
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)
        server.stop()


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with media_host() as host:
        yield host


def record_of(host: MediaHost, size: int) -> dict[str, Any]:
    url = host.add("/a1.mp3", sound(size))
    track = {"audio_id": "a1", "title": "Größe #1? 100%", "audio_url": url}
    return {"music_task_id": "t1", "status": "SUCCESS", "tracks": [track]}


def test_songs_are_kept_whole_and_once(s3: Any, song: Callable[..., str], sim: RunningSimulator) -> None:
    music_task_id = song()
    first = SunoHook().download(music_task_id, f"s3://{BUCKET}/kept", covers=True)
    again = SunoHook().download(music_task_id, f"s3://{BUCKET}/kept", covers=True)
    assert [file.to_dict() for file in again] == [file.to_dict() for file in first]
    assert [file.fetched for file in again] == [False] * 4
    assert len(sim.ledger()["downloads"]) == 4
    for file in first:
        assert hashlib.sha256(s3.cat_file(file.uri)).hexdigest() == file.sha256
    assert len(s3.ls(f"{BUCKET}/kept")) == 8


def test_a_large_file_is_uploaded_in_parts(s3: Any, host: MediaHost, sim: RunningSimulator) -> None:
    record = record_of(host, 120_000_000)
    host.script = [cut(0.5)]
    [file] = SunoHook().download(record, f"s3://{BUCKET}/large")
    assert s3.info(f"{BUCKET}/large/{file.uri.rpartition('/')[2]}")["size"] == file.size
    assert "Größe _1_ 100_" in file.uri


def test_a_failed_upload_leaves_no_object(
    s3: Any, host: MediaHost, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(host, 120_000_000)
    real = s3._call_s3

    async def call(method: str, *arguments: Any, **options: Any) -> Any:
        if method == "upload_part" and options["PartNumber"] == 2:
            raise PermissionError("Access Denied")
        return await real(method, *arguments, **options)

    with monkeypatch.context() as broken:
        broken.setattr(s3, "_call_s3", call)
        with pytest.raises(SunoDownloadError, match=r"cannot be written .*Access Denied"):
            SunoHook().download(record, f"s3://{BUCKET}/denied")
    s3.invalidate_cache()
    assert [path for path in s3.find(f"{BUCKET}/denied") if path.endswith(".mp3")] == []
    assert len(SunoHook().download(record, f"s3://{BUCKET}/denied")) == 1
    assert len([path for path in s3.find(f"{BUCKET}/denied") if path.endswith(".mp3")]) == 1


def test_two_tracks_of_one_name_in_one_bucket(s3: Any, host: MediaHost, sim: RunningSimulator) -> None:
    first, second = record_of(host, 20_000), record_of(host, 20_000)
    second["music_task_id"], second["tracks"][0]["audio_id"] = "t2", "b1"
    uris = [
        file.uri
        for record in (first, second, first, second)
        for file in SunoHook().download(record, f"s3://{BUCKET}/same", name="{title}")
    ]
    assert len(set(uris)) == 2
    assert uris[:2] == uris[2:]
