"""The kill test distinguishes a task that the scheduler has lost from one that hangs in a worker or a trigger."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from demo.airflow_rest import TaskState
from reliability import round as rounds
from reliability.__main__ import _missing
from reliability.local_targets import Kind
from reliability.round import LossWatch, Round
from reliability.verdict import Verdict


def tasks(*states: str | None) -> list[TaskState]:
    return [
        TaskState(task_id=f"task_{number}", map_index=-1, state=state, try_number=1, id=f"{number}")
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize("left", [("queued",), ("queued", "scheduled", None)])
def test_tasks_that_stay_queued_with_nothing_else_left_are_lost(left: tuple[str | None, ...]) -> None:
    watch = LossWatch()
    assert not watch.notices(tasks("success", *left), 1000)
    assert not watch.notices(tasks("success", *left), 1059)
    assert watch.notices(tasks("success", *left), 1060)


def test_the_next_scheduler_has_the_same_time() -> None:
    watch = LossWatch()
    assert [watch.notices(tasks("queued"), now) for now in (0, 60, 61, 119, 120)] == [False, True, False, False, True]


@pytest.mark.parametrize("state", ["running", "deferred", "up_for_retry", "up_for_reschedule", "restarting"])
def test_a_task_that_a_worker_or_a_trigger_has_is_not_lost(state: str) -> None:
    watch = LossWatch()
    assert not any(watch.notices(tasks("queued", state), now) for now in range(0, 1000, 10))


def test_a_run_whose_states_change_has_lost_nothing() -> None:
    watch = LossWatch()
    states = ("queued", "scheduled")
    assert not any(watch.notices(tasks(states[now // 30 % 2]), now) for now in range(0, 1000, 10))


def test_a_task_that_is_not_queued_is_not_lost() -> None:
    watch = LossWatch()
    assert not any(watch.notices(tasks("scheduled", None), now) for now in range(0, 1000, 10))


def test_a_run_that_has_ended_has_lost_nothing() -> None:
    watch = LossWatch()
    assert not any(watch.notices(tasks("success", "failed"), now) for now in range(0, 1000, 10))


def test_replacing_the_scheduler_does_not_extend_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    freed_at: list[float] = []
    monkeypatch.setattr(
        rounds,
        "time",
        SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds)),
    )
    rest = SimpleNamespace(task_states=lambda *_: tasks("success", "queued"), run_state=lambda *_: "running")
    airflow: Any = SimpleNamespace(check=lambda: None, rest=rest)

    def free() -> str:
        freed_at.append(clock[0])
        return "freed"

    killer: Any = SimpleNamespace(act=lambda _now: None, free_lost=free)
    left = Round(airflow, simulator=Any, disturbance=killer, say=lambda _line: None, timeout=300)._until_all_ended()
    assert [task.state for task in left.values()] == ["success", "queued"]
    assert 300 <= clock[0] < 310
    assert freed_at == pytest.approx([60.5, 120.5, 180.5, 240.5, 300.5])


def test_replaced_schedulers_are_no_kills_and_need_a_cause() -> None:
    enough = Counter({Kind.TASK: 3, Kind.SUPERVISOR: 1, Kind.SCHEDULER_TO_FREE: 1})
    assert _missing(Verdict(songs=50), enough, 1) == []
    enough[Kind.SCHEDULER_TO_FREE] = 2
    assert _missing(Verdict(songs=50), enough, 1) == ["tasks lost in the queue 2 times after 1 kills that can lose one"]
    few = Counter({Kind.TASK: 1, Kind.SUPERVISOR: 2, Kind.SCHEDULER_TO_FREE: 2})
    assert _missing(Verdict(songs=50), few, 1) == ["only 3 kills in 1 rounds"]
