"""The sensor in every mode, with every flag, for every outcome, through Airflow's own supervisor and task runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.sensors import job as sensor_module
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.fixtures import SHORT
from tests.support.generating import RECORD_INFO, killed_on, later
from tests.support.scheduling import Scheduling

RETRIES = 1

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True},
}
FLAGS: dict[str, dict[str, Any]] = {"no flag": {}, "soft_fail": {"soft_fail": True}, "never_fail": {"never_fail": True}}

# How a kind of outcome ends under each flag: the state, and the number of tries with one retry allowed.
ENDS: dict[str, dict[str, tuple[str, int]]] = {
    "finished": {"no flag": ("success", 1), "soft_fail": ("success", 1), "never_fail": ("success", 1)},
    "fatal": {"no flag": ("failed", 1), "soft_fail": ("skipped", 1), "never_fail": ("skipped", 1)},
    "timeout": {"no flag": ("failed", 1), "soft_fail": ("skipped", 1), "never_fail": ("skipped", 1)},
    "retryable": {"no flag": ("failed", 2), "soft_fail": ("failed", 2), "never_fail": ("skipped", 1)},
}


@dataclass(frozen=True)
class Case:
    """
    One outcome of a wait.

    :param kind: key of ``ENDS``.
    :param says: what a user reads.
    :param prompt: makes the music task; ``None`` for one that does not exist.
    :param fault: what goes wrong with each read.
    :param options: further parameters of the sensor.
    :param seen: ``at a look``, ``over time`` (more than one look) or ``before looking``.
    :param history: whether polls must know what earlier ones saw; else the sensor's timeout ends the wait.
    """

    kind: str
    says: str
    prompt: str | None = "rain"
    fault: Fault | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seen: str = "at a look"
    history: bool = False


def every_read(**fault: Any) -> Fault:
    return Fault(path=RECORD_INFO, times=None, **fault)


CASES: dict[str, Case] = {
    "finished": Case("finished", "is finished:"),
    "first track": Case("finished", "is finished:", prompt="[stuck:FIRST_SUCCESS]", options={"until": "first"}),
    "callback exception with audio": Case(
        "finished", "could not deliver its callback", prompt="[fail:CALLBACK_EXCEPTION]"
    ),
    "rejected": Case("fatal", "they resemble protected words", prompt="[fail:SENSITIVE_WORD_ERROR]"),
    "rejected audio": Case("fatal", "it matches a known work", prompt="[fail:413]"),
    "failed": Case("fatal", "GENERATE_AUDIO_FAILED", prompt="[fail:GENERATE_AUDIO_FAILED]"),
    "failed at creation": Case("fatal", "Internal Error, Please try again later.", prompt="[fail:CREATE_TASK_FAILED]"),
    "callback exception without audio": Case(
        "fatal",
        "its result did not appear",
        prompt="[fail:CALLBACK_EXCEPTION:no-audio]",
        seen="over time",
        history=True,
    ),
    "bad key": Case("fatal", "connection 'suno_default' ('API key'", fault=every_read(kind="status", http_status=401)),
    "no credits": Case("fatal", "credits", fault=every_read(kind="code", code=402, msg="Insufficient credits.")),
    "wrong path": Case("fatal", "base URL", fault=every_read(kind="code", code=404, msg="Not Found")),
    "unknown id": Case("fatal", "does not know music task", prompt=None, seen="over time"),
    "timeout": Case(
        "timeout", "did not finish by the deadline", prompt="[stuck]", options={"timeout": SHORT}, seen="over time"
    ),
    "timeout while reads fail": Case(
        "timeout",
        "the last poll failed",
        fault=every_read(kind="html"),
        options={"timeout": SHORT * 2 / 3},
        seen="over time",
    ),
    "reads fail": Case(
        "retryable",
        "could not be read for",
        fault=every_read(kind="status", http_status=503),
        seen="over time",
        history=True,
    ),
    "replies make no sense": Case(
        "retryable", "could not be read for", fault=every_read(kind="garbage"), seen="over time", history=True
    ),
    "rate limit": Case(
        "retryable",
        "could not be read for",
        fault=every_read(kind="status", http_status=429),
        seen="over time",
        history=True,
    ),
    "bad parameter": Case("fatal", "until: must be", options={"until": "some"}, seen="before looking"),
    "two ids": Case("fatal", "for several, map the task", options={"music_task_id": ["a", "b"]}, seen="before looking"),
    "no connection": Case("retryable", "nowhere", options={"suno_conn_id": "nowhere"}, seen="before looking"),
}


def cells() -> Iterator[Any]:
    """
    Yield cells with the outcome seen after a failed look; where a sensor can defer, at the first look too.

    Each outcome in each mode has one of the flags, a timeout two, so that each kind has all of them in each mode.
    """
    for (number, (name, case)), (at, mode) in product(enumerate(CASES.items()), enumerate(MODES)):
        wanted = {0, 1} if case.kind == "timeout" else {0}
        for flag in [flag for index, flag in enumerate(FLAGS) if (number + at + index) % 3 in wanted]:
            for when in ("later", "at once") if mode == "deferrable" and case.seen == "at a look" else ("later",):
                yield pytest.param(mode, flag, case, when, id=f"{name}-{when}-{mode}-{flag}".replace(" ", "_"))


@pytest.mark.usefixtures("short_clocks")
@pytest.mark.parametrize(("mode", "flag", "case", "when"), list(cells()))
def test_every_cell(
    mode: str,
    flag: str,
    case: Case,
    when: str,
    sim: RunningSimulator,
    song: Callable[..., str],
    schedule: Callable[[DAG], Scheduling],
) -> None:
    if case.history and mode == "reschedule" and not KEEPS_TASK_STATE:
        case = replace(case, kind="timeout", says="did not finish by the deadline", options={"timeout": 4 * SHORT})
    music_task_id = "0" * 32 if case.prompt is None else song(case.prompt)
    if when == "later":
        sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=502, times=1))
    if case.fault is not None:
        sim.faults.add(case.fault)
    with DAG("matrix", schedule=None) as dag:
        options = later(**case.options) if case.seen == "before looking" else case.options
        MusicTaskSensor(
            task_id="wait",
            **{"music_task_id": music_task_id, "poke_interval": 0.05, **MODES[mode], **FLAGS[flag], **options},
            retries=RETRIES,
            retry_delay=timedelta(0),
        )
    run = schedule(dag).run()

    state, tries = ENDS[case.kind][flag]
    assert (run.state("wait"), run.tries("wait")) == ([state], [tries])
    assert case.says in run.said()
    assert bool(run.events) == (mode == "deferrable" and when == "later" and case.seen != "before looking")
    assert "secret" not in run.said()


@pytest.mark.usefixtures("short_clocks", "sim")
@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_silent_failure_before_any_look_ends_too(
    mode: str, schedule: Callable[[DAG], Scheduling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor_module, "_BACKSTOP_MARGIN", SHORT)
    with DAG("silent", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait",
            music_task_id="m",
            suno_conn_id="nowhere",
            silent_fail=True,
            timeout=SHORT,
            poke_interval=0.05,
            **MODES[mode],
        )
    run = schedule(dag).run()
    assert run.state("wait") == ["failed"]
    assert "Sensor has timed out" in str(run.last_error)


@pytest.mark.usefixtures("short_clocks")
def test_silent_failures_are_looked_past_until_the_deadline(
    sim: RunningSimulator, song: Callable[..., str], schedule: Callable[[DAG], Scheduling]
) -> None:
    sim.faults.add(every_read(kind="status", http_status=503))
    with DAG("silent", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait",
            music_task_id=song(),
            silent_fail=True,
            timeout=4 * SHORT,
            poke_interval=0.05,
            deferrable=False,
        )
    run = schedule(dag).run()
    assert run.state("wait") == ["failed"]
    assert "did not finish by the deadline" in str(run.last_error)


@pytest.mark.usefixtures("short_clocks")
@pytest.mark.parametrize(
    ("mode", "strikes", "flag"),
    [
        *(("poke", "in a look", flag) for flag in FLAGS),
        ("poke", "between looks", "soft_fail"),
        ("reschedule", "in a look", "never_fail"),
        ("deferrable", "between looks", "never_fail"),
        ("deferrable", "in a look", "soft_fail"),
    ],
)
def test_an_execution_timeout_is_airflows_own_under_every_flag(
    mode: str,
    strikes: str,
    flag: str,
    sim: RunningSimulator,
    song: Callable[..., str],
    schedule: Callable[[DAG], Scheduling],
) -> None:
    if strikes == "in a look":
        sim.faults.add(every_read(kind="slow", seconds=1))
    with DAG("matrix", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait",
            music_task_id=song("[stuck]"),
            poke_interval=5 if (mode, strikes) == ("poke", "between looks") else 0.05,
            execution_timeout=timedelta(seconds=0.4),
            retries=RETRIES,
            retry_delay=timedelta(0),
            **MODES[mode],
            **FLAGS[flag],
        )
    run = schedule(dag).run()
    assert (run.state("wait"), run.tries("wait")) == (["failed"], [2])
    assert type(run.last_error).__name__ == "AirflowTaskTimeout"


@pytest.mark.usefixtures("short_clocks")
@pytest.mark.parametrize(("flag", "state"), [("no flag", "up_for_retry"), ("never_fail", "skipped")])
def test_a_killed_sensor_does_not_turn_green_in_that_try(
    flag: str,
    state: str,
    sim: RunningSimulator,
    song: Callable[..., str],
    schedule: Callable[[DAG], Scheduling],
) -> None:
    music_task_id = song("[stuck]")
    with DAG("matrix", schedule=None) as dag:
        MusicTaskSensor(
            task_id="wait",
            music_task_id=music_task_id,
            poke_interval=0.05,
            deferrable=False,
            retries=RETRIES,
            retry_delay=timedelta(0),
            **FLAGS[flag],
        )
    run = schedule(dag)
    with killed_on(sim, RECORD_INFO):
        next(run.steps())
    assert f"Killed. The API cannot cancel jobs: music task {music_task_id} continues" in run.said()
    assert run.state("wait") == [state]
