"""
Measure what one look costs the processor, layer by layer: ``python -m benchmarks.look``.

All read the same record over loopback from a service in another process, and take turns. What the kernel does for the
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
_LOOKS = 50
"""In one measurement."""


def main() -> None:
    """Measure each, and print a table."""
    options = parser("look", __doc__ or "")
    options.add_argument("--repeats", type=int, default=100, help=f"of {_LOOKS} looks each (default: %(default)s)")
    arguments = options.parse_args()
    with _service() as url, ExitStack() as opened, asyncio.Runner() as runner:
        os.environ["AIRFLOW_CONN_HTTP_DEFAULT"] = json.dumps({"conn_type": "http", "host": url, "extra": _HEADERS})
        measured = _medians(_looks(url, opened, runner), arguments.repeats)
    least = min(measured.values())
    text = (
        f"CPU of the process per look, over loopback: the median of {arguments.repeats} measurements of {_LOOKS} looks "
        "each, in turns.\n\n"
        + table(("look", "CPU, µs", "× the least"), [(name, cpu, cpu / least) for name, cpu in measured.items()])
    )
    publish("look", text, record=arguments.record)


@contextmanager
def _service() -> Iterator[str]:
    run = {"jobs": [], "limit": 0, "speed": 1.0, "begin": 0.0}  # it tells of the piece that warms up to whoever asks
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "run.json"
        described.write_text(json.dumps(run))
        with serving(described) as url:
            yield url


def _looks(url: str, opened: ExitStack, runner: asyncio.Runner) -> Mapping[str, Callable[[], object]]:
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

    looks: Mapping[str, Callable[[], object]] = {
        "http.client and json, one connection": by_the_standard_library,
        "urllib3, pooled": lambda: pool.request("GET", url + target, headers=_HEADERS).json(),
        "requests, one session": lambda: session.get(url + _PATH, params=query, headers=_HEADERS).json(),
        "this provider: bounded, masked, deciphered, as a model": lambda: poll_job(
            client, JobRef(KIND, WARM_UP.music_task_id)
        ),
    }
    by_the_hook = "http provider's hook, a session for each request as in its triggers"
    return {
        **{name: partial(_many, result) for name, result in looks.items()},
        by_the_hook: lambda: runner.run(_many_by_the_hook()),
    }


def _many(result: Callable[[], object]) -> None:
    for _ in range(_LOOKS):
        result()


async def _many_by_the_hook() -> None:
    for _ in range(_LOOKS):
        async with aclosing(LoopPerTask(WARM_UP, interval=0.0).run()) as events:
            await anext(events)


def _medians(looks: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the CPU of each look in µs; they take turns."""
    measured: dict[str, list[float]] = {name: [] for name in looks}
    for looks_by_it in looks.values():
        looks_by_it()  # what is loaded and connected at the first use
    for _ in range(repeats):
        for name, looks_by_it in looks.items():
            begun = process_time()
            looks_by_it()
            measured[name].append((process_time() - begun) / _LOOKS * 1e6)
    return {name: median(times) for name, times in measured.items()}


if __name__ == "__main__":
    main()
