"""Waits in workers use the same adaptive, jittered decision as the account poller, by default."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.polling import worker
from airflow_provider_suno.polling.completion import Curve
from airflow_provider_suno.sensors import job as sensor_module
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import RECORD_INFO, Schedule
from tests.support.jobs import MUSIC
from tests.support.scheduling import Scheduling
from tests.support.short_limits import set_limits

GAP = 0.4
"""Seconds after which the next poll is due; it comes a quarter earlier or later."""


def sensor(song: Callable[..., str], timeout: float = 3, **options: Any) -> None:
    MusicTaskSensor(task_id="t", music_task_id=song("[stuck]"), timeout=timeout, **options)


def operator(_song: Callable[..., str], **options: Any) -> None:
    GenerateMusicOperator(task_id="t", model="V5", prompt="[stuck]", wait_timeout=3, retries=0, **options)


@pytest.mark.usefixtures("short_clocks")
@pytest.mark.parametrize(
    ("waits", "options"),
    [
        pytest.param(sensor, {"mode": "poke"}, id="poke"),
        pytest.param(sensor, {"mode": "reschedule", "timeout": 10}, id="reschedule"),
        pytest.param(operator, {"wait_for_completion": True, "deferrable": False}, id="wait_for_completion"),
    ],
)
def test_polls_are_adaptive_and_jittered(
    waits: Callable[..., None],
    options: dict[str, Any],
    song: Callable[..., str],
    sim: RunningSimulator,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Curve, "next_poll_in", lambda *_: GAP)
    monkeypatch.setitem(vars(MUSIC), "no_result_before", 0.0)
    monkeypatch.setattr(sensor_module, "_RESCHEDULE_GAP", 0.1)
    set_limits(monkeypatch, shortest_gap=0.1)
    drawn = itertools.cycle((0.0, 1.0))
    monkeypatch.setattr(worker, "random", SimpleNamespace(random=lambda: next(drawn)))
    with DAG("seldom", schedule=None) as dag:
        waits(song, **options)
    run = schedule(dag).run()
    assert run.state("t") == ["failed"]
    assert "did not finish by the deadline" in str(run.last_error)
    at = [result["wall"] for result in sim.ledger()["requests"] if result["path"] == RECORD_INFO]
    if options.get("mode") == "reschedule":  # how long Airflow takes in between differs by version and machine
        gaps = planned_gaps(run, at)
    else:
        gaps = [later - earlier for earlier, later in itertools.pairwise(at)][:-1]  # the last poll is at the deadline
    assert len(gaps) > 2
    assert min(gaps) >= 0.5 * GAP
    # Every other one is longer by half of the gap.
    assert min(gaps[1::2]) > min(gaps[::2]) + 0.1


def planned_gaps(run: Scheduling, polls: list[float]) -> list[float]:
    """Return the gaps that the sensor asked Airflow for, after each poll but the last one."""
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.utils.session import create_session
    from sqlalchemy import select

    (ti,) = run.task_instances()
    of_it = select(TaskReschedule).where(TaskReschedule.ti_id == ti.id).order_by(TaskReschedule.id)
    with create_session() as session:
        planned = [(row.end_date.timestamp(), row.reschedule_date.timestamp()) for row in session.scalars(of_it)]
    return [next_at - max(at for at in polls if at < decided_at) for decided_at, next_at in planned][:-1]
