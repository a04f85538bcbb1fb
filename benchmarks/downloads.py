"""
Measure what keeping files costs beside a plain loop: ``python -m benchmarks.downloads``.

A host in a process of its own serves 500 files of 5 MB over loopback: once at the speed of a fast link, once as fast as
it can, so that only the work of the processors counts. Each contender fetches all of them, four at once, in a process
of its own and into an empty folder. The contenders alternate, and each runs several times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from airflow_provider_suno.simulator.jobs.mp3 import NOTES_FILE
from benchmarks.report import parser, publish, table

_FILES = 500
_SIZE = 5_000_000
_AT_ONCE = 4
_LINK = 12_500_000
"""Bytes per second of each connection on the fast link."""
_PIECE = 256 * 1024
_COLUMNS = ("contender", "time, median (s)", "× the loop", "peak memory (MiB)", "over an idle process (MiB)")


def main() -> None:
    """Run the contenders alternately, and print a table."""
    options = parser("downloads", __doc__ or "")
    options.add_argument("--repeats", type=int, default=3, help="runs of each contender (default: %(default)s)")
    options.add_argument("--files", type=int, default=_FILES, help="how many (default: %(default)s)")
    options.add_argument("--run", choices=_CONTENDERS, help=argparse.SUPPRESS)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    options.add_argument("--rate", type=float, default=0, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.serve:
        _serve(arguments.rate)
    elif arguments.run:
        _run(arguments.run, arguments.url, arguments.files)
    else:
        publish("downloads", _measured(arguments), record=arguments.record)


def _measured(arguments: Any) -> str:
    link = _compared(arguments, _LINK, f"At {_LINK / 1e6:g} MB/s for each connection")
    unlimited = _compared(arguments, 0, "As fast as the host can")
    return (
        f"{arguments.files} files of {_SIZE / 1e6:g} MB, {_AT_ONCE} at once, over loopback into a local folder. The "
        "loop checks nothing. This provider computes the checksum, looks at the length and the type, writes a "
        "description of each file, and gives it its name when it is whole. Target: at most 1.1 × the time of the loop."
        f"\n\n{link}\n\n{unlimited}\n\nIn the second table the host and the contender share the cores, and the "
        "checksum, which the loop does not compute, is most of the difference."
    )


def _compared(arguments: Any, rate: float, title: str) -> str:
    """Return the table of one speed of the host, in bytes per second; 0 is without a limit."""
    command = [sys.executable, "-m", "benchmarks.downloads"]
    seconds: dict[str, list[float]] = {name: [] for name in _CONTENDERS}
    peaks: dict[str, list[float]] = {name: [] for name in _CONTENDERS}
    with subprocess.Popen([*command, "--serve", "--rate", str(rate)], stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout is not None
            url = host.stdout.readline().strip()
            for _ in range(arguments.repeats):
                for name in _CONTENDERS:
                    options = ["--run", name, "--url", url, "--files", str(arguments.files)]
                    ran = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
                    found = json.loads(ran.stdout.splitlines()[-1])
                    seconds[name].append(found["seconds"])
                    peaks[name].append(found["peak"])
        finally:
            host.kill()
    loop = median(seconds["requests and shutil"])
    rows = [
        (name, median(taken), median(taken) / loop, max(peaks[name]), max(peaks[name]) - min(peaks["idle"]))
        for name, taken in seconds.items()
        if name != "idle"
    ]
    ratio = median(seconds["this provider"]) / loop
    verdict = "Target met" if ratio <= 1.1 else "Target missed"
    return f"{title}:\n\n{table(_COLUMNS, rows)}\n\n{verdict}: {ratio:.2f} ×."


def _serve(rate: float) -> None:
    notes = NOTES_FILE.read_bytes()
    body = (notes * (_SIZE // len(notes) + 1))[:_SIZE]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(_SIZE))
            self.send_header("ETag", '"1"')
            self.end_headers()
            began = time.monotonic()
            for position in range(0, _SIZE, _PIECE if rate else _SIZE):
                if rate:
                    time.sleep(max(0.0, began + position / rate - time.monotonic()))
                self.wfile.write(body[position : position + (_PIECE if rate else _SIZE)])

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


def _run(name: str, url: str, files: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"{url}/{number}.mp3" for number in range(files)]
        began = time.perf_counter()
        _CONTENDERS[name](urls, Path(folder))
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def _idle(_urls: list[str], _folder: Path) -> None:
    """Load what the others load."""
    import requests  # noqa: F401

    from airflow_provider_suno.hooks import downloads, suno  # noqa: F401


def _loop(urls: list[str], folder: Path) -> None:
    import requests

    _idle(urls, folder)  # so that the memory of what is imported is the same
    session = requests.Session()

    def fetch(url: str) -> None:
        with session.get(url, stream=True, timeout=60) as response:
            response.raise_for_status()
            with (folder / url.rpartition("/")[2]).open("wb") as file:
                shutil.copyfileobj(response.raw, file)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(fetch, urls))


def _provider(urls: list[str], folder: Path) -> None:
    from airflow_provider_suno.hooks import downloads

    downloads.can_tag = lambda: False  # type: ignore[attr-defined]
    _provider_with_tags(urls, folder)


def _provider_with_tags(urls: list[str], folder: Path) -> None:
    from airflow_provider_suno.hooks.suno import SunoHook

    connection = {"conn_type": "suno", "password": "sk-benchmark", "extra": {"allow_private_media": True}}
    os.environ["AIRFLOW_CONN_SUNO_DEFAULT"] = json.dumps(connection)
    tracks = [{"audio_id": str(number), "title": "A song", "audio_url": url} for number, url in enumerate(urls)]
    record = {"music_task_id": "t", "status": "SUCCESS", "tracks": tracks}
    SunoHook().download(record, folder, parallel=_AT_ONCE)


_CONTENDERS: dict[str, Callable[[list[str], Path], None]] = {
    "idle": _idle,
    "requests and shutil": _loop,
    "this provider": _provider,
    "this provider, with tags by mutagen": _provider_with_tags,
}


if __name__ == "__main__":
    main()
