"""Every call of the family through Airflow's runner: what it returns and pushes, what is paid, what retries do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.sdk import DAG, Asset

from airflow_provider_suno.exceptions import SunoNotFoundError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.lyrics import GenerateLyricsOperator, GetTimestampedLyricsOperator
from airflow_provider_suno.operators.music import (
    GenerateMusicOperator,
    RecoverMusicOperator,
    ReplaceSectionOperator,
)
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.operators.voice import (
    CheckVoiceOperator,
    GenerateVoiceOperator,
    RegenerateVoicePhraseOperator,
)
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator import Fault, Order
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.family import FILES, JOBS, MUSIC, Sources, _kie, is_file, is_id, is_text, kie, paths, sources
from tests.support.generating import RETRY, Schedule, later

pytestmark = pytest.mark.usefixtures("short_clocks")

__all__ = ["_kie", "kie", "sources"]

FAST = {"poll_interval": 0.05}
needs_journal = pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")


@pytest.fixture
def unhurried(kie: RunningSimulator) -> Iterator[None]:
    """Let the service's days take minutes: it deletes uploads after three days, and many tasks take a while."""
    usual = kie.clock.speed
    kie.clock.run(1_000)
    yield
    kie.clock.run(usual)


@pytest.mark.usefixtures("unhurried")
def test_calls_that_make_music(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    with DAG("family", schedule=None) as dag:
        for call, (operator, arguments) in MUSIC.items():
            operator(task_id=call, **arguments(sources), wait_for_completion=True, deferrable=True, **FAST)
    run = schedule(dag).run()
    for call, (operator, _) in MUSIC.items():
        assert run.state(call) == ["success"], run.error(call)
        assert is_id(run.xcom(call))
        assert run.xcom(call, "music_task_id") == run.xcom(call)
        record = run.xcom(call, "music_task")
        assert (record["music_task_id"], record["status"]) == (run.xcom(call), "SUCCESS")
        assert run.xcom(call, "audio_ids") == [track["audio_id"] for track in record["tracks"]]
        assert paths(kie, operator.request_type.path) == 1


def test_a_section_is_replaced_in_a_track_that_is_named_or_found(kie: RunningSimulator, schedule: Schedule) -> None:
    source = SunoHook().generate_music(model="V5", prompt="long [seconds:60]")
    kie.clock.advance(600)
    record = SunoHook().get_music_task(source)
    assert record is not None
    common = {"source_music_task_id": source, "prompt": "new", "tags": "folk", "title": "Rain", **FAST}
    common["full_lyrics"] = "all of it"
    with DAG("family", schedule=None) as dag:
        named = {**common, "audio_id": record.audio_ids[1]}
        found = {**common, "track": 1}
        ReplaceSectionOperator(task_id="named", **named, infill_start_s="10.25", infill_end_s=20)
        ReplaceSectionOperator(task_id="found", **found, infill_start_s="10.25", infill_end_s=20)
        ReplaceSectionOperator(task_id="long", **named, infill_start_s=10, infill_end_s=41)
        ReplaceSectionOperator(task_id="named_beyond", **named, infill_start_s=55, infill_end_s=75)
        ReplaceSectionOperator(task_id="found_beyond", **found, infill_start_s=55, infill_end_s=75)
    run = schedule(dag).run()
    for name in ("named", "found"):
        assert (run.state(name), run.state(f"{name}_beyond")) == (["success"], ["failed"]), run.error(name)
        assert "is after the track's end, at 60 s" in run.said(f"{name}_beyond")
    assert "the section is 31 s long, more than half of the track (60 s)" in run.said("long")
    sent = [song["request"] for song in kie.ledger()["songs"] if "infillStartS" in song["request"]]
    assert {request["audioId"] for request in sent} == {record.audio_ids[1]}
    assert sorted(request["infillEndS"] for request in sent if request["infillEndS"] != 41) == [20, 20]


def test_a_wrong_section_is_found_when_the_dag_is_parsed() -> None:
    words = {"prompt": "new", "tags": "folk", "title": "Rain"}
    for source in ("m", "{{ params.song }}"):
        with pytest.raises(SunoValidationError, match="infill_end_s: 10 is not after infill_start_s, 20"):
            ReplaceSectionOperator(
                task_id="make", source_music_task_id=source, **words, infill_start_s=20, infill_end_s="10"
            )


TEXTS: list[tuple[Any, str, dict[str, Any]]] = [
    (GenerateLyricsOperator, "prompt", {}),
    (BoostStyleOperator, "content", {}),
    (GenerateMusicOperator, "prompt", {"model": "V5"}),
]


def test_a_text_may_stand_in_a_file(kie: RunningSimulator, schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "ideas.txt").write_text("A calm {{ params.about }}")
    with DAG("family", schedule=None, template_searchpath=str(tmp_path), params={"about": "harbour"}) as dag:
        for operator, field, arguments in TEXTS:
            name = operator.__name__
            operator(task_id=f"{name}_read", **{field: "ideas.txt"}, **arguments)
            operator(task_id=f"{name}_named", **later(**{field: "ideas.txt"}), **arguments)
    run = schedule(dag).run()
    for operator, field, _ in TEXTS:
        read, named = f"{operator.__name__}_read", f"{operator.__name__}_named"
        assert (run.state(read), run.state(named)) == (["success"], ["failed"]), run.error(read)
        assert f"{field}: 'ideas.txt' looks like the name of a file" in run.said(named)
        assert paths(kie, operator.request_type.path) == 1


def paid(kie: RunningSimulator) -> dict[str, int]:
    """Return how often each call of the jobs was made."""
    return {call: paths(kie, operator.request_type.path) for call, (operator, *_) in JOBS.items()}


def once_more(before: dict[str, int]) -> dict[str, int]:
    return {call: number + 1 for call, number in before.items()}


@pytest.mark.usefixtures("unhurried")
def test_jobs(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    """The operators wait in the worker and in the triggerer by turns, and a sensor in the other one."""
    before = paid(kie)
    with DAG("family", schedule=None) as dag:
        for number, (call, (operator, arguments, kind, _)) in enumerate(JOBS.items()):
            deferrable = bool(number % 2)
            known = f"{{{{ ti.xcom_pull('{call}', key='job_id') }}}}"
            waiting = {"deferrable": not deferrable, "poke_interval": 0.05}
            make = operator(task_id=call, **arguments(sources), deferrable=deferrable, **FAST)
            make >> JobSensor(task_id=f"wait_{call}", kind=kind, job_id=known, **waiting)
    run = schedule(dag).run()
    for call, (_, _, kind, is_right) in JOBS.items():
        assert (run.state(call), run.state(f"wait_{call}")) == (["success"], ["success"]), run.said(call)
        result = run.xcom(call)
        assert is_right(result), result
        assert is_id(run.xcom(call, "job_id"))
        assert run.xcom(f"wait_{call}") == result
        assert run.xcom(f"wait_{call}", kind) == run.xcom(call, kind)
        if kind == "lyrics":
            assert [each["text"] for each in run.xcom(call, kind)] == result
            assert {"title", "text", "status"} <= set(run.xcom(call, kind)[0])
        else:
            assert run.xcom(call, kind)["job_id"] == run.xcom(call, "job_id")
    assert paid(kie) == once_more(before)


@pytest.mark.usefixtures("unhurried")
@needs_journal
def test_a_retry_and_a_given_id_pay_nothing(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    before = paid(kie)
    once = "{{ 0 if ti.try_number == 1 else 60 }}"
    with DAG("family", schedule=None) as dag:
        for call, (operator, arguments, _, _) in JOBS.items():
            kie.orders.add(Order(kind=operator.request_type.kind, seconds=1e6))
            operator(task_id=call, **arguments(sources), wait_timeout=once, **FAST, **RETRY)
    run = schedule(dag)
    for _ in run.steps():
        if {ti.state for ti in run.task_instances()} == {"up_for_retry"}:
            kie.clock.advance(1.001e6)
    with DAG("again", schedule=None) as dag:
        for call, (operator, arguments, _, _) in JOBS.items():
            operator(task_id=call, **arguments(sources), job_id=run.xcom(call, "job_id"), **FAST)
    again = schedule(dag).run()
    for call, (_, _, _, is_right) in JOBS.items():
        assert (run.state(call), run.tries(call)) == (["success"], [2]), run.said(call)
        assert is_right(run.xcom(call)) or call == "recover_music"
        assert (again.state(call), again.xcom(call)) == (["success"], run.xcom(call)), again.said(call)
    assert paid(kie) == once_more(before)


# A voice cannot be made of a phrase while another one is asked for.
AT_ONCE = [[call for call in JOBS if call != "regenerate_voice_phrase"], ["regenerate_voice_phrase"]]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("calls", AT_ONCE, ids=["most", "another phrase"])
def test_a_failed_job_is_retried(calls: list[str], sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    fail: dict[str, str | int] = {
        "midi": 3,
        "cover_art": 3,
        "voice_phrase": "processing_validate_fail",
        "voice": "fail",
        "recovery": 500,
    }
    with DAG("family", schedule=None) as dag:
        for call in calls:
            operator, arguments, kind, _ = JOBS[call]
            how: Any = fail.get(kind, "CREATE_TASK_FAILED")
            kie.orders.add(Order(kind=kind, fail=how, message="Not today."))
            operator(task_id=call, **arguments(sources), **FAST, **RETRY)
    run = schedule(dag).run()
    for call in calls:
        is_right = JOBS[call][3]
        assert (run.state(call), run.tries(call)) == (["success"], [2]), run.said(call)
        assert is_right(run.xcom(call))
        assert "Not today." in run.said(call)


@pytest.mark.usefixtures("unhurried")
def test_files_are_kept(sources: Sources, kie: RunningSimulator, schedule: Schedule, tmp_path: Path) -> None:
    """By the operator and by a sensor, by turns."""
    with DAG("family", schedule=None) as dag:
        for number, call in enumerate(FILES):
            operator, arguments, kind, _ = JOBS[call]
            keep_at = str(tmp_path / call)
            if number % 2:
                submit = operator(task_id=f"submit_{call}", **arguments(sources), wait_for_completion=False)
                JobSensor(task_id=call, kind=kind, job_id=submit.output, keep_at=keep_at, poke_interval=0.05)
            else:
                operator(task_id=call, **arguments(sources), keep_at=keep_at, **FAST)
    run = schedule(dag).run()
    for call in FILES:
        assert run.state(call) == ["success"], run.error(call)
        kept = run.xcom(call, "files")
        result = run.xcom(call)
        assert len(kept) == (1 if isinstance(result, str) else len(result))
        for file in kept:
            assert Path(file["uri"].removeprefix("file://")).stat().st_size == file["size"]
            assert list(file) == ["uri", "audio_id", "title", "size", "sha256", "media_type", "duration", "part"]


def test_a_sensor_of_any_kind_waits_for_music(kie: RunningSimulator, schedule: Schedule, tmp_path: Path) -> None:
    with DAG("family", schedule=None) as dag:
        song = GenerateMusicOperator(task_id="song", model="V5", prompt="rain")
        for where, deferrable in (("worker", False), ("triggerer", True)):
            waiting = {"deferrable": deferrable, "poke_interval": 0.05, "until": "first", "outlets": [Asset("songs")]}
            job, music = f"{where}_job", f"{where}_music"
            JobSensor(task_id=job, kind="music", job_id=song.output, keep_at=tmp_path / job, **waiting)
            MusicTaskSensor(task_id=music, music_task_id=song.output, keep_at=tmp_path / music, **waiting)
    run = schedule(dag).run()
    assert {ti.state for ti in run.task_instances()} == {"success"}, run.last_error
    for where in ("worker", "triggerer"):
        job, music = f"{where}_job", f"{where}_music"
        assert run.xcom(job) == run.xcom(music)
        assert run.xcom(job, "music_task") == run.xcom(music, "music_task")
        kept = {name: run.xcom(name, "files") for name in (job, music)}
        assert [file["sha256"] for file in kept[job]] == [file["sha256"] for file in kept[music]]
        assert len(kept[job]) == len(run.xcom(job)) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "lyrics", "keep_at": "/data"}, "keep_at: the result of a lyrics job is no file. Leave keep_at out"),
        ({"kind": "wav", "until": "first"}, "until: a WAV conversion has no first part to wait for; leave until out"),
        ({"kind": ["wav"]}, "kind: must be one of cover_art, lyrics, midi, music, recovery, stems, "),
        ({"kind": "songs"}, "stems, video, voice, voice_phrase, wav; got 'songs'"),
    ],
)
def test_a_sensor_refuses_what_its_kind_lacks(
    arguments: dict[str, Any], said: str, kie: RunningSimulator, schedule: Schedule
) -> None:
    with pytest.raises(SunoValidationError) as refused:
        JobSensor(task_id="wait", **{"job_id": "j", **arguments})
    assert said in str(refused.value)
    with DAG("family", schedule=None) as dag:
        JobSensor(task_id="wait", **{"job_id": "j", **arguments, **later(kind=arguments["kind"])}, retries=1)
    run = schedule(dag).run()
    assert (run.state("wait"), run.tries("wait")) == (["failed"], [1])
    assert said in str(run.last_error)
    assert not any("record-info" in entry["path"] for entry in kie.ledger()["requests"])


