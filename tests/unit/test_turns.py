"""Who is looked at next, in virtual time: where an end is likeliest, nobody too often, nobody never."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from airflow_provider_suno.api.budget import WINDOW, Budget
from airflow_provider_suno.api.expectation import Curve, Expectation
from airflow_provider_suno.api.models import MusicTask
from airflow_provider_suno.api.polling import LookAgain, Wait
from airflow_provider_suno.api.turns import Turn, Turns
from airflow_provider_suno.exceptions import SunoUnavailableError

BEGIN = 1_767_225_600.0
LATENCY = 0.1
SHORTEST, LONGEST = 60.0, 180.0


@dataclass
class Song:
    begins: float
    lasts: float
    looks: list[float] = field(default_factory=list)
    found: float = math.nan


def songs(count: int, gap: float, *, lasts: Callable[[random.Random], float] | None = None) -> list[Song]:
    chance = random.Random(count)
    lasts = lasts or (lambda chance: chance.uniform(SHORTEST, LONGEST))
    begins = 0.0
    made = []
    for _ in range(count):
        begins += chance.expovariate(1 / gap) if gap else 0.0
        made.append(Song(begins, lasts(chance)))
    return made


def play(made: Sequence[Song], limit: int, *, until: float, age_is_known: bool = True, **options: float) -> Turns:
    """Look at them as the poller does, over a network with a delay, until all are found or the time is over."""
    turns, budget = Turns(Expectation()), Budget(limit)
    coming = sorted(range(len(made)), key=lambda number: made[number].begins, reverse=True)
    of: dict[Turn, Song] = {}
    flying: list[tuple[float, int, Turn]] = []
    chance = random.Random(0)
    now, flights = 0.0, 0
    while now < until and (coming or len(turns)):
        while coming and made[coming[-1]].begins <= now:
            song = made[coming.pop()]
            begun = BEGIN + now
            submitted_at = begun if age_is_known else None
            wait = Wait("m", begun, begun + options.get("timeout", 7200.0), submitted_at=submitted_at)
            of[turns.add(wait)] = song
        for turn in turns.past_deadline(BEGIN + now):
            turns.remove(turn)
        while flying and flying[0][0] <= now:
            turn = heapq.heappop(flying)[2]
            budget.answered(now)
            if turn not in turns:
                continue
            song = of[turn]
            if now - LATENCY / 2 >= song.begins + song.lasts:
                song.found = now
                turns.ended(turn, BEGIN + now)
                continue
            step = turn.wait.after_look(MusicTask(music_task_id="m", status="PENDING"), BEGIN + now, chance.random())
            assert isinstance(step, LookAgain)
            turns.looked(turn, step, BEGIN + now)
        while budget.in_flight < 8 and budget.ready_at(now) <= now and (next_turn := turns.next(BEGIN + now)):
            budget.sent(now)
            of[next_turn].looks.append(now)
            flights += 1
            heapq.heappush(flying, (now + LATENCY, flights, next_turn))
        changes = [turns.next_change_at() - BEGIN, flying[0][0] if flying else math.inf]
        changes += [made[coming[-1]].begins] if coming else []
        changes += [budget.ready_at(now)] if turns.has_turn(BEGIN + now) and budget.in_flight < 8 else []
        now = max(now + 1e-3, min(changes))
    return turns


def mean_delay(made: Sequence[Song]) -> float:
    return sum(song.found - song.begins - song.lasts for song in made) / len(made)


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
        assert song.looks[0] - song.begins >= 15
        assert all(later - earlier >= 2 for earlier, later in zip(song.looks, song.looks[1:], strict=False))
        assert 5 < len(song.looks) < 90


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


def test_the_first_track_tells_that_the_others_are_near() -> None:
    turns = Turns(Expectation())
    near, far = (turns.add(Wait(name, BEGIN, BEGIN + 1000, submitted_at=BEGIN)) for name in ("near", "far"))
    for turn, status in ((near, "FIRST_SUCCESS"), (far, "TEXT_SUCCESS")):
        step = turn.wait.after_look(MusicTask(music_task_id=turn.wait.music_task_id, status=status), BEGIN + 60, 0.5)
        assert isinstance(step, LookAgain)
        turns.looked(turn, step, BEGIN + 60)
    assert near.chance(BEGIN + 80) > far.chance(BEGIN + 80) > 0


def test_a_deadline_has_a_last_look_before_it() -> None:
    made = [Song(0.0, math.inf) for _ in range(50)]
    turns = play(made, 20, until=400, timeout=300.0)
    assert not len(turns)
    for song in made:
        assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(song.looks))
    in_time = [song for song in made if song.looks and song.looks[-1] > 298]
    assert 3 <= len(in_time) <= 6  # as many as the budget allows; nobody waits for more


def test_who_has_gone_has_no_turn() -> None:
    turns = Turns(Expectation())
    waiting = [turns.add(Wait("m", BEGIN, BEGIN + 100)) for _ in range(3)]
    assert turns.has_turn(BEGIN)
    turns.remove(waiting[0])
    assert {turns.next(BEGIN), turns.next(BEGIN)} == set(waiting[1:])
    assert turns.next(BEGIN) is None
    turns.again(waiting[1], BEGIN + 1)
    turns.remove(waiting[1])
    assert turns.next(BEGIN + 50) is None
    assert list(turns.waiting) == [waiting[2]]


def test_a_look_that_failed_says_nothing_of_the_song() -> None:
    turns = Turns(Expectation())
    turn = turns.add(Wait("m", BEGIN, BEGIN + 1000, submitted_at=BEGIN))
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
    for _ in range(1000):
        turns.remove(turns.add(Wait("m", BEGIN, BEGIN + 1000)))
    assert not len(turns)
    assert len(turns._later) + len(turns._deadlines) < 300
