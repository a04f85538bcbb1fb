"""The budget of an account: never more in any of the service's windows than it allows, and as many as that."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from airflow_provider_suno.polling.rate_limit import WINDOW, Budget


class Service:
    """Counts what arrives in any window, and refuses what is too much."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: list[float] = []
        self.refused = 0

    def takes(self, now: float) -> bool:
        self.taken = [at for at in self.taken if at > now - WINDOW]
        if len(self.taken) < self.limit:
            self.taken.append(now)
            return True
        self.refused += 1
        return False


def play(budget: Budget, service: Service, seconds: float, *, slowest: float = 0.3, seed: int = 0) -> int:
    """Read as fast as the budget allows, over a network with delays, and return how often that was."""
    chance = random.Random(seed)
    now, reads = 0.0, 0
    under_way: list[tuple[float, str, float]] = []
    while now < seconds:
        ready = budget.ready_at(now)
        event = min(under_way, default=(math.inf, "", 0.0))
        if ready <= now:
            budget.sent(now)
            reads += 1
            under_way.append((now + chance.uniform(0, slowest), "arrives", now))
        elif event[0] <= ready:
            under_way.remove(event)
            now = max(now, event[0])
            if event[1] == "arrives":
                under_way.append(
                    (now + chance.uniform(0, slowest), "taken" if service.takes(now) else "refused", event[2])
                )
            elif event[1] == "taken":
                budget.answered(now)
            else:
                budget.refused(now, sent_at=event[2], retry_after=None)
        else:
            now = ready
    return reads


@pytest.mark.parametrize("limit", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_refused_within_the_limit(limit: int, seed: int) -> None:
    service = Service(limit)
    reads = play(Budget(limit), service, 200, seed=seed)
    assert service.refused == 0
    assert reads >= 0.9 * 200 / (WINDOW + 0.6) * limit


@pytest.mark.parametrize("seed", range(10))
def test_less_than_one_in_a_hundred_is_refused_when_the_service_allows_half(seed: int) -> None:
    service = Service(50)
    reads = play(Budget(100), service, 1200, seed=seed)
    assert service.refused < reads / 100
    assert reads > 0.8 * 1200 / WINDOW * 50


def test_trouble_of_the_service_slows_all_down_and_an_answer_ends_it() -> None:
    budget, now, sends = Budget(100), 0.0, 0
    while now < 60:
        now = budget.ready_at(now)
        budget.sent(now)
        budget.failed(now)
        sends += 1
    assert sends < 150
    budget.sent(now)
    budget.answered(now)
    assert budget.ready_at(now + 10) == now + 10


def test_an_outage_of_days_still_has_pauses() -> None:
    budget, now = Budget(100), 0.0
    for _ in range(20_000):
        now = budget.ready_at(now)
        budget.sent(now)
        budget.failed(now)
    assert now > 15_000


def test_a_failure_that_asks_for_a_pause_gets_it_up_to_a_minute() -> None:
    budget = Budget(100)
    for asked, paused_until in ((7.0, 7.0), (3600.0, 60.0)):
        budget.sent(0.0)
        budget.failed(0.0, retry_after=asked)
        assert budget.ready_at(0.0) == pytest.approx(paused_until)


def test_one_refusal_of_a_lone_read_does_not_take_the_budget_away() -> None:
    budget = Budget(100)
    budget.sent(0.0)
    budget.refused(0.1, sent_at=0.0, retry_after=None)
    assert budget.allowed >= 45


def test_a_refusal_that_asks_for_a_pause_gets_it() -> None:
    budget = Budget(100)
    budget.sent(0.0)
    budget.refused(0.1, sent_at=0.0, retry_after=7.0)
    assert budget.ready_at(0.1) == pytest.approx(7.1)
    assert budget.allowed < 100


@pytest.mark.parametrize("at_once", [8, 64])
def test_the_refusals_of_one_excess_slow_down_once(at_once: int) -> None:
    budget, once = Budget(1000), Budget(1000)
    for _ in range(at_once):
        budget.sent(0.0)
    for number in range(at_once):
        budget.refused(0.5 + number / 1000, sent_at=0.0, retry_after=None)
    once.sent(0.0)
    once.refused(0.5, sent_at=0.0, retry_after=None)
    assert budget.allowed == pytest.approx(once.allowed)
    assert budget.ready_at(0.6) == once.ready_at(0.6) == 1.5


def test_refusals_after_each_pause_make_it_longer() -> None:
    budget, now, pauses = Budget(100), 0.0, []
    for _ in range(8):
        budget.sent(now)
        budget.refused(now + 0.1, sent_at=now, retry_after=None)
        ready = budget.ready_at(now + 0.1)
        pauses.append(round(ready - now - 0.1))
        now = ready
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_service_that_takes_nothing_for_a_while_is_left_in_peace_but_not_written_off() -> None:
    budget, now, sends = Budget(100), 0.0, 0
    for _ in range(50):
        budget.sent(now)
        budget.answered(now)
        now = budget.ready_at(now)
    while now < 300:
        budget.sent(now)
        budget.refused(now, sent_at=now, retry_after=None)
        now, sends = budget.ready_at(now), sends + 1
    assert 6 < sends < 15
    assert budget.allowed >= 0.9 * 49  # of what it took before
    budget.sent(now)
    budget.answered(now)
    budget.sent(now)
    budget.refused(now + 1, sent_at=now + 0.5, retry_after=None)
    assert budget.ready_at(now + 1) == now + 2


def calm(budget: Budget, now: float, until: float) -> float:
    """Read without a refusal until then."""
    while now < until:
        now = budget.ready_at(now)
        budget.sent(now)
        budget.answered(now)
    return now


def refusal(budget: Budget, now: float) -> None:
    budget.sent(now)
    budget.refused(now, sent_at=now, retry_after=None)


def test_a_stray_refusal_costs_seconds() -> None:
    budget = Budget(100)
    now = calm(budget, 0.0, 5.0)
    refusal(budget, now)
    assert 45 <= budget.allowed < 60
    calm(budget, now, now + 25)
    assert budget.allowed == 100


@pytest.mark.parametrize(("share", "at_least"), [(0.001, 0.93), (0.003, 0.78), (0.01, 0.4)])
def test_stray_refusals_do_not_take_the_budget_away(share: float, at_least: float) -> None:
    class Moody(Service):
        chance = random.Random(0)

        def takes(self, now: float) -> bool:
            return self.chance.random() >= share and super().takes(now)

    reads = play(Budget(100), Moody(100), 3600, slowest=0.1)
    assert reads > at_least * play(Budget(100), Service(100), 3600, slowest=0.1)


def test_a_limit_is_touched_ever_more_seldom() -> None:
    budget, service, touched = Budget(100), Service(50), []
    now = 0.0
    while now < 900:
        now = budget.ready_at(now)
        budget.sent(now)
        if service.takes(now):
            budget.answered(now)
        else:
            budget.refused(now, sent_at=now, retry_after=None)
            touched.append(now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at for at in touched if at > 20)]
    assert gaps[0] < 100
    assert all(later > 0.9 * earlier for earlier, later in itertools.pairwise(gaps))
    assert 150 < gaps[-1] < 200


