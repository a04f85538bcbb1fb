"""Finished music is kept: by the hook, by the operator, and by ``keep_at``; on the simulator, in a real Airflow."""

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

import airflow
import fsspec
import pytest
from airflow.models.asset import AssetEvent
from airflow.providers.common.compat.lineage import hook as hook_lineage
from airflow.providers.common.compat.sdk import HookLineageCollector
from airflow.sdk import DAG, Asset, AssetAlias, ObjectStoragePath, task
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_suno.exceptions import SunoDownloadError, SunoFileGoneError, SunoValidationError
from airflow_provider_suno.hooks.storage import Folder
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.downloads import DownloadLimits
from airflow_provider_suno.lineage.files import asset_uri
from airflow_provider_suno.operators.files import DownloadMusicOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import RETRY, Schedule, charges
from tests.support.media_host import MediaHost, answer, media_host, redirect, serve, slowly, sound

pytestmark = pytest.mark.usefixtures("short_clocks")

needs_journal = pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")

SENSOR_MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True},
}


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with media_host() as host:
        yield host


def fetched(sim: RunningSimulator) -> list[str]:
    return [entry["path"] for entry in sim.ledger()["downloads"]]


def files_run(run: Any) -> str:
    return str(run.task_instances()[0].run_id)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def record_of(host: MediaHost, *titles: str, music_task_id: str = "t1", size: int = 20_000) -> dict[str, Any]:
    """Return the XCom of a finished music task whose tracks are on a media host."""
    tracks = []
    for number, title in enumerate(titles):
        audio_id = f"{music_task_id}-{number}"
        url = host.add(f"/{audio_id}.mp3", sound(size, seed=number + sum(map(ord, music_task_id))))
        tracks.append({"audio_id": audio_id, "title": title, "audio_url": f"{url}?signature=secret", "duration": 61.0})
    return {"music_task_id": music_task_id, "status": "SUCCESS", "tracks": tracks, "model": "V5", "persona_id": "p1"}


