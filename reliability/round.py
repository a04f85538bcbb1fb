"""One round: start songs, disturb the deployment, wait for the end, clear the lost replies, and check the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from demo.airflow_rest import AirflowRest, AirflowRestError, TaskState
from demo.simulator_process import RunningSimulatorProcess
from reliability.killing import Disturbance
from reliability.verdict import Song, Verdict, Waited, judge, lost_reply_in

DAG_ID = "songs"
SONGS = 50
SLOW_REPLY = 0.7
"""Seconds until the service answers a submission, so that some kills meet one and lead to a lost reply."""

_REATTACHED = "re-attached to music task"
_NO_SONGS = ("sensor_", "prompts")
"""What the tasks are called that do not submit."""
_POLL_INTERVAL = 0.5
_API_TIMEOUT = 120.0
"""Seconds for which Airflow's API may be down: it is killed too."""
_ENDED = frozenset({"success", "failed", "upstream_failed", "skipped"})
_UNASSIGNED = frozenset({"queued", "scheduled", None})
"""States of a task that only the scheduler can move on: no worker and no trigger has it."""
_LOST_AFTER = 60.0
"""Seconds without any change after which queued tasks count as lost by the scheduler."""
_MOST_CLEARS = 10
"""How often the lost replies of a round are cleared; each clear may meet another kill."""

T = TypeVar("T")
Key = tuple[str, int]


