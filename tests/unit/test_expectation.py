"""How much a look is worth: more the longer nobody has looked, most around the age at which music is finished."""

from __future__ import annotations

import itertools

import pytest

from airflow_provider_suno.api.expectation import gap_worth_a_look, piled_up, worth_of_a_look
from airflow_provider_suno.api.statuses import Until

BOTH: tuple[Until, ...] = ("all", "first")


@pytest.mark.parametrize("until", BOTH)
def test_it_only_grows(until: Until) -> None:
    values = [piled_up(until, age) for age in range(-5, 5000)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(values))
    assert piled_up(until, 5000) > piled_up(until, 4000)  # nobody is ever without hope, or never looked at


@pytest.mark.parametrize("until", BOTH)
def test_a_look_is_worth_most_when_music_is_due(until: Until) -> None:
    worth = {age: worth_of_a_look(until, None, looked_at_age=age - 2, age=age) for age in range(2, 1200)}
    assert 20 < max(worth, key=lambda age: worth[age]) < 300
    assert worth[10] < worth[100] / 10


def test_the_first_track_tells_that_the_others_are_near() -> None:
    plain = worth_of_a_look("all", "TEXT_SUCCESS", looked_at_age=60, age=70)
    assert worth_of_a_look("all", "FIRST_SUCCESS", looked_at_age=60, age=70) > plain


@pytest.mark.parametrize("until", BOTH)
def test_a_lone_job_is_looked_at_some_tens_of_times(until: Until) -> None:
    age, looks = 20.0, 0
    while age < 180:
        looks += 1
        age += max(2.0, gap_worth_a_look(until, age))
    assert 10 < looks < 90
