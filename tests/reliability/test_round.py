"""The kill test tells a task that the scheduler has lost from one that hangs in a worker or a trigger."""

from __future__ import annotations

import pytest

from demo.airflow_rest import TaskState
from reliability.round import Queue


def tasks(*states: str | None) -> list[TaskState]:
    return [
        TaskState(task_id=f"task_{number}", map_index=-1, state=state, try_number=1, id=f"{number}")
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize("left", [("queued",), ("queued", "scheduled", None)])
def test_what_stays_queued_with_nothing_else_left_is_lost(left: tuple[str | None, ...]) -> None:
    queue = Queue()
    assert not queue.has_lost(tasks("success", *left), 1000)
    assert not queue.has_lost(tasks("success", *left), 1059)
    assert queue.has_lost(tasks("success", *left), 1060)


def test_another_scheduler_has_as_long_as_the_first() -> None:
    queue = Queue()
    assert [queue.has_lost(tasks("queued"), now) for now in (0, 60, 61, 119, 120)] == [False, True, False, False, True]


@pytest.mark.parametrize("state", ["running", "deferred", "up_for_retry", "up_for_reschedule", "restarting"])
def test_what_a_worker_or_a_trigger_has_is_not_lost(state: str) -> None:
    queue = Queue()
    assert not any(queue.has_lost(tasks("queued", state), now) for now in range(0, 1000, 10))


def test_a_run_that_goes_on_has_lost_nothing() -> None:
    queue = Queue()
    states = ("queued", "scheduled")
    assert not any(queue.has_lost(tasks(states[now // 30 % 2]), now) for now in range(0, 1000, 10))


def test_a_run_that_has_ended_has_lost_nothing() -> None:
    queue = Queue()
    assert not any(queue.has_lost(tasks("success", "failed"), now) for now in range(0, 1000, 10))
