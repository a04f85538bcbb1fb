"""``kill -9`` at random moments of a download: no partial file ever has its final name, and a retry completes it."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.figures import figures
from tests.support.media_host import MediaHost, media_host, slowly, sound

pytestmark = pytest.mark.crashes

KILLS = 40
TRACKS = 4
TAKES = 0.25
"""Seconds that the host takes for one file."""


def record_of(host: MediaHost) -> dict[str, Any]:
    tracks = []
    for number in range(TRACKS):
        url = host.add(f"/{number}.mp3", sound(2_000_000, seed=number))
        tracks.append({"audio_id": str(number), "title": "Same name", "audio_url": url})
    return {"music_task_id": "t1", "status": "SUCCESS", "tracks": tracks}


def download(record: dict[str, Any], folder: Path) -> int:
    """Download in a child process; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            SunoHook().download(record, folder, parallel=2, name="{title}")
        finally:
            os._exit(0)
    return child


def kept(folder: Path) -> list[Path]:
    """Return what lies under a final name, but for the descriptions."""
    return [path for path in folder.glob("*.mp3") if not path.name.startswith(".")] if folder.is_dir() else []


def test_forty_kills(sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tags would make the files differ from the host's.
    monkeypatch.setattr("airflow_provider_suno.hooks.downloads.can_tag", lambda: False)
    chance = random.Random(20)
    killed = partial_names = 0
    with media_host() as host:
        host.usual = slowly(TAKES)
        record = record_of(host)
        whole = set(host.files.values())
        for number in range(KILLS):
            folder = tmp_path / str(number)
            child = download(record, folder)
            time.sleep(chance.uniform(0, TAKES * TRACKS / 2 * 1.1))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            killed += os.WIFSIGNALED(status)
            seen = kept(folder)
            partial_names += sum(path.read_bytes() not in whole for path in seen)
            times = {path: path.stat().st_mtime_ns for path in seen}
            host.usual = slowly(0)
            files = SunoHook().download(record, folder, name="{title}")
            host.usual = slowly(TAKES)
            assert {Path(file.uri.removeprefix("file://")).read_bytes() for file in files} == whole
            assert len(kept(folder)) == TRACKS
            assert all(path.stat().st_mtime_ns == at for path, at in times.items()), "what was whole is left alone"
    figures["downloads killed"] += killed
    assert partial_names == 0
    assert killed >= KILLS / 2
