"""The rate limit of an account: never more reads in any of the service's windows than it allows, and almost as many."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit


class Service:
    """Counts the reads in a sliding window, and refuses those above the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.accepted: list[float] = []
        self.refused = 0

    def accepts(self, now: float) -> bool:
        self.accepted = [at for at in self.accepted if at > now - WINDOW]
        if len(self.accepted) < self.limit:
            self.accepted.append(now)
            return True
        self.refused += 1
        return False


def play(rate_limit: RateLimit, service: Service, seconds: float, *, slowest: float = 0.3, seed: int = 0) -> int:
    """Read as fast as the rate limit allows, over a network with latency; return the number of reads."""
    chance = random.Random(seed)
    now, reads = 0.0, 0
    in_flight: list[tuple[float, str, float]] = []
    while now < seconds:
        ready = rate_limit.ready_at(now)
        event = min(in_flight, default=(math.inf, "", 0.0))
        if ready <= now:
            rate_limit.sent(now)
            reads += 1
            in_flight.append((now + chance.uniform(0, slowest), "arrives", now))
        elif event[0] <= ready:
            in_flight.remove(event)
            now = max(now, event[0])
            if event[1] == "arrives":
                in_flight.append(
                    (now + chance.uniform(0, slowest), "accepted" if service.accepts(now) else "refused", event[2])
                )
            elif event[1] == "accepted":
                rate_limit.answered(now)
            else:
                rate_limit.refused(now, sent_at=event[2], retry_after=None)
        else:
            now = ready
    return reads


@pytest.mark.parametrize("limit", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_refused_within_the_limit(limit: int, seed: int) -> None:
    service = Service(limit)
    reads = play(RateLimit(limit), service, 200, seed=seed)
    assert service.refused == 0
    assert reads >= 0.9 * 200 / (WINDOW + 0.6) * limit


@pytest.mark.parametrize("seed", range(10))
def test_less_than_one_in_a_hundred_is_refused_when_the_service_allows_half(seed: int) -> None:
    service = Service(50)
    reads = play(RateLimit(100), service, 1200, seed=seed)
    assert service.refused < reads / 100
    assert reads > 0.8 * 1200 / WINDOW * 50


def test_an_outage_slows_reads_down_and_an_answer_ends_that() -> None:
    rate_limit, now, sends = RateLimit(100), 0.0, 0
    while now < 60:
        now = rate_limit.ready_at(now)
        rate_limit.sent(now)
        rate_limit.failed(now)
        sends += 1
    assert sends < 150
    rate_limit.sent(now)
    rate_limit.answered(now)
    assert rate_limit.ready_at(now + 10) == now + 10


def test_an_outage_of_days_still_has_pauses() -> None:
    rate_limit, now = RateLimit(100), 0.0
    for _ in range(20_000):
        now = rate_limit.ready_at(now)
        rate_limit.sent(now)
        rate_limit.failed(now)
    assert now > 15_000


def test_a_failure_that_asks_for_a_pause_gets_it_up_to_a_minute() -> None:
    rate_limit = RateLimit(100)
    for asked, paused_until in ((7.0, 7.0), (3600.0, 60.0)):
        rate_limit.sent(0.0)
        rate_limit.failed(0.0, retry_after=asked)
        assert rate_limit.ready_at(0.0) == pytest.approx(paused_until)


def test_one_refusal_of_a_lone_read_halves_the_rate_at_most() -> None:
    rate_limit = RateLimit(100)
    rate_limit.sent(0.0)
    rate_limit.refused(0.1, sent_at=0.0, retry_after=None)
    assert rate_limit.allowed >= 45


def test_a_refusal_that_asks_for_a_pause_gets_it() -> None:
    rate_limit = RateLimit(100)
    rate_limit.sent(0.0)
    rate_limit.refused(0.1, sent_at=0.0, retry_after=7.0)
    assert rate_limit.ready_at(0.1) == pytest.approx(7.1)
    assert rate_limit.allowed < 100


@pytest.mark.parametrize("at_once", [8, 64])
def test_the_refusals_of_one_excess_slow_down_once(at_once: int) -> None:
    rate_limit, once = RateLimit(1000), RateLimit(1000)
    for _ in range(at_once):
        rate_limit.sent(0.0)
    for number in range(at_once):
        rate_limit.refused(0.5 + number / 1000, sent_at=0.0, retry_after=None)
    once.sent(0.0)
    once.refused(0.5, sent_at=0.0, retry_after=None)
    assert rate_limit.allowed == pytest.approx(once.allowed)
    assert rate_limit.ready_at(0.6) == once.ready_at(0.6) == 1.5


def test_refusals_after_each_pause_make_it_longer() -> None:
    rate_limit, now, pauses = RateLimit(100), 0.0, []
    for _ in range(8):
        rate_limit.sent(now)
        rate_limit.refused(now + 0.1, sent_at=now, retry_after=None)
        ready = rate_limit.ready_at(now + 0.1)
        pauses.append(round(ready - now - 0.1))
        now = ready
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_service_that_accepts_nothing_for_a_while_is_read_seldom_then_at_the_former_rate() -> None:
    rate_limit, now, sends = RateLimit(100), 0.0, 0
    for _ in range(50):
        rate_limit.sent(now)
        rate_limit.answered(now)
        now = rate_limit.ready_at(now)
    while now < 300:
        rate_limit.sent(now)
        rate_limit.refused(now, sent_at=now, retry_after=None)
        now, sends = rate_limit.ready_at(now), sends + 1
    assert 6 < sends < 15
    assert rate_limit.allowed >= 0.9 * 49  # of what it accepted before
    rate_limit.sent(now)
    rate_limit.answered(now)
    rate_limit.sent(now)
    rate_limit.refused(now + 1, sent_at=now + 0.5, retry_after=None)
    assert rate_limit.ready_at(now + 1) == now + 2


def calm(rate_limit: RateLimit, now: float, until: float) -> float:
    """Read without a refusal until then; return the time of the last read."""
    while now < until:
        now = rate_limit.ready_at(now)
        rate_limit.sent(now)
        rate_limit.answered(now)
    return now


def refusal(rate_limit: RateLimit, now: float) -> None:
    rate_limit.sent(now)
    rate_limit.refused(now, sent_at=now, retry_after=None)


def test_a_stray_refusal_costs_seconds() -> None:
    rate_limit = RateLimit(100)
    now = calm(rate_limit, 0.0, 5.0)
    refusal(rate_limit, now)
    assert 45 <= rate_limit.allowed < 60
    calm(rate_limit, now, now + 25)
    assert rate_limit.allowed == 100


@pytest.mark.parametrize(("share", "at_least"), [(0.001, 0.93), (0.003, 0.78), (0.01, 0.4)])
def test_stray_refusals_leave_most_of_the_rate(share: float, at_least: float) -> None:
    class Flaky(Service):
        chance = random.Random(0)

        def accepts(self, now: float) -> bool:
            return self.chance.random() >= share and super().accepts(now)

    reads = play(RateLimit(100), Flaky(100), 3600, slowest=0.1)
    assert reads > at_least * play(RateLimit(100), Service(100), 3600, slowest=0.1)


def test_the_real_limit_is_tried_ever_more_rarely() -> None:
    rate_limit, service, refused_at = RateLimit(100), Service(50), []
    now = 0.0
    while now < 900:
        now = rate_limit.ready_at(now)
        rate_limit.sent(now)
        if service.accepts(now):
            rate_limit.answered(now)
        else:
            rate_limit.refused(now, sent_at=now, retry_after=None)
            refused_at.append(now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at for at in refused_at if at > 20)]
    assert gaps[0] < 100
    assert all(later > 0.9 * earlier for earlier, later in itertools.pairwise(gaps))
    assert 150 < gaps[-1] < 200


