"""A Dag for each way to wait: a mapped sensor over the songs that the run's conf names. Nothing is submitted here."""

import os
from typing import Any

from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG

from airflow_provider_suno.sensors.music_task import MusicTaskSensor

BATCH = range(int(os.environ["SUNO_BENCHMARK_BATCH"]))
SLOTS = int(os.environ["SUNO_BENCHMARK_SLOTS"])
HTTP_INTERVAL = float(os.environ["SUNO_BENCHMARK_HTTP_INTERVAL"])

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
BROWSER = {"User-Agent": "Mozilla/5.0"}
"""The service's edge turns away what calls itself a Python library."""

MANY: dict[str, Any] = {"schedule": None, "max_active_runs": 1000, "max_active_tasks": SLOTS}


def of_each(field: str) -> list[str]:
    """Return a template for each song of the run, to map over."""
    return [f"{{{{ dag_run.conf['songs'][{number}]['{field}'] }}}}" for number in BATCH]


def finished(response: Any) -> bool:
    """Tell from a record whether the music is finished."""
    return bool(response.json()["data"]["status"] == "SUCCESS")


for name, options in MODES.items():
    with DAG(f"suno_{name}", **MANY):
        MusicTaskSensor.partial(task_id="wait", **options).expand(music_task_id=of_each("music_task_id"))

    with DAG(f"http_{name}", **MANY):
        HttpSensor.partial(
            task_id="wait",
            endpoint="/api/v1/generate/record-info",
            headers={**BROWSER, "Authorization": "Bearer {{ conn.suno_default.password }}"},
            response_check=finished,
            poke_interval=HTTP_INTERVAL,
            **options,
        ).expand(request_params=[{"taskId": template} for template in of_each("music_task_id")])

# With a response_check that sensor never defers, and its trigger only tells 404 from all else. The one thing of the
# API that says 404 until the music is finished is the file of the last track, whose id only an insider knows so early.
with DAG("http_deferrable_404", **MANY):
    HttpSensor.partial(
        task_id="wait",
        method="HEAD",
        headers=BROWSER,
        poke_interval=HTTP_INTERVAL,
        deferrable=True,
    ).expand(endpoint=[f"/media/{template}.mp3" for template in of_each("last_audio_id")])
