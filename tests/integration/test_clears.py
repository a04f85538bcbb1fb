"""What a person's clear does after a change of the task: its retries, its connection, its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMusicOperator,
    UploadAndCoverAudioOperator,
)
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE, RECORD_INFO, RETRY, Schedule, a_dag, charges, ended
from tests.support.scheduling import Scheduling

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
    pytest.mark.usefixtures("short_clocks"),
]

# The retries that a task has at first, and those that it has when it is cleared.
CHANGES = [(1, 0), (2, 1), (3, 2), (2, 0), (0, 1), (1, 1)]


def edit_and_clear(run: Scheduling, edits: dict[str, dict[str, Any]]) -> Scheduling:
    """Change tasks, clear them for the new version of the Dag, and run them again."""
    return run.edit_each(edits).clear_for_the_latest_version(*edits).run()


def test_a_clear_after_a_success_makes_a_new_song_whatever_retries_says_now(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    edits = {}
    with DAG("clears", schedule=None) as dag:
        for before, now in CHANGES:
            one, mapped = f"one_{before}_{now}", f"mapped_{before}_{now}"
            edits |= {one: {"retries": now}, mapped: {"retries": now}}
            GenerateMusicOperator(task_id=one, model="V5", prompt="rain", retries=before)
            GenerateMusicOperator.partial(task_id=mapped, model="V5", retries=before).expand(prompt=["rain"])
    run = schedule(dag).run()

    def songs() -> dict[str, Any]:
        return {name: run.xcom(name, map_index=0 if "mapped" in name else -1) for name in edits}

    first = songs()
    edit_and_clear(run, edits)
    assert all(song != first[name] for name, song in songs().items()), (first, songs())
    assert charges(sim) == [1] * 4 * len(CHANGES)


@pytest.mark.parametrize("waits", [True, False])
def test_a_retry_that_replaces_a_success_pays_nothing_and_a_clear_after_it_makes_a_new_song(
    waits: bool, sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("clears", schedule=None) as dag:
        GenerateMusicOperator(task_id="song", model="V5", prompt="rain", wait_for_completion=waits, **RETRY)
    run = schedule(dag).run()
    song = run.xcom("song")
    assert run.journal("song")["state"] == "delivered"
    run.overwrite_success("song").run()
    assert (run.state("song"), run.tries("song"), run.xcom("song")) == (["success"], [2], song)
    assert f"re-attached to music task {song}" in run.said("song")
    assert charges(sim) == [1]
    assert run.clear("song").run().xcom("song") != song
    assert charges(sim) == [1, 1]


def test_a_clear_after_a_lost_reply_submits_whatever_retries_says_now(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after", times=len(CHANGES)))
    edits = {f"from_{before}_to_{now}": {"retries": now} for before, now in CHANGES}
    with DAG("clears", schedule=None) as dag:
        for name, (before, _) in zip(edits, CHANGES, strict=True):
            GenerateMusicOperator(task_id=name, model="V5", prompt="rain", retries=before)
    run = schedule(dag).run()
    assert [(run.state(name), run.tries(name)) for name in edits] == [(["failed"], [1])] * len(CHANGES)
    edit_and_clear(run, edits)
    assert [(run.state(name), run.tries(name)) for name in edits] == [(["success"], [2])] * len(CHANGES)
    assert charges(sim) == [1] * 2 * len(CHANGES)


def timed_out(sim: RunningSimulator, schedule: Schedule, dag: DAG, skip: int = 0) -> Any:
    """Return a run whose song was paid for, and whose wait for it timed out."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="back", times=None, skip=skip))
    run = schedule(dag).run()
    sim.faults.clear()
    assert "did not finish by the deadline" in run.said()
    return run


WAIT = {"wait_for_completion": True, "wait_timeout": 0, "retries": 0, "poll_interval": 0.05}


REWRITTEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"instrumental": False}, {"instrumental": "False"}),
    ({"style_weight": 0.5}, {"style_weight": "0.50"}),
    ({"custom_mode": None}, {"custom_mode": True}),
    ({"custom_mode": "true"}, {"custom_mode": None}),
    ({"extra_fields": None}, {"extra_fields": {}}),
    ({"negative_tags": None}, {"negative_tags": "{{ '' }}"}),
    ({"callback_url": None}, {"callback_url": "https://elsewhere.example/hook"}),
    ({"until": "all"}, {"until": "first"}),
]