def test_the_rate_recovers_ever_faster() -> None:
    rate_limit = RateLimit(1000)
    now = calm(rate_limit, 0.0, 5.0)
    for _ in range(3):  # two in a row are no stray ones
        refusal(rate_limit, now)
        now = rate_limit.ready_at(now)
    lowered_to, allowed = rate_limit.allowed, []
    for seconds in (20, 40, 60):
        calm(rate_limit, now, now + seconds)
        allowed.append(rate_limit.allowed)
    assert lowered_to < allowed[0] < 1.2 * lowered_to
    assert allowed[2] - allowed[1] > 1.5 * (allowed[1] - allowed[0])
    calm(rate_limit, now, now + 100)
    assert rate_limit.allowed == 1000


@pytest.mark.parametrize("limit", [20, 100, 1000])
def test_reads_are_spread_evenly(limit: int) -> None:
    rate_limit, now, sent = RateLimit(limit), 0.0, []
    answers: list[float] = []
    while now < 60:
        ready, answer = rate_limit.ready_at(now), min(answers, default=math.inf)
        now = max(now, min(ready, answer))
        if answer <= ready:
            answers.remove(answer)
            rate_limit.answered(now)
        else:
            rate_limit.sent(now)
            sent.append(now)
            answers.append(now + 0.05)
    even = WINDOW / limit
    assert sum(at < 0.5 * even for at in sent) <= 0.1 * limit + 1  # the burst after a pause
    later = [at for at in sent if at > 12]
    assert max(b - a for a, b in itertools.pairwise(later)) < 0.06 + 2 * even
    assert min(b - a for a, b in itertools.pairwise(later)) > 0.9 * even


def test_a_time_without_reads_allows_a_burst_but_a_pause_after_a_refusal_does_not() -> None:
    rate_limit = RateLimit(100)
    now = calm(rate_limit, 0.0, 5.0) + 30
    at_once = 0
    while rate_limit.ready_at(now) == now:
        rate_limit.sent(now)
        rate_limit.answered(now)
        at_once += 1
    assert at_once in (10, 11)
    refusal(rate_limit, now)
    now = rate_limit.ready_at(now)
    rate_limit.sent(now)
    assert rate_limit.ready_at(now) > now + 0.05


def test_an_answer_to_a_read_sent_before_the_refusal_does_not_end_it() -> None:
    rate_limit = RateLimit(100)
    now = calm(rate_limit, 0.0, 5.0)
    rate_limit.sent(now)
    refusal(rate_limit, now)
    rate_limit.answered(now + 0.5, sent_at=now)
    allowed, now = rate_limit.allowed, rate_limit.ready_at(now + 0.5)
    refusal(rate_limit, now)
    assert rate_limit.allowed == allowed
    assert rate_limit.ready_at(now) == pytest.approx(now + 2)


def test_a_failed_read_allows_a_burst_all_the_same() -> None:
    rate_limit, now, at_once = RateLimit(100), 100.0, 0
    rate_limit.sent(now)
    rate_limit.failed(now)
    while rate_limit.ready_at(now) == now:
        rate_limit.sent(now)
        at_once += 1
    assert at_once >= 9