def test_the_hook_keeps_every_track_with_its_description(
    song: Callable[..., str], sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = HookLineageCollector()
    monkeypatch.setattr(f"{hook_lineage.__name__}.get_hook_lineage_collector", lambda: collector)
    music_task_id = song("Rain on a tin roof")
    hook = SunoHook()
    files = hook.download(music_task_id, tmp_path / "songs")
    record = hook.get_music_task(music_task_id)
    assert record is not None
    assert [file.audio_id for file in files] == record.audio_ids
    for file, track in zip(files, record.tracks, strict=True):
        path = Path(file.uri.removeprefix("file://"))
        assert path.name == f"{track.title}-{track.audio_id}.mp3"
        assert (file.size, file.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        assert (file.title, file.media_type, file.duration) == (track.title, "audio/mpeg", track.duration)
        said = json.loads(path.with_suffix(".json").read_text())
        assert said["file"] == path.name
        assert said["sha256"] == file.sha256
        assert said["music_task_id"] == music_task_id
        assert (said["audio_id"], said["title"], said["tags"]) == (track.audio_id, track.title, track.tags)
        assert (said["model"], said["prompt"]) == ("V5", track.prompt)
        assert said["source_url"] == track.audio_url
    assert len(names(tmp_path / "songs")) == 4
    assert [asset.asset.uri for asset in collector.collected_assets.inputs] == [
        f"suno://suno_default/music/{music_task_id}"
    ]
    assert [asset.asset.uri for asset in collector.collected_assets.outputs] == [asset_uri(file.uri) for file in files]
    assert all(not entry["had_key"] for entry in sim.ledger()["downloads"])


@pytest.mark.parametrize("store", ["file", "memory"])
def test_a_second_run_fetches_nothing(
    store: str, song: Callable[..., str], sim: RunningSimulator, tmp_path: Path
) -> None:
    destination = {"file": f"file://{tmp_path}/kept", "memory": "memory://bucket/kept"}[store]
    music_task_id = song()
    first = SunoHook().download(music_task_id, destination, covers=True)
    assert len(first) == len(fetched(sim)) == 4
    assert {file.media_type for file in first} == {"audio/mpeg", "image/jpeg"}
    again = SunoHook().download(music_task_id, destination, covers=True)
    assert [file.to_dict() for file in again] == [file.to_dict() for file in first]
    assert len(fetched(sim)) == 4
    for file in first:
        content = ObjectStoragePath(file.uri).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256


def test_only_what_is_missing_is_fetched(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    record = record_of(host, "one", "two", "three")
    files = SunoHook().download(record, tmp_path, audio_ids=["t1-1"])
    assert [file.title for file in files] == ["two"]
    Path(files[0].uri.removeprefix("file://")).unlink()
    SunoHook().download(record, tmp_path, track=0)
    assert len(SunoHook().download(record, tmp_path)) == 3
    assert len(host.requests) == 4


def test_tracks_of_one_name_do_not_share_it(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    first = record_of(host, "Same", "same", "Other", music_task_id="t1")
    second = record_of(host, "Other", "a/b: <c>?", music_task_id="t2")
    keep = SunoHook().download
    kept = [Path(file.uri).name for record in (first, second) for file in keep(record, tmp_path, name="{title}")]
    assert kept == ["Same-t1-0.mp3", "same-t1-1.mp3", "Other.mp3", "Other-t2-0.mp3", "a_b_ _c__.mp3"]
    assert [Path(file.uri).name for file in keep(second, tmp_path, name="{title}")] == kept[3:]
    assert len(host.requests) == 5


def test_names_with_folders(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    record = record_of(host, "x" * 300, "../up", None)  # type: ignore[arg-type]
    files = SunoHook().download(
        record, tmp_path, name="{model}/{music_task_id}/{track} {title} {persona_id} {duration}"
    )
    kept = [file.uri.removeprefix(f"file://{tmp_path}/") for file in files]
    assert kept == [
        f"V5/t1/0 {'x' * 100} p1 61.mp3",
        "V5/t1/1 .._up p1 61.mp3",
        "V5/t1/2 untitled p1 61.mp3",
    ]
    assert all((tmp_path / name).is_file() for name in kept)


def test_what_is_there_is_not_overwritten(host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    record = record_of(host, "one")
    keep = SunoHook().download
    [file] = keep(record, tmp_path)
    path = Path(file.uri.removeprefix("file://"))
    whole = path.read_bytes()
    for other in (b"another", bytes(len(whole))):
        path.write_bytes(other)
        for _ in range(2):
            with pytest.raises(SunoDownloadError, match="is there already with other content") as raised:
                keep(record, tmp_path)
            assert raised.value.fatal
            assert path.read_bytes() == other
    [repaired] = keep(record, tmp_path, overwrite="if_changed")
    assert path.read_bytes() == whole
    assert repaired.to_dict() == file.to_dict()
    path.with_suffix(".json").unlink()
    path.write_bytes(bytes(len(whole)))
    for _ in range(2):  # the first one must not leave a description of a file that is not there
        with pytest.raises(SunoDownloadError, match="is there already with other content"):
            keep(record, tmp_path)
    path.write_bytes(whole)
    [adopted] = keep(record, tmp_path)
    assert adopted.to_dict() == file.to_dict()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"audio_id": "t1-0"}'])
def test_a_damaged_description(content: str, host: MediaHost, sim: RunningSimulator, tmp_path: Path) -> None:
    record = record_of(host, "one")
    (tmp_path / "one-t1-0.json").write_text(content)
    [file] = SunoHook().download(record, tmp_path)
    assert SunoHook().download(record, tmp_path)[0].sha256 == file.sha256
    assert len(host.requests) == 1


def test_a_file_that_changed_at_the_host_is_replaced_if_asked_for(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path
) -> None:
    record = record_of(host, "one")
    keep = SunoHook().download
    [file] = keep(record, tmp_path)
    [same] = keep(record, tmp_path, overwrite="if_changed")
    assert (same.fetched, host.requests[-1]["If-None-Match"]) == (False, host.requests[-1].get("If-None-Match"))
    host.files["/t1-0.mp3"] = sound(30_000, seed=99)
    [still] = keep(record, tmp_path)
    assert still.sha256 == file.sha256
    [changed] = keep(record, tmp_path, overwrite="if_changed")
    assert (changed.uri, changed.fetched) == (file.uri, True)
    assert changed.sha256 != file.sha256


@pytest.mark.parametrize("dies_in", ["put", "write_json"])
def test_a_replacement_that_dies_half_way_is_finished_by_the_next_run(
    dies_in: str, host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(host, "one")
    [old] = SunoHook().download(record, tmp_path)
    host.files["/t1-0.mp3"] = sound(20_000, seed=99)
    with monkeypatch.context() as broken:
        broken.setattr(Folder, dies_in, lambda *_, **__: (_ for _ in ()).throw(RuntimeError("out of luck")))
        with pytest.raises(SunoDownloadError, match=r"could not be kept in 'one-t1-0' .RuntimeError.'out of luck'"):
            SunoHook().download(record, tmp_path, overwrite="if_changed")
    [new] = SunoHook().download(record, tmp_path, overwrite="if_changed")
    path = Path(new.uri.removeprefix("file://"))
    assert new.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() != old.sha256
    assert json.loads(path.with_suffix(".json").read_text())["sha256"] == new.sha256


def test_what_a_retry_may_mend_is_raised_before_what_it_cannot(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.http.downloads.LIMITS", DownloadLimits(attempts=1))
    record = record_of(host, "one", "two")
    host.files["/t1-0.mp3"] = sound(90_000)
    del host.files["/t1-1.mp3"]
    host.usual = lambda exchange: (serve if exchange.path.startswith("/t1-0") else answer(503))(exchange)
    with pytest.raises(SunoDownloadError, match=r"2 of 2 files are not kept .* the host answered 503") as raised:
        SunoHook().download(record, tmp_path, max_bytes=50_000)
    assert not raised.value.fatal


def test_a_cover_that_is_gone_costs_no_song(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record = record_of(host, "one")
    record["tracks"][0]["image_url"] = f"{host.url}/none.jpeg"
    assert len(SunoHook().download(record, tmp_path, covers=True)) == 1
    assert names(tmp_path) == ["one-t1-0.json", "one-t1-0.mp3"]


def test_temporary_files_of_killed_processes_are_deleted_after_a_day(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "kept" / "t1"
    folder.mkdir(parents=True)
    old = [folder / ".one-t1-0.1234abcd.suno-part", tmp_path / "suno-abc.suno-part"]
    new = folder / ".one-t1-0.5678abcd.suno-part"
    for path in (*old, new):
        path.touch()
    for path in old:
        os.utime(path, (1, 1))
    for destination in (tmp_path / "kept", "memory://bucket/old"):
        SunoHook().download(record_of(host, "one"), destination, name="{music_task_id}/{title}")
    assert [path.exists() for path in (*old, new)] == [False, False, True]


def test_an_expired_link_is_looked_up_in_the_record_again(
    host: MediaHost, song: Callable[..., str], sim: RunningSimulator, tmp_path: Path
) -> None:
    record = SunoHook().get_music_task(song())
    assert record is not None
    old = record.to_dict()
    for track in old["tracks"]:
        track["audio_url"] = f"{host.url}/gone.mp3?signature=secret"
    files = SunoHook().download(old, tmp_path)
    assert [file.audio_id for file in files] == record.audio_ids
    assert "gone.mp3" not in (tmp_path / Path(files[0].uri).with_suffix(".json").name).read_text()


def test_a_file_that_is_gone(host: MediaHost, song: Callable[..., str], sim: RunningSimulator, tmp_path: Path) -> None:
    music_task_id = song()
    sim.clock.advance(15 * 24 * 3600)
    with pytest.raises(SunoFileGoneError, match="the host answered 404") as raised:
        SunoHook().download(music_task_id, tmp_path)
    assert "deletes files after 14 days at the most" in str(raised.value)
    assert str(raised.value).endswith(f"cost credits: RecoverMusicOperator(music_task_id={music_task_id!r}).")
    assert [name for name in names(tmp_path) if not name.endswith(".json")] == []


def test_private_hosts_are_refused_unless_the_connection_allows_them(
    host: MediaHost, sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {**sim.connection, "extra": {}}
    monkeypatch.setenv("AIRFLOW_CONN_STRICT", json.dumps(connection))
    with pytest.raises(SunoValidationError, match="set the connection's extra allow_private_media to true"):
        SunoHook("strict").download(record_of(host, "one"), tmp_path)
    host.script = [redirect("http://169.254.169.254/latest/meta-data")]
    assert host.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "{titel}"}, "name: '{titel}' is not a field of a name"),
        ({"name": "{title.__class__}"}, "is not a field of a name"),
        ({"name": "../{title}"}, "must be a path within the destination"),
        ({"name": "/{title}"}, "must be a path within the destination"),
        ({"name": " "}, "name: "),
        ({"overwrite": "always"}, "overwrite: must be one of"),
        ({"parallel": 0}, "parallel: must be a whole number from 1 to 16"),
        ({"max_bytes": "many"}, "max_bytes: must be a whole number"),
        ({"covers": "yes"}, "covers: must be True or False"),
        ({"track": -1}, "track: must be a whole number from 0"),
        ({"track": 0, "audio_ids": ["a"]}, "leave one of the two out"),
        ({"audio_ids": [1]}, "audio_ids: must be a list of ids"),
        ({"destination": "https://host/songs"}, "destination: 'https://host/songs' cannot be written to"),
        ({"destination": 5}, "destination: must be a path or a URL, got 5"),
        ({"destination": "s3:/bucket/songs"}, "neither a path nor a URL with // after its scheme"),
        ({"destination": "C:\\songs"}, "neither a path nor a URL"),
        ({"destination": "file://host/songs"}, "neither a path nor a URL"),
        ({"audio_ids": "['a', 'b']"}, "is one text, not a list: give wait.output itself"),
        ({"music_task": "t1"}, "music_task: must be the XCom"),
        ({"music_task_id": "x", "music_task": {}}, "music_task_id: give it or music_task"),
        ({"music_task": None}, "neither is given"),
    ],
)
def test_wrong_arguments_are_found_when_the_dag_is_parsed(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception) as raised:
        DownloadMusicOperator(task_id="keep", **{"music_task": {"a": 1}, "destination": "/tmp", **arguments})
    assert said in str(raised.value)


@pytest.mark.parametrize("source", ["music_task_id", "music_task"])
def test_the_operator(source: str, song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path) -> None:
    @task
    def titles(files: list[dict[str, Any]]) -> list[str]:
        return [file["title"] for file in files]

    with DAG("keep", schedule=None) as dag:
        wait = MusicTaskSensor(task_id="wait", music_task_id=song())
        given = (
            wait.output["music_task"]
            if source == "music_task"
            else "{{ ti.xcom_pull('wait', key='music_task').music_task_id }}"
        )
        keep = DownloadMusicOperator(
            task_id="keep",
            destination=tmp_path / "{{ run_id }}",
            outlets=[Asset("songs"), AssetAlias("each song")],
            **{source: given},
        )
        titles(keep.output["files"])
        wait >> keep
    run = schedule(dag).run()
    assert run.state("keep") == ["success"], run.last_error
    files = run.xcom("keep", "files")
    assert run.xcom("keep") == [file["uri"] for file in files]
    assert list(files[0]) == ["uri", "audio_id", "title", "size", "sha256", "media_type", "duration"]
    assert all(Path(uri.removeprefix("file://")).is_file() for uri in run.xcom("keep"))
    assert run.xcom("titles") == [file["title"] for file in files]
    with create_session() as session:
        of_this_run = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == files_run(run)))
        raised = [(event.asset.uri, event.extra) for event in of_this_run]
    said = {"music_task_id": run.xcom("wait", "music_task")["music_task_id"]}
    assert ("songs", {**said, "files": run.xcom("keep")}) in raised
    for file in files:
        assert (asset_uri(file["uri"]), {**said, **file}) in raised


def test_the_operator_is_mapped_over_songs(
    song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path
) -> None:
    with DAG("keep", schedule=None) as dag:
        DownloadMusicOperator.partial(task_id="keep", destination=ObjectStoragePath(f"file://{tmp_path}")).expand(
            music_task_id=[song(), song()]
        )
    run = schedule(dag).run()
    assert run.state("keep") == ["success", "success"]
    assert len([name for name in names(tmp_path) if name.endswith(".mp3")]) == 4


@pytest.mark.parametrize("deferrable", [False, True])
def test_generate_and_keep_in_one_task(deferrable: bool, schedule: Schedule, sim: Any, tmp_path: Path) -> None:
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate", model="V5", prompt="rain", keep_at=tmp_path, deferrable=deferrable, poll_interval=0.05
        )
    run = schedule(dag).run()
    assert run.state("generate") == ["success"]
    assert [file["audio_id"] for file in run.xcom("generate", "files")] == run.xcom("generate", "audio_ids")
    assert run.xcom("generate") == run.xcom("generate", "music_task_id")
    assert len(names(tmp_path)) == 4
    assert charges(sim) == [1]


@pytest.mark.parametrize("mode", SENSOR_MODES)
def test_the_sensor_keeps_in_every_mode(
    mode: str, song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path
) -> None:
    with DAG("keep", schedule=None) as dag:
        MusicTaskSensor(task_id="wait", music_task_id=song(), keep_at=str(tmp_path), **SENSOR_MODES[mode])
    run = schedule(dag).run()
    assert run.state("wait") == ["success"]
    assert [file["audio_id"] for file in run.xcom("wait", "files")] == run.xcom("wait")
    assert len(names(tmp_path)) == 4


@needs_journal
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_retry_keeps_the_song_that_was_paid_for(
    deferrable: bool, schedule: Schedule, sim: RunningSimulator, tmp_path: Path
) -> None:
    blocked = tmp_path / "kept"
    blocked.write_text("a file where the folder should be")
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate",
            model="V5",
            prompt="rain",
            keep_at=blocked,
            deferrable=deferrable,
            poll_interval=0.05,
            **RETRY,
        )
    run = schedule(dag)
    for _ in run.steps():
        if run.state("generate") == ["up_for_retry"] and blocked.is_file():
            blocked.unlink()
    assert (run.state("generate"), run.tries("generate")) == (["success"], [2])
    assert "A retry or a clear resumes this job and keeps it; nothing is charged again" in run.said()
    assert "re-attached" in run.said()
    assert len(names(blocked)) == 4
    assert charges(sim) == [1]


def test_a_kill_while_files_are_fetched_is_retried(
    host: MediaHost, schedule: Schedule, sim: RunningSimulator, tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with DAG("keep", schedule=None) as dag:
        DownloadMusicOperator(task_id="keep", destination=tmp_path, music_task=record_of(host, "one"), **RETRY)
    host.script = [slowly(20)]

    def kill() -> None:
        while not host.requests:
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        run = schedule(dag).run()
    finally:
        killer.join()
        signal.signal(signal.SIGTERM, before)
    assert (run.state("keep"), run.tries("keep")) == (["success"], [2])


@pytest.mark.parametrize(("soft_fail", "never_fail"), [(True, False), (False, True)])
def test_what_cannot_be_kept_fails_a_sensor_that_may_be_skipped(
    soft_fail: bool, never_fail: bool, song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    with DAG("keep", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait",
            music_task_id=song(),
            keep_at=tmp_path / "kept",
            soft_fail=soft_fail,
            never_fail=never_fail,
            mode="poke",
        )
    run = schedule(dag).run()
    assert run.state("wait") == ["skipped" if never_fail else "failed"]
    assert "Fetching is free: retry or clear this task to keep what is missing" in run.said()


def test_a_store_that_cannot_be_opened_for_now_is_tried_again(
    song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    def fs(path: Any) -> Any:
        opened.append(path)
        if len(opened) == 1:
            raise ConnectionError("the secrets backend is down")
        return fsspec.filesystem("file")

    monkeypatch.setattr(ObjectStoragePath, "fs", property(fs))
    with DAG("keep", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait", music_task_id=song(), keep_at=str(tmp_path), soft_fail=True, mode="poke", **RETRY
        )
    run = schedule(dag).run()
    assert (run.state("wait"), run.tries("wait")) == (["success"], [2])
    assert "keep_at: " in run.said()


def test_without_a_journal_nothing_tells_to_pay_again(
    schedule: Schedule, sim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.journal.store.task_state_store", lambda _: None)
    (tmp_path / "kept").write_text("a file where the folder should be")
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate", model="V5", prompt="rain", keep_at=tmp_path / "kept", poll_interval=0.05, **RETRY
        )
    run = schedule(dag).run()
    assert (run.state("generate"), run.tries("generate")) == (["failed"], [1])
    assert f"Set music_task_id='{run.xcom('generate', 'music_task_id')}' to resume the job" in str(run.last_error)
    assert "clear" not in str(run.last_error)


@pytest.mark.parametrize(
    "outlet",
    [
        pytest.param(
            Asset.ref(name="unknown"),
            marks=pytest.mark.skipif(
                airflow.__version__.startswith("3.0."), reason="Airflow 3.0 itself fails a task with such an outlet"
            ),
        ),
        "text",
    ],
)
def test_outlets_without_events_hinder_nothing(
    outlet: Any, host: MediaHost, schedule: Schedule, sim: Any, tmp_path: Path
) -> None:
    with DAG("keep", schedule=None) as dag:
        keep = DownloadMusicOperator(task_id="keep", destination=tmp_path, music_task=record_of(host, "one"))
        keep.outlets = [outlet]
    assert schedule(dag).run().state("keep") == ["success"]


def test_the_playable_track_of_a_failed_job_is_kept(
    host: MediaHost, song: Callable[..., str], schedule: Schedule, sim: Any, tmp_path: Path
) -> None:
    music_task_id = song("[fail:GENERATE_AUDIO_FAILED:one-track] rain")
    with DAG("keep", schedule=None) as dag:
        MusicTaskSensor(task_id="wait", music_task_id=music_task_id, keep_at=tmp_path / "sensor")
        DownloadMusicOperator(task_id="keep", destination=tmp_path / "operator", music_task_id=music_task_id)
    run = schedule(dag).run()
    assert (run.state("wait"), run.state("keep")) == (["failed"], ["success"])
    assert len(names(tmp_path / "sensor")) == len(names(tmp_path / "operator")) == 2


@pytest.mark.parametrize("broken", ["the folder", "lineage"])
def test_trouble_with_the_playable_track_hides_no_error(
    broken: str, schedule: Schedule, sim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "the folder":
        (tmp_path / "kept").write_text("a file where the folder should be")
    else:
        monkeypatch.setattr("airflow_provider_suno.hooks.suno.SunoHook.download", lambda *_, **__: 1 / 0)
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate",
            model="V5",
            prompt="[fail:GENERATE_AUDIO_FAILED:one-track] rain",
            keep_at=tmp_path / "kept",
            poll_interval=0.05,
            **RETRY,
        )
    run = schedule(dag).run()
    assert (run.state("generate"), run.tries("generate")) == (["failed"], [1])
    assert "ZeroDivisionError" not in str(run.last_error)
    assert "the usable files of music task" in run.said()
    if broken == "the folder":
        assert f"A DownloadMusicOperator with music_task_id='{run.xcom('generate', 'music_task_id')}'" in run.said()
    assert charges(sim) == [1]


@pytest.mark.parametrize("keep_at", ["nosuchstore://bucket", "s3://nobody@bucket"])
def test_a_store_that_cannot_be_opened_is_found_before_anything_is_paid(
    keep_at: str, schedule: Schedule, sim: RunningSimulator
) -> None:
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", keep_at=keep_at, **RETRY)
    run = schedule(dag).run()
    assert (run.state("generate"), run.tries("generate")) == (["failed"], [1])
    assert "keep_at: " in str(run.last_error)
    assert charges(sim) == []


def test_an_empty_keep_at_is_found_before_anything_is_paid(schedule: Schedule, sim: RunningSimulator) -> None:
    with DAG("keep", schedule=None) as dag:
        GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", keep_at="{{ none }}")
    run = schedule(dag).run()
    assert "keep_at" in str(run.last_error)
    assert charges(sim) == []


def test_tags(song: Callable[..., str], sim: RunningSimulator, tmp_path: Path) -> None:
    import mutagen

    music_task_id = song("Rain on a tin roof")
    [file] = SunoHook().download(music_task_id, tmp_path, track=0)
    tags = mutagen.File(file.uri.removeprefix("file://")).tags
    assert str(tags["TIT2"]) == file.title
    assert file.audio_id in str(tags.getall("COMM")[0])


def test_without_mutagen_one_line_says_so(
    song: Callable[..., str], sim: Any, tmp_path: Path, hooks_log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.hooks.downloads.can_tag", lambda: False)
    hook = SunoHook()
    lines = hooks_log(hook)
    hook.download(song(), tmp_path)
    hook.download(song(), tmp_path)
    said = [line for line in lines if "airflow-provider-suno[tags]" in line]
    assert len(said) == 2
