"""What the triggerer's benchmark counts as wrong, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_suno.simulator.kinds.music.lifecycle import lifecycle_of
from airflow_provider_suno.simulator.kinds.music.prompt_directives import Directives
from benchmarks.triggerer import Life, Results

BEGAN = 1000.0


@dataclass(frozen=True)
class Resumed:
    at: float
    status: str | None = "finished"
    message: str | None = None


def read(at: float, code: int = 200, path: str = "/api/v1/generate/record-info") -> dict[str, Any]:
    return {"wall": at, "code": code, "path": path}


def results(found: dict[int, Resumed], reads: list[dict[str, Any]] | None = None) -> Results:
    lives = [Life(BEGAN, waiting=3, loaded=BEGAN + 5), Life(BEGAN + 100, waiting=2, loaded=BEGAN + 130)]
    songs = {"a": BEGAN, "b": BEGAN, "c": BEGAN}
    return Results(songs, lives, found, reads or [], limit=10)  # type: ignore[arg-type]


ALL = {0: Resumed(BEGAN + 140), 1: Resumed(BEGAN + 150), 2: Resumed(BEGAN + 160)}


def test_nothing_is_wrong_when_all_finish() -> None:
    assert results(ALL, [read(BEGAN + 20)]).wrongs() == []


@pytest.mark.parametrize(
    ("found", "reads", "wrong"),
    [
        ({0: ALL[0]}, [], "2 of 3 waits are lost, such as those of the map indexes [1, 2]"),
        (
            {**ALL, 1: Resumed(BEGAN, "gave_up", "no key")},
            [],
            "1 of 3 waits ended otherwise than finished: 1: gave_up, no key",
        ),
        ({**ALL, 1: Resumed(BEGAN, None)}, [], "1 of 3 waits ended otherwise than finished: 1: None, None"),
        (ALL, [read(BEGAN, 429), read(BEGAN, 429, "/api/v1/generate")], "the service refused 1 reads"),
    ],
)
def test_what_is_wrong(found: dict[int, Resumed], reads: list[dict[str, Any]], wrong: str) -> None:
    assert results(found, reads).wrongs() == [wrong]


def test_the_busiest_window_is_found_wherever_it_begins() -> None:
    outcome = results(ALL, [read(BEGAN + at) for at in (1, 8, 9, 10, 10.5, 11.5, 30)]).outcome()
    assert "| most reads in 10 s, of 10 | 5 |" in outcome
    assert "| reads per finished wait | 2.33 |" in outcome


@pytest.mark.parametrize(("loaded", "watched"), [(50, 2), (120, 0), (None, 0)])
def test_a_delay_counts_from_the_end_of_the_song(loaded: float | None, watched: int) -> None:
    songs = dict.fromkeys("ab", BEGAN)
    lasts = [lifecycle_of(name, Directives()).start_of("SUCCESS") or 0 for name in songs]
    lives = [Life(BEGAN, waiting=2, loaded=loaded and BEGAN + loaded)]
    found = {index: Resumed(BEGAN + last + 3) for index, last in enumerate(lasts)}
    delays = Results(songs, lives, found, [], 10).delays()  # type: ignore[arg-type]
    assert "| all | 2 | 3 | 3 | 3 | 3 |" in delays
    assert f"| songs that ended while their triggers ran | {watched} |" in delays


def test_a_triggerer_that_never_ran_all_is_shown_so() -> None:
    never = Results({}, [Life(BEGAN, waiting=3)], {}, [read(BEGAN - 1), read(BEGAN + 12)], 10)
    assert "| first | 3 | – | 12 |" in never.triggerer()
