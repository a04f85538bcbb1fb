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

CHANGES = pytest.mark.parametrize(("before", "now"), [(1, 0), (2, 1), (3, 2), (2, 0), (0, 1), (1, 1)])


@CHANGES
@pytest.mark.parametrize("mapped", [False, True], ids=["one", "mapped"])
def test_a_clear_after_a_success_makes_a_new_song_whatever_retries_says_now(
    before: int, now: int, mapped: bool, sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("clears", schedule=None) as dag:
        if mapped:
            GenerateMusicOperator.partial(task_id="generate", model="V5", retries=before).expand(prompt=["rain"])
        else:
            GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", retries=before)
    run = schedule(dag).run()
    index = 0 if mapped else -1
    first = run.xcom("generate", map_index=index)
    run.edit("generate", retries=now).clear_for_the_latest_version("generate").run()
    assert run.xcom("generate", map_index=index) != first
    assert charges(sim) == [1, 1]


@CHANGES
def test_a_clear_after_a_lost_reply_submits_whatever_retries_says_now(
    before: int, now: int, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(retries=before)).run()
    assert ended(run) == (["failed"], [1])
    run.edit("generate", retries=now).clear_for_the_latest_version("generate").run()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1, 1]


def timed_out(sim: RunningSimulator, schedule: Schedule, dag: DAG, skip: int = 0) -> Any:
    """Return a run whose song was paid for, and whose wait for it timed out."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="back", times=None, skip=skip))
    run = schedule(dag).run()
    sim.faults.clear()
    assert "did not finish by the deadline" in run.said()
    return run


WAIT = {"wait_for_completion": True, "wait_timeout": 0, "retries": 0, "poll_interval": 0.05}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"instrumental": False}, {"instrumental": "False"}),
        ({"style_weight": 0.5}, {"style_weight": "0.50"}),
        ({"custom_mode": None}, {"custom_mode": True}),
        ({"custom_mode": "true"}, {"custom_mode": None}),
        ({"extra_fields": None}, {"extra_fields": {}}),
        ({"negative_tags": None}, {"negative_tags": "{{ '' }}"}),
        ({"callback_url": None}, {"callback_url": "https://elsewhere.example/hook"}),
        ({"until": "all"}, {"until": "first"}),
    ],
)
def test_the_same_request_written_differently_is_not_paid_for_twice(
    before: dict[str, Any], now: dict[str, Any], sim: RunningSimulator, schedule: Schedule
) -> None:
    run = timed_out(sim, schedule, a_dag(**{"style": "folk", "title": "T", "prompt": "la", **WAIT, **before}))
    run.edit("generate", wait_timeout=60, **now).clear_for_the_latest_version("generate").run()
    assert ended(run) == (["success"], [2])
    assert "re-attached to music task" in run.said()
    assert charges(sim) == [1]


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


@pytest.mark.parametrize(
    ("problem", "resumes"),
    [({"style": "{{ None }}"}, True), ({"prompt": "{{ 'x' * 6000 }}"}, True), ({"until": "{{ 'some' }}"}, False)],
    ids=["empty", "too long", "of the wait"],
)
def test_an_invalid_argument_does_not_lose_a_paid_job(
    problem: dict[str, str], resumes: bool, sim: RunningSimulator, schedule: Schedule
) -> None:
    [(name, value)] = problem.items()
    ok = {"style": "folk", "title": "T", "prompt": "la", "until": "all"}[name]
    fields = {"style": "folk", "title": "T", "prompt": "la", **WAIT, "retries": 1}
    fields["wait_timeout"] = "{{ 0 if ti.try_number == 1 else 60 }}"
    fields[name] = f"{{{{ {ok!r} if ti.try_number == 1 else {value.strip('{} ')} }}}}"
    sim.faults.add(Fault(path=RECORD_INFO, kind="back"))
    run = schedule(a_dag(**fields)).run()
    assert ended(run) == (["success" if resumes else "failed"], [2])
    if resumes:
        assert "cannot tell whether the request was changed since then" in run.said()
    else:
        paid = run.journal("generate")["job"]["id"]
        assert f"Music task {paid}, which an earlier try submitted, is paid for" in str(run.last_error)
    assert charges(sim) == [1]


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


POLICIES = ["policy", "policy that appends", "policy that clears", "policy of a mapped one"]


@pytest.mark.parametrize("how", [*POLICIES, "subclass", "attribute", "mixin", "property"])
def test_a_delivery_is_recorded_although_others_set_the_success_callback(
    how: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    operators = {"subclass": Reporting, "attribute": Declaring, "mixin": Mixed, "property": Keeping}
    operator = operators.get(how, GenerateMusicOperator)
    with DAG("clears", schedule=None) as dag:
        if "mapped" in how:
            generate: Any = operator.partial(task_id="generate", model="V5").expand(prompt=["rain"])
        else:
            generate = operator(task_id="generate", model="V5", prompt="rain")
    if "appends" in how:
        generate.on_success_callback.append(lambda context: None)
    elif "clears" in how:
        generate.on_success_callback.pop()
        generate.on_success_callback.clear()
    elif "policy" in how:
        policy(generate)
    run = schedule(dag).run()
    assert run.journal("generate", 0 if "mapped" in how else -1)["state"] == "delivered"
    run.clear("generate").run()
    assert charges(sim) == [1, 1]
