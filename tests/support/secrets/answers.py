"""All replies of Airflow's API and UI: each GET of both, with each known id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.support.secrets.places import Sweep

Ids = dict[str, Any]

_OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "/dashboard/historical_metrics_data": {"start_date": "2020-01-01T00:00:00Z"},
    "/dagRuns/{dag_run_id}/wait": {"interval": 1},
    "/structure/structure_data": {"external_dependencies": True},
}
_OF_EACH_INSTANCE = re.compile(r"/(logs|xcomEntries|state-store)\b|taskInstances/{task_id}(/{map_index})?$")
"""Requested for each task instance; everything else for one instance of each task."""

_SESSION = {"/api/v2/auth/login", "/api/v2/auth/logout"}


@dataclass
class Walk:
    """
    Ask an API server for all that can be read from it.

    :param url: its base URL.
    :param sweep: searches the answers.
    """

    url: str
    sweep: Sweep

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        # The server closes connections that it thinks idle, under load also those that are about to be used.
        self._session.mount("http://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.2)))
        token = self._session.get(f"{self.url}/auth/token", timeout=30).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.unreached: set[str] = set()
        self.answered: set[str] = set()

    def look(self) -> None:
        """Send the requests, several at once, and search the replies."""
        groups = self._ids()
        paths = [path for path in self._paths() if path not in _SESSION]
        asked = [(path, ids) for path in paths for ids in _fitting(path, groups)]
        with ThreadPoolExecutor(4) as several:
            for (path, ids), (status, body) in zip(asked, several.map(self._ask, asked), strict=True):
                self.sweep.look("answer", f"GET {path.format_map(ids)} {ids}", body)
                if status < 400:
                    self.answered.add(path)
                    self.sweep.looked_at["answer with content"] += 1
        self.unreached = set(paths) - self.answered
        self.sweep.looked_at["endpoint"] = len(self.answered)

    def _ask(self, order: tuple[str, Ids]) -> tuple[int, bytes]:
        path, ids = order
        own = next((more for part, more in _OF_ITS_OWN.items() if part in path), {})
        params = {"limit": 1000, **own, **{name: value for name, value in ids.items() if f"{{{name}}}" not in path}}
        address = path.format_map({name: quote(str(value), safe="") for name, value in ids.items()})
        reply = self._session.get(f"{self.url}{address}", params=params, timeout=60)
        return reply.status_code, reply.content + str(dict(reply.headers)).encode()

    def _get(self, path: str, part: str) -> list[dict[str, Any]]:
        reply = self._session.get(f"{self.url}/api/v2{path}", params={"limit": 1000}, timeout=60)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()[part]
        return found

    def _paths(self) -> Iterator[str]:
        """Yield each GET of the public API, as it documents itself, and of the UI, which does not."""
        documented = self._session.get(f"{self.url}/openapi.json", timeout=60).json()["paths"]
        yield from (path for path, methods in documented.items() if "get" in methods)
        from airflow.api_fastapi.core_api.routes.ui import ui_router

        yield from (route.path for route in ui_router.routes if "GET" in getattr(route, "methods", ()))

    def _ids(self) -> list[list[Ids]]:
        """Return the ids to request, from the general to the particular."""
        dags = [{"dag_id": dag["dag_id"], "version_number": 1} for dag in self._get("/dags", "dags")]
        runs = [
            {**dag, "dag_run_id": run["dag_run_id"], "run_id": run["dag_run_id"]}
            for dag in dags
            for run in self._get(f"/dags/{dag['dag_id']}/dagRuns", "dag_runs")
        ]
        tries = [
            {
                **run,
                "task_id": ti["task_id"],
                "map_index": ti["map_index"],
                "try_number": number,
                "task_try_number": number,
                "full_content": True,
            }
            for run in runs
            for ti in self._get(f"/dags/{run['dag_id']}/dagRuns/{run['run_id']}/taskInstances", "task_instances")
            for number in range(1, max(1, ti["try_number"]) + 1)
        ]
        last = list({(ti["run_id"], ti["task_id"], ti["map_index"]): ti for ti in tries}.values())
        xcoms = [{**ti, "xcom_key": x["key"]} for ti in last for x in self._of(ti, "xcomEntries", "xcom_entries")]
        stored = [{**ti, "key": s["key"]} for ti in last for s in self._of(ti, "state-store", "task_state_store")]
        logged = [{"event_log_id": entry["event_log_id"]} for entry in self._get("/eventLogs", "event_logs")]
        known = [{"connection_id": one["connection_id"]} for one in self._get("/connections", "connections")]
        options = [{"section": "core", "option": "fernet_key"}, {"section": "logging", "option": "base_log_folder"}]
        return [[{}], dags, runs, last, tries, xcoms, stored, logged, known, options, [{"pool_name": "default_pool"}]]

    def _of(self, ti: Ids, name: str, part: str) -> Iterable[dict[str, Any]]:
        path = f"/dags/{ti['dag_id']}/dagRuns/{quote(ti['run_id'])}/taskInstances/{ti['task_id']}/{name}"
        reply = self._session.get(f"{self.url}/api/v2{path}", params={"map_index": ti["map_index"]}, timeout=60)
        body = reply.json() if reply.ok else {}
        return body.get(part) or next((value for value in body.values() if isinstance(value, list)), [])


def _fitting(path: str, groups: list[list[Ids]]) -> list[Ids]:
    """Return the most general ids that a path can be filled with, and no others."""
    names = set(re.findall(r"{(\w+)}", path))
    if path in ("/ui/structure/structure_data", "/api/v2/backfills"):
        names.add("dag_id")
    found = next((ids for ids in groups if ids and names <= ids[0].keys()), [])
    wanted = names | ({"map_index", "full_content"} if "task_id" in names else set())
    if path == "/ui/grid/ti_summaries/{dag_id}":
        found, wanted = groups[2], {"dag_id", "run_ids"}
        return [{"dag_id": run["dag_id"], "run_ids": run["run_id"]} for run in found]
    if "task_id" in names and not _OF_EACH_INSTANCE.search(path):
        found = list({(ids["run_id"], ids["task_id"]): ids for ids in found}.values())
    return [{name: value for name, value in ids.items() if name in wanted} for ids in found]
