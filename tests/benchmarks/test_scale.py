"""The simulation of many songs: submissions keep their limit, and no song is lost when triggerers come and go."""

from __future__ import annotations

import random

from benchmarks.jobs import Scenario
from benchmarks.live_triggerers import Change, Simulation
from benchmarks.scale import SUBMIT_LIMIT, submitted_at
from benchmarks.shared_account import Service


def test_submissions_wait_only_as_long_as_the_limit_demands() -> None:
    asked_for = [*[0.0] * 30, 4.0, 25.0]
    assert submitted_at(asked_for) == [*[0.0] * SUBMIT_LIMIT, *[10.0] * 11, 25.0]


def test_each_song_is_found_once_while_triggerers_come_and_go() -> None:
    jobs = Scenario(300, 0.2).jobs()
    simulation = Simulation(Service(100), lambda live: 100 // live, random.Random(0))
    simulation.run(jobs, 2, [Change(60.0, joins=False), Change(100.0, joins=True)])
    assert (len(simulation.delays), simulation.lost) == (300, 0)
    assert min(simulation.delays) > 0
    (dead,) = simulation.ended
    assert dead.songs
    assert max(dead.tally.accepted) < 6


def test_the_account_accepts_no_more_than_its_limit_in_any_window() -> None:
    service = Service(3)
    taken = [service.accepts(at) for at in (0.0, 1.0, 2.0, 9.9, 10.0, 10.5, 11.0)]
    assert taken == [True, True, True, False, True, False, True]
    assert (service.accepted, service.refused) == (5, 2)
