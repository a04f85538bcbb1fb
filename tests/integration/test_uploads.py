"""Uploads over real HTTP: each kind of source and method, what is refused before sending, and what is sent again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.sdk import DAG, ObjectStoragePath

from airflow_provider_suno.api.profiles import PROFILES
from airflow_provider_suno.exceptions import SunoProtocolError, SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.uploads import LARGEST_BASE64_UPLOAD, LARGEST_UPLOAD
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.scheduling import Scheduling
from tests.support.sounds import write_wav

STREAM = "/file-upload/api/file-stream-upload"
USER_AGENT = {"User-Agent": "tests"}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / 'hum "1" ü.wav', seconds=3)


def fetched(url: str) -> bytes:
    reply = requests.get(url, headers=USER_AGENT, timeout=10)
    reply.raise_for_status()
    return reply.content


@pytest.mark.usefixtures("sim")
class TestSources:
    @pytest.mark.parametrize(
        "kind", [str, Path, lambda path: ObjectStoragePath(f"file://{path}"), lambda p: f"file://{p}"]
    )
    @pytest.mark.parametrize("method", [None, "stream", "base64"])
    def test_a_file(self, kind: Callable[[Path], Any], method: str | None, sound: Path) -> None:
        url = SunoHook().upload_file(kind(sound), method=method)
        assert fetched(url) == sound.read_bytes()

    def test_a_url(self, song: Callable[..., str]) -> None:
        record = SunoHook().get_music_task(song())
        assert record is not None
        source = str(record.tracks[0].audio_url)
        assert fetched(SunoHook().upload_file(source, name="again.wav")) == fetched(source)

    def test_a_name_and_a_folder(self, sound: Path) -> None:
        file = SunoHook().upload(sound, folder="/studio/hums/", name="one.wav")
        assert (file.name, file.size) == ("one.wav", sound.stat().st_size)
        assert "studio/hums" in str(file.path)

    def test_two_files_of_one_name_do_not_overwrite_each_other(self, tmp_path: Path) -> None:
        first, second = (write_wav(tmp_path / f"{length}.wav", length) for length in (1, 2))
        hook = SunoHook()
        urls = [hook.upload_file(path, name="same.wav") for path in (first, second)]
        assert [len(fetched(url)) for url in urls] == [path.stat().st_size for path in (first, second)]


def sparse(path: Path, size: int) -> Path:
    """Make a file of that many bytes that takes no room."""
    write_wav(path, 1)
    os.truncate(path, size)
    return path


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda folder: folder / "nowhere.mp3", {}, "nowhere.mp3' cannot be read"),
        (lambda folder: folder, {}, "cannot be read"),
        (lambda folder: write_wav(folder / "a.txt", 1), {}, "has no extension of an audio file (.aac"),
        (lambda folder: sparse(folder / "a.wav", 0), {}, "is empty"),
        (lambda folder: sparse(folder / "a.wav", LARGEST_UPLOAD + 1), {}, "has 100.0 MB; at most 100 MB can be sent"),
        (
            lambda folder: sparse(folder / "a.wav", LARGEST_BASE64_UPLOAD + 2**20),
            {"method": "base64"},
            "has 11.0 MB; at most 10 MB can be sent",
        ),
        (
            lambda folder: write_text(folder / "a.mp3", "  <html>404</html>"),
            {},
            "is called .mp3 but holds a page of text",
        ),
        (lambda folder: folder / "a.wav", {"method": "url"}, "method: 'url' needs an http or https URL"),
        (lambda folder: "https://x/a.wav", {"method": "stream"}, "sends a file, but the source is a URL"),
        (lambda folder: "nosuch://x/a.wav", {}, "Is the Airflow provider of that storage installed?"),
        (lambda folder: folder / "a.wav", {"method": "ftp"}, "method: must be one of"),
        (lambda folder: None, {}, "source: must be a path or a URL"),
        (lambda folder: ["a.wav"], {}, "source: must be a path or a URL"),
    ],
)
def test_what_is_refused_before_sending(
    make: Callable[[Path], Any], options: dict[str, Any], said: str, tmp_path: Path, sim: RunningSimulator
) -> None:
    with pytest.raises(SunoValidationError) as caught:
        SunoHook().upload_file(make(tmp_path), **options)
    assert said in str(caught.value)
    assert sim.ledger()["requests"] == []


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


class Away:
    """A file in a storage that does not answer just now."""

    name = "hum.wav"

    def stat(self) -> Any:
        raise ConnectionError("the storage is away")

    def open(self, mode: str) -> Any:
        raise AssertionError("stat comes first")


@pytest.mark.usefixtures("sim")
def test_an_unavailable_storage_may_be_retried() -> None:
    with pytest.raises(SunoUnavailableError, match="cannot be read just now") as caught:
        SunoHook().upload_file(Away())
    assert not caught.value.fatal


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize("folder", ["/", " ", "", None])
def test_a_blank_folder_counts_as_not_given(folder: str | None, sound: Path) -> None:
    assert "airflow/" in str(SunoHook().upload(sound, folder=folder, method="", name=" ").path)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html"])
def test_a_failed_upload_is_sent_again_from_its_beginning(kind: Any, sound: Path, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=STREAM, kind=kind))
    hook = SunoHook()
    hook.client.pause = lambda seconds: None
    assert fetched(hook.upload_file(sound)) == sound.read_bytes()


def test_a_reply_without_a_url_is_refused(sound: Path, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=STREAM, kind="status", http_status=200, body='{"code":200,"data":{}}', times=None))
    hook = SunoHook()
    hook.client.cancellation.pause = lambda seconds: None
    with pytest.raises(SunoProtocolError, match="sent no downloadUrl"):
        hook.upload_file(sound)


@pytest.mark.usefixtures("sim")
def test_progress_is_logged(tmp_path: Path, hooks_log: Callable[[SunoHook], list[str]]) -> None:
    hook = SunoHook()
    lines = hooks_log(hook)
    hook.upload_file(sparse(tmp_path / "long.wav", 25 * 2**20))
    assert lines == [
        "uploading long.wav, 25.0 MB",
        "long.wav: 10 of 25 MB sent",
        "long.wav: 20 of 25 MB sent",
        "long.wav: 25 of 25 MB sent",
    ]


@pytest.mark.usefixtures("sim")
def test_the_operator_takes_an_object_storage_path_and_a_template(
    sound: Path, schedule: Callable[[DAG], Scheduling]
) -> None:
    with DAG("uploads", schedule=None, params={"path": str(sound)}) as dag:
        UploadFileOperator(task_id="path", source="{{ params.path }}")
        UploadFileOperator(task_id="object", source=ObjectStoragePath(f"file://{sound}"))
        UploadFileOperator(task_id="nowhere", source="/nowhere.mp3", retries=3)
    run = schedule(dag).run()
    assert (run.state("path"), run.state("object"), run.state("nowhere")) == (["success"], ["success"], ["failed"])
    assert run.tries("nowhere") == [1]
    for task_id in ("path", "object"):
        assert fetched(run.xcom(task_id)) == sound.read_bytes()
        assert run.xcom(task_id, "file")["size"] == sound.stat().st_size


@pytest.mark.parametrize(
    ("profile", "base_url", "upload_base"),
    [
        ("apikley", "https://api.apikley.ru", "https://api.apikley.ru/file-upload"),
        ("apikley", "http://127.0.0.1:1", "http://127.0.0.1:1/file-upload"),
        ("kie", "https://api.kie.ai", "https://kieai.redpandaai.co"),
        ("kie", "http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("sunoapi", "https://api.sunoapi.org", "https://sunoapiorg.redpandaai.co"),
    ],
)
def test_where_uploads_go(profile: str, base_url: str, upload_base: str) -> None:
    assert PROFILES[profile].upload_base(base_url) == upload_base