def test_calm_speeds_up_again_ever_faster() -> None:
    budget = Budget(1000)
    now = calm(budget, 0.0, 5.0)
    for _ in range(3):  # more than one in a row is no stray one
        refusal(budget, now)
        now = budget.ready_at(now)
    lowered_to, allowed = budget.allowed, []
    for seconds in (20, 40, 60):
        calm(budget, now, now + seconds)
        allowed.append(budget.allowed)
    assert lowered_to < allowed[0] < 1.2 * lowered_to
    assert allowed[2] - allowed[1] > 1.5 * (allowed[1] - allowed[0])
    calm(budget, now, now + 100)
    assert budget.allowed == 1000


@pytest.mark.parametrize("limit", [20, 100, 1000])
def test_reads_are_spread_evenly(limit: int) -> None:
    budget, now, sent = Budget(limit), 0.0, []
    answers: list[float] = []
    while now < 60:
        ready, answer = budget.ready_at(now), min(answers, default=math.inf)
        now = max(now, min(ready, answer))
        if answer <= ready:
            answers.remove(answer)
            budget.answered(now)
        else:
            budget.sent(now)
            sent.append(now)
            answers.append(now + 0.05)
    even = WINDOW / limit
    assert sum(at < 0.5 * even for at in sent) <= 0.1 * limit + 1  # what may come at once after a pause
    later = [at for at in sent if at > 12]
    assert max(b - a for a, b in itertools.pairwise(later)) < 0.06 + 2 * even
    assert min(b - a for a, b in itertools.pairwise(later)) > 0.9 * even


def test_a_pause_in_which_nobody_wanted_any_earns_a_burst_but_one_after_a_refusal_does_not() -> None:
    budget = Budget(100)
    now = calm(budget, 0.0, 5.0) + 30
    at_once = 0
    while budget.ready_at(now) == now:
        budget.sent(now)
        budget.answered(now)
        at_once += 1
    assert at_once in (10, 11)
    refusal(budget, now)
    now = budget.ready_at(now)
    budget.sent(now)
    assert budget.ready_at(now) > now + 0.05


def test_an_answer_to_a_read_sent_before_the_refusal_tells_nothing_new() -> None:
    budget = Budget(100)
    now = calm(budget, 0.0, 5.0)
    budget.sent(now)
    refusal(budget, now)
    budget.answered(now + 0.5, sent_at=now)
    allowed, now = budget.allowed, budget.ready_at(now + 0.5)
    refusal(budget, now)
    assert budget.allowed == allowed
    assert budget.ready_at(now) == pytest.approx(now + 2)


def test_a_read_that_failed_takes_no_burst_away() -> None:
    budget, now, at_once = Budget(100), 100.0, 0
    budget.sent(now)
    budget.failed(now)
    while budget.ready_at(now) == now:
        budget.sent(now)
        at_once += 1
    assert at_once >= 9
