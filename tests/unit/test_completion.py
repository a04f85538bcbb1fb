"""When a job is likely to be finished: a prior at first, then what the account's jobs really do."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from airflow_provider_suno.api.jobs import Until
from airflow_provider_suno.polling.completion import OLDEST, POLL_COST, Curve, Expectation
from tests.support.jobs import MUSIC

KINDS = [(until, known) for until in ("all", "first") for known in (True, False)]


def curve(until: Until = "all", *, age_is_known: bool = True) -> Curve:
    return Expectation().curve(MUSIC, until, age_is_known=age_is_known)


def median_age(of: Curve) -> int:
    """Return the age at which half of the songs have ended."""
    return next(age for age in range(OLDEST) if of.hazard(0, age) > 0.693)


@pytest.mark.parametrize(("until", "known"), KINDS)
def test_the_hazard_only_grows(until: Until, known: bool) -> None:
    values = curve(until, age_is_known=known).cumulative_hazard
    assert len(values) == OLDEST + 1
    assert all(earlier < later for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize("until", ["all", "first"])
def test_an_end_is_likeliest_when_songs_usually_end(until: Until) -> None:
    prior = curve(until)
    chances = {age: prior.hazard(age - 2, age) for age in range(2, OLDEST)}
    assert 20 < max(chances, key=lambda age: chances[age]) < 300
    assert chances[10] < chances[100] / 10


@pytest.mark.parametrize(("until", "known"), KINDS)
def test_a_lone_job_is_polled_some_times(until: Until, known: bool) -> None:
    prior, age, polls = curve(until, age_is_known=known), 20.0, 0
    while age < 180:
        polls += 1
        age += prior.next_poll_in(age)
    assert 10 < polls < 40


@pytest.mark.parametrize("hazard", [0.01, 0.05, 0.2])
def test_the_gap_between_polls_has_the_least_cost(hazard: float) -> None:
    """With a steady hazard h, a gap g costs POLL_COST / g + h * g / 2, each second."""
    steady = Curve([(0, 0), (OLDEST, hazard * OLDEST)])
    costs = {gap / 10: POLL_COST / (gap / 10) + hazard * (gap / 10) / 2 for gap in range(1, 450)}
    cheapest = min(costs, key=lambda gap: costs[gap])
    assert steady.next_poll_in(100) == pytest.approx(cheapest, rel=0.2)


def test_a_poll_comes_when_an_end_is_likely_and_within_45_seconds() -> None:
    """However unlikely an end is before, and at any age."""
    sudden = Curve([(0, 0), (100, 0), (110, 10), (OLDEST, 10)])
    assert 100 < 60 + sudden.next_poll_in(60) < 104
    assert [sudden.next_poll_in(age) for age in (0, 30, 200, OLDEST, 5 * OLDEST)] == [45.0] * 5


def test_after_the_first_track_the_others_are_likelier() -> None:
    gaps = [
        Expectation().curve(MUSIC, "all", age_is_known=True, status=status).next_poll_in(80)
        for status in ("PENDING", "TEXT_SUCCESS", None, "FIRST_SUCCESS")
    ]
    assert gaps[0] == gaps[1] > 2 * gaps[2]
    assert gaps[2] > gaps[3]


def test_impossible_ages_count_as_the_nearest_possible_one() -> None:
    prior = curve()
    assert prior.hazard(-50, 0) == 0
    assert prior.hazard(OLDEST, OLDEST + 5000) == 0
    before = list(prior.cumulative_hazard)
    prior.learn(-20, -10, ended=True)
    prior.learn(OLDEST + 10, OLDEST + 20, ended=True)
    prior.learn(30, 30, ended=False)
    prior.fit()
    assert prior.cumulative_hazard == before


@pytest.mark.parametrize(("until", "known"), KINDS)
@pytest.mark.parametrize(("shortest", "longest"), [(60, 180), (5, 15), (300, 400)])
def test_it_learns_how_long_songs_take(until: Until, known: bool, shortest: int, longest: int) -> None:
    """From polls every half a minute or so, which only tell between which ages a song ended."""
    chance = random.Random(7)
    learning = curve(until, age_is_known=known)
    for _ in range(300):
        lasts, earlier, later = chance.uniform(shortest, longest), 0.0, chance.uniform(0, 40)
        while later < lasts:
            learning.learn(earlier, later, ended=False)
            earlier, later = later, later + chance.uniform(10, 40)
        learning.learn(earlier, later, ended=True)
        learning.fit()
    assert median_age(learning) == pytest.approx((shortest + longest) / 2, rel=0.15, abs=5)
    assert learning.hazard(0, shortest * 0.6) < 0.2


def test_it_follows_a_service_that_becomes_slower() -> None:
    learning = curve()
    for lasts in [60] * 2000 + [240] * 1000:
        for age in range(10, lasts + 10, 10):
            learning.learn(age - 10, age, ended=age >= lasts)
        learning.fit()
    assert 200 < median_age(learning) < 260


def test_curves_are_updated_once_a_second_and_after_the_clock_was_set_back() -> None:
    expectation = Expectation()
    learning, before = expectation.curve(MUSIC, "all", age_is_known=True), list(curve().cumulative_hazard)
    updated = []
    for now in (1000, 1000.5, 1000.9, 1001, 1001.5, 500, 500.5):
        learning.learn(30, 40, ended=True)
        expectation.fit(now)
        updated.append(learning.cumulative_hazard != before)
        before = list(learning.cumulative_hazard)
    assert updated == [True, False, False, True, False, True, False]


def test_years_of_songs_keep_the_hazard_finite_and_growing() -> None:
    learning = curve()
    for _ in range(6_000):  # and a thousand times as much as each of them was
        learning.learn(100, 104, ended=True)
        learning._ended[20] += 999
        learning.fit()
    assert all(earlier < later for earlier, later in itertools.pairwise(learning.cumulative_hazard))
    assert math.isfinite(learning.cumulative_hazard[-1])


def test_an_end_counts_once_however_long_the_gap_between_polls() -> None:
    learning = curve()
    before = sum(learning._ended)
    learning.learn(0, 1000, ended=True)
    assert sum(learning._ended) == pytest.approx(before + 1)
