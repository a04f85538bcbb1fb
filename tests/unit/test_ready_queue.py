"""Which job is polled next, in virtual time: the likeliest to be finished, none too often, and none never."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import SunoUnavailableError
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, Wait
from tests.support.jobs import MUSIC, music
from tests.support.virtual_poller import BEGIN, LONGEST, SHORTEST, Song, mean_delay, play, songs


def simulated(made: Sequence[Song], limit: int, worth: Callable[[float, float], float]) -> float:
    """Return the mean delay of a poller that polls by the given worth, over a network without latency."""
    waiting: list[Song] = []
    seen: dict[int, float] = {}
    polled: dict[int, float] = {}
    coming = sorted(made, key=lambda song: song.begins, reverse=True)
    now, late = 0.0, 0.0
    while coming or waiting:
        while coming and coming[-1].begins <= now:
            waiting.append(coming.pop())
        due = [song for song in waiting if now - polled.get(id(song), -2.0) >= 2.0]
        best = max(due, key=lambda song: worth(seen.get(id(song), 0.0), now - song.begins), default=None)
        if best is not None and worth(seen.get(id(best), 0.0), now - best.begins) > 0:
            polled[id(best)], seen[id(best)] = now, now - best.begins
            if seen[id(best)] >= best.lasts:
                waiting.remove(best)
                late += seen[id(best)] - best.lasts
        now += WINDOW / limit
    return late / len(made)


def likeliest(seen: float, age: float) -> float:
    """Return the chance of an end since the last poll, knowing how long songs take."""
    done, before = ((min(max(at, SHORTEST), LONGEST) - SHORTEST) / (LONGEST - SHORTEST) for at in (age, seen))
    return (done - before) / (1 - before) if before < 1 else 1.0


def blind(seen: float, age: float) -> float:
    """Return the time since the last poll."""
    return age - seen


@pytest.mark.parametrize("age_is_known", [True, False])
@pytest.mark.parametrize(("load", "better_than_blind"), [(0.2, 0.75), (0.5, 0.6), (0.8, 0.75)])
def test_steady_arrivals_are_found_almost_as_soon_as_possible(
    load: float, better_than_blind: float, age_is_known: bool
) -> None:
    limit = 20
    made = songs(400, WINDOW / limit / load)
    play(made, limit, until=1e5, age_is_known=age_is_known)
    assert mean_delay(made) <= 1.3 * simulated(made, limit, likeliest)
    assert mean_delay(made) <= better_than_blind * simulated(made, limit, blind)


@pytest.mark.parametrize("age_is_known", [True, False])
@pytest.mark.parametrize("count", [200, 1000])
def test_bursts_are_found_almost_as_soon_as_possible(count: int, age_is_known: bool) -> None:
    made = songs(count, 0)
    play(made, 20, until=1e5, age_is_known=age_is_known)
    assert mean_delay(made) <= 1.1 * simulated(made, 20, likeliest)


def test_no_job_is_polled_twice_in_two_seconds_or_before_a_result_is_possible() -> None:
    made = songs(20, 5.0)
    play(made, 1000, until=1e5)
    for song in made:
        assert song.polls[0] - song.begins > 19.99
        assert all(later - earlier >= 2 for earlier, later in zip(song.polls, song.polls[1:], strict=False))
        assert 1 < len(song.polls) < 20


def test_no_job_starves() -> None:
    """Songs that never end are polled every ten rounds at the latest, however many others there are."""
    made = songs(3000, 0.5)  # as many as there are reads, for 1500 s
    stuck = [Song(0.0, math.inf) for _ in range(20)]
    play([*stuck, *made], 20, until=1500)
    for song in stuck:
        assert max(later - earlier for earlier, later in itertools.pairwise([*song.polls, 1500])) < 700


def test_learning_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    def delay() -> float:
        made = songs(400, WINDOW / 20 / 0.8)
        play(made, 20, until=1e5)
        return mean_delay(made)

    learning = delay()
    monkeypatch.setattr(Curve, "learn", lambda *_, **__: None)
    assert learning < 0.9 * delay()


def test_it_learns_also_while_the_rate_limit_suffices() -> None:
    """Each song is alone in the queue, so that there is never a choice."""
    queue = play([Song(300.0 * number, 60.0) for number in range(60)], 100, until=1e5)
    learned, prior = (
        some.expectation.curve(MUSIC, "all", age_is_known=True, status="PENDING")
        for some in (queue, ReadyQueue(Expectation()))
    )
    assert learned.hazard(50, 70) > 2 * prior.hazard(50, 70)


def test_after_the_first_track_the_others_are_likelier() -> None:
    queue = ReadyQueue(Expectation())
    near, far = (
        queue.add(Wait(music(name), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN) for name in ("near", "far")
    )
    for waiter, status in ((near, "FIRST_SUCCESS"), (far, "TEXT_SUCCESS")):
        step = waiter.wait.after_poll(MusicTask(music_task_id=waiter.wait.job.id, status=status), BEGIN + 60, 0.5)
        assert isinstance(step, PollAgain)
        queue.polled(waiter, step, BEGIN + 60)
    assert near.hazard(BEGIN + 80) > far.hazard(BEGIN + 80) > 0


def test_the_last_poll_comes_just_before_the_deadline() -> None:
    made = [Song(0.0, math.inf) for _ in range(50)]
    queue = play(made, 20, until=400, timeout=300.0, seed=1)
    assert not len(queue)
    for song in made:
        assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(song.polls))
    in_time = [song for song in made if song.polls and song.polls[-1] > 298]
    assert 3 <= len(in_time) <= 6  # as many as the rate limit allows; no wait goes on for more


def test_a_removed_waiter_is_not_polled() -> None:
    queue = ReadyQueue(Expectation())
    waiting = [queue.add(Wait(music(name), BEGIN, BEGIN + 100), BEGIN) for name in "abc"]
    assert queue.has_ready(BEGIN)
    queue.remove(waiting[0])
    assert {queue.pop(BEGIN), queue.pop(BEGIN)} == set(waiting[1:])
    assert queue.pop(BEGIN) is None
    queue.retry(waiting[1], BEGIN + 1)
    queue.remove(waiting[1])
    assert queue.pop(BEGIN + 50) is None
    assert queue.waiters == [waiting[2]]


def test_nothing_is_learned_from_a_failed_poll() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    before = list(waiter.curve.cumulative_hazard)
    assert queue.pop(BEGIN + 50) is waiter
    step = waiter.wait.after_poll(SunoUnavailableError("down"), BEGIN + 50, 0.5)
    assert isinstance(step, PollAgain)
    queue.polled(waiter, step, BEGIN + 50)
    waiter.curve.fit()
    assert waiter.curve.cumulative_hazard == before
    assert waiter.polled_age == 0
    assert not queue.has_ready(step.at - 0.1)
    assert queue.has_ready(step.at)


def test_stale_entries_do_not_pile_up() -> None:
    queue = ReadyQueue(Expectation())
    stays = queue.add(Wait(music("stays"), BEGIN, BEGIN + 1000), BEGIN)
    for _ in range(1000):
        queue.remove(queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN))
    assert queue.waiters == [stays]
    assert len(queue._scheduled) + len(queue._deadlines) + len(queue._promises) < 300
    assert queue._promised_rate == pytest.approx(0)


def polled(queue: ReadyQueue, waiter: Waiter, at: float, status: str = "PENDING") -> PollAgain:
    record = MusicTask(music_task_id=waiter.wait.job.id, status=status)
    step = waiter.wait.after_poll(record, at, 0.5, expectation=queue.expectation)
    assert isinstance(step, PollAgain)
    queue.polled(waiter, step, at)
    return step


def test_one_poll_serves_all_who_wait_for_a_job() -> None:
    queue = ReadyQueue(Expectation())
    first, second = (queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, until=until), BEGIN) for until in ("all", "first"))
    assert queue.pop(BEGIN) in (first, second)
    assert queue.pop(BEGIN + 10) is None
    late = queue.add(Wait(music("m"), BEGIN + 10, BEGIN + 1000), BEGIN + 10)
    assert not queue.has_ready(BEGIN + 11)  # the poll in flight serves it, too
    assert set(queue.waiters_for(music("m"))) == {first, second, late}
    for waiter in queue.waiters_for(music("m")):
        polled(queue, waiter, BEGIN + 12)
    newcomer = queue.add(Wait(music("m"), BEGIN + 12, BEGIN + 1000), BEGIN + 12)
    assert queue.has_ready(BEGIN + 12)  # 12 s after the last poll was sent
    assert queue.pop(BEGIN + 12) is newcomer
    for waiter in queue.waiters_for(music("m")):
        polled(queue, waiter, BEGIN + 12.1)
    queue.add(Wait(music("m"), BEGIN + 12.5, BEGIN + 1000), BEGIN + 12.5)
    assert not queue.has_ready(BEGIN + 13.9)
    assert queue.has_ready(BEGIN + 14)
    assert queue.waiters_for(music("another")) == []


def test_two_polls_of_a_job_are_two_seconds_apart_whatever_the_second_is_for() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 100, poll_interval=0.1), BEGIN)
    assert queue.pop(BEGIN) is waiter
    polled(queue, waiter, BEGIN + 0.1)
    assert not queue.has_ready(BEGIN + 1.9)
    assert queue.pop(BEGIN + 97.5) is waiter
    queue.retry(waiter, BEGIN + 97.6)
    assert not queue.check_deadlines(BEGIN + 98)  # else its last poll would be due
    assert not queue.has_ready(BEGIN + 99.4)
    assert queue.has_ready(BEGIN + 99.6)


@pytest.mark.parametrize("set_back", [0.0, 3600.0])
def test_two_polls_of_a_job_are_two_seconds_apart_also_when_its_waiter_is_replaced(set_back: float) -> None:
    queue = ReadyQueue(Expectation())
    queue.remove(queue.add(Wait(music("m"), BEGIN, BEGIN + 100), BEGIN))
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 100), BEGIN)
    assert queue.pop(BEGIN) is waiter
    queue.remove(waiter)
    queue.clock_was_set_back(set_back)
    came_at = BEGIN + 1 - set_back
    queue.add(Wait(music("m"), came_at, came_at + 100), came_at)
    assert not queue.has_ready(came_at + 0.9)
    assert queue.has_ready(came_at + 1)


def test_polls_are_remembered_for_two_seconds_only() -> None:
    queue = ReadyQueue(Expectation())
    for second in range(100):
        waiter = queue.add(Wait(music(f"m{second}"), BEGIN, BEGIN + 1000), BEGIN + second)
        assert queue.pop(BEGIN + second) is waiter
        queue.remove(waiter)
    assert list(queue._recent_polls) == [music("m98"), music("m99")]


def test_the_last_poll_comes_two_seconds_after_the_one_before() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 100, submitted_at=BEGIN - 600), BEGIN)
    assert queue.pop(BEGIN + 97) is waiter
    polled(queue, waiter, BEGIN + 97.1)
    assert queue.check_deadlines(BEGIN + 98) == []
    assert queue.pop(BEGIN + 98.9) is None
    assert queue.check_deadlines(BEGIN + 99) == []
    assert queue.pop(BEGIN + 99) is waiter
    assert queue.check_deadlines(BEGIN + 100) == [waiter]


def test_a_poll_interval_is_kept_after_a_poll_without_information() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN)
    for number in range(100):
        queue.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000, submitted_at=BEGIN - 100), BEGIN)
    assert queue.pop(BEGIN, 10) is waiter
    queue.retry(waiter, BEGIN + 0.1)
    assert queue.pop(BEGIN + 2.2, 10) is waiter


@pytest.mark.parametrize("others", [60, 300])
def test_a_poll_interval_is_kept_while_the_rate_limit_suffices(others: int) -> None:
    """However many others there are without one, and however likely they are to be finished."""
    gaps, _ = promised_gaps(others, 100, promised=1)
    assert max(gaps) <= 5.5
    assert sum(gap > 4.9 for gap in gaps) > len(gaps) / 2


def test_a_long_poll_interval_leaves_polls_for_the_others() -> None:
    gaps, share_of_others = promised_gaps(100, 100, promised=100, interval=60.0, age=60.0)
    assert max(gaps) <= 61
    assert share_of_others > 0.4


def test_poll_intervals_beyond_the_rate_limit_leave_polls_for_the_others() -> None:
    gaps, share_of_others = promised_gaps(100, 20, promised=100)
    assert max(gaps) > 20
    assert share_of_others > 0.4


def test_poll_intervals_of_one_job_count_once() -> None:
    queue = ReadyQueue(Expectation())
    same = [queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=gap), BEGIN) for gap in (5, 4, 10)]
    assert queue._promised_rate == pytest.approx(1 / 4)
    queue.remove(same[1])
    assert queue._promised_rate == pytest.approx(1 / 5)


def promised_gaps(
    others: int, limit: int, *, promised: int, interval: float = 5.0, age: float = 600.0
) -> tuple[list[float], float]:
    """
    Poll some jobs with an interval, among others without one that are likely to be finished.

    Return the gaps between polls of one of the former, and the share of polls of the others.
    """
    queue, rate_limit = ReadyQueue(Expectation()), RateLimit(limit)
    with_interval = [
        queue.add(
            Wait(music(f"p{number}"), BEGIN, BEGIN + 1e4, submitted_at=BEGIN - age, poll_interval=interval), BEGIN
        )
        for number in range(promised)
    ]
    for number in range(others):
        queue.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1e4, submitted_at=BEGIN - 60 - number / 10), BEGIN)
    at, now, polls_of_others, polls = [], 0.0, 0, 0
    while now < 120:
        while rate_limit.ready_at(now) <= now and (waiter := queue.pop(BEGIN + now, rate_limit.allowed / WINDOW)):
            rate_limit.sent(now)
            rate_limit.answered(now)
            polls += 1
            polls_of_others += waiter not in with_interval
            if waiter is with_interval[0]:
                at.append(now)
            polled(queue, waiter, BEGIN + now)
        now += 0.05
    assert len(queue._promises) <= 2 * (promised + others) + 65
    return [later - earlier for earlier, later in itertools.pairwise(at)], polls_of_others / polls


def test_last_polls_before_deadlines_do_not_starve_the_others() -> None:
    queue, rate_limit = ReadyQueue(Expectation()), RateLimit(100)
    patient = [queue.add(Wait(music(f"p{number}"), BEGIN, BEGIN + 1e4), BEGIN) for number in range(10)]
    now, seen, number = 0.0, set(), 0
    while now < 100:
        for _ in range(2):  # 20 in a second, of which 10 can be polled
            number += 1
            queue.add(Wait(music(f"m{number}"), BEGIN + now, BEGIN + now + 2.5), BEGIN + now)
        for waiter in queue.check_deadlines(BEGIN + now):
            queue.remove(waiter)
        while rate_limit.ready_at(now) <= now and (waiter := queue.pop(BEGIN + now)):
            rate_limit.sent(now)
            rate_limit.answered(now)
            if now > 20 and waiter in patient:
                seen.add(waiter)
            polled(queue, waiter, BEGIN + now)
        now += 0.1
    assert len(seen) == len(patient)


def test_a_wait_that_arrives_after_its_deadline_has_a_second_for_one_poll() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN + 500, BEGIN, submitted_at=BEGIN - 1200), BEGIN + 500)
    assert queue.check_deadlines(BEGIN + 500) == []
    assert queue.pop(BEGIN + 500) is waiter
    assert queue.check_deadlines(BEGIN + 500.9) == []
    assert queue.check_deadlines(BEGIN + 501) == [waiter]


def test_all_due_waiters_can_be_popped_at_once() -> None:
    queue = ReadyQueue(Expectation())
    waiting = [queue.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000), BEGIN) for number in range(5)]
    queue.add(Wait(music("later"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    assert set(queue.pop_all(BEGIN + 1)) == set(waiting)
    assert queue.pop(BEGIN + 1) is None


def test_a_clock_set_back_delays_no_poll() -> None:
    queue = ReadyQueue(Expectation())
    old = queue.add(Wait(music("old"), BEGIN, BEGIN + 1e5, submitted_at=BEGIN), BEGIN)
    assert queue.pop(BEGIN + 100) is old
    polled(queue, old, BEGIN + 100)
    queue.clock_was_set_back(3600)
    assert queue.has_ready(BEGIN + 145 - 3600)
    assert old.polled_age == 0


def test_the_last_waiter_leaves_an_empty_queue() -> None:
    queue = ReadyQueue(Expectation())
    waiting = [
        queue.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN) for number in range(100)
    ]
    for waiter in waiting:
        queue.remove(waiter)
    assert queue.next_change_at() == math.inf
    assert [*queue._scheduled, *queue._promises, *queue._deadlines, *queue._by_job] == []


def test_a_poll_without_information_is_repeated_after_two_seconds() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert queue.pop(BEGIN) is waiter
    queue.retry(waiter, BEGIN + 0.1)
    assert not queue.has_ready(BEGIN + 2)
    assert queue.pop(BEGIN + 2.1) is waiter


def test_a_poll_is_due_when_the_learned_curve_says_so() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    assert queue.pop(BEGIN + 70) is waiter
    learning = queue.expectation.curve(MUSIC, "all", age_is_known=True, status="PENDING")
    for _ in range(200):
        learning.learn(75, 80, ended=True)
    queue.expectation.fit(BEGIN + 70)
    by_the_prior = waiter.wait.after_poll(MusicTask(music_task_id="m", status="PENDING"), BEGIN + 70, 0.5)
    learned = polled(queue, waiter, BEGIN + 70)
    assert isinstance(by_the_prior, PollAgain)
    assert learned.at < by_the_prior.at - 5
    assert not queue.has_ready(learned.at - 0.1)
    assert queue.has_ready(learned.at)


def failed(queue: ReadyQueue, waiter: Waiter, at: float) -> PollAgain:
    step = waiter.wait.after_poll(SunoUnavailableError("down"), at, 0.5)
    assert isinstance(step, PollAgain)
    queue.polled(waiter, step, at)
    return step


def test_waits_whose_last_poll_failed_have_a_queue_of_their_own() -> None:
    queue = ReadyQueue(Expectation())
    first, second = (queue.add(Wait(music(name), BEGIN, BEGIN + 1000), BEGIN) for name in ("first", "second"))
    assert {queue.pop(BEGIN), queue.pop(BEGIN)} == {first, second}
    assert not queue.all_fail
    for waiter in (first, second):
        step = failed(queue, waiter, BEGIN + 1)
    assert queue.all_fail
    now = step.at + 1
    others = [queue.add(Wait(music(f"m{number}"), now, now + 1000), now) for number in range(8)]
    assert not queue.all_fail
    popped = [queue.pop(now) for _ in range(10)]
    assert set(popped) == {first, second, *others}
    assert popped[:2] != [first, second]
    assert {first, second} < set(popped[:6])  # every third poll
    assert queue.pop(now) is None
    for waiter in (first, second):
        failed(queue, waiter, now)
    later = now + 100
    assert queue.has_ready(later)
    assert not queue.has_ready(later, failing=False)
    assert queue.pop(later, failing=False) is None
    queue.remove(second)
    assert queue.pop(later) is first
    polled(queue, first, later)
    for waiter in others:
        queue.remove(waiter)
    assert not queue.all_fail
    assert queue.has_ready(later + 60, failing=False)


def test_the_last_poll_before_a_deadline_goes_first_among_those_that_fail() -> None:
    queue = ReadyQueue(Expectation())
    names = ("a", "b", "soon")
    a, b, soon = (
        queue.add(Wait(music(name), BEGIN, BEGIN + (100 if name == "soon" else 1000)), BEGIN) for name in names
    )
    for waiter in (a, b, soon):
        assert queue.pop(BEGIN) is not None
        failed(queue, waiter, BEGIN + 1)
    queue.has_ready(BEGIN + 98)
    assert queue.check_deadlines(BEGIN + 98) == []
    assert queue.pop(BEGIN + 98) is soon
    assert {queue.pop(BEGIN + 98), queue.pop(BEGIN + 98)} == {a, b}


def test_a_wait_that_arrives_failing_is_known_as_such() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000, failed_polls=2), BEGIN)
    assert queue.all_fail
    assert not queue.has_ready(BEGIN, failing=False)
    assert queue.pop_all(BEGIN) == [waiter]
    assert not queue.has_ready(BEGIN)


def test_a_poll_for_a_removed_waiter_leaves_no_waiter_in_two_queues() -> None:
    queue = ReadyQueue(Expectation())
    gone = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert queue.pop(BEGIN) is gone
    queue.remove(gone)
    waiter = queue.add(Wait(music("m"), BEGIN + 3, BEGIN + 1000), BEGIN + 3)
    assert queue.has_ready(BEGIN + 3)
    step = failed(queue, waiter, BEGIN + 4)
    assert not queue.has_ready(BEGIN + 4)
    assert not queue.has_ready(step.at, failing=False)
    assert queue.pop_all(step.at) == [waiter]


def test_after_one_failed_poll_a_wait_goes_before_those_that_always_fail() -> None:
    queue = ReadyQueue(Expectation())
    always = [queue.add(Wait(music(f"m{n}"), BEGIN, BEGIN + 1000, failed_polls=5), BEGIN) for n in range(9)]
    stray = queue.add(Wait(music("stray"), BEGIN, BEGIN + 1000, failed_polls=1), BEGIN)
    assert queue.pop(BEGIN) is stray
    assert {queue.pop(BEGIN) for _ in always} == set(always)


def test_a_rescheduled_poll_comes_at_the_later_time() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert queue.pop(BEGIN) is waiter
    queue.retry(waiter, BEGIN + 1)
    queue.retry(waiter, BEGIN + 2)
    assert not queue.has_ready(BEGIN + 3)
    assert queue.pop(BEGIN + 4) is waiter
