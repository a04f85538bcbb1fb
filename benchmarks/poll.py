"""
Measure the CPU time of one poll, layer by layer: ``python -m benchmarks.poll``.

All read the same record over loopback from a service in another process, alternately. The kernel's work for the
process counts; waiting does not.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from urllib.parse import urlsplit

from benchmarks.jobs import WARM_UP
from benchmarks.report import parser, publish, table
from benchmarks.service import serving
from benchmarks.waits import LoopPerTask

_PATH = "/api/v1/generate/record-info"
_HEADERS = {"Authorization": "Bearer sk-benchmark"}
_POLLS = 50
"""Polls per measurement."""


def main() -> None:
    """Measure each, and print a table."""
    options = parser("poll", __doc__ or "")
    options.add_argument("--repeats", type=int, default=100, help=f"of {_POLLS} polls each (default: %(default)s)")
    arguments = options.parse_args()
    with _service() as url, ExitStack() as opened, asyncio.Runner() as runner:
        os.environ["AIRFLOW_CONN_HTTP_DEFAULT"] = json.dumps({"conn_type": "http", "host": url, "extra": _HEADERS})
        measured = _medians(_polls(url, opened, runner), arguments.repeats)
    least = min(measured.values())
    text = (
        f"CPU of the process per poll, over loopback: the median of {arguments.repeats} measurements of {_POLLS} polls "
        "each, alternately.\n\n"
        + table(("poll", "CPU, µs", "× the least"), [(name, cpu, cpu / least) for name, cpu in measured.items()])
    )
    publish("poll", text, record=arguments.record)


@contextmanager
def _service() -> Iterator[str]:
    run = {"jobs": [], "limit": 0, "speed": 1.0, "begin": 0.0}  # the service has the warm-up task only
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "run.json"
        described.write_text(json.dumps(run))
        with serving(described) as url:
            yield url


def _polls(url: str, opened: ExitStack, runner: asyncio.Runner) -> Mapping[str, Callable[[], object]]:
    import requests
    import urllib3

    from airflow_provider_suno.api.endpoints.music import KIND
    from airflow_provider_suno.api.jobs import JobRef
    from airflow_provider_suno.http.client import SunoClient
    from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
    from airflow_provider_suno.polling.worker import poll_job

    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    pool = opened.enter_context(urllib3.PoolManager())
    session = opened.enter_context(requests.Session())
    client = opened.enter_context(SunoClient(ClientSettings(BearerAuth("sk-benchmark"), url)))
    query = {"taskId": WARM_UP.music_task_id}
    target = f"{_PATH}?taskId={WARM_UP.music_task_id}"

    def by_the_standard_library() -> Any:
        connection.request("GET", target, headers=_HEADERS)
        return json.loads(connection.getresponse().read())

    polls: Mapping[str, Callable[[], object]] = {
        "http.client and json, one connection": by_the_standard_library,
        "urllib3, pooled": lambda: pool.request("GET", url + target, headers=_HEADERS).json(),
        "requests, one session": lambda: session.get(url + _PATH, params=query, headers=_HEADERS).json(),
        "this provider: bounded, masked, deciphered, as a model": lambda: poll_job(
            client, JobRef(KIND, WARM_UP.music_task_id)
        ),
    }
    by_the_hook = "http provider's hook, a session for each request as in its triggers"
    return {
        **{name: partial(_many, result) for name, result in polls.items()},
        by_the_hook: lambda: runner.run(_many_by_the_hook()),
    }


def _many(result: Callable[[], object]) -> None:
    for _ in range(_POLLS):
        result()


async def _many_by_the_hook() -> None:
    for _ in range(_POLLS):
        async with aclosing(LoopPerTask(WARM_UP, interval=0.0).run()) as events:
            await anext(events)


def _medians(polls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the CPU time of each poll in µs, measured alternately."""
    measured: dict[str, list[float]] = {name: [] for name in polls}
    for poll in polls.values():
        poll()  # imports and connects
    for _ in range(repeats):
        for name, poll in polls.items():
            started = process_time()
            poll()
            measured[name].append((process_time() - started) / _POLLS * 1e6)
    return {name: median(times) for name, times in measured.items()}


if __name__ == "__main__":
    main()
