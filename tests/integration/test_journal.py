"""The journal in Airflow's own supervisor and state store: what the next try does, and failures of the store."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http import retry
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.journal import store
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMusicOperator,
    UploadAndCoverAudioOperator,
    UploadAndExtendAudioOperator,
)
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.fixtures import SHORT
from tests.support.generating import (
    BAD_RESUMES,
    GENERATE,
    RECORD_INFO,
    RETRY,
    Schedule,
    a_dag,
    charges,
    deferred,
    ended,
    killed_on,
    resume_badly,
)

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
    pytest.mark.usefixtures("short_clocks"),
]

if KEEPS_TASK_STATE:
    from airflow.sdk.execution_time.context import TaskStateStoreAccessor


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, problem: BaseException) -> None:
    """Make the next call of a method fail."""
    method = getattr(owner, name)

    def failing(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(owner, name, method)
        raise problem

    monkeypatch.setattr(owner, name, failing)


OPERATORS: dict[Any, dict[str, Any]] = {
    GenerateMusicOperator: {},
    ExtendMusicOperator: {"source_music_task_id": "a song", "continue_at": 1},
    UploadAndCoverAudioOperator: {"upload_url": "a file"},
    UploadAndExtendAudioOperator: {"upload_url": "a file", "continue_at": 1},
}
WAYS: list[dict[str, bool]] = [
    {},
    {"wait_for_completion": True, "deferrable": False},
    {"wait_for_completion": True, "deferrable": True},
]


def test_every_operator_resumes_the_job_that_it_paid_for(
    song: Callable[..., str], sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each operator, mapped and not; each of these in each way of waiting."""
    record = SunoHook().get_music_task(song())
    assert record is not None
    sources = {"a song": record.music_task_id, "a file": record.tracks[0].audio_url}
    waiting: dict[str, dict[str, bool]] = {}
    with DAG("operators", schedule=None) as dag:
        for number, (operator, its_own) in enumerate(OPERATORS.items()):
            fields = {name: sources.get(value, value) for name, value in its_own.items()}
            fields |= {"model": "V5", "style": "folk", "prompt": "la", "poll_interval": 0.05, **RETRY}
            one, mapped = f"one_{operator.__name__}", f"mapped_{operator.__name__}"
            waiting |= {one: WAYS[2 * number % 3], mapped: WAYS[(2 * number + 1) % 3]}
            operator(task_id=one, title="One", **fields, **waiting[one])
            operator.partial(task_id=mapped, **fields, **waiting[mapped]).expand(title=["One"])

    push, failed = RuntimeTaskInstance.xcom_push, set[str]()

    def fail_at_first(ti: RuntimeTaskInstance, *args: Any, **kwargs: Any) -> None:
        if ti.task_id not in failed:
            failed.add(ti.task_id)
            raise RuntimeError("the API server is away")
        push(ti, *args, **kwargs)

    monkeypatch.setattr(RuntimeTaskInstance, "xcom_push", fail_at_first)
    run = schedule(dag).run()
    assert failed == set(waiting)
    assert charges(sim)[1:] == [1] * len(waiting)
    for name, ways in waiting.items():
        index = 0 if "mapped" in name else -1
        assert (run.state(name), run.tries(name)) == (["success"], [2]), name
        paid = run.xcom(name, map_index=index)
        assert re.search(rf"re-attached to music task {paid}, submitted \d+ seconds? ago; nothing is", run.said(name))
        entry = run.journal(name, index)
        assert (entry["state"], entry["job"]["id"]) == ("delivered", paid)
        assert bool(run.xcom(name, "audio_ids", index)) == bool(ways)


@pytest.mark.usefixtures("sim")
def test_the_entry_holds_the_callback_token_and_no_api_key(schedule: Schedule) -> None:
    run = schedule(a_dag(style="folk", title="T", callback_url="https://us.example/hook?a=1")).run()
    entry = run.journal("generate")
    assert {name: entry[name] for name in ("state", "max_tries", "job")} == {
        "state": "delivered",
        "max_tries": 1,
        "job": {"kind": "music", "id": run.xcom("generate")},
    }
    record = SunoHook().get_music_task(run.xcom("generate"))
    assert record is not None
    sent = record.parameters["callBackUrl"]
    assert sent == f"https://us.example/hook?a=1&suno_submission={entry['token']}"
    assert len(entry["token"]) >= 16
    assert "sim-key" not in str(entry)