class Deployment(Protocol):
    """An Airflow whose dead components are restarted."""

    rest: AirflowRest

    def check(self) -> None:
        """Restart what has died, or make sure that somebody does."""

    def log_of(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """Return the log of a task's last try."""


def reattached(home: Path) -> int:
    """
    Return how often tasks have re-attached so far, by their logs.

    :param home: folder of the deployment.
    """
    return sum(log.read_text(errors="replace").count(_REATTACHED) for log in home.rglob("attempt=*.log"))


class LossWatch:
    """Notice that the scheduler has lost queued tasks: nothing else is left to run, and no state changes."""

    def __init__(self) -> None:
        self._seen: dict[Key, str | None] = {}
        self._since = 0.0

    def notices(self, tasks: Iterable[TaskState], now: float) -> bool:
        """
        Return whether a queued task is lost. A task that a worker or a trigger has is never lost.

        After that, the next scheduler has the same time to find it.

        :param tasks: the present states of a run's tasks.
        :param now: seconds on any clock.
        """
        left = {(task.task_id, task.map_index): task.state for task in tasks if task.state not in _ENDED}
        if left != self._seen or "queued" not in left.values() or not _UNASSIGNED.issuperset(left.values()):
            self._seen, self._since = left, now
        if now - self._since < _LOST_AFTER:
            return False
        self._since = now
        return True


class Round:
    """
    One run of a Dag, with something that disturbs it.

    :param airflow: the deployment.
    :param simulator: the service with the ledger.
    :param disturbance: kills processes, or does something else to the deployment.
    :param say: called with a line about each event.
    :param timeout: seconds after the last kill until an unfinished task counts as hung.
    :param dag_id: the Dag. Its tasks submit songs, but for those that are called ``prompts`` or ``sensor_...``; each
        of these waits for the song of its ``submit_...``.
    :param conf: values for the Dag's params.
    """

    def __init__(
        self,
        airflow: Deployment,
        simulator: RunningSimulatorProcess,
        disturbance: Disturbance,
        say: Callable[[str], None],
        timeout: float,
        dag_id: str = DAG_ID,
        conf: dict[str, Any] | None = None,
    ) -> None:
        self._airflow = airflow
        self._simulator = simulator
        self._disturbance = disturbance
        self._say = say
        self._timeout = timeout
        self._dag_id = dag_id
        self._conf = conf
        self._run_id = ""
        self._lost_replies: dict[Key, tuple[float, ...]] = {}

    def run(self) -> Verdict:
        """Run it to its end, and check the result."""
        self._run_id = self._with_retries(lambda: self._airflow.rest.trigger(self._dag_id, self._conf))
        self._say(f"run {self._run_id}")
        tasks = self._until_all_ended()
        for _ in range(_MOST_CLEARS):
            stopped = self._note_lost_replies(tasks)
            for task_id in stopped:
                self._say(f"{task_id} reports a lost reply; cleared")
                self._clear(task_id)
            if not stopped:
                break
            tasks = self._until_all_ended()
        for task in tasks.values():
            if task.state != "success":
                self._say(f"{task.label} is {task.state}. The end of its log:\n{self._log(task)[-3000:]}")
        return judge(list(self._songs(tasks)), self._simulator.ledger(), self._disturbance.times)

    def _until_all_ended(self) -> dict[Key, TaskState]:
        """Kill what is due, until every task has ended or the timeout since the last kill is over."""
        give_up_at = time.monotonic() + self._timeout
        loss = LossWatch()
        tasks: dict[Key, TaskState] = {}
        while True:
            self._airflow.check()
            now = time.monotonic()
            done = self._disturbance.act(now)
            if done:
                give_up_at = now + self._timeout
            elif loss.notices(tasks.values(), now):
                done = self._disturbance.free_lost()
            if done:
                self._say(done)
            tasks = self._with_retries(self._tasks)
            # Airflow may lose a task that is cleared just as its run ends: wait for the run's end too.
            over = (
                all(task.state in _ENDED for task in tasks.values()) and self._with_retries(self._run_state) in _ENDED
            )
            if over or time.monotonic() > give_up_at:
                return tasks
            time.sleep(_POLL_INTERVAL)

    def _run_state(self) -> str:
        return self._airflow.rest.run_state(self._dag_id, self._run_id)

    def _tasks(self) -> dict[Key, TaskState]:
        states = self._airflow.rest.task_states(self._dag_id, self._run_id)
        return {(task.task_id, task.map_index): task for task in states}

    def _songs(self, tasks: Mapping[Key, TaskState]) -> Iterator[Song]:
        for (task_id, map_index), task in tasks.items():
            if task_id.startswith(_NO_SONGS):
                continue
            only_submits = task_id.startswith("submit_")
            sensor = tasks.get((task_id.replace("submit_", "sensor_", 1), map_index)) if only_submits else None
            waits = sensor if only_submits else task
            lost = self._lost_replies.get((task_id, map_index), ())
            yield Song(
                label=task.label,
                prompt=f"{self._run_id} {task_id} {map_index}",
                state=task.state,
                music_task_id=self._xcom(task, "return_value"),
                waited=self._waited(waits) if waits else None,
                lost_replies=lost,
                consents=len(lost),
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
        def read() -> Any:
            try:
                return self._airflow.rest.xcom(self._dag_id, self._run_id, task.task_id, key, task.map_index)
            except AirflowRestError as error:
                if "HTTP 404" in str(error):
                    return None
                raise

        return self._with_retries(read)

    def _note_lost_replies(self, tasks: Mapping[Key, TaskState]) -> list[str]:
        """Note the lost replies that failed tasks report, and return those tasks' ids."""
        stopped = set()
        for key, task in tasks.items():
            sent_at = lost_reply_in(self._log(task)) if task.state == "failed" else None
            if sent_at is not None:
                self._lost_replies[key] = (*self._lost_replies.get(key, ()), sent_at)
                stopped.add(task.task_id)
        return sorted(stopped)

    def _log(self, task: TaskState) -> str:
        return self._with_retries(lambda: self._airflow.log_of(self._dag_id, self._run_id, task))

    def _clear(self, task_id: str) -> None:
        rest = self._airflow.rest
        self._with_retries(lambda: rest.clear(self._dag_id, self._run_id, task_id, only_failed=True, downstream=True))

    def _with_retries(self, ask: Callable[[], T]) -> T:
        """Repeat a call of Airflow's API while it is down."""
        give_up_at = time.monotonic() + _API_TIMEOUT
        while True:
            try:
                return ask()
            except AirflowRestError:
                if time.monotonic() > give_up_at:
                    raise
                self._airflow.check()
                time.sleep(_POLL_INTERVAL)
