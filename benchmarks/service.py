"""
A service that enforces its rate limit, answers polls of music tasks, and counts the requests.

It costs less than the simulator, so that the figures are those of the client. It also answers as the http provider's
sensor trigger expects: 404 until the music is finished.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.hurried_time import real_monotonic
from benchmarks.jobs import WARM_UP, WINDOW, Job


class Service:
    """
    Answer for the music tasks of one run.

    :param jobs: the music.
    :param limit: reads in 10 s.
    :param speed: seconds of the run per real second.
    :param begin: when the run begins, by the machine's clock.
    """

    def __init__(self, jobs: list[Job], limit: int, speed: float, begin: float) -> None:
        self._jobs = {job.music_task_id: job for job in [*jobs, WARM_UP]}
        self._limit = limit
        self._speed = speed
        self._begin = begin
        self._let_through: deque[float] = deque()
        self._reads = 0
        self._refused = 0

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application()
        app.router.add_get("/api/v1/generate/record-info", self.record)
        app.router.add_get("/finished/{id}", self.finished)
        app.router.add_get("/tally", self.tally)
        return app

    async def record(self, request: web.Request) -> web.Response:
        """Answer as the API does."""
        job = self._jobs.get(request.query["taskId"])
        if self._is_refused(job):
            return web.json_response({"code": 429, "msg": "Too many requests", "data": None}, status=429)
        data = None if job is None else _record(job, job.status_at(self._now()))
        return web.json_response({"code": 200, "msg": "success", "data": data})

    async def finished(self, request: web.Request) -> web.Response:
        """Answer 404 until it is finished."""
        job = self._jobs[request.match_info["id"]]
        if self._is_refused(job):
            return web.Response(status=429)
        return web.Response(status=200 if self._now() >= job.ends else 404)

    async def tally(self, _request: web.Request) -> web.Response:
        """Answer with the counts."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return web.json_response({"reads": self._reads, "refused": self._refused, "cpu": used.ru_utime + used.ru_stime})

    def _now(self) -> float:
        return (real_monotonic() - self._begin) * self._speed

    def _is_refused(self, job: Job | None) -> bool:
        if job is WARM_UP:
            return False
        now = self._now()
        self._reads += 1
        while self._let_through and self._let_through[0] <= now - WINDOW:
            self._let_through.popleft()
        if len(self._let_through) < self._limit:
            self._let_through.append(now)
            return False
        self._refused += 1
        return True


@contextmanager
def serving(described: Path) -> Iterator[str]:
    """
    Serve in another process, and yield the URL.

    :param described: a file that describes the run.
    """
    command = [sys.executable, "-m", "benchmarks.service", str(described)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        try:
            yield service.stdout.readline().strip()
        finally:
            service.stdin.close()


def _record(job: Job, status: str) -> dict[str, Any]:
    with_audio = {"FIRST_SUCCESS": 1, "SUCCESS": 2}.get(status, 0)
    tracks = [_track(job, number, has_audio=number < with_audio) for number in range(2)] if status != "PENDING" else []
    return {
        "taskId": job.music_task_id,
        "parentMusicId": "",
        "param": json.dumps({"prompt": "rain on a tin roof", "model": "V5", "instrumental": True}),
        "response": {"taskId": job.music_task_id, "sunoData": tracks},
        "status": status,
        "type": "GENERATE",
        "errorCode": None,
        "errorMessage": None,
    }


def _track(job: Job, number: int, *, has_audio: bool) -> dict[str, Any]:
    name = f"{job.music_task_id[-8:]}-{number}"
    return {
        "id": name,
        "audioUrl": f"https://media.invalid/{name}.mp3" if has_audio else "",
        "streamAudioUrl": f"https://media.invalid/{name}",
        "imageUrl": f"https://media.invalid/{name}.jpeg",
        "prompt": "rain on a tin roof",
        "modelName": "chirp-crow",
        "title": "Rain",
        "tags": "ambient",
        "createTime": 1_767_225_600_000,
        "duration": 183.4 if has_audio else None,
    }


async def _serve(service: Service) -> None:
    runner = web.AppRunner(service.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent closes it


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path, help="a file that describes the run")
    run = json.loads(parser.parse_args().run.read_text())
    jobs = [Job(**job) for job in run["jobs"]]
    asyncio.run(_serve(Service(jobs, run["limit"], run["speed"], run["begin"])))


if __name__ == "__main__":
    main()