def test_a_clear_after_a_success_makes_a_new_song_each_time(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag(wait_for_completion=True, deferrable=True)).run()
    first = run.xcom("generate")
    run.clear("generate").run()
    second = run.xcom("generate")
    run.clear("generate").run()
    assert len({first, second, run.xcom("generate")}) == 3
    assert f"cleared: submitting anew, which is charged; it replaces music task {first} (state delivered)" in run.said()
    assert ended(run) == (["success"], [3])
    assert charges(sim) == [1, 1, 1]


def test_a_template_that_renders_differently_on_a_retry_pays_nothing(sim: RunningSimulator, schedule: Schedule) -> None:
    dag = a_dag(prompt="rain {{ ti.try_number }}", wait_for_completion=True, wait_timeout=0.3, retries=2)
    with killed_on(sim, RECORD_INFO):
        run = schedule(dag).run()
    assert ended(run) == (["success"], [2])
    assert "changed since it was submitted, and without effect: prompt" in run.said()
    assert charges(sim) == [1]


def test_a_clear_after_the_request_changed_submits_it(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=401, times=None))
    run = schedule(a_dag(prompt="rain {{ ti.try_number }}", wait_for_completion=True)).run()
    assert ended(run) == (["failed"], [1])
    sim.faults.clear()
    assert ended(run.clear("generate").run()) == (["success"], [2])
    assert charges(sim) == [1, 1]


def test_a_clear_that_re_attached_is_no_consent_for_the_retry_after_it(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    """The retry's request differs from the one of the clear. Unless the clear is recorded as used, that would pay."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, times=None))
    prompt = "{{ 'rain' if ti.try_number < 4 else 'snow' }}"
    run = schedule(a_dag(prompt=prompt, wait_for_completion=True)).run()
    assert ended(run) == (["failed"], [2])
    run.clear("generate").run()
    assert ended(run) == (["failed"], [4])
    assert run.said().count("Storage tab (Task State Store), and clear again") == 1
    assert "changed since it was submitted, and without effect: prompt" in run.said()
    assert charges(sim) == [1]


def test_a_lost_reply_stops_until_a_person_clears(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag()).run()
    assert ended(run) == (["failed"], [1])
    said = str(run.last_error)
    assert "generate_music (model 'V5', prompt 'rain'): The reply to POST http" in said
    assert "UTC is lost: " in said
    assert "The job may exist and be charged. Look at the service's own log page" in said
    assert "music_task_id=..." in said
    assert "clear the task to submit it anew" in said
    assert charges(sim) == [1]
    entry = run.journal("generate")
    assert (entry["state"], entry["lost_reply_message"]) == ("doubted", said)
    assert ended(run.clear("generate").run()) == (["success"], [2])
    assert charges(sim) == [1, 1]
    assert run.journal("generate")["state"] == "delivered"


def test_the_id_that_a_person_found_resumes_a_job_whose_reply_was_lost(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag()).run()
    found = sim.ledger()["songs"][0]["music_task_id"]
    run.dag.get_task("generate").music_task_id = found
    run.clear("generate").run()
    assert run.xcom("generate") == found
    assert charges(sim) == [1]
    assert (run.journal("generate")["state"], run.journal("generate")["max_tries"]) == ("doubted", 2)
    run.dag.get_task("generate").music_task_id = None
    run.clear("generate").run()
    assert charges(sim) == [1, 1]


def test_resubmit_submits_once_more_after_a_lost_reply(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after", times=2))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert ended(run) == (["failed"], [1])
    assert str(run.last_error).startswith("The second submission failed: ")
    assert run.journal("generate")["state"] == "doubted"
    assert charges(sim) == [1, 1]
    assert ended(run.clear("generate").run()) == (["success"], [2])
    assert charges(sim) == [1, 1, 1]


@pytest.mark.parametrize(
    ("code", "ends", "error"),
    [(455, (["success"], [2]), None), (402, (["failed"], [1]), "AirflowFailException")],
)
def test_a_refused_resubmission_still_reports_the_lost_reply(
    code: int,
    ends: Any,
    error: str | None,
    sim: RunningSimulator,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, longest_server_delay=SHORT))
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=code, msg="Not now.", retry_after=1, times=1))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert "The second submission failed: " in run.said()
    assert "Not now.) The first one: generate_music (model 'V5', prompt 'rain'): The reply to POST" in run.said()
    assert ended(run) == ends
    if error:
        assert type(run.last_error).__name__ == error
        assert run.journal("generate")["state"] == "intent"
        assert charges(sim) == [1]
        run.clear("generate").run()
    assert run.said().count("which may pay twice") == 2
    assert charges(sim) == [1, 1]


def with_unfinished_song(sim: RunningSimulator, schedule: Schedule) -> Any:
    """Return a run whose song was submitted, and whose task then failed for good."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=401, times=None))
    run = schedule(a_dag(wait_for_completion=True, deferrable=False)).run()
    sim.faults.clear()
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [1])
    return run


