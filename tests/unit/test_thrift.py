"""A few waits cost few polls, in virtual time: at most 10 a song, which is found 3.5 s after its end on average."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import fmean
from typing import TypeAlias

import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.polling.wait import PollAgain, Wait
from tests.support.jobs import MUSIC
from tests.support.virtual_poller import BEGIN, LATENCY, LONGEST, SHORTEST, Song, mean_delay, play

MOST_POLLS = 10.0
LONGEST_DELAY = 3.5
SONGS = 600

Make: TypeAlias = Callable[[random.Random, float], Song]


def in_proportion(chance: random.Random, part: float) -> Song:
    """Return a song whose statuses come at fixed parts of its duration; ``part`` sets the duration."""
    lasts = SHORTEST + part * (LONGEST - SHORTEST)
    return Song(0.0, lasts, ((0.25 * lasts, "TEXT_SUCCESS"), (0.6 * lasts, "FIRST_SUCCESS")))


def as_simulated(chance: random.Random, part: float) -> Song:
    """Return a song whose first track is there after about 55 s, whenever the others follow."""
    first = chance.uniform(51, 60)
    return Song(0.0, 62 + part * 68, ((chance.uniform(15, 25), "TEXT_SUCCESS"), (first, "FIRST_SUCCESS")))


def songs(make: Make, chance: random.Random) -> list[Song]:
    """Return songs of evenly spread durations, in random order."""
    made = [make(chance, (number + 0.5) / SONGS) for number in range(SONGS)]
    chance.shuffle(made)
    return made


@pytest.mark.parametrize(
    ("make", "waits"),
    [
        (in_proportion, 1),
        (in_proportion, 10),
        (in_proportion, 100),
        (as_simulated, 1),
        (as_simulated, 10),  # a hundred of these end within 68 s, which takes more polls than the rate limit allows
    ],
)
def test_the_poller_needs_few_polls_from_the_first_song_on(make: Make, waits: int) -> None:
    found = songs(make, random.Random(0))
    for run, begin in enumerate(range(0, SONGS, waits)):
        play(found[begin : begin + waits], 100, until=1e4, seed=run)
    assert fmean(len(song.polls) for song in found) <= MOST_POLLS
    assert mean_delay(found) <= LONGEST_DELAY


@pytest.mark.parametrize("make", [in_proportion, as_simulated])
@pytest.mark.parametrize(("shortest_gap", "longest_delay"), [(2.0, LONGEST_DELAY), (15.0, 9.0)])
def test_a_worker_needs_as_few_polls(make: Make, shortest_gap: float, longest_delay: float) -> None:
    """In reschedule mode at least 15 s lie between two polls, so the delay cannot be much under half of that."""
    chance = random.Random(0)
    found = [wait_in_worker(song, chance, shortest_gap) for song in songs(make, chance)]
    assert fmean(len(song.polls) for song in found) <= MOST_POLLS
    assert mean_delay(found) <= longest_delay


def wait_in_worker(song: Song, chance: random.Random, shortest_gap: float) -> Song:
    wait = Wait.begin(MUSIC, "m", now=BEGIN, timeout=1200, submitted_at=BEGIN, shortest_gap=shortest_gap)
    while True:
        now = wait.next_poll_at() - BEGIN
        song.polls.append(now)
        if now >= song.lasts:
            song.found = now + LATENCY
            return song
        record = MusicTask(music_task_id="m", status=song.status_at(now))
        step = wait.after_poll(record, BEGIN + now + LATENCY, chance.random())
        assert isinstance(step, PollAgain)
        wait = step.wait