def test_the_same_request_written_differently_is_not_paid_for_twice(sim: RunningSimulator, schedule: Schedule) -> None:
    edits = {f"{'_'.join(now)}_{number}": now for number, (_, now) in enumerate(REWRITTEN)}
    with DAG("clears", schedule=None) as dag:
        for name, (before, _) in zip(edits, REWRITTEN, strict=True):
            fields = {"model": "V5", "style": "folk", "title": "T", "prompt": "la", **WAIT, **before}
            GenerateMusicOperator(task_id=name, **fields)
    run = timed_out(sim, schedule, dag)
    edit_and_clear(run, {name: {"wait_timeout": 60, **now} for name, now in edits.items()})
    for name in edits:
        assert (run.state(name), run.tries(name)) == (["success"], [2]), name
        assert "re-attached to music task" in run.said(name)
    assert charges(sim) == [1] * len(REWRITTEN)


def test_an_extension_that_names_the_same_source_differently_is_the_same_request(
    sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    source = SunoHook().get_music_task(song())
    assert source is not None
    with DAG("clears", schedule=None) as dag:
        ExtendMusicOperator(task_id="generate", source_music_task_id=source.music_task_id, **WAIT)
    run = timed_out(sim, schedule, dag, skip=1)
    run.edit("generate", source_music_task_id=None, audio_id=source.audio_ids[0], model="V5", wait_timeout=60)
    run.clear_for_the_latest_version("generate").run()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1, 1]


@pytest.mark.parametrize(
    ("before", "now", "songs"),
    [
        ("https://files/x.mp3?id=AAA", "https://files/x.mp3?id=BBB", [1, 1]),
        ("https://files/x.mp3?id=AAA&X-Amz-Signature=1", "https://files/x.mp3?id=AAA&X-Amz-Signature=2", [1]),
    ],
)
def test_another_file_changes_the_request_but_another_signature_does_not(
    before: str, now: str, songs: list[int], sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("clears", schedule=None) as dag:
        UploadAndCoverAudioOperator(task_id="generate", model="V5", prompt="rain", upload_url=before, **WAIT)
    run = timed_out(sim, schedule, dag)
    run.edit("generate", upload_url=now).clear_for_the_latest_version("generate").run()
    assert charges(sim) == songs


@pytest.fixture
def another_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    """Point connection ``b`` to a second service, which does not know the music tasks of the first."""
    with running_simulator(speed=10_000) as other:
        monkeypatch.setenv("AIRFLOW_CONN_B", other.connection_json)
        yield other


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferrable"])
def test_a_job_is_read_through_the_connection_that_it_was_submitted_through(
    deferrable: bool, another_account: RunningSimulator, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="back"))
    conn = "{{ 'suno_default' if ti.try_number == 1 else 'b' }}"
    waiting = {**WAIT, "retries": 1, "deferrable": deferrable, "wait_timeout": "{{ 0 if ti.try_number == 1 else 60 }}"}
    run = schedule(a_dag(suno_conn_id=conn, **waiting)).run()
    assert ended(run) == (["success"], [2])
    assert (
        "was submitted through connection 'suno_default', so it is read through that one, not through 'b'" in run.said()
    )
    assert (charges(sim), charges(another_account)) == ([1], [])


def test_a_clear_after_a_change_of_the_connection_submits_through_the_new_one(
    another_account: RunningSimulator, sim: RunningSimulator, schedule: Schedule
) -> None:
    run = timed_out(sim, schedule, a_dag(**WAIT))
    run.edit("generate", suno_conn_id="b", wait_timeout=60).clear_for_the_latest_version("generate").run()
    assert ended(run) == (["success"], [2])
    assert run.journal("generate")["suno_conn_id"] == "b"
    assert (charges(sim), charges(another_account)) == ([1], [1])


def run_first_try(run: Scheduling) -> None:
    for _ in run.steps():
        if run.state("generate") == ["up_for_retry"]:
            return


