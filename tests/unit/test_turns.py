"""Who is looked at next, in virtual time: where an end is likeliest, nobody too often, nobody never."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import SunoUnavailableError
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.rate_limit import WINDOW, Budget
from airflow_provider_suno.polling.ready_queue import Turn, Turns
from airflow_provider_suno.polling.wait import LookAgain, Wait
from tests.support.jobs import MUSIC, music
from tests.support.virtual_poller import BEGIN, LONGEST, SHORTEST, Song, mean_delay, play, songs


def simulated(made: Sequence[Song], limit: int, worth: Callable[[float, float], float]) -> float:
    """Return the mean delay of who goes by the given worth of a look, with no delay on the network."""
    waiting: list[Song] = []
    seen: dict[int, float] = {}
    looked: dict[int, float] = {}
    coming = sorted(made, key=lambda song: song.begins, reverse=True)
    now, late = 0.0, 0.0
    while coming or waiting:
        while coming and coming[-1].begins <= now:
            waiting.append(coming.pop())
        due = [song for song in waiting if now - looked.get(id(song), -2.0) >= 2.0]
        best = max(due, key=lambda song: worth(seen.get(id(song), 0.0), now - song.begins), default=None)
        if best is not None and worth(seen.get(id(best), 0.0), now - best.begins) > 0:
            looked[id(best)], seen[id(best)] = now, now - best.begins
            if seen[id(best)] >= best.lasts:
                waiting.remove(best)
                late += seen[id(best)] - best.lasts
        now += WINDOW / limit
    return late / len(made)


def likeliest(seen: float, age: float) -> float:
    """Return the chance of an end since the last look, knowing how long songs take."""
    done, before = ((min(max(at, SHORTEST), LONGEST) - SHORTEST) / (LONGEST - SHORTEST) for at in (age, seen))
    return (done - before) / (1 - before) if before < 1 else 1.0


def blind(seen: float, age: float) -> float:
    """Return how long nobody has looked."""
    return age - seen


@pytest.mark.parametrize("age_is_known", [True, False])
@pytest.mark.parametrize(("load", "better_than_blind"), [(0.2, 0.75), (0.5, 0.6), (0.8, 0.75)])
def test_steady_arrivals_are_found_about_as_soon_as_can_be(
    load: float, better_than_blind: float, age_is_known: bool
) -> None:
    limit = 20
    made = songs(400, WINDOW / limit / load)
    play(made, limit, until=1e5, age_is_known=age_is_known)
    assert mean_delay(made) <= 1.3 * simulated(made, limit, likeliest)
    assert mean_delay(made) <= better_than_blind * simulated(made, limit, blind)


@pytest.mark.parametrize("age_is_known", [True, False])
@pytest.mark.parametrize("count", [200, 1000])
def test_bursts_are_found_about_as_soon_as_can_be(count: int, age_is_known: bool) -> None:
    made = songs(count, 0)
    play(made, 20, until=1e5, age_is_known=age_is_known)
    assert mean_delay(made) <= 1.1 * simulated(made, 20, likeliest)


def test_nobody_is_looked_at_twice_in_two_seconds_or_before_anything_can_be_there() -> None:
    made = songs(20, 5.0)
    play(made, 1000, until=1e5)
    for song in made:
        assert song.looks[0] - song.begins > 19.99
        assert all(later - earlier >= 2 for earlier, later in zip(song.looks, song.looks[1:], strict=False))
        assert 1 < len(song.looks) < 20


def test_nobody_is_forgotten() -> None:
    """Songs that never end are looked at every ten rounds at the latest, however many others there are."""
    made = songs(3000, 0.5)  # as many as there are reads, for 1500 s
    stuck = [Song(0.0, math.inf) for _ in range(20)]
    play([*stuck, *made], 20, until=1500)
    for song in stuck:
        assert max(later - earlier for earlier, later in itertools.pairwise([*song.looks, 1500])) < 700


def test_learning_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    def delay() -> float:
        made = songs(400, WINDOW / 20 / 0.8)
        play(made, 20, until=1e5)
        return mean_delay(made)

    learning = delay()
    monkeypatch.setattr(Curve, "saw", lambda *_, **__: None)
    assert learning < 0.9 * delay()


def test_it_learns_also_while_the_budget_suffices() -> None:
    """Each song stands in line alone, so that there is never a choice."""
    turns = play([Song(300.0 * number, 60.0) for number in range(60)], 100, until=1e5)
    learnt, guessed = (
        some.expectation.of(MUSIC, "all", age_is_known=True, status="PENDING") for some in (turns, Turns(Expectation()))
    )
    assert learnt.between(50, 70) > 2 * guessed.between(50, 70)


def test_the_first_track_tells_that_the_others_are_near() -> None:
    turns = Turns(Expectation())
    near, far = (
        turns.add(Wait(music(name), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN) for name in ("near", "far")
    )
    for turn, status in ((near, "FIRST_SUCCESS"), (far, "TEXT_SUCCESS")):
        step = turn.wait.after_look(MusicTask(music_task_id=turn.wait.job.id, status=status), BEGIN + 60, 0.5)
        assert isinstance(step, LookAgain)
        turns.looked(turn, step, BEGIN + 60)
    assert near.chance(BEGIN + 80) > far.chance(BEGIN + 80) > 0


def test_a_deadline_has_a_last_look_before_it() -> None:
    made = [Song(0.0, math.inf) for _ in range(50)]
    turns = play(made, 20, until=400, timeout=300.0, seed=1)
    assert not len(turns)
    for song in made:
        assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(song.looks))
    in_time = [song for song in made if song.looks and song.looks[-1] > 298]
    assert 3 <= len(in_time) <= 6  # as many as the budget allows; nobody waits for more


def test_who_has_gone_has_no_turn() -> None:
    turns = Turns(Expectation())
    waiting = [turns.add(Wait(music(name), BEGIN, BEGIN + 100), BEGIN) for name in "abc"]
    assert turns.has_turn(BEGIN)
    turns.remove(waiting[0])
    assert {turns.next(BEGIN), turns.next(BEGIN)} == set(waiting[1:])
    assert turns.next(BEGIN) is None
    turns.again(waiting[1], BEGIN + 1)
    turns.remove(waiting[1])
    assert turns.next(BEGIN + 50) is None
    assert turns.waiting == [waiting[2]]


def test_a_look_that_failed_says_nothing_of_the_song() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    before = list(turn.curve.piled_up)
    assert turns.next(BEGIN + 50) is turn
    step = turn.wait.after_look(SunoUnavailableError("down"), BEGIN + 50, 0.5)
    assert isinstance(step, LookAgain)
    turns.looked(turn, step, BEGIN + 50)
    turn.curve.fit()
    assert turn.curve.piled_up == before
    assert turn.seen_age == 0
    assert not turns.has_turn(step.at - 0.1)
    assert turns.has_turn(step.at)


def test_many_come_and_go_without_leaving_anything_behind() -> None:
    turns = Turns(Expectation())
    stays = turns.add(Wait(music("stays"), BEGIN, BEGIN + 1000), BEGIN)
    for _ in range(1000):
        turns.remove(turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN))
    assert turns.waiting == [stays]
    assert len(turns._later) + len(turns._deadlines) + len(turns._promises) < 300
    assert turns._promised == pytest.approx(0)


def looked(turns: Turns, turn: Turn, at: float, status: str = "PENDING") -> LookAgain:
    record = MusicTask(music_task_id=turn.wait.job.id, status=status)
    step = turn.wait.after_look(record, at, 0.5, expectation=turns.expectation)
    assert isinstance(step, LookAgain)
    turns.looked(turn, step, at)
    return step


def test_one_look_serves_all_who_wait_for_a_music_task() -> None:
    turns = Turns(Expectation())
    first, second = (turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, until=until), BEGIN) for until in ("all", "first"))
    assert turns.next(BEGIN) in (first, second)
    assert turns.next(BEGIN + 10) is None
    late = turns.add(Wait(music("m"), BEGIN + 10, BEGIN + 1000), BEGIN + 10)
    assert not turns.has_turn(BEGIN + 11)  # the look that is on its way serves it, too
    assert set(turns.waiting_for(music("m"))) == {first, second, late}
    for turn in turns.waiting_for(music("m")):
        looked(turns, turn, BEGIN + 12)
    newcomer = turns.add(Wait(music("m"), BEGIN + 12, BEGIN + 1000), BEGIN + 12)
    assert turns.has_turn(BEGIN + 12)  # 12 s after the last look began
    assert turns.next(BEGIN + 12) is newcomer
    for turn in turns.waiting_for(music("m")):
        looked(turns, turn, BEGIN + 12.1)
    turns.add(Wait(music("m"), BEGIN + 12.5, BEGIN + 1000), BEGIN + 12.5)
    assert not turns.has_turn(BEGIN + 13.9)
    assert turns.has_turn(BEGIN + 14)
    assert turns.waiting_for(music("another")) == []


def test_two_seconds_lie_between_two_looks_whoever_asks_for_the_second() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 100, poll_interval=0.1), BEGIN)
    assert turns.next(BEGIN) is turn
    looked(turns, turn, BEGIN + 0.1)
    assert not turns.has_turn(BEGIN + 1.9)
    assert turns.next(BEGIN + 97.5) is turn
    turns.again(turn, BEGIN + 97.6)
    assert not turns.past_deadline(BEGIN + 98)  # it would be owed its last look by now
    assert not turns.has_turn(BEGIN + 99.4)
    assert turns.has_turn(BEGIN + 99.6)


@pytest.mark.parametrize("set_back", [0.0, 3600.0])
def test_two_seconds_lie_between_two_looks_also_when_nobody_waits_in_between(set_back: float) -> None:
    turns = Turns(Expectation())
    turns.remove(turns.add(Wait(music("m"), BEGIN, BEGIN + 100), BEGIN))
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 100), BEGIN)
    assert turns.next(BEGIN) is turn
    turns.remove(turn)
    turns.set_back(set_back)
    came_at = BEGIN + 1 - set_back
    turns.add(Wait(music("m"), came_at, came_at + 100), came_at)
    assert not turns.has_turn(came_at + 0.9)
    assert turns.has_turn(came_at + 1)


def test_looks_are_remembered_for_two_seconds_only() -> None:
    turns = Turns(Expectation())
    for second in range(100):
        turn = turns.add(Wait(music(f"m{second}"), BEGIN, BEGIN + 1000), BEGIN + second)
        assert turns.next(BEGIN + second) is turn
        turns.remove(turn)
    assert list(turns._just_asked) == [music("m98"), music("m99")]


def test_a_last_look_comes_two_seconds_after_the_one_before() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 100, submitted_at=BEGIN - 600), BEGIN)
    assert turns.next(BEGIN + 97) is turn
    looked(turns, turn, BEGIN + 97.1)
    assert turns.past_deadline(BEGIN + 98) == []
    assert turns.next(BEGIN + 98.9) is None
    assert turns.past_deadline(BEGIN + 99) == []
    assert turns.next(BEGIN + 99) is turn
    assert turns.past_deadline(BEGIN + 100) == [turn]


def test_a_promise_is_kept_after_a_look_that_told_nothing() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN)
    for number in range(100):
        turns.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000, submitted_at=BEGIN - 100), BEGIN)
    assert turns.next(BEGIN, 10) is turn
    turns.again(turn, BEGIN + 0.1)
    assert turns.next(BEGIN + 2.2, 10) is turn


@pytest.mark.parametrize("others", [60, 300])
def test_a_poll_interval_is_kept_while_the_budget_suffices(others: int) -> None:
    """However many others there are that may be looked at more seldom, and however likely their ends are."""
    gaps, _ = promised_gaps(others, 100, promised=1)
    assert max(gaps) <= 5.5
    assert sum(gap > 4.9 for gap in gaps) > len(gaps) / 2


def test_a_long_poll_interval_takes_nothing_from_the_others() -> None:
    gaps, share_of_others = promised_gaps(100, 100, promised=100, interval=60.0, age=60.0)
    assert max(gaps) <= 61
    assert share_of_others > 0.4


def test_poll_intervals_that_ask_for_more_than_there_is_take_nothing_from_the_others() -> None:
    gaps, share_of_others = promised_gaps(100, 20, promised=100)
    assert max(gaps) > 20
    assert share_of_others > 0.4


def test_those_who_wait_for_the_same_music_task_are_promised_the_same_looks() -> None:
    turns = Turns(Expectation())
    same = [turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, poll_interval=gap), BEGIN) for gap in (5, 4, 10)]
    assert turns._promised == pytest.approx(1 / 4)
    turns.remove(same[1])
    assert turns._promised == pytest.approx(1 / 5)


def promised_gaps(
    others: int, limit: int, *, promised: int, interval: float = 5.0, age: float = 600.0
) -> tuple[list[float], float]:
    """
    Look at some that have an interval among others, in their prime, that have none.

    Return the gaps between looks at one of the former, and the share of looks that went to the others.
    """
    turns, budget = Turns(Expectation()), Budget(limit)
    those = [
        turns.add(
            Wait(music(f"p{number}"), BEGIN, BEGIN + 1e4, submitted_at=BEGIN - age, poll_interval=interval), BEGIN
        )
        for number in range(promised)
    ]
    for number in range(others):
        turns.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1e4, submitted_at=BEGIN - 60 - number / 10), BEGIN)
    at, now, looks_at_others, looks = [], 0.0, 0, 0
    while now < 120:
        while budget.ready_at(now) <= now and (turn := turns.next(BEGIN + now, budget.allowed / WINDOW)):
            budget.sent(now)
            budget.answered(now)
            looks += 1
            looks_at_others += turn not in those
            if turn is those[0]:
                at.append(now)
            looked(turns, turn, BEGIN + now)
        now += 0.05
    assert len(turns._promises) <= 2 * (promised + others) + 65
    return [later - earlier for earlier, later in itertools.pairwise(at)], looks_at_others / looks


def test_last_looks_before_deadlines_do_not_starve_the_others() -> None:
    turns, budget = Turns(Expectation()), Budget(100)
    patient = [turns.add(Wait(music(f"p{number}"), BEGIN, BEGIN + 1e4), BEGIN) for number in range(10)]
    now, seen, number = 0.0, set(), 0
    while now < 100:
        for _ in range(2):  # 20 in a second, of 10 that can be looked at
            number += 1
            turns.add(Wait(music(f"m{number}"), BEGIN + now, BEGIN + now + 2.5), BEGIN + now)
        for turn in turns.past_deadline(BEGIN + now):
            turns.remove(turn)
        while budget.ready_at(now) <= now and (turn := turns.next(BEGIN + now)):
            budget.sent(now)
            budget.answered(now)
            if now > 20 and turn in patient:
                seen.add(turn)
            looked(turns, turn, BEGIN + now)
        now += 0.1
    assert len(seen) == len(patient)


def test_what_comes_after_its_deadline_has_a_second_for_one_look() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN + 500, BEGIN, submitted_at=BEGIN - 1200), BEGIN + 500)
    assert turns.past_deadline(BEGIN + 500) == []
    assert turns.next(BEGIN + 500) is turn
    assert turns.past_deadline(BEGIN + 500.9) == []
    assert turns.past_deadline(BEGIN + 501) == [turn]


def test_all_in_line_can_be_taken_at_once() -> None:
    turns = Turns(Expectation())
    waiting = [turns.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000), BEGIN) for number in range(5)]
    turns.add(Wait(music("later"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    assert set(turns.take_all(BEGIN + 1)) == set(waiting)
    assert turns.next(BEGIN + 1) is None


def test_a_clock_set_back_leaves_nobody_behind_newcomers() -> None:
    turns = Turns(Expectation())
    old = turns.add(Wait(music("old"), BEGIN, BEGIN + 1e5, submitted_at=BEGIN), BEGIN)
    assert turns.next(BEGIN + 100) is old
    looked(turns, old, BEGIN + 100)
    turns.set_back(3600)
    assert turns.has_turn(BEGIN + 145 - 3600)
    assert old.seen_age == 0


def test_the_last_to_go_leaves_nothing_behind() -> None:
    turns = Turns(Expectation())
    waiting = [
        turns.add(Wait(music(f"m{number}"), BEGIN, BEGIN + 1000, poll_interval=5), BEGIN) for number in range(100)
    ]
    for turn in waiting:
        turns.remove(turn)
    assert turns.next_change_at() == math.inf
    assert [*turns._later, *turns._promises, *turns._deadlines, *turns._by_job] == []


def test_a_look_that_told_nothing_is_made_again_after_two_seconds() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert turns.next(BEGIN) is turn
    turns.again(turn, BEGIN + 0.1)
    assert not turns.has_turn(BEGIN + 2)
    assert turns.next(BEGIN + 2.1) is turn


def test_a_look_is_due_when_what_was_learned_says_so() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, submitted_at=BEGIN), BEGIN)
    assert turns.next(BEGIN + 70) is turn
    learning = turns.expectation.of(MUSIC, "all", age_is_known=True, status="PENDING")
    for _ in range(200):
        learning.saw(75, 80, ended=True)
    turns.expectation.fit(BEGIN + 70)
    guessed = turn.wait.after_look(MusicTask(music_task_id="m", status="PENDING"), BEGIN + 70, 0.5)
    learned = looked(turns, turn, BEGIN + 70)
    assert isinstance(guessed, LookAgain)
    assert learned.at < guessed.at - 5
    assert not turns.has_turn(learned.at - 0.1)
    assert turns.has_turn(learned.at)


def failed(turns: Turns, turn: Turn, at: float) -> LookAgain:
    step = turn.wait.after_look(SunoUnavailableError("down"), at, 0.5)
    assert isinstance(step, LookAgain)
    turns.looked(turn, step, at)
    return step


def test_those_whose_last_look_failed_stand_in_a_line_of_their_own() -> None:
    turns = Turns(Expectation())
    first, second = (turns.add(Wait(music(name), BEGIN, BEGIN + 1000), BEGIN) for name in ("first", "second"))
    assert {turns.next(BEGIN), turns.next(BEGIN)} == {first, second}
    assert not turns.all_fail
    for turn in (first, second):
        step = failed(turns, turn, BEGIN + 1)
    assert turns.all_fail
    now = step.at + 1
    others = [turns.add(Wait(music(f"m{number}"), now, now + 1000), now) for number in range(8)]
    assert not turns.all_fail
    given = [turns.next(now) for _ in range(10)]
    assert set(given) == {first, second, *others}
    assert given[:2] != [first, second]
    assert {first, second} < set(given[:6])  # each third turn
    assert turns.next(now) is None
    for turn in (first, second):
        failed(turns, turn, now)
    later = now + 100
    assert turns.has_turn(later)
    assert not turns.has_turn(later, failing=False)
    assert turns.next(later, failing=False) is None
    turns.remove(second)
    assert turns.next(later) is first
    looked(turns, first, later)
    for turn in others:
        turns.remove(turn)
    assert not turns.all_fail
    assert turns.has_turn(later + 60, failing=False)


def test_one_whose_last_look_failed_is_owed_a_last_look_before_others_that_fail() -> None:
    turns = Turns(Expectation())
    names = ("a", "b", "soon")
    a, b, soon = (
        turns.add(Wait(music(name), BEGIN, BEGIN + (100 if name == "soon" else 1000)), BEGIN) for name in names
    )
    for turn in (a, b, soon):
        assert turns.next(BEGIN) is not None
        failed(turns, turn, BEGIN + 1)
    turns.has_turn(BEGIN + 98)
    assert turns.past_deadline(BEGIN + 98) == []
    assert turns.next(BEGIN + 98) is soon
    assert {turns.next(BEGIN + 98), turns.next(BEGIN + 98)} == {a, b}


def test_a_wait_that_comes_failing_is_known_as_such() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000, failed_looks=2), BEGIN)
    assert turns.all_fail
    assert not turns.has_turn(BEGIN, failing=False)
    assert turns.take_all(BEGIN) == [turn]
    assert not turns.has_turn(BEGIN)


def test_a_look_begun_for_one_who_has_gone_leaves_nobody_in_two_lines() -> None:
    turns = Turns(Expectation())
    gone = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert turns.next(BEGIN) is gone
    turns.remove(gone)
    turn = turns.add(Wait(music("m"), BEGIN + 3, BEGIN + 1000), BEGIN + 3)
    assert turns.has_turn(BEGIN + 3)
    step = failed(turns, turn, BEGIN + 4)
    assert not turns.has_turn(BEGIN + 4)
    assert not turns.has_turn(step.at, failing=False)
    assert turns.take_all(step.at) == [turn]


def test_one_failed_look_does_not_put_a_wait_behind_those_that_always_fail() -> None:
    turns = Turns(Expectation())
    always = [turns.add(Wait(music(f"m{n}"), BEGIN, BEGIN + 1000, failed_looks=5), BEGIN) for n in range(9)]
    stray = turns.add(Wait(music("stray"), BEGIN, BEGIN + 1000, failed_looks=1), BEGIN)
    assert turns.next(BEGIN) is stray
    assert {turns.next(BEGIN) for _ in always} == set(always)


def test_one_that_was_planned_anew_has_its_turn_at_the_later_time() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait(music("m"), BEGIN, BEGIN + 1000), BEGIN)
    assert turns.next(BEGIN) is turn
    turns.again(turn, BEGIN + 1)
    turns.again(turn, BEGIN + 2)
    assert not turns.has_turn(BEGIN + 3)
    assert turns.next(BEGIN + 4) is turn
