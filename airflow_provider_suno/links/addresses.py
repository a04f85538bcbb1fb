"""The addresses of the player within Airflow. Imports nothing heavy: extra links and plugins use it."""

from __future__ import annotations

from urllib.parse import quote, urlencode

PREFIX = "/suno-player"
"""Where the player's own routes are, below Airflow's base URL."""

LIBRARY_ROUTE = "suno-music"
"""The library's address in Airflow's UI is ``/plugin/`` and this."""

RUN_ROUTE = "suno-run-music"
"""The tab's address in Airflow's UI is that of the Dag run, ``/plugin/`` and this."""


def kept_file_path(dag_id: str, run_id: str, task_id: str, map_index: int = -1, index: int = 0) -> str:
    """
    Return the path below Airflow's base URL that plays a kept file.

    :param map_index: that of the task instance; -1 of one that is not mapped.
    :param index: which file of its XCom ``files``, counted from 0.
    """
    dag, run, task = (quote(part, safe="") for part in (dag_id, run_id, task_id))
    query = urlencode({"map_index": map_index, "index": index})
    return f"{PREFIX}/dags/{dag}/runs/{run}/tasks/{task}/files?{query}"
