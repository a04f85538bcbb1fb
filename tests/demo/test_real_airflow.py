"""The example Dags on a real Airflow and the simulator: one Airflow for all of them, all at the same time."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.account import ChainRun, disagreements
from demo.airflow_process import RunningAirflow
from demo.processes import marked_processes
from demo.simulator_process import RunningSimulatorProcess
from tests.support.airflow_versions import ASKS_PEOPLE
from tests.support.sounds import write_wav

pytestmark = pytest.mark.airflow

EXAMPLES = Path(__file__).resolve().parents[2] / "example_dags"
MODES = {
    "deferrable": "deferrable=True",
    "poke": 'deferrable=False, mode="poke"',
    "reschedule": 'deferrable=False, mode="reschedule"',
}
UNCHANGED = sorted(
    {path.stem for path in EXAMPLES.glob("*.py")} - {"suno_chain"} - (set() if ASKS_PEOPLE else {"suno_voice"})
)
WAITING = {"deferrable": "deferred", "poke": "running", "reschedule": "up_for_reschedule"}
TIMEOUT = 480.0
ALMOST_STOPPED = 0.01


@dataclass
class Run:
    """A finished run: its id, its state, and every state that each of its task instances was seen in."""

    dag_id: str
    run_id: str
    airflow: RunningAirflow
    state: str = "queued"
    seen: dict[str, set[str]] = field(default_factory=dict)

    def update(self) -> None:
        """Read the states of the run and its task instances."""
        self.state = self.airflow.rest.run_state(self.dag_id, self.run_id)
        for task in self.airflow.rest.task_states(self.dag_id, self.run_id):
            self.seen.setdefault(task.label, set()).add(str(task.state))

    @property
    def is_over(self) -> bool:
        return self.state in ("success", "failed")

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        return self.airflow.rest.xcom(self.dag_id, self.run_id, task_id, key, map_index)

    def logs(self) -> str:
        """Return the logs of the failed tasks, for the message of an assertion."""
        rest = self.airflow.rest
        return "\n".join(
            f"--- {task.label}\n"
            + rest.task_log(self.dag_id, self.run_id, task.task_id, task.try_number, task.map_index)
            for task in rest.task_states(self.dag_id, self.run_id)
            if task.state == "failed"
        )


def _write_dags(folder: Path) -> list[str]:
    """Copy the examples, and the chain once per mode of the sensor."""
    for name in UNCHANGED:
        shutil.copy(EXAMPLES / f"{name}.py", folder)
    source = (EXAMPLES / "suno_chain.py").read_text()
    for mode, arguments in MODES.items():
        assert source.count(MODES["deferrable"]) == 2
        edited = source.replace(MODES["deferrable"], arguments)
        edited = edited.replace('dag_id="suno_chain"', f'dag_id="suno_chain_{mode}"')
        (folder / f"suno_chain_{mode}.py").write_text(edited)
    return [*UNCHANGED, *(f"suno_chain_{mode}" for mode in MODES)]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulatorProcess]:
    with RunningSimulatorProcess(tmp_path_factory.mktemp("simulator"), speed=ALMOST_STOPPED) as running:
        yield running


@pytest.fixture(scope="module")
def kie(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulatorProcess]:
    """Return the simulator of a host that has voices."""
    options = ["--profile", "kie"]
    with RunningSimulatorProcess(tmp_path_factory.mktemp("kie"), speed=5, options=options) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where songs are kept."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def runs(
    simulator: RunningSimulatorProcess,
    kie: RunningSimulatorProcess,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Run]]:
    dags_folder = tmp_path_factory.mktemp("dags")
    dag_ids = _write_dags(dags_folder)
    home = tmp_path_factory.mktemp("airflow")
    connections = {**simulator.connection_env, "AIRFLOW_CONN_SUNO_KIE": json.dumps(kie.connection)}
    with RunningAirflow(home, dags_folder, connections) as airflow:
        airflow.wait_for_dags(*dag_ids)
        # None is what the form of the UI sends for a field that was left empty.
        conf = {
            "suno_cover": {"source": None},
            "suno_mashup": {"sources": None, "folder": str(folder / "mashups")},
            "suno_jingle": {"folder": str(folder / "jingles")},
            "suno_pipeline": {"bucket": f"file://{folder}/release"},
            "suno_keep": {"folder": str(folder / "songs"), "bucket": f"file://{folder}/bucket"},
            **{f"suno_chain_{mode}": {"folder": str(folder / mode)} for mode in MODES},
        }
        found = {dag_id: Run(dag_id, airflow.rest.trigger(dag_id, conf.get(dag_id)), airflow) for dag_id in dag_ids}
        # On a slow machine too, each sensor must wait before a song is finished.
        _watch(found, until=_all_chains_wait)
        simulator.set_speed(5)
        if ASKS_PEOPLE:
            _record_the_phrase(found, folder)
        _watch(found, until=_all_are_over)
        yield found
    assert not marked_processes(airflow.processes.mark)


def _watch(runs: dict[str, Run], until: Callable[[dict[str, Run]], bool]) -> None:
    """Read the states of the runs until a condition holds or the timeout is over."""
    deadline = time.monotonic() + TIMEOUT
    airflow = next(iter(runs.values())).airflow
    while not until(runs) and time.monotonic() < deadline:
        airflow.check()
        for run in runs.values():
            run.update()
        time.sleep(0.3)


def _record_the_phrase(runs: dict[str, Run], folder: Path) -> None:
    """Answer the task that waits for a person."""
    run = runs["suno_voice"]
    asked = {"awaiting_input", "deferred"}
    _watch(runs, until=lambda _: run.is_over or bool(run.seen.get("record", set()) & asked))
    assert run.seen.get("record", set()) & asked, run.logs()
    time.sleep(8)  # Airflow 3.3.2 fails a task that is resumed while the process of its first part is still ending
    recording = write_wav(folder / "recording.wav", seconds=10)
    run.airflow.rest.respond("suno_voice", run.run_id, "record", {"recording": str(recording)})


def _all_chains_wait(runs: dict[str, Run]) -> bool:
    return all(state in runs[f"suno_chain_{mode}"].seen.get("wait", ()) for mode, state in WAITING.items())


def _all_are_over(runs: dict[str, Run]) -> bool:
    return all(run.is_over for run in runs.values())


def _part_of(ledger: dict[str, Any], *music_task_ids: str) -> dict[str, Any]:
    """Return the part of the ledger about these music tasks."""
    charges = [entry for entry in ledger["charges"] if entry["job_id"] in music_task_ids]
    return {
        "credits": 500 - sum(entry["amount"] for entry in charges),
        "charges": charges,
        "songs": [entry for entry in ledger["songs"] if entry["music_task_id"] in music_task_ids],
        "personas": [entry for entry in ledger["personas"] if entry["music_task_id"] in music_task_ids],
    }


@pytest.mark.parametrize("mode", MODES)
def test_the_chain(mode: str, runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs[f"suno_chain_{mode}"]
    assert run.state == "success", run.logs()
    chain = ChainRun.read(run.xcom)
    ledger = _part_of(simulator.ledger(), chain.first.music_task_id, chain.second.music_task_id)
    assert disagreements(chain, {"credits": 500}, ledger) == []


@pytest.mark.parametrize(
    ("mode", "never"),
    [
        ("deferrable", {"up_for_reschedule"}),
        ("reschedule", {"deferred"}),
        ("poke", {"deferred", "up_for_reschedule"}),
    ],
)
def test_the_sensor_waits_in_its_mode(mode: str, never: set[str], runs: dict[str, Run]) -> None:
    seen = runs[f"suno_chain_{mode}"].seen["wait"]
    assert WAITING[mode] in seen
    assert not seen & never


def test_the_album(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_album"]
    assert run.state == "success", run.logs()
    ledger = simulator.ledger()
    songs = {song["music_task_id"]: song for song in ledger["songs"]}
    audio_ids = run.xcom("wait")
    assert audio_ids == songs[run.xcom("generate")]["audio_ids"]

    personas = {persona["audio_id"]: persona for persona in ledger["personas"]}
    for index, audio_id in enumerate(audio_ids):
        persona_id = run.xcom("personas", map_index=index)
        assert personas[audio_id]["persona_id"] == persona_id
        assert personas[audio_id]["name"] == f"Night train voice {index + 1}"
        song = songs[run.xcom("song.sing", map_index=index)]
        assert song["request"]["personaId"] == persona_id
        assert song["request"]["title"] == f"Night Train, Part {index + 1}"
        assert run.xcom("song.wait", map_index=index) == song["audio_ids"]


def test_the_cover(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_cover"]
    assert run.state == "success", run.logs()
    assert run.xcom("upload", "file")["name"] == "hum.wav"
    songs = {song["music_task_id"]: song for song in simulator.ledger()["songs"]}
    assert songs[run.xcom("cover")]["request"]["uploadUrl"] == run.xcom("upload")
    assert songs[run.xcom("again")]["request"]["personaId"] == run.xcom("persona")


def test_the_extension(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_extend"]
    assert run.state == "success", run.logs()
    songs = {song["music_task_id"]: song for song in simulator.ledger()["songs"]}
    assert songs[run.xcom("extend")]["request"]["audioId"] == run.xcom("wait")[0]


def test_the_studio(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_studio"]
    assert run.state == "success", run.logs()
    audio_ids = run.xcom("wait")
    made = {job["request"]["audioId"]: job for job in simulator.ledger()["conversions"] if job["kind"] == "wav"}
    for index, audio_id in enumerate(audio_ids):
        assert run.xcom("wav", map_index=index).endswith(".wav")
        assert run.xcom("wav", "job_id", map_index=index) == made[audio_id]["job_id"]
        assert made[audio_id]["charges"] == 1

    stems = {job["request"]["audioId"]: job for job in simulator.ledger()["conversions"] if job["kind"] == "stems"}
    for index, audio_id in enumerate(audio_ids):
        assert set(run.xcom("stems", map_index=index)) == {"vocal", "instrumental"}
        assert run.xcom("stems", "job_id", map_index=index) == stems[audio_id]["job_id"]
        assert stems[audio_id]["charges"] == 1


def test_a_release_is_made_of_lyrics_and_kept(
    runs: dict[str, Run], simulator: RunningSimulatorProcess, folder: Path
) -> None:
    run = runs["suno_pipeline"]
    assert run.state == "success", run.logs()
    songs = {song["music_task_id"]: song for song in simulator.ledger()["songs"]}
    request = songs[run.xcom("song")]["request"]
    assert request["prompt"] == run.xcom("lyrics")[0]
    assert request["title"] == run.xcom("lyrics", "lyrics")[0]["title"]
    assert request["customMode"] is True

    per_track = {"stems": 2, "wav": 1, "video": 1}
    kept = [*run.xcom("wait", "files"), *run.xcom("cover_art", "files")]
    for index in range(len(run.xcom("wait"))):
        for task_id, number in per_track.items():
            files = run.xcom(task_id, "files", map_index=index)
            assert len(files) == number
            kept += files
    assert {file["media_type"].partition("/")[0] for file in kept} == {"audio", "image", "video"}
    for file in kept:
        path = Path(file["uri"].removeprefix("file://"))
        assert path.is_relative_to(folder / "release")
        assert path.stat().st_size == file["size"]


def test_the_mashup_of_two_uploads(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_mashup"]
    assert run.state == "success", run.logs()
    songs = {song["music_task_id"]: song for song in simulator.ledger()["songs"]}
    uploaded = [run.xcom("upload", map_index=index) for index in range(2)]
    assert songs[run.xcom("mashup")]["request"]["uploadUrlList"] == uploaded
    assert run.xcom("mashup", "files")


def test_the_jingle(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    run = runs["suno_jingle"]
    assert run.state == "success", run.logs()
    songs = {song["music_task_id"]: song for song in simulator.ledger()["songs"]}
    request = songs[run.xcom("jingle")]["request"]
    assert (request["soundTempo"], request["soundKey"]) == (120, "C")
    assert run.xcom("jingle", "files")


@pytest.mark.skipif(not ASKS_PEOPLE, reason="before Airflow 3.1 no task can wait for a person")
def test_a_voice_of_a_recorded_phrase_sings(runs: dict[str, Run], kie: RunningSimulatorProcess) -> None:
    run = runs["suno_voice"]
    assert run.state == "success", run.logs()
    assert run.xcom("phrase").strip()
    assert run.xcom("check") is True
    [song] = kie.ledger()["songs"]
    assert song["music_task_id"] == run.xcom("song")
    assert (song["charges"], song["request"]["personaId"]) == (1, run.xcom("voice"))
    assert song["request"]["personaModel"] == "voice_persona"


def test_songs_are_kept(runs: dict[str, Run], folder: Path) -> None:
    run = runs["suno_keep"]
    assert run.state == "success", run.logs()
    kept = run.xcom("generate", "files")
    copies = run.xcom("to_bucket", "files")
    assert {file["audio_id"] for file in kept} == {file["audio_id"] for file in copies}
    assert {file["media_type"] for file in copies} == {"audio/mpeg", "image/jpeg"}
    for file in (*kept, *copies):
        path = Path(file["uri"].removeprefix("file://"))
        assert path.is_relative_to(folder)
        assert path.stat().st_size == file["size"]
    assert len(run.xcom("list_files")) == len(copies)


def test_the_notes_of_stems(runs: dict[str, Run]) -> None:
    run = runs["suno_midi"]
    assert run.state == "success", run.logs()
    counted = run.xcom("count_notes")
    assert counted
    assert all(number > 0 for number in counted.values())


def test_every_way_to_wait_gives_the_same_result(runs: dict[str, Run]) -> None:
    run = runs["suno_waiting"]
    assert run.state == "success", run.logs()
    tracks = run.xcom("poke")
    assert run.xcom("reschedule") == run.xcom("deferrable") == tracks
    assert set(run.xcom("first_track")) <= set(tracks)
    assert run.xcom("generate_and_wait", "audio_ids")


def test_the_hook_in_taskflow_style(runs: dict[str, Run]) -> None:
    run = runs["suno_taskflow"]
    assert run.state == "success", run.logs()
    assert all(track["url"].startswith("http") for track in run.xcom("report"))


def test_nothing_is_paid_twice(runs: dict[str, Run], simulator: RunningSimulatorProcess) -> None:
    assert _all_are_over(runs)
    ledger = simulator.ledger()
    chains = 2 * len(MODES)
    album = 1 + len(runs["suno_album"].xcom("wait"))
    cover = extension = waiting = 2
    ordered = 2
    once = ("suno_taskflow", "suno_studio", "suno_keep", "suno_midi", "suno_pipeline", "suno_mashup", "suno_jingle")
    songs = chains + album + cover + extension + waiting + ordered + len(once)
    assert [song["charges"] for song in ledger["songs"]] == [1] * songs
    released = len(runs["suno_pipeline"].xcom("wait"))
    tracks = released + len(runs["suno_studio"].xcom("wait"))
    made = {"lyrics": 1, "cover_art": 1, "wav": tracks, "stems": tracks + 1, "midi": 1, "video": released}
    assert Counter(job["kind"] for job in ledger["conversions"]) == made
    assert {(job["kind"], job["charges"]) for job in ledger["conversions"]} == {
        (kind, 0 if kind == "cover_art" else 1) for kind in made
    }
