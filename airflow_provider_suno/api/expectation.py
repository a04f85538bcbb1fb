"""When music is likely to be finished: how much a look is worth, by the age of the music task and its status."""

from __future__ import annotations

from bisect import bisect_right

from airflow_provider_suno.api.statuses import MusicStatus, Until

# Age in seconds, and the hazard of being finished that has piled up by then: the chance to be finished by an age, if it
# was not by an earlier one, is 1 - exp(-the difference). Most music takes one to three minutes.
_PILED_UP: dict[Until, tuple[tuple[float, float], ...]] = {
    "all": ((0, 0), (20, 0.02), (45, 0.1), (70, 0.45), (100, 1.1), (180, 3.5), (300, 6.0), (600, 7.5), (1200, 8.5)),
    "first": ((0, 0), (15, 0.02), (25, 0.15), (40, 0.6), (90, 2.5), (150, 4.0), (300, 5.5), (600, 6.5), (1200, 7.5)),
}
_NEARLY_THERE = 2.0
"""How much likelier all tracks are soon once the first one is there."""

_WORTH_A_LOOK = 0.02


def piled_up(until: Until, age: float) -> float:
    """
    Return the hazard that has piled up at an age.

    :param until: what is waited for.
    :param age: seconds since the submission.
    """
    knots = _PILED_UP[until]
    at = min(max(1, bisect_right(knots, (age,))), len(knots) - 1)
    (left, low), (right, high) = knots[at - 1], knots[at]
    return low + (high - low) * (max(0.0, age) - left) / (right - left)


def worth_of_a_look(until: Until, status: str | None, *, looked_at_age: float, age: float) -> float:
    """
    Return the hazard since the last look: a look is the likelier to find the end, the larger it is.

    :param until: what is waited for.
    :param status: the status last seen.
    :param looked_at_age: how old the music task was then; 0 if nobody has looked.
    :param age: how old it is.
    """
    worth = piled_up(until, age) - piled_up(until, looked_at_age)
    return worth * _NEARLY_THERE if until == "all" and status == MusicStatus.FIRST_SUCCESS else worth


def gap_worth_a_look(until: Until, age: float) -> float:
    """
    Return the seconds after which a look is worth a request, if there is one to spare.

    :param until: what is waited for.
    :param age: how old the music task is.
    """
    per_second = (piled_up(until, age + 1) - piled_up(until, age)) or _WORTH_A_LOOK
    return _WORTH_A_LOOK / per_second