@pytest.mark.usefixtures("unhurried")
def test_what_exists_already(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    calls = ("convert_to_wav", "create_music_video", "generate_cover_art")
    with DAG("family", schedule=None) as dag:
        for call in calls:
            operator, arguments, _, _ = JOBS[call]
            first = operator(task_id=f"first_{call}", **arguments(sources), **FAST)
            first >> operator(task_id=f"second_{call}", **arguments(sources), **FAST, **RETRY)
            first >> operator(task_id=f"skipped_{call}", **arguments(sources), if_exists="skip", **FAST)
    run = schedule(dag).run()
    for call in calls:
        first, second, skipped = (f"{name}_{call}" for name in ("first", "second", "skipped"))
        if call == "generate_cover_art":  # the service names the first job
            assert [run.state(name) for name in (first, second, skipped)] == [["success"]] * 3
            assert run.xcom(second) == run.xcom(first)
            assert run.xcom(second, "job_id") == run.xcom(first, "job_id")
            assert "exists already, made by job" in run.said(second)
        else:
            assert (run.state(second), run.tries(second)) == (["failed"], [1])
            assert run.state(skipped) == ["skipped"]
            assert "set if_exists='skip'" in run.said(second)
        kind = JOBS[call][2]
        assert sum(job["kind"] == kind for job in kie.ledger()["conversions"]) == 1


@needs_journal
@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_another_phrase_is_not_the_old_one(
    deferrable: bool, sources: Sources, kie: RunningSimulator, schedule: Schedule
) -> None:
    """Not in a retry either, while the service still shows the old one."""
    old = kie.state.jobs[sources.phrase].result()
    kie.orders.add(Order(kind="voice_phrase", late=60_000))  # 6 s
    once = "{{ 0 if ti.try_number == 1 else 60 }}"
    with DAG("family", schedule=None) as dag:
        RegenerateVoicePhraseOperator(
            task_id="make", phrase_job_id=sources.phrase, wait_timeout=once, deferrable=deferrable, **FAST, **RETRY
        )
    run = schedule(dag).run()
    assert (run.state("make"), run.tries("make")) == (["success"], [2]), run.last_error
    assert is_text(run.xcom("make"))
    assert run.xcom("make") != old
    assert paths(kie, RegenerateVoicePhraseOperator.request_type.path) == 1


@pytest.mark.usefixtures("unhurried")
@needs_journal
def test_a_clear_finds_what_is_made_once(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    calls = ("convert_to_wav", "create_music_video")
    changed = {"create_music_video": {"author": "{{ 'A' if ti.try_number == 1 else 'B' }}"}}
    with DAG("family", schedule=None) as dag:
        for call in calls:
            operator, arguments, _, _ = JOBS[call]
            operator(task_id=call, **arguments(sources), **changed.get(call, {}), **FAST)
    run = schedule(dag).run()

    def ends() -> dict[str, Any]:
        return {call: (run.state(call), run.xcom(call), run.xcom(call, "job_id")) for call in calls}

    made = ends()
    assert [state for state, _, _ in made.values()] == [["success"]] * 2
    run.clear(*calls).run()
    assert ends() == made
    for call in calls:
        assert "the service makes this only once, so the earlier job is used" in run.said(call)
        kie.faults.add(Fault(kind="drop_after", path=JOBS[call][0].request_type.path, times=1))
    run.clear(*calls).run()
    assert [(run.state(call), run.journal(call)["state"]) for call in calls] == [(["failed"], "doubted")] * 2
    run.clear(*calls).run()
    assert ends() == made
    kinds = [job["kind"] for job in kie.ledger()["conversions"]]
    assert [kinds.count(JOBS[call][2]) for call in calls] == [1, 1]


def test_another_phrase_must_be_waited_for(sources: Sources) -> None:
    with pytest.raises(SunoValidationError, match="wait_for_completion: must stay True"):
        RegenerateVoicePhraseOperator(task_id="again", phrase_job_id=sources.phrase, wait_for_completion=False)


def test_a_voice_sings(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    with DAG("family", schedule=None) as dag:
        voice = GenerateVoiceOperator(task_id="voice", phrase_job_id=sources.phrase, verify_url=sources.upload, **FAST)
        check = CheckVoiceOperator(task_id="check", voice_job_id="{{ ti.xcom_pull('voice', key='job_id') }}")
        sing = GenerateMusicOperator(
            task_id="sing",
            model="V5",
            style="folk",
            title="Rain",
            prompt="la la",
            persona_id=voice.output,
            persona_model="voice_persona",
        )
        voice >> check >> sing
    run = schedule(dag).run()
    assert {ti.state for ti in run.task_instances()} == {"success"}, run.last_error
    assert run.xcom("check") is True
    with DAG("confused", schedule=None) as dag:
        CheckVoiceOperator(task_id="check", voice_job_id=run.xcom("voice"), retries=1)
    confused = schedule(dag).run()
    assert (confused.state("check"), confused.tries("check")) == (["failed"], [1])
    assert "voice_job_id is the XCom job_id of the GenerateVoiceOperator that made the voice" in confused.said()
    assert kie.ledger()["songs"][-1]["request"]["personaId"] == run.xcom("voice")


def test_words_with_times(sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    instrumental = SunoHook().generate_music(model="V5", prompt="rain", instrumental=True)
    kie.clock.advance(300)
    record = SunoHook().get_music_task(instrumental)
    assert record is not None
    with DAG("family", schedule=None) as dag:
        GetTimestampedLyricsOperator(task_id="words", **sources.track)
        GetTimestampedLyricsOperator(task_id="none", music_task_id=instrumental, audio_id=record.audio_ids[0])
    run = schedule(dag).run()
    assert {ti.state for ti in run.task_instances()} == {"success"}, run.last_error
    words = run.xcom("words")
    assert [each["word"] for each in words] == ["Rain", "falls", "down", "On", "the", "town"]
    assert all(each["start"] <= each["end"] for each in words)
    assert [line.partition("]")[2] for line in run.xcom("words", "lrc").splitlines()] == [
        "Rain falls down",
        "On the town",
    ]
    assert run.xcom("words", "srt").startswith("1\n00:00:")
    assert (run.xcom("none"), run.xcom("none", "lrc"), run.xcom("none", "srt")) == ([], "", "")
    assert "the service names no words, as for an instrumental" in run.said()


@pytest.mark.parametrize("policy", ["fail", "resubmit"])
def test_an_answer_that_is_lost(policy: Any, kie: RunningSimulator, schedule: Schedule) -> None:
    kie.faults.add(Fault(kind="drop_after", path=BoostStyleOperator.request_type.path, times=1))
    with DAG("family", schedule=None) as dag:
        BoostStyleOperator(task_id="boost", content="pop", on_lost_reply=policy, retries=2)
    run = schedule(dag).run()
    assert (run.state("boost"), run.tries("boost")) == (["success" if policy == "resubmit" else "failed"], [1])
    assert paths(kie, BoostStyleOperator.request_type.path) == (2 if policy == "resubmit" else 1)
    if policy == "fail":
        assert "may have been carried out and charged" in str(run.last_error)
        assert "job_id" not in str(run.last_error)


@needs_journal
@pytest.mark.parametrize("connection", ["kept", "deleted"])
def test_an_answer_is_paid_once(
    connection: str, kie: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver, tries = BoostStyleOperator.deliver, []

    def fails_once(task: BoostStyleOperator, context: Any, answer: Any) -> str:
        tries.append(1)
        if len(tries) == 1:
            if connection == "deleted":
                monkeypatch.delenv("AIRFLOW_CONN_SUNO_DEFAULT")
            raise RuntimeError("the worker is in trouble")
        return deliver(task, context, answer)

    monkeypatch.setattr(BoostStyleOperator, "deliver", fails_once)
    with DAG("family", schedule=None) as dag:
        BoostStyleOperator(task_id="boost", content="pop", **RETRY)
    run = schedule(dag).run()
    assert (run.state("boost"), run.tries("boost")) == (["success"], [2])
    assert "that answer is used" in run.said()
    assert paths(kie, BoostStyleOperator.request_type.path) == 1
    assert run.xcom("boost", "style")["style"] == run.xcom("boost")
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", kie.connection_json)
    run.clear("boost")
    run.run()
    assert paths(kie, BoostStyleOperator.request_type.path) == 2


def test_any_path_of_the_host(sources: Sources, kie: RunningSimulator) -> None:
    hook = SunoHook()
    record = hook.call("GET", "/api/v1/generate/record-info", {"taskId": sources.track["music_task_id"]})
    assert record["status"] == "SUCCESS"
    body = {"taskId": sources.track["music_task_id"], "audioId": sources.track["audio_id"]}
    assert hook.call("POST", "/api/v1/generate/get-timestamped-lyrics", body)["alignedWords"]
    with pytest.raises(SunoNotFoundError):
        hook.call("POST", "/api/v1/generate/no-such-call", {})
    url = record["response"]["sunoData"][0]["audioUrl"]
    assert is_file(b"ID3")(hook.get_download_url(url)) or requests.get(hook.get_download_url(url), timeout=10).ok


def test_what_the_host_does_not_have_is_explained(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("family", schedule=None) as dag:
        RecoverMusicOperator(task_id="recover", music_task_id="old", retries=2)
    run = schedule(dag).run()
    assert (run.state("recover"), run.tries("recover")) == (["failed"], [1])
    assert "the pages of apikley do not name /api/v1/suno/recovery" in run.said()
    said = "does not have /api/v1/suno/recovery; nothing is charged. These hosts have it: kie, sunoapi"
    assert said in str(run.last_error)
