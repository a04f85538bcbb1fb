"""``kill -9`` at random moments of a download: no partial file ever has its final name, and a retry completes it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.bundles import bundles
from tests.support.figures import figures
from tests.support.media_host import MediaHost, film, media_host, picture, slowly, sound, wave

pytestmark = pytest.mark.crashes

TRACKS = 4
TAKES = 0.25
"""Seconds that the host takes for one file."""

Keep = Callable[[Path], list[Any]]


def music(host: MediaHost) -> Keep:
    """Return what keeps four tracks of one name."""
    tracks = []
    for number in range(TRACKS):
        url = host.add(f"/{number}.mp3", sound(2_000_000, seed=number))
        tracks.append({"audio_id": str(number), "title": "Same name", "audio_url": url})
    record = {"music_task_id": "t1", "status": "SUCCESS", "tracks": tracks}
    return lambda folder: SunoHook().download(record, folder, parallel=2, name="{title}")


def another_job(host: MediaHost) -> Keep:
    """Return what keeps four files of another job, of all contents."""
    contents = {"audio": (sound(2_000_000), wave(2_000_000)), "video": (film(2_000_000),), "picture": (picture(),)}
    parts = [
        {"part": f"{content} {number}", "url": host.add(f"/{content}{number}", file), "content": content}
        for content, files in contents.items()
        for number, file in enumerate(files)
    ]
    return lambda folder: SunoHook().keep_files({"job_id": "j1", "parts": parts}, folder, kind="bundle", parallel=2)


def kept_in_a_child(keep: Keep, folder: Path) -> int:
    """Keep the files in a child process; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            keep(folder)
        finally:
            os._exit(0)
    return child


def kept(folder: Path) -> list[Path]:
    """Return what lies under a final name, but for the descriptions."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [path for path in found if not path.name.startswith(".") and path.suffix != ".json"]


def killed_at_random(host: MediaHost, keep: Keep, folders: Path, kills: int) -> Counter[str]:
    """Kill so many downloads, each at a random moment, and complete each; return what was counted."""
    chance = random.Random(20)
    counted: Counter[str] = Counter()
    whole = set(host.files.values())
    for number in range(kills):
        host.usual = slowly(TAKES)
        folder = folders / str(number)
        child = kept_in_a_child(keep, folder)
        time.sleep(chance.uniform(0, TAKES * TRACKS / 2 * 1.1))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        counted["killed"] += os.WIFSIGNALED(status)
        seen = kept(folder)
        counted["partial"] += sum(path.read_bytes() not in whole for path in seen)
        times = {path: path.stat().st_mtime_ns for path in seen}
        host.usual = slowly(0)
        files = keep(folder)
        assert {Path(file.uri.removeprefix("file://")).read_bytes() for file in files} == whole
        assert len(kept(folder)) == TRACKS
        assert all(path.stat().st_mtime_ns == at for path, at in times.items()), "what was whole is left alone"
    return counted


def test_forty_kills(sim: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tags would make the files differ from the host's.
    monkeypatch.setattr("airflow_provider_suno.hooks.downloads.can_tag", lambda: False)
    with media_host() as host:
        counted = killed_at_random(host, music(host), tmp_path, 40)
    figures["downloads killed"] += counted["killed"]
    assert counted["partial"] == 0
    assert counted["killed"] >= 20


def test_kills_while_the_files_of_another_job_are_kept(sim: RunningSimulator, tmp_path: Path) -> None:
    with media_host() as host, bundles():
        counted = killed_at_random(host, another_job(host), tmp_path, 20)
    assert counted["partial"] == 0
    assert counted["killed"] >= 10
