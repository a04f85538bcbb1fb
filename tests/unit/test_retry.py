"""Many callers at once against a rate limit: simulated time, no socket, no sleep."""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field

import pytest

from airflow_provider_suno.exceptions import SunoMaintenanceError, SunoRateLimitError
from airflow_provider_suno.http.retry import RETRY_LIMITS, Call, delay_before_next_send

LIMIT = 20
WINDOW = 10.0
SEEDS = range(40)


@dataclass
class Service:
    """
    Accept ``LIMIT`` new music tasks per ``WINDOW`` seconds.

    :param rolling: whether the window ends at each request; else windows are fixed.
    :param says: the ``Retry-After`` of a refusal, in seconds.
    """

    rolling: bool = True
    says: float | None = None
    taken: deque[float] = field(default_factory=deque)

    def takes(self, at: float) -> bool:
        began = at - WINDOW if self.rolling else at // WINDOW * WINDOW - 0.001
        while self.taken and self.taken[0] <= began:
            self.taken.popleft()
        if len(self.taken) >= LIMIT:
            return False
        self.taken.append(at)
        return True


def crowd(service: Service, callers: int, seed: int) -> tuple[int, float, int]:
    """
    Let many callers submit at once.

    :return: how many gave up, after how many seconds the last one was accepted, and how many requests were refused.
    """
    chance = random.Random(seed)
    sends = [(chance.uniform(3, 3.2), caller, 1, 0.0) for caller in range(callers)]
    heapq.heapify(sends)
    gave_up = refusals = 0
    last = 0.0
    while sends:
        at, caller, number, waited = heapq.heappop(sends)
        if service.takes(at):
            last = at
            continue
        refusals += 1
        delay = delay_before_next_send(
            Call.SUBMIT,
            SunoRateLimitError("Too many requests.", code=429, retry_after=service.says),
            sends=number,
            lost_replies=0,
            waited=waited,
            jitter=chance.random(),
        )
        if delay is None:
            gave_up += 1
        else:
            took = chance.uniform(0.01, 0.3)
            heapq.heappush(sends, (at + delay + took, caller, number + 1, waited + delay))
    return gave_up, last - 3, refusals


@pytest.mark.parametrize("rolling", [True, False])
@pytest.mark.parametrize("says", [None, 0.0, 1.0, 5.0, 10.0])
def test_two_hundred_submissions_at_once_all_get_through(says: float | None, rolling: bool) -> None:
    # They need 90 s at the least.
    played = [crowd(Service(rolling, says), 200, seed) for seed in SEEDS]
    assert max(gave_up for gave_up, _, _ in played) == 0
    assert max(last for _, last, _ in played) < RETRY_LIMITS.patience
    assert max(refusals for _, _, refusals in played) < 200 * 9


def test_a_slightly_exceeded_limit_delays_submissions_only_a_little() -> None:
    played = [crowd(Service(), LIMIT + 5, seed) for seed in SEEDS]
    assert max(last for _, last, _ in played) < 2.5 * WINDOW


def test_a_caller_gives_up_only_when_its_patience_is_used_up() -> None:
    for seed in SEEDS:
        chance = random.Random(seed)
        waited, sends = 0.0, 1
        while (delay := _delay(sends, waited, chance.random())) is not None:
            waited, sends = waited + delay, sends + 1
        assert RETRY_LIMITS.patience - 1 < waited <= RETRY_LIMITS.patience
        assert sends < 30


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_the_delay_is_at_least_what_the_service_asks_for(jitter: float) -> None:
    assert (delay := _delay(1, 0, jitter, retry_after=30)) is not None
    assert 30 <= delay <= 37.5
    assert _delay(1, 0, jitter, retry_after=61) is None
    assert _delay(4, 0, jitter, retry_after=1) == _delay(4, 0, jitter)
    assert _delay(5, 100, jitter, retry_after=20.1) is None


def test_a_maintenance_is_not_waited_out() -> None:
    closed = SunoMaintenanceError("Closed.")
    delays = [
        delay_before_next_send(Call.READ, closed, sends=n, lost_replies=0, waited=0, jitter=0.5) for n in range(1, 7)
    ]
    assert delays == [1, 2, 4, 8, None, None]


def _delay(sends: int, waited: float, jitter: float, retry_after: float | None = None) -> float | None:
    busy = SunoRateLimitError("busy", retry_after=retry_after)
    return delay_before_next_send(Call.SUBMIT, busy, sends=sends, lost_replies=0, waited=waited, jitter=jitter)