def test_a_refused_changed_request_keeps_the_earlier_song(sim: RunningSimulator, schedule: Schedule) -> None:
    run = with_unfinished_song(sim, schedule)
    generate = run.dag.get_task("generate")
    first = run.journal("generate")
    generate.prompt = "snow"
    sim.faults.add(Fault(path=GENERATE, kind="code", code=402, msg="Insufficient."))
    run.clear("generate").run()
    assert "Insufficient." in str(run.last_error)
    assert run.journal("generate") == first
    generate.prompt = "rain"
    run.clear("generate").run()
    assert run.xcom("generate") == first["job"]["id"]
    assert charges(sim) == [1]


def test_a_changed_callback_url_is_the_same_song(sim: RunningSimulator, schedule: Schedule) -> None:
    run = with_unfinished_song(sim, schedule)
    run.dag.get_task("generate").callback_url = "https://elsewhere.example/hook"
    run.clear("generate").run()
    assert (run.state("generate"), charges(sim)) == (["success"], [1])


def test_a_given_id_uses_up_the_clear_so_a_retry_without_the_id_pays_nothing(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(wait_for_completion=True, deferrable=False)).run()
    found = sim.ledger()["songs"][0]["music_task_id"]
    run.dag.get_task("generate").music_task_id = found
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, times=None))
    next(run.clear("generate").steps())
    run.dag.get_task("generate").music_task_id = None
    sim.faults.clear()
    assert ended(run.run()) == (["failed"], [3])
    assert "The job may exist and be charged" in str(run.last_error)
    assert charges(sim) == [1]


def test_a_given_id_keeps_the_entry_of_another_song(sim: RunningSimulator, schedule: Schedule) -> None:
    run = with_unfinished_song(sim, schedule)
    first = run.journal("generate")
    other = SunoHook().generate_music(model="V5", prompt="snow")
    run.dag.get_task("generate").music_task_id = other
    run.clear("generate").run()
    assert run.xcom("generate") == other
    assert run.journal("generate") == {**first, "max_tries": 2, "clear_number": 1}


def test_a_given_id_is_resumed_whatever_the_journal_holds(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = SunoHook().generate_music(model="V5", prompt="snow")
    monkeypatch.setattr(TaskStateStoreAccessor, "get", lambda *_: {"state": "great"})
    run = schedule(a_dag(music_task_id=paid)).run()
    assert (ended(run), run.xcom("generate")) == ((["success"], [1]), paid)
    assert "is not understood" in run.said()


def test_a_second_submission_in_the_same_try_is_refused(sim: RunningSimulator, schedule: Schedule) -> None:
    class Two(GenerateMusicOperator):
        def execute(self, context: Any) -> str:
            super().execute(context)
            self.prompt = "snow"
            return super().execute(context)

    with DAG("operators", schedule=None) as dag:
        Two(task_id="generate", model="V5", prompt="rain", **RETRY)
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert "A task instance makes one submission: use an operator for each" in str(run.last_error)
    assert charges(sim) == [1]


def test_an_execution_timeout_between_two_sends_is_no_lost_reply(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="code", code=430, msg="Slow down.", retry_after=30, times=1))
    run = schedule(a_dag(execution_timeout=timedelta(seconds=1))).run()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1]


