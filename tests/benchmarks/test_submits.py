"""What the submissions' benchmark counts as wrong."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.submits import Submitted
from reliability.verdict import Song


def made(prompt: str, charges: int = 1) -> dict[str, Any]:
    return {"music_task_id": prompt, "request": {"prompt": prompt}, "charges": charges, "audio_ids": []}


def sent(at: float, accepted: bool, path: str = "/api/v1/generate") -> dict[str, Any]:
    return {"wall": at, "accepted": accepted, "path": path}


def submitted(songs: list[Song], entries: list[dict[str, Any]]) -> Submitted:
    requests = [sent(1, True), sent(1, False), sent(13, True), sent(50, True, "/api/v1/generate/record-info")]
    return Submitted("so", songs, {"requests": requests, "songs": entries})


A, B = (Song(name, name, "success", name, waited=None) for name in "ab")


def test_the_figures() -> None:
    assert submitted([A, B], [made("a"), made("b")]).row(limit=1) == ("so", 2, 2, 0, 1, 12, 10)
    assert submitted([A, B], [made("a"), made("b")]).wrongs() == []


@pytest.mark.parametrize(
    ("songs", "entries", "wrong"),
    [
        ([A, B], [made("a", 2), made("b")], "so: a: charged 2 times with 0 consents"),
        ([A, Song("b", "b", "failed", None, waited=None)], [made("a")], "so: b: ended as failed"),
        ([A, B], [made("a")], "so: b was never charged"),
        (
            [A, Song("b", "b", "success", "c", waited=None)],
            [made("a"), made("b")],
            "so: b: Airflow has c, but b were made",
        ),
    ],
)
def test_what_is_wrong(songs: list[Song], entries: list[dict[str, Any]], wrong: str) -> None:
    assert any(said.startswith(wrong) for said in submitted(songs, entries).wrongs())
