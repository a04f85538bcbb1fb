"""Run the triggers of one contender as a triggerer does, all on one event loop, and measure this process."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import resource
import sys
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import structlog

from benchmarks.hurried_time import hurried_loop, hurry, real_monotonic
from benchmarks.jobs import WARM_UP, WINDOW, Delays, Job

_HEADERS = {"Authorization": "Bearer sk-benchmark"}
_PROBE_GAP = 0.02
"""Real seconds between two measurements of the event loop's lag."""

_SETTLING = 1.0
"""Real seconds from the start of the last trigger until the memory is measured."""


def ours(run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return a function that makes this provider's trigger for a music task."""
    import time

    from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

    submitted_at = time.time() - (real_monotonic() - run["begin"]) * run["speed"]

    def trigger(job: Job) -> Any:
        age_from = submitted_at + job.begins
        return MusicTaskTrigger(job.music_task_id, submitted_at=age_from, deadline=age_from + run["deadline"])

    return trigger


def of_unknown_age(run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return a function that makes this provider's trigger without the time of submission."""
    trigger = ours(run)

    def without_age(job: Job) -> Any:
        made = trigger(job)
        made.submitted_at = None
        return made

    return without_age


class LoopPerTask:
    """
    Poll every few seconds through the http provider's hook, as most providers' triggers do.

    :param job: the music.
    :param interval: seconds between two polls.
    :param spread: whether the first poll comes at a random moment of the interval, which spreads all polls.
    """

    def __init__(self, job: Job, interval: float, *, spread: bool = False) -> None:
        from airflow.providers.http.hooks.http import HttpAsyncHook

        self._job = job
        self._interval = interval
        self._first = random.uniform(0, interval) if spread else 0.0
        self._hook = HttpAsyncHook(method="GET", http_conn_id="http_default")

    async def run(self) -> Any:
        """Yield once it is finished."""
        import aiohttp
        from airflow.providers.common.compat.sdk import AirflowException

        await asyncio.sleep(self._first)
        while True:
            try:
                async with aiohttp.ClientSession() as session:
                    response = await self._hook.run(
                        session=session,
                        endpoint="api/v1/generate/record-info",
                        data={"taskId": self._job.music_task_id},
                    )
                    if await is_finished(response):
                        yield True
                        return
            except AirflowException:
                pass  # refused
            await asyncio.sleep(self._interval)


def loop_per_task(_run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return a function that makes a loop with the http provider's own interval."""
    return partial(LoopPerTask, interval=5.0)


def paced_loop_per_task(run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return a function that makes a loop whose interval keeps all loops together within the rate limit."""
    return partial(LoopPerTask, interval=_permitted_interval(run), spread=True)


def http_sensor_trigger(_run: dict[str, Any], interval: float = 5.0) -> Callable[[Job], Any]:
    """Return a function that makes the http provider's trigger that waits for anything but a 404."""
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    return lambda job: HttpSensorTrigger(endpoint=f"finished/{job.music_task_id}", poke_interval=interval)


def http_event_trigger(_run: dict[str, Any], interval: float = 5.0) -> Callable[[Job], Any]:
    """Return a function that makes the http provider's trigger with a response check."""
    from airflow.providers.http.triggers.http import HttpEventTrigger

    return lambda job: HttpEventTrigger(
        response_check_path="benchmarks.waits.is_finished",
        endpoint="api/v1/generate/record-info",
        data={"taskId": job.music_task_id},
        poll_interval=interval,
    )


def paced_http_sensor_trigger(run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return the same at the permitted rate."""
    return http_sensor_trigger(run, _permitted_interval(run))


def paced_http_event_trigger(run: dict[str, Any]) -> Callable[[Job], Any]:
    """Return the same at the permitted rate."""
    return http_event_trigger(run, _permitted_interval(run))


def _permitted_interval(run: dict[str, Any]) -> float:
    """Return the poll interval at which all simultaneous waits use the whole rate limit."""
    jobs = [Job(**job) for job in run["jobs"]]
    edges = sorted([(job.begins, 1) for job in jobs] + [(job.ends, -1) for job in jobs])
    most_at_once = max(accumulate(change for _, change in edges))
    return most_at_once * WINDOW / float(run["poll_limit"])


async def is_finished(response: Any) -> bool:
    """Return whether a reply is a record of finished music."""
    body = json.loads(response.text) if not hasattr(response, "read") else await response.json()
    return bool(body["data"]["status"] == "SUCCESS")


CONTENDERS: dict[str, Callable[[dict[str, Any]], Callable[[Job], Any]]] = {
    "this provider": ours,
    "this provider, age unknown": of_unknown_age,
    "loop per task, 5 s": loop_per_task,
    "HttpSensorTrigger, 5 s": http_sensor_trigger,
    "HttpEventTrigger, 5 s": http_event_trigger,
    "loop per task at the permitted rate": paced_loop_per_task,
    "HttpSensorTrigger at the permitted rate": paced_http_sensor_trigger,
    "HttpEventTrigger at the permitted rate": paced_http_event_trigger,
}


class Run:
    """
    One contender waiting for the music of one run.

    :param run: describes it.
    """

    def __init__(self, run: dict[str, Any]) -> None:
        self._run = run
        self._speed: float = run["speed"]
        self._jobs = [Job(**job) for job in run["jobs"]]
        self._delays: list[float] = []
        self._failures: list[str] = []
        self._lags: list[float] = []

    def now(self) -> float:
        """Return the seconds since the start of the run."""
        begin: float = self._run["begin"]
        return (real_monotonic() - begin) * self._speed

    async def measure(self) -> dict[str, Any]:
        """Wait for all of it, or until the deadline."""
        make = CONTENDERS[self._run["contender"]](self._run)
        await self._wait(WARM_UP, make(WARM_UP))  # imports what the first use imports
        self._delays.clear()
        triggers = {job: make(job) for job in self._jobs}
        gc.collect()
        bare = _rss()
        cpu_before = _cpu()
        probe = asyncio.create_task(self._probe())
        waits = set()
        for job, trigger in triggers.items():
            if (early := job.begins - self.now()) > 0:
                await asyncio.sleep(early)
            waits.add(asyncio.create_task(self._wait(job, trigger)))
        await asyncio.sleep(_SETTLING * self._speed)
        most = _rss()
        waiting = sum(not wait.done() for wait in waits)
        last = self._run["stop_at"] - self.now()
        _, late = await asyncio.wait(waits, timeout=max(0.0, last))
        probe.cancel()
        used = _cpu() - cpu_before
        delays = Delays.of(self._delays)
        for wait in late:
            wait.cancel()
        self._lags.sort()
        return {
            "finished": len(self._delays),
            "failed": len(self._failures),
            "unfinished": len(late),
            "failures": sorted(set(self._failures))[:5],
            "delays": delays and delays.to_dict(),
            "cpu": used,
            "lasted": self.now() / self._speed,
            "rss_per_wait": (most - bare) / max(1, waiting),
            "lag_p99": _at(self._lags, 0.99),
            "lag_max": _at(self._lags, 1.0),
        }

    async def _wait(self, job: Job, trigger: Any) -> None:
        try:
            async for event in trigger.run():
                payload = getattr(event, "payload", event)
                error = payload.get("error") if isinstance(payload, dict) else None
                if error:
                    self._failures.append(f"{payload['status']}: {error['message']}"[:200])
                else:
                    self._delays.append(self.now() - job.ends)
                return
        except Exception as error:  # noqa: BLE001  # a triggerer fails the task
            self._failures.append(repr(error)[:200])

    async def _probe(self) -> None:
        while True:
            before = real_monotonic()
            await asyncio.sleep(_PROBE_GAP * self._speed)
            self._lags.append(max(0.0, real_monotonic() - before - _PROBE_GAP))


def _let_connections_take_real_seconds(speed: float) -> None:
    """Keep the network timeouts of the http provider's library in real time: the network is not faster."""
    try:
        import aiohttp
    except ModuleNotFoundError:
        return
    usual = aiohttp.client.DEFAULT_TIMEOUT
    total, connect = ((seconds or 0.0) * speed or None for seconds in (usual.total, usual.sock_connect))
    vars(aiohttp.client)["DEFAULT_TIMEOUT"] = aiohttp.ClientTimeout(total=total, sock_connect=connect)


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run, and print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path, help="a file that describes the run")
    run = json.loads(parser.parse_args().run.read_text())
    extra = {"poll_limit": run["poll_limit"]}
    suno = {"conn_type": "suno", "host": run["url"], "password": "sk-benchmark", "extra": extra}
    http = {"conn_type": "http", "host": run["url"], "extra": _HEADERS}
    os.environ["AIRFLOW_CONN_SUNO_DEFAULT"] = json.dumps(suno)
    os.environ["AIRFLOW_CONN_HTTP_DEFAULT"] = json.dumps(http)
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)  # no contender logs more than the others
    structlog.configure(wrapper_class=quiet)
    hurry(run["speed"])
    _let_connections_take_real_seconds(run["speed"])
    with asyncio.Runner(loop_factory=lambda: hurried_loop(run["speed"])) as runner:
        measured = runner.run(Run(run).measure())
    json.dump(measured, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # whatever still waits is of no interest


if __name__ == "__main__":
    main()