def test_an_intent_whose_write_got_no_answer_is_rolled_back(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = TaskStateStoreAccessor.set

    def write_and_lose_the_answer(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(TaskStateStoreAccessor, "set", write)
        write(*args, **kwargs)
        raise RuntimeError("the API server is away")

    monkeypatch.setattr(TaskStateStoreAccessor, "set", write_and_lose_the_answer)
    run = schedule(a_dag()).run()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1]


@pytest.mark.parametrize("fields", [{"extra_fields": {"a": 1, 2: 3}}, {"extra_fields": {"a": {1, 2}}}])
def test_fields_that_are_not_json_are_refused_before_anything_is_sent(
    fields: dict[str, Any], sim: RunningSimulator, schedule: Schedule
) -> None:
    with pytest.raises(SunoValidationError, match="extra_fields"):
        a_dag(**fields)
    dag = a_dag()
    dag.get_task("generate").extra_fields = fields["extra_fields"]
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert "extra_fields" in str(run.last_error)
    assert run.journal("generate") is None
    assert sim.ledger()["requests"] == []


@pytest.mark.parametrize(("policy", "ends"), [("fail", ("failed", 1)), ("resubmit", ("success", 2))])
def test_an_execution_timeout_during_the_submission_is_a_lost_reply(
    policy: str, ends: tuple[str, int], sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="slow", seconds=3))
    run = schedule(a_dag(execution_timeout=timedelta(seconds=1), on_lost_reply=policy)).run()
    assert ended(run) == ([ends[0]], [ends[1]])
    assert "is lost: this try was interrupted before the answer arrived" in run.said() or policy == "resubmit"
    assert run.journal("generate")["state"] == {"fail": "doubted", "resubmit": "delivered"}[policy]


@pytest.mark.parametrize(("retries", "deferrable"), [(0, True), (0, False), (1, False)])
def test_a_clear_resumes_a_killed_wait(
    retries: int, deferrable: bool, sim: RunningSimulator, schedule: Schedule
) -> None:
    waiting = {"wait_for_completion": True, "deferrable": deferrable}
    if deferrable:
        run = schedule(a_dag(retries=retries, **waiting))
        deferred(run)
        run.clear("generate").run()
    else:
        with killed_on(sim, RECORD_INFO):
            run = schedule(a_dag(prompt="[stuck]", wait_timeout=1, retries=retries, **waiting)).run()
        assert f"The API cannot cancel jobs: music task {run.journal('generate')['job']['id']} continues" in run.said()
        assert run.state("generate") == ["failed"]
        run.clear("generate").run()
    assert f"re-attached to music task {run.xcom('generate', 'music_task_id')}" in run.said()
    assert charges(sim) == [1]


@pytest.mark.parametrize("resume", BAD_RESUMES)
def test_a_resume_without_a_valid_event_is_followed_by_a_re_attaching_retry(
    resume: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(wait_for_completion=True, deferrable=True))
    resume_badly(run, deferred(run), resume)
    run.run()
    assert ended(run) == (["success"], [2])
    assert "re-attached" in run.said()
    said = {
        "broken trigger": "The trigger of music task",
        "no triggerer": "Is a triggerer running?",
    }.get(resume, "The trigger sent an event that")
    assert said in run.said()
    assert charges(sim) == [1]


def test_a_resume_without_an_event_names_the_job_even_if_its_xcom_was_deleted(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, retries=0))
    instance = deferred(run)
    music_task_id = run.xcom("generate", "music_task_id")
    run.delete_xcoms("generate")
    run.time_out(instance)
    run.run()
    assert f"No event about music task {music_task_id} came from the triggerer" in str(run.last_error)
    assert f"Set music_task_id={music_task_id!r} to resume this job; nothing is charged again." in str(run.last_error)
    assert charges(sim) == [1]


@pytest.mark.parametrize("wait_timeout", [1200, 2])
def test_an_execution_timeout_holds_while_deferred(
    wait_timeout: float, sim: RunningSimulator, schedule: Schedule
) -> None:
    fields = {"execution_timeout": timedelta(seconds=1), "wait_timeout": wait_timeout}
    dag = a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=True, **fields)
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [2])
    assert type(run.last_error).__name__ == "AirflowTaskTimeout"
    assert "execution_timeout (0:00:01) ended the wait. Music task" in str(run.last_error)
    assert charges(sim) == [1]


