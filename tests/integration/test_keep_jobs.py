"""The files of other jobs than music are kept: by the hook, and by ``keep_at`` of the operators that make them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.models.asset import AssetEvent
from airflow.providers.common.compat.lineage import hook as hook_lineage
from airflow.providers.common.compat.sdk import HookLineageCollector
from airflow.sdk import DAG, Asset, AssetAlias, ObjectStoragePath
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_suno.api.endpoints.wav import WavConversion
from airflow_provider_suno.api.jobs import JobRef, job_kind
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.exceptions import (
    SunoDownloadError,
    SunoFileGoneError,
    SunoJobFailedError,
    SunoJobNotFinishedError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.lineage.files import asset_uri
from airflow_provider_suno.operators.conversions import ConvertToWavOperator, GenerateMidiOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.simulator import Order
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.task.keeping import keep_usable_part
from airflow_provider_suno.task.suno_task import SunoTask
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.bundles import Bundle, bundles
from tests.support.generating import RETRY, Schedule
from tests.support.media_host import MediaHost, answer, cut, film, media_host, picture, serve, slowly, sound, wave

pytestmark = pytest.mark.usefixtures("short_clocks")

needs_journal = pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")

FAST = {"poll_interval": 0.05}
PAGE = answer(200, b"<html>Please pay</html>")


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with media_host() as host:
        yield host


@pytest.fixture
def track(song: Callable[..., str]) -> dict[str, str]:
    """Return what names a finished track."""
    record = SunoHook().get_music_task(song())
    assert record is not None
    return {"music_task_id": record.music_task_id, "audio_id": record.audio_ids[0]}


@pytest.fixture
def converted(track: dict[str, str], sim: RunningSimulator) -> str:
    """Return the id of a finished conversion to WAV."""
    job_id = SunoHook().convert_to_wav(**track)
    sim.clock.advance(300)
    return job_id


@pytest.fixture
def bundle(host: MediaHost) -> Iterator[dict[str, Any]]:
    """Return the record of a finished job with files of all contents."""
    parts = {
        "vocals": (sound(20_000), "audio"),
        "drums": (wave(20_000), "audio"),
        "cover": (picture(), "picture"),
        "video": (film(), "video"),
    }
    listed = [
        {"part": part, "url": host.add(f"/{part}", content) + "?signature=secret", "content": kind}
        for part, (content, kind) in parts.items()
    ]
    with bundles():
        yield {"job_id": "j1", "parts": listed, "audio_id": "a1", "parent_task_id": "m1"}


def keep(job: Any, folder: Any, kind: str = "bundle", **options: Any) -> list[Any]:
    return SunoHook().keep_files(job, folder, kind=kind, **options)


def fetched(sim: RunningSimulator) -> list[str]:
    return [entry["path"] for entry in sim.ledger()["downloads"]]


def charges(sim: RunningSimulator) -> list[int]:
    return [job["charges"] for job in sim.ledger()["conversions"] if job["kind"] == "wav"]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def path_of(file: Any) -> Path:
    return Path((file["uri"] if isinstance(file, dict) else file.uri).removeprefix("file://"))


@pytest.mark.parametrize("given", ["id", "XCom", "record"])
def test_the_hook_keeps_a_wav_with_its_description(
    given: str, converted: str, track: Any, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = HookLineageCollector()
    monkeypatch.setattr(f"{hook_lineage.__name__}.get_hook_lineage_collector", lambda: collector)
    record = SunoHook().get_record(converted, kind="wav")
    assert isinstance(record, WavConversion)
    job = {"id": converted, "XCom": record.to_dict(), "record": record}[given]
    [file] = keep(job, tmp_path, "wav")
    assert names(tmp_path) == [f"{converted}.json", f"{converted}.wav"]
    path = path_of(file)
    assert path.read_bytes()[:4] == b"RIFF"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.to_dict() == {
        "uri": f"file://{path}",
        "audio_id": track["audio_id"],
        "title": None,
        "size": path.stat().st_size,
        "sha256": digest,
        "media_type": "audio/wav",
        "duration": None,
        "part": "wav",
    }
    said = json.loads(path.with_suffix(".json").read_text())
    assert list(said) == [
        "file", "size", "sha256", "media_type", "kind", "job_id", "part", "audio_id", "music_task_id", "kept_at",
        "source_url", "source_sha256", "validators",
    ]  # fmt: skip
    assert (said["file"], said["size"], said["sha256"]) == (path.name, file.size, digest)
    assert (said["kind"], said["job_id"], said["part"]) == ("wav", converted, "wav")
    assert (said["audio_id"], said["music_task_id"]) == (track["audio_id"], None)
    assert (said["source_url"], said["source_sha256"]) == (record.audio_wav_url, digest)
    assert [asset.asset.uri for asset in collector.collected_assets.outputs] == [asset_uri(file.uri)]
    assert [entry["had_key"] for entry in sim.ledger()["downloads"]] == [False]


def test_several_files_are_called_by_their_parts(
    bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    files = keep(bundle, tmp_path)
    assert [path_of(file).name for file in files] == ["j1-vocals.mp3", "j1-drums.wav", "j1-cover.png", "j1-video.mp4"]
    assert [file.part for file in files] == ["vocals", "drums", "cover", "video"]
    assert [file.media_type for file in files] == ["audio/mpeg", "audio/wav", "image/png", "video/mp4"]
    for file in files:
        path = path_of(file)
        assert path.read_bytes() == host.files[f"/{file.part}"]
        said = json.loads(path.with_suffix(".json").read_text())
        assert (said["part"], said["audio_id"], said["music_task_id"]) == (file.part, "a1", "m1")
        assert "secret" not in json.dumps(said)
    assert len(names(tmp_path)) == 8
    assert all("Authorization" not in headers for headers in host.requests)


@pytest.mark.parametrize("store", ["file", "memory"])
def test_a_second_run_fetches_only_what_is_missing(
    store: str, bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    folder = {"file": f"file://{tmp_path}/kept", "memory": "memory://bucket/jobs"}[store]
    first = keep(bundle, folder)
    again = keep(bundle, folder)
    assert [file.to_dict() for file in again] == [file.to_dict() for file in first]
    assert ([file.fetched for file in again], len(host.requests)) == ([False] * 4, 4)
    ObjectStoragePath(first[1].uri).unlink()
    once_more = keep(bundle, folder)
    assert [file.fetched for file in once_more] == [False, True, False, False]
    assert len(host.requests) == 5


def test_a_file_that_changed_at_the_host_is_replaced_if_asked_for(
    bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    keep(bundle, tmp_path)
    host.files["/drums"] = wave(30_000, seed=9)
    assert not any(file.fetched for file in keep(bundle, tmp_path))
    changed = keep(bundle, tmp_path, overwrite="if_changed")
    assert [file.fetched for file in changed] == [False, True, False, False]
    assert path_of(changed[1]).read_bytes() == host.files["/drums"]


def test_a_wav_of_60_mb_is_resumed_and_kept_as_it_is(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = host.add("/x.wav", wave(60_000_000))
    host.script = [cut(0.4), cut(0.4)]
    [file] = keep({"job_id": "w1", "status": "SUCCESS", "audio_wav_url": url}, tmp_path, "wav")
    assert (file.size, file.sha256) == (60_000_000, hashlib.sha256(host.files["/x.wav"]).hexdigest())
    assert [headers.get("Range") is not None for headers in host.requests] == [False, True, True]
    with pytest.raises(SunoDownloadError, match="max_bytes allows 50 MB"):
        keep({"job_id": "w2", "status": "SUCCESS", "audio_wav_url": url}, tmp_path, "wav", max_bytes=50_000_000)


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("vocals", b"<html>Gone</html>", "holds a page of text instead of audio"),
        ("vocals", picture(), "holds picture .image/png. instead of audio"),
        ("cover", sound(20_000), "holds audio .audio/mpeg. instead of picture"),
        ("video", picture(), "holds picture .image/png. instead of video"),
        ("video", film(brand=b"M4A "), "holds audio .audio/mp4. instead of video"),
        ("video", sound(20_000), "holds audio .audio/mpeg. instead of video"),
    ],
)
def test_wrong_content_is_not_kept_and_the_others_are(
    part: str, content: bytes, said: str, bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    right = host.files[f"/{part}"]
    host.files[f"/{part}"] = content
    with pytest.raises(SunoDownloadError, match=said) as raised:
        keep(bundle, tmp_path)
    assert not raised.value.fatal
    assert len(names(tmp_path)) == 6
    assert not [name for name in names(tmp_path) if part in name]
    host.files[f"/{part}"] = right
    assert [file.part for file in keep(bundle, tmp_path) if file.fetched] == [part]


def test_a_song_that_comes_as_mp4_is_audio(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    url = host.add("/song.mp4", film())
    with bundles():
        [file] = keep({"job_id": "j", "parts": [{"part": "song", "url": url, "content": "audio"}]}, tmp_path)
    assert (path_of(file).name, file.media_type) == ("j.m4a", "audio/mp4")


def test_an_expired_link_is_looked_up_in_the_record_again(
    host: MediaHost, converted: str, sim: RunningSimulator, tmp_path: Path
) -> None:
    old = {"job_id": converted, "status": "SUCCESS", "audio_wav_url": f"{host.url}/gone.wav"}
    [file] = keep(old, tmp_path, "wav")
    assert "gone.wav" not in path_of(file).with_suffix(".json").read_text()
    assert len(fetched(sim)) == 1


def test_the_record_is_read_again_once_for_all_expired_links(
    bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Bundle.model_validate(bundle)
    reads: list[JobRef] = []

    def get_record(_: SunoHook, job: JobRef) -> Bundle:
        reads.append(job)
        return now

    monkeypatch.setattr(SunoHook, "get_record", get_record)
    old = {**bundle, "parts": [{**part, "url": f"{host.url}/gone"} for part in bundle["parts"]]}
    files = keep(old, tmp_path, parallel=4)
    assert [path_of(file).read_bytes() for file in files] == list(host.files.values())
    assert [str(job) for job in reads] == ["bundle j1"]


def test_a_file_that_is_gone(converted: str, sim: RunningSimulator, tmp_path: Path) -> None:
    sim.clock.advance(15 * 24 * 3600)
    with pytest.raises(SunoFileGoneError, match="the host answered 404") as raised:
        keep(converted, tmp_path, "wav")
    assert f"The link to WAV conversion {converted} has expired, and the record of" in str(raised.value)
    assert not raised.value.fatal
    assert names(tmp_path) == []


def test_files_of_others_are_left_alone(
    bundle: dict[str, Any], host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    (tmp_path / "j1-vocals.mp3").write_bytes(b"mine")
    (tmp_path / "j1-drums.json").write_text('{"job_id": "j1", "kind": "stems", "part": "drums"}')
    with pytest.raises(SunoDownloadError, match=r"j1-vocals.mp3 is there already with other content") as raised:
        keep(bundle, tmp_path)
    assert raised.value.fatal
    assert (tmp_path / "j1-vocals.mp3").read_bytes() == b"mine"
    assert not (tmp_path / "j1-vocals.json").exists()
    (tmp_path / "j1-vocals.mp3").unlink()
    files = keep(bundle, tmp_path)
    assert path_of(files[0]).name == "j1-vocals.mp3"
    own = path_of(files[1]).name
    assert own.startswith("j1-drums-")
    assert json.loads((tmp_path / "j1-drums.json").read_text())["kind"] == "stems"
    assert [path_of(file).name for file in keep(bundle, tmp_path)][1] == own
    assert len(host.requests) == 5


def test_names_that_look_alike_are_told_apart(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    parts = ["Synth", "synth", "Synth", "a/b", "a:b"]
    listed = [
        {"part": part, "url": host.add(f"/{number}", sound(20_000, seed=number)), "content": "audio"}
        for number, part in enumerate(parts)
    ]
    with bundles():
        files = keep({"job_id": "../j", "parts": listed}, tmp_path)
        assert [file.fetched for file in keep({"job_id": "../j", "parts": listed}, tmp_path)] == [False] * 5
    assert [file.part for file in files] == ["Synth", "synth", "Synth 2", "a/b", "a:b"]
    assert [path_of(file).read_bytes() for file in files] == list(host.files.values())
    assert {path_of(file).parent for file in files} == {tmp_path}
    assert len({path_of(file).name.casefold() for file in files}) == 5


def test_a_wav_of_a_track_does_not_count_as_the_track(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    """Both name the track; here even the files would have the same name."""
    url = host.add("/a1.mp3", sound(20_000))
    record = {"music_task_id": "m1", "status": "SUCCESS", "tracks": [{"audio_id": "a1", "audio_url": url}]}
    wav = {"job_id": "j1", "status": "SUCCESS", "audio_wav_url": host.add("/x", wave(20_000)), "audio_id": "a1"}
    keep(wav, tmp_path, "wav")
    [file] = SunoHook().download(record, tmp_path, name="j1")
    assert path_of(file).name == "j1-a1.mp3"


def test_what_the_first_version_has_kept_is_recognised(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    content = sound(20_000)
    url = host.add("/a1.mp3", content)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "Rain-a1.mp3").write_bytes(content)
    (tmp_path / "Rain-a1.json").write_text(
        json.dumps(
            {
                "file": "Rain-a1.mp3",
                "size": len(content),
                "sha256": digest,
                "media_type": "audio/mpeg",
                "audio_id": "a1",
                "music_task_id": "m1",
                "title": "Rain",
                "tags": None,
                "prompt": None,
                "model": "V5",
                "persona_id": None,
                "duration": 61.0,
                "created_at": None,
                "kept_at": "2026-11-28T12:00:00+00:00",
                "source_url": url,
                "source_sha256": digest,
                "validators": {"etag": None, "last_modified": None},
            }
        )
    )
    track = {"audio_id": "a1", "title": "Rain", "audio_url": url, "duration": 61.0}
    [file] = SunoHook().download({"music_task_id": "m1", "status": "SUCCESS", "tracks": [track]}, tmp_path)
    assert (file.fetched, file.to_dict()["duration"], host.requests) == (False, 61.0, [])
    assert list(file.to_dict()) == ["uri", "audio_id", "title", "size", "sha256", "media_type", "duration"]


def test_a_job_that_has_not_finished(track: dict[str, str], sim: RunningSimulator, tmp_path: Path) -> None:
    sim.orders.add(Order(kind="wav", stuck=True))
    running = SunoHook().convert_to_wav(**track)
    for job in (running, {"job_id": running, "status": "PENDING"}):
        with pytest.raises(SunoJobNotFinishedError, match=r"is not finished .status PENDING.*wait for it first"):
            keep(job, tmp_path, "wav")


def test_a_job_that_failed(
    track: dict[str, str], bundle: dict[str, Any], sim: RunningSimulator, tmp_path: Path, hooks_log: Any
) -> None:
    sim.orders.add(Order(kind="wav", fail="GENERATE_WAV_FAILED"))
    failed = SunoHook().convert_to_wav(**track)
    sim.clock.advance(300)
    with pytest.raises(SunoJobFailedError, match="ended as GENERATE_WAV_FAILED") as raised:
        keep(failed, tmp_path, "wav")
    assert raised.value.fatal
    hook = SunoHook()
    lines = hooks_log(hook)
    assert len(hook.keep_files({**bundle, "status": "FAILED"}, tmp_path, kind="bundle")) == 4
    assert any("bundle j1 has not finished well (FAILED), but has files, so these are kept" in line for line in lines)


def test_trouble_with_the_files_of_a_failed_job_is_only_logged(
    bundle: dict[str, Any], sim: RunningSimulator, tmp_path: Path, hooks_log: Any
) -> None:
    job = JobRef(job_kind("bundle"), "j1")
    record = Bundle.model_validate({**bundle, "status": "FAILED"})
    failed = Outcome(OutcomeKind.FAILED, job, record=record, error=SunoJobFailedError("no luck"))
    (tmp_path / "kept").write_text("a file where the folder should be")
    hook = SunoHook()
    lines = hooks_log(hook)
    keep_usable_part({}, hook, failed, tmp_path / "kept")
    [said] = [line for line in lines if line.startswith("the usable files of bundle j1 could not be kept")]
    assert "SunoHook.keep_files with 'j1' and kind='bundle' keeps them; nothing is charged for that." in said


def test_what_is_unusual_about_a_finished_job_is_logged(
    track: dict[str, str], sim: RunningSimulator, tmp_path: Path, hooks_log: Any
) -> None:
    sim.orders.add(Order(kind="wav", fail="CALLBACK_EXCEPTION"))
    job_id = SunoHook().convert_to_wav(**track)
    sim.clock.advance(300)
    hook = SunoHook()
    lines = hooks_log(hook)
    assert len(hook.keep_files(job_id, tmp_path, kind="wav")) == 1
    assert any("CALLBACK_EXCEPTION" in line for line in lines)


@pytest.mark.parametrize(
    ("job", "options", "said"),
    [
        ("j", {"kind": "midi"}, "kind: the result of a MIDI job is no file"),
        ("j", {"kind": "songs"}, "kind: must be one of cover_art, lyrics"),
        ("", {}, "job_id: "),
        (None, {}, "job_id: "),
        ({"music_task_id": "m"}, {}, "wav: must be the XCom wav of a sensor or an operator"),
        ("j", {"overwrite": "always"}, "overwrite: must be one of"),
        ("j", {"parallel": 0}, "parallel: must be a whole number from 1 to 16"),
        ("j", {"destination": "https://host/wavs"}, "destination: 'https://host/wavs' cannot be written to"),
    ],
)
def test_wrong_arguments_of_the_hook(job: Any, options: dict[str, Any], said: str, sim: Any, tmp_path: Path) -> None:
    with pytest.raises(SunoValidationError) as raised:
        SunoHook().keep_files(job, **{"destination": tmp_path, "kind": "wav", **options})
    assert said in str(raised.value)


def test_a_finished_job_without_files(bundle: dict[str, Any], sim: RunningSimulator, tmp_path: Path) -> None:
    with pytest.raises(SunoDownloadError, match=r"Bundle j1 has no file .status SUCCESS"):
        keep({**bundle, "parts": []}, tmp_path)


def test_music_is_downloaded(song: Callable[..., str], sim: RunningSimulator, tmp_path: Path) -> None:
    music_task_id = song("Rain on a tin roof")
    files = keep(music_task_id, tmp_path, "music")
    assert [file.to_dict() for file in SunoHook().download(music_task_id, tmp_path)] == [
        file.to_dict() for file in files
    ]
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("deferrable", [False, True])
def test_convert_and_keep_in_one_task(
    deferrable: bool,
    track: dict[str, str],
    schedule: Schedule,
    sim: RunningSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: dict[str, Any] = {}
    add = SunoTask.add_lineage

    def note(task: Any, **lineage: Any) -> None:
        add(task, **lineage)
        used, made = told.get(task.task_id, ((), ()))  # before Airflow 3.3 the context has a copy of the task
        told[task.task_id] = (tuple({*used, *task.used}), tuple({*made, *task.made}))

    monkeypatch.setattr(SunoTask, "add_lineage", note)
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(
            task_id="wav",
            **track,
            **FAST,
            keep_at=tmp_path / "{{ run_id }}",
            deferrable=deferrable,
            outlets=[Asset("wavs"), AssetAlias("each wav")],
        )
    run = schedule(dag).run()
    assert run.state("wav") == ["success"], run.last_error
    job_id, [file] = run.xcom("wav", "job_id"), run.xcom("wav", "files")
    assert run.xcom("wav") == run.xcom("wav", "wav")["audio_wav_url"]
    assert list(file) == ["uri", "audio_id", "title", "size", "sha256", "media_type", "duration", "part"]
    assert (path_of(file).name, file["part"], file["audio_id"]) == (f"{job_id}.wav", "wav", track["audio_id"])
    assert path_of(file).read_bytes()[:4] == b"RIFF"
    run_id = run.task_instances()[0].run_id
    assert path_of(file).parent == tmp_path / run_id
    with create_session() as session:
        of_this_run = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run_id))
        raised = [(event.asset.uri, event.extra) for event in of_this_run]
    made_by = {"kind": "wav", "job_id": job_id}
    assert ("wavs", {**made_by, "files": [file["uri"]]}) in raised
    assert (asset_uri(file["uri"]), {**made_by, **file}) in raised
    song = f"suno://suno_default/music/{track['music_task_id']}"
    assert told["wav"] == ((song,), (file["uri"],))
    assert charges(sim) == [1]


def test_keep_at_makes_the_task_wait(track: dict[str, str], schedule: Schedule, sim: Any, tmp_path: Path) -> None:
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, keep_at=str(tmp_path), wait_for_completion=False)
    run = schedule(dag).run()
    assert run.state("wav") == ["success"]
    assert run.xcom("wav") == run.xcom("wav", "wav")["audio_wav_url"]
    assert len(run.xcom("wav", "files")) == 1


def test_a_wav_of_each_track_is_kept_by_a_mapped_task(
    song: Callable[..., str], schedule: Schedule, sim: RunningSimulator, tmp_path: Path
) -> None:
    record = SunoHook().get_music_task(song())
    assert record is not None
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator.partial(
            task_id="wav", music_task_id=record.music_task_id, keep_at=ObjectStoragePath(f"file://{tmp_path}"), **FAST
        ).expand(audio_id=record.audio_ids)
    run = schedule(dag).run()
    assert run.state("wav") == ["success", "success"]
    files = [file for index in (0, 1) for file in run.xcom("wav", "files", map_index=index)]
    assert [file["audio_id"] for file in files] == record.audio_ids
    assert len(names(tmp_path)) == 4
    assert charges(sim) == [1, 1]


def test_a_finished_job_is_kept_without_paying(
    converted: str, track: dict[str, str], schedule: Schedule, sim: RunningSimulator, tmp_path: Path
) -> None:
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, job_id=converted, keep_at=tmp_path)
    run = schedule(dag).run()
    assert run.state("wav") == ["success"]
    assert names(tmp_path) == [f"{converted}.json", f"{converted}.wav"]
    assert charges(sim) == [1]


@needs_journal
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_retry_keeps_what_was_paid_for(
    deferrable: bool, track: dict[str, str], schedule: Schedule, sim: RunningSimulator, tmp_path: Path
) -> None:
    blocked = tmp_path / "kept"
    blocked.write_text("a file where the folder should be")
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, **RETRY, keep_at=blocked, deferrable=deferrable)
    run = schedule(dag)
    for _ in run.steps():
        if run.state("wav") == ["up_for_retry"] and blocked.is_file():
            blocked.unlink()
    assert (run.state("wav"), run.tries("wav")) == (["success"], [2])
    assert "A retry or a clear resumes this job and keeps it; nothing is charged again" in run.said()
    assert "re-attached to WAV conversion" in run.said()
    assert len(names(blocked)) == 2
    assert charges(sim) == [1]


def test_without_a_journal_the_error_says_how_to_go_on(
    track: dict[str, str], schedule: Schedule, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.journal.store.task_state_store", lambda _: None)
    (tmp_path / "kept").write_text("a file where the folder should be")
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, **RETRY, keep_at=tmp_path / "kept")
    run = schedule(dag).run()
    assert (run.state("wav"), run.tries("wav")) == (["failed"], [1])
    assert f"Set job_id='{run.xcom('wav', 'job_id')}' to resume the job; nothing is charged again" in str(
        run.last_error
    )
    assert "clear" not in str(run.last_error)
    assert charges(sim) == [1]


@needs_journal
def test_a_kill_in_the_middle_keeps_what_is_whole_and_the_retry_the_rest(
    track: dict[str, str],
    host: MediaHost,
    schedule: Schedule,
    sim: RunningSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = [ResultFile(part, host.add(f"/{part}", wave(50_000, seed)), "audio") for seed, part in enumerate("abc")]
    monkeypatch.setattr(WavConversion, "files", lambda _: tuple(parts))
    host.script = [serve, slowly(20), slowly(20)]
    before = signal.getsignal(signal.SIGTERM)

    def kill() -> None:
        while len(host.requests) < 3:
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, **RETRY, keep_at=tmp_path)
    killer = threading.Thread(target=kill)
    killer.start()
    run = schedule(dag)
    try:
        kept_after_each_try = [names(tmp_path) for _ in run.steps()]
    finally:
        killer.join()
        signal.signal(signal.SIGTERM, before)
    assert (run.state("wav"), run.tries("wav")) == (["success"], [2])
    assert [len(kept) for kept in kept_after_each_try] == [2, 6]
    files = run.xcom("wav", "files")
    assert [path_of(file).read_bytes() for file in files] == list(host.files.values())
    assert len(host.requests) == 5
    assert charges(sim) == [1]


@needs_journal
def test_a_page_in_place_of_the_file_is_fetched_again_by_the_retry(
    track: dict[str, str],
    host: MediaHost,
    schedule: Schedule,
    sim: RunningSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = host.add("/x.wav", wave(50_000))
    monkeypatch.setattr(WavConversion, "files", lambda _: (ResultFile("wav", url, "audio"),))
    host.script = [PAGE, PAGE]
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, **RETRY, keep_at=tmp_path)
    run = schedule(dag).run()
    assert (run.state("wav"), run.tries("wav")) == (["success"], [2])
    assert "it holds a page of text instead of audio" in run.said()
    assert path_of(run.xcom("wav", "files")[0]).read_bytes() == host.files["/x.wav"]
    assert charges(sim) == [1]


@pytest.mark.parametrize("keep_at", ["nosuchstore://bucket", "s3://nobody@bucket", "{{ none }}"])
def test_a_store_that_cannot_be_opened_is_found_before_anything_is_paid(
    keep_at: str, track: dict[str, str], schedule: Schedule, sim: RunningSimulator
) -> None:
    with DAG("keep", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, **RETRY, keep_at=keep_at)
    run = schedule(dag).run()
    assert (run.state("wav"), run.tries("wav")) == (["failed"], [1])
    assert "keep_at: " in str(run.last_error)
    assert charges(sim) == []


@pytest.mark.parametrize(
    ("keep_at", "said"),
    [
        (5, "keep_at: must be a path or a URL, got 5"),
        (" ", "keep_at: must not be empty"),
        ("https://host/wavs", "keep_at: 'https://host/wavs' cannot be written to"),
    ],
)
def test_wrong_literals_are_found_when_the_dag_is_parsed(keep_at: Any, said: str) -> None:
    with pytest.raises(SunoValidationError) as raised:
        ConvertToWavOperator(task_id="wav", music_task_id="m", audio_id="a", keep_at=keep_at)
    assert said in str(raised.value)


def test_an_operator_without_files_has_no_such_parameter() -> None:
    for operator in (ConvertToWavOperator, GenerateMusicOperator):
        assert operator.template_fields.count("keep_at") == 1
    assert "keep_at" not in GenerateMidiOperator.template_fields
    arguments: Any = {"task_id": "midi", "stems_job_id": "s", "keep_at": "/data"}
    with pytest.raises(TypeError, match="keep_at"):
        GenerateMidiOperator(**arguments)
    with pytest.raises(TypeError, match="keep_at"):
        GenerateMidiOperator.partial(task_id="midi", keep_at="/data").expand(stems_job_id=["s"])
