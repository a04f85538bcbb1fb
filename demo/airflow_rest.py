"""The calls of Airflow's REST API that the demo and the tests need."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import requests

_PAGE = 100
_ATTEMPTS = 5


class AirflowRestError(RuntimeError):
    """Airflow's API refused a call; the message quotes its answer."""


@dataclass(frozen=True)
class TaskState:
    """The state of one task instance of a run."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    id: str

    @property
    def label(self) -> str:
        """The task's name as the UI shows it, with the map index if it is mapped."""
        return self.task_id if self.map_index < 0 else f"{self.task_id} [{self.map_index}]"


class AirflowRest:
    """
    Talk to an Airflow that needs no login (``simple_auth_manager_all_admins``).

    :param url: base URL of the API server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # Ignore the user's proxy and .netrc: the address is a loopback port.
        self._session.trust_env = False

    def health(self) -> dict[str, str]:
        """
        Return the status by component, empty while the server does not answer yet.

        :return: for example ``{"scheduler": "healthy", "triggerer": "unhealthy"}``.
        """
        try:
            reply = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
            body = reply.json() if reply.ok else {}
        except (requests.RequestException, ValueError):
            return {}
        return {name: (part or {}).get("status") or "unhealthy" for name, part in body.items()}

    def prepare_for_tasks(self, timeout: float) -> None:
        """
        Let the API server build the routes for tasks, which it does at the first call of one.

        It answers nobody else meanwhile: several seconds long, or half a minute on a busy machine.

        :param timeout: seconds.
        :raises AirflowRestError: it did not answer in time.
        """
        try:
            self._session.get(f"{self.url}/execution/health", timeout=timeout)
        except requests.RequestException as error:
            raise AirflowRestError(f"The API server does not answer tasks: {error}") from error

    def import_errors(self) -> dict[str, str]:
        """Return the stack trace of each Dag file that cannot be imported."""
        found = self._call("GET", "/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in found}

    def dag_ids(self) -> set[str]:
        """Return the Dags that Airflow has read so far."""
        return {dag["dag_id"] for dag in self._call("GET", "/dags")["dags"]}

    def description(self, dag_id: str) -> str | None:
        """Return the Dag's description."""
        found: str | None = self._call("GET", f"/dags/{dag_id}")["description"]
        return found

    def unpause(self, dag_id: str) -> None:
        """Let a Dag run."""
        self._call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """
        Start a run now.

        :param conf: values for the Dag's params.
        :return: the id of the run.
        """
        body = {"logical_date": None, "conf": conf or {}}
        return str(self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def create_pool(self, name: str, slots: int) -> None:
        """Create a pool; deferred tasks take no slot of it."""
        self._call("POST", "/pools", json={"name": name, "slots": slots, "include_deferred": False})

    def create_connection(self, conn_id: str, connection: dict[str, Any], port: int) -> None:
        """
        Store a connection.

        :param connection: as an ``AIRFLOW_CONN_...`` variable has it.
        :param port: the UI's Test button needs it.
        """
        extra = json.dumps(connection["extra"])
        self._call("POST", "/connections", json={"connection_id": conn_id, "port": port, **connection, "extra": extra})

    def respond(self, dag_id: str, run_id: str, task_id: str, entered: dict[str, Any]) -> None:
        """
        Answer a task that waits for a person's entry.

        :param entered: what the person enters. The form's other fields are sent as they are: on Airflow 3.1 it has
            the Dag's params, too.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        shown = self._call("GET", path)["params"] or {}
        values = {name: param.get("value") if isinstance(param, dict) else param for name, param in shown.items()}
        self._call("PATCH", path, json={"chosen_options": ["OK"], "params_input": {**values, **entered}})

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        *,
        only_failed: bool = False,
        downstream: bool = False,
        latest_version: bool = False,
    ) -> None:
        """
        Clear a task of a run, as a person does in the UI.

        :param only_failed: of a mapped task, clear only the failed instances.
        :param downstream: clear the tasks after it too.
        :param latest_version: run the present version of the Dag file.
        """
        body = {
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "dry_run": False,
            "only_failed": only_failed,
            "include_downstream": downstream,
            "reset_dag_runs": True,
            **({"run_on_latest_version": True} if latest_version else {}),
        }
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def mark_failed(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Mark a task of a run as failed, as a person does in the UI."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}", json={"new_state": "failed"})

    def run_ids(self, dag_id: str) -> list[str]:
        """Return the runs of a Dag."""
        return [run["dag_run_id"] for run in self._call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run: queued, running, success or failed."""
        return str(self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_states(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the state of each task instance of a run."""
        found = self.task_instances(dag_id, run_id)
        return [TaskState(**{field.name: task[field.name] for field in fields(TaskState)}) for task in found]

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all that the API says of each task instance of a run."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = []
        while page := self._call("GET", path, params={"limit": _PAGE, "offset": len(found)})["task_instances"]:
            found += page
            if len(page) < _PAGE:
                break
        return found

    def dag_versions(self, dag_id: str) -> int:
        """Return how many versions of a Dag Airflow has read."""
        return int(self._call("GET", f"/dags/{dag_id}/dagVersions")["total_entries"])

    def started_jobs(self, kind: str) -> list[datetime]:
        """
        Return when each component of a kind was started that sends heartbeats at present.

        :param kind: such as ``SchedulerJob`` or ``TriggererJob``.
        """
        jobs = self._call("GET", "/jobs", params={"job_type": kind, "is_alive": True, "limit": _PAGE})["jobs"]
        return [datetime.fromisoformat(job["start_date"]) for job in jobs]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """
        Return what a task pushed.

        :raises AirflowRestError: it pushed nothing under this key.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", path, params={"map_index": map_index})["value"]

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        """Return the log of one try, a line per entry."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self._call("GET", path, params={"map_index": map_index})["content"]
        if isinstance(content, str):
            return content
        return "\n".join(_log_line(entry) for entry in content)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        if "Authorization" not in self._session.headers:
            token = self._send("GET", "/auth/token")["access_token"]
            self._session.headers["Authorization"] = f"Bearer {token}"
        return self._send(method, f"/api/v2{path}", **arguments)

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                reply = self._session.request(method, f"{self.url}{path}", timeout=30, **arguments)
            except requests.RequestException as error:
                if last or method != "GET":
                    raise AirflowRestError(f"{method} {path}: Airflow's API does not answer: {error}") from error
            else:
                if reply.ok:
                    return reply.json()
                if last or not _can_be_repeated(method, reply):
                    raise AirflowRestError(f"{method} {path}: HTTP {reply.status_code}: {reply.text[:500]}")
            time.sleep(0.5 * attempt)
        raise AssertionError("unreachable")


def _can_be_repeated(method: str, reply: requests.Response) -> bool:
    """
    Return whether a call that failed may be sent again.

    On SQLite, Airflow answers 500 "Database error" while another component writes, 3.2 "Internal Server Error"; it has
    then changed nothing.
    """
    locked = "Database error" in reply.text or reply.text == "Internal Server Error"
    return reply.status_code >= 500 and (method == "GET" or locked)


def _log_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    line = f"{entry.get('level') or ''} {entry.get('event', '')}".strip()
    for detail in entry.get("error_detail") or []:
        line += f"\n    {detail.get('exc_type')}: {detail.get('exc_value')}"
    return line