def test_a_try_that_cannot_read_the_journal_submits_nothing_and_is_retried(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_once(monkeypatch, TaskStateStoreAccessor, "get", RuntimeError("the database is away"))
    run = schedule(a_dag()).run()
    assert ended(run) == (["success"], [2])
    assert "SunoJournalError: Airflow's task state store cannot be read" in run.said()
    assert charges(sim) == [1]


def test_a_try_that_cannot_write_its_intent_submits_nothing_and_is_retried(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_once(monkeypatch, TaskStateStoreAccessor, "set", RuntimeError("the database is full"))
    run = schedule(a_dag()).run()
    assert ended(run) == (["success"], [2])
    assert "the database is full" in run.said()
    assert charges(sim) == [1]


def test_a_superseded_try_submits_nothing(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try of a task instance has another id; Airflow rejects the old process's writes."""
    enter = store.SendRecorder.__enter__

    def supersede(recorder: store.SendRecorder) -> None:
        monkeypatch.setattr(store.SendRecorder, "__enter__", enter)
        run.supersede("generate")
        enter(recorder)

    monkeypatch.setattr(store.SendRecorder, "__enter__", supersede)
    run = schedule(a_dag())
    with suppress(ServerResponseError):  # from 3.4 on, it replaces the task's error
        next(run.steps())
        assert "Was the task cleared meanwhile?" in run.said()
    assert charges(sim) == []


def test_the_answer_to_a_superseded_try_leaves_the_id_in_the_log(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LIMITS", store.StoreLimits(retry_seconds=SHORT))
    post = SunoClient._post

    def supersede(*args: Any) -> Any:
        monkeypatch.setattr(SunoClient, "_post", post)
        run.supersede("generate")
        return post(*args)

    monkeypatch.setattr(SunoClient, "_post", supersede)
    run = schedule(a_dag())
    with pytest.raises(ServerResponseError):  # which tells the supervisor that this is not the current try
        next(run.steps())
    paid = sim.ledger()["songs"][0]["music_task_id"]
    assert f"generate_music: submitted music task {paid}" in run.said()
    assert run.journal("generate")["state"] == "intent"
    assert charges(sim) == [1]


def test_an_id_that_cannot_be_written_is_named_in_a_fatal_error(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LIMITS", store.StoreLimits(retry_seconds=SHORT))
    write = TaskStateStoreAccessor.set

    def fail_to_write_ids(self: Any, key: str, value: Any, **kwargs: Any) -> None:
        if value["state"] == "submitted":
            raise RuntimeError("the database is full")
        write(self, key, value, **kwargs)

    monkeypatch.setattr(TaskStateStoreAccessor, "set", fail_to_write_ids)
    run = schedule(a_dag()).run()
    assert ended(run) == (["failed"], [1])
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    assert f"Set music_task_id='{music_task_id}' to resume this job; nothing is charged again." in str(run.last_error)
    assert "the database is full" in str(run.last_error)
    assert run.journal("generate")["state"] == "intent"
    monkeypatch.setattr(TaskStateStoreAccessor, "set", write)
    assert ended(run.clear("generate").run()) == (["failed"], [2])
    assert "by an earlier try is lost" in str(run.last_error)
    assert charges(sim) == [1]


@pytest.mark.parametrize("problem", [RuntimeError("busy"), TimeoutError("alarm"), KeyboardInterrupt()])
def test_writing_the_id_is_tried_again(
    problem: BaseException, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = TaskStateStoreAccessor.set

    def fail_once_to_write_an_id(self: Any, key: str, value: Any, **kwargs: Any) -> None:
        if value["state"] == "submitted":
            monkeypatch.setattr(TaskStateStoreAccessor, "set", write)
            raise problem
        write(self, key, value, **kwargs)

    monkeypatch.setattr(TaskStateStoreAccessor, "set", fail_once_to_write_an_id)
    run = schedule(a_dag()).run()
    assert run.state("generate") == ["success"]
    assert run.journal("generate")["state"] == "delivered"
    assert charges(sim) == [1]


def test_an_intent_that_cannot_be_rolled_back_counts_as_a_lost_reply(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LIMITS", store.StoreLimits(retry_seconds=SHORT))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=402, msg="Insufficient."))

    forget = TaskStateStoreAccessor.delete

    def refuse(self: Any, key: str) -> None:
        if key == store.KEY:
            raise RuntimeError("the database is away")
        forget(self, key)

    monkeypatch.setattr(TaskStateStoreAccessor, "delete", refuse)
    run = schedule(a_dag()).run()
    assert "suno_submission could not be rolled back" in run.said()
    assert "Insufficient." in str(run.last_error)
    assert ended(run.clear("generate").run()) == (["failed"], [2])
    assert "or it may have ended before it sent" in str(run.last_error)
    assert charges(sim) == []


def test_the_journal_works_under_dag_test(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = a_dag(wait_for_completion=True, deferrable=True)
    schedule(dag)  # writes the Dag to the database, which dag.test() expects
    fail_once(monkeypatch, RuntimeTaskInstance, "xcom_push", RuntimeError("the API server is away"))
    dag_run = dag.test()
    assert dag_run.state == "success"
    assert charges(sim) == [1]
