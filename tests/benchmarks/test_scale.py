"""The simulation of many songs: submissions keep their limit, and no song is lost when triggerers come and go."""

from __future__ import annotations

import random
import re

import pytest

from benchmarks.jobs import Scenario
from benchmarks.live_triggerers import Change, Simulation
from benchmarks.report import RESULTS
from benchmarks.scale import SUBMIT_LIMIT, Setting, submitted_at
from benchmarks.shared_account import Service


def test_submissions_wait_only_as_long_as_the_limit_demands() -> None:
    asked_for = [*[0.0] * 30, 4.0, 25.0]
    assert submitted_at(asked_for) == [*[0.0] * SUBMIT_LIMIT, *[10.0] * 11, 25.0]


@pytest.mark.parametrize(("accounts", "backlog"), [(1, 34_467), (5, 5_667), (6, 0), (10, 0)])
def test_a_wait_to_submit_is_given_only_where_the_backlog_does_not_grow(accounts: int, backlog: int) -> None:
    setting = Setting(accounts, 1)
    asked_for = setting.asked_for()
    begins = submitted_at(asked_for)
    left = sum(at >= 3600 for at in begins) * accounts
    assert round(setting.backlog_per_hour()) == backlog
    assert left == pytest.approx(backlog, abs=100 if backlog else 200)
    assert (setting.waits(asked_for, begins) == [None, None]) == (backlog > 0)


def test_the_median_wait_to_submit_is_told() -> None:
    assert Setting(10, 1).waits([0.0] * 99, [float(second) for second in range(99)]) == [49.0, 94.0]


def test_the_recorded_backlogs_are_those_of_the_limits() -> None:
    rows = re.findall(
        r"^\| even \| (\d+) \| [\d, ]+ \| [\d,]+ \| ([\d,]+) \| (\S+) \|", RESULTS.read_text(), re.MULTILINE
    )
    assert len(rows) == 8
    for accounts, backlog, wait in rows:
        expected = round(Setting(int(accounts), 1).backlog_per_hour())
        assert backlog == f"{expected:,}"
        assert (wait == "–") == (expected > 0)


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