def test_the_error_about_a_deleted_connection_names_the_job(
    another_account: RunningSimulator, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_account.faults.add(Fault(path=RECORD_INFO, kind="back"))
    run = schedule(a_dag(suno_conn_id="{{ 'b' if ti.try_number == 1 else 'suno_default' }}", **{**WAIT, **RETRY}))
    run_first_try(run)
    monkeypatch.delenv("AIRFLOW_CONN_B")
    run.run()
    paid = run.journal("generate")["job"]["id"]
    said = f"Music task {paid} is paid for, but the connection it was submitted through, 'b', cannot be used any more"
    assert said in str(run.last_error)
    assert (charges(sim), charges(another_account)) == ([], [1])


@pytest.mark.parametrize("gone", ["its own", "the new one"])
def test_a_deleted_connection_loses_no_job(
    gone: str,
    another_account: RunningSimulator,
    sim: RunningSimulator,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    another_account.faults.add(Fault(path=RECORD_INFO, kind="back"))
    then = "b" if gone == "its own" else "nowhere"
    conn, once = f"{{{{ 'b' if ti.try_number == 1 else '{then}' }}}}", "{{ 0 if ti.try_number == 1 else 60 }}"
    run = schedule(a_dag(suno_conn_id=conn, **{**WAIT, **RETRY, "wait_timeout": once}))
    run_first_try(run)
    if gone == "its own":
        monkeypatch.delenv("AIRFLOW_CONN_B")
    run.run()
    if gone == "its own":
        assert f"Music task {run.journal('generate')['job']['id']} is paid for" in str(run.last_error)
    else:
        assert ended(run) == (["success"], [2])
    assert charges(another_account) == [1]


def test_a_changed_request_is_not_paid_for_when_a_clear_is_not_certain(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    """``retries`` is lowered and another task of the run is cleared before Airflow's own retry."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="back"))
    once = "{{ 0 if ti.try_number == 1 else 60 }}"
    with DAG("clears", schedule=None) as dag:
        other = EmptyOperator(task_id="other")
        other >> GenerateMusicOperator(
            task_id="generate",
            model="V5",
            **{**WAIT, **RETRY, "retries": 3, "prompt": "rain {{ ti.try_number }}", "wait_timeout": once},
        )
    run = schedule(dag)
    run_first_try(run)
    run.edit("generate", retries=2).clear_for_the_latest_version("other").run()
    assert ended(run) == (["success"], [2])
    assert "changed since it was submitted, and without effect: prompt" in run.said()
    assert "if you cleared this task: to pay anew, delete suno_submission" in run.said()
    assert charges(sim) == [1]


INVALID = [("style", "None", "folk"), ("prompt", "'x' * 6000", "la"), ("until", "'some'", "all")]


def test_an_invalid_argument_does_not_lose_a_paid_job(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="back", times=len(INVALID)))
    fields = {"model": "V5", "style": "folk", "title": "T", "prompt": "la", **WAIT, **RETRY}
    fields["wait_timeout"] = "{{ 0 if ti.try_number == 1 else 60 }}"
    with DAG("clears", schedule=None) as dag:
        for name, wrong, right in INVALID:
            later = {name: f"{{{{ {right!r} if ti.try_number == 1 else {wrong} }}}}"}
            GenerateMusicOperator(task_id=name, **{**fields, **later})
    run = schedule(dag).run()
    for name in ("style", "prompt"):
        assert (run.state(name), run.tries(name)) == (["success"], [2]), name
        assert "cannot tell whether the request was changed since then" in run.said(name)
    assert (run.state("until"), run.tries("until")) == (["failed"], [2]), "it is about the wait"
    paid = run.journal("until")["job"]["id"]
    assert f"Music task {paid}, which an earlier try submitted, is paid for" in str(run.error("until"))
    assert charges(sim) == [1] * len(INVALID)


def policy(task: Any) -> None:
    """Replace the success callbacks, as a cluster policy may."""
    task.on_success_callback = [lambda context: None]


class Reporting(GenerateMusicOperator):
    """A user's operator that sets the callback in ``__init__``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on_success_callback = lambda context: None


class Declaring(GenerateMusicOperator):
    """A user's operator with a class attribute."""

    on_success_callback = None


class Mixin:
    """A user's mixin with a class attribute."""

    on_success_callback = None


class Mixed(Mixin, GenerateMusicOperator):
    """A user's operator that inherits the attribute from a mixin."""


class Keeping(GenerateMusicOperator):
    """A user's operator with a property of its own."""

    _kept: Any = None

    @property
    def on_success_callback(self) -> Any:
        return self._kept

    @on_success_callback.setter
    def on_success_callback(self, callbacks: Any) -> None:
        self._kept = callbacks


def test_a_delivery_is_recorded_although_others_set_the_success_callback(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    classes = {"subclass": Reporting, "attribute": Declaring, "mixin": Mixed, "property": Keeping}
    with DAG("clears", schedule=None) as dag:
        for name, operator in classes.items():
            operator(task_id=name, model="V5", prompt="rain")
        policy(GenerateMusicOperator(task_id="policy", model="V5", prompt="rain"))
        appends = GenerateMusicOperator(task_id="appends", model="V5", prompt="rain")
        appends.on_success_callback.append(lambda context: None)
        clears = GenerateMusicOperator(task_id="clears", model="V5", prompt="rain")
        clears.on_success_callback.pop()
        clears.on_success_callback.clear()
        policy(GenerateMusicOperator.partial(task_id="mapped", model="V5").expand(prompt=["rain"]))
    run = schedule(dag).run()
    states = {ti.task_id: run.journal(ti.task_id, ti.map_index)["state"] for ti in run.task_instances()}
    assert states == dict.fromkeys(dag.task_ids, "delivered")
    run.clear(*states).run()
    assert charges(sim) == [1] * 16
