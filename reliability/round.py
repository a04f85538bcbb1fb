"""One round: start the fifty songs, kill until the plan is done, let all end, clear the doubts, and judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from demo.airflow_rest import AirflowRestError, TaskState
from demo.simulator_process import RunningSimulatorProcess
from reliability.deployment import KeptAirflow
from reliability.killing import Killer
from reliability.verdict import Song, Verdict, Waited, doubt_in, judge

DAG_ID = "songs"
SONGS = 50
_LOOK_EVERY = 0.5
_PATIENCE = 120.0
"""Seconds for which Airflow's API may be away: it is killed too."""
_ENDED = frozenset({"success", "failed", "upstream_failed", "skipped"})
_NOBODYS = frozenset({"queued", "scheduled", None})
"""States of a task that no worker and no trigger has: where it stays is the scheduler's doing alone."""
_LOST_AFTER = 60.0
"""Seconds without any change after which the scheduler has lost what is queued."""
_MOST_CLEARS = 10
"""How often the doubts of a round are cleared, of which there may be more after each kill."""

T = TypeVar("T")
Key = tuple[str, int]


class LossWatch:
    """Notice when the scheduler has lost what is queued: nothing else is left, and nothing happens any more."""

    def __init__(self) -> None:
        self._seen: dict[Key, str | None] = {}
        self._since = 0.0

    def notices(self, tasks: Iterable[TaskState], now: float) -> bool:
        """
        Return whether a task is lost; a task that a worker or a trigger has is not, however long it takes.

        Once it is, another scheduler has as long to find it.

        :param tasks: the tasks of a run, as they are.
        :param now: seconds on any clock.
        """
        left = {(task.task_id, task.map_index): task.state for task in tasks if task.state not in _ENDED}
        if left != self._seen or "queued" not in left.values() or not _NOBODYS.issuperset(left.values()):
            self._seen, self._since = left, now
        if now - self._since < _LOST_AFTER:
            return False
        self._since = now
        return True


class Round:
    """
    One run of the Dag under fire.

    :param airflow: where it runs.
    :param simulator: the service, whose ledger judges.
    :param killer: who kills; a round without one only runs.
    :param say: gets a line about each event.
    :param timeout: seconds that the run may take after the last kill until a task counts as hung.
    """

    def __init__(
        self,
        airflow: KeptAirflow,
        simulator: RunningSimulatorProcess,
        killer: Killer,
        say: Callable[[str], None],
        timeout: float,
    ) -> None:
        self._airflow = airflow
        self._simulator = simulator
        self._killer = killer
        self._say = say
        self._timeout = timeout
        self._run_id = ""
        self._doubts: dict[Key, tuple[float, ...]] = {}

    def play(self) -> Verdict:
        """Run it to its end."""
        self._run_id = self._patiently(lambda: self._airflow.rest.trigger(DAG_ID))
        self._say(f"run {self._run_id}")
        tasks = self._until_all_ended()
        for _ in range(_MOST_CLEARS):
            doubtful = self._name_doubts(tasks)
            for task_id in doubtful:
                self._say(f"{task_id} names a doubt; cleared")
                self._clear(task_id)
            if not doubtful:
                break
            tasks = self._until_all_ended()
        for task in tasks.values():
            if task.state != "success":
                self._say(f"{task.label} is {task.state}. The end of its log:\n{self._log(task)[-3000:]}")
        return judge(list(self._songs(tasks)), self._simulator.ledger(), self._killer.times)

    def _until_all_ended(self) -> dict[Key, TaskState]:
        """Kill what is due, until every task has ended or has had its time since the last kill."""
        give_up_at = time.monotonic() + self._timeout
        loss = LossWatch()
        tasks: dict[Key, TaskState] = {}
        while True:
            self._airflow.check()
            now = time.monotonic()
            killed = self._killer.strike(now)
            if killed:
                give_up_at = now + self._timeout
            elif loss.notices(tasks.values(), now):
                killed = self._killer.free_lost()
            if killed:
                self._say(f"killed {killed}")
            tasks = self._patiently(self._tasks)
            # Airflow may forget a task that is cleared in the moment in which its run ends: wait for that end too.
            over = all(task.state in _ENDED for task in tasks.values()) and self._patiently(self._run_state) in _ENDED
            if over or time.monotonic() > give_up_at:
                return tasks
            time.sleep(_LOOK_EVERY)

    def _run_state(self) -> str:
        return self._airflow.rest.run_state(DAG_ID, self._run_id)

    def _tasks(self) -> dict[Key, TaskState]:
        states = self._airflow.rest.task_states(DAG_ID, self._run_id)
        return {(task.task_id, task.map_index): task for task in states}

    def _songs(self, tasks: Mapping[Key, TaskState]) -> Iterator[Song]:
        for (task_id, map_index), task in tasks.items():
            if task_id.startswith("sensor_"):
                continue
            sensor = tasks.get((task_id.replace("submit_", "sensor_", 1), map_index))
            waits = sensor if task_id.startswith("submit_") else task
            doubts = self._doubts.get((task_id, map_index), ())
            yield Song(
                label=task.label,
                prompt=f"{self._run_id} {task_id} {map_index}",
                state=task.state,
                music_task_id=self._xcom(task, "return_value"),
                waited=self._waited(waits) if waits else None,
                doubts=doubts,
                consents=len(doubts),
                tries=task.try_number + (sensor.try_number if sensor else 0),
            )

    def _waited(self, task: TaskState) -> Waited:
        music_task = self._xcom(task, "music_task")
        if task.task_id.startswith("sensor_"):
            audio_ids = self._xcom(task, "return_value")
        else:
            audio_ids = [track["audio_id"] for track in (music_task or {}).get("tracks", [])]
        return Waited(task.state, None if audio_ids is None else tuple(audio_ids))

    def _xcom(self, task: TaskState, key: str) -> Any:
        def look() -> Any:
            try:
                return self._airflow.rest.xcom(DAG_ID, self._run_id, task.task_id, key, task.map_index)
            except AirflowRestError as error:
                if "HTTP 404" in str(error):
                    return None
                raise

        return self._patiently(look)

    def _name_doubts(self, tasks: Mapping[Key, TaskState]) -> list[str]:
        """Note the doubts that tasks have stopped with, and return those tasks' ids."""
        doubtful = set()
        for key, task in tasks.items():
            sent_at = doubt_in(self._log(task)) if task.state == "failed" else None
            if sent_at is not None:
                self._doubts[key] = (*self._doubts.get(key, ()), sent_at)
                doubtful.add(task.task_id)
        return sorted(doubtful)

    def _log(self, task: TaskState) -> str:
        rest = self._airflow.rest
        return self._patiently(
            lambda: rest.task_log(DAG_ID, self._run_id, task.task_id, task.try_number, task.map_index)
        )

    def _clear(self, task_id: str) -> None:
        rest = self._airflow.rest
        self._patiently(lambda: rest.clear(DAG_ID, self._run_id, task_id, only_failed=True, downstream=True))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask Airflow's API again while it is away."""
        give_up_at = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except AirflowRestError:
                if time.monotonic() > give_up_at:
                    raise
                self._airflow.check()
                time.sleep(_LOOK_EVERY)
