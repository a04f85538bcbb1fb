"""What the notes of a wait say."""

from __future__ import annotations

import pytest

from benchmarks.states import Hold, Note, SongWait


def wait(*notes: tuple[str, float], holds: tuple[tuple[float, float], ...], finished_at: float) -> SongWait:
    return SongWait(finished_at, [Note(state, at) for state, at in notes], [Hold(*hold) for hold in holds])


def test_a_deferred_wait_holds_a_worker_at_its_ends_only() -> None:
    deferred = wait(
        ("scheduled", 0), ("queued", 1), ("running", 2), ("deferred", 3),
        ("scheduled", 90), ("queued", 90.5), ("running", 91), ("success", 92),
        holds=((1.5, 5), (90.75, 92.5)), finished_at=88,
    )  # fmt: skip
    assert deferred.succeeded
    assert deferred.deferred
    assert deferred.queued == 2
    assert deferred.start == 2
    assert deferred.resume == 2
    assert deferred.added == 4
    assert deferred.held == pytest.approx(5.25)
    assert deferred.held_while_deferred == 2


def test_a_wait_in_a_worker_holds_it_throughout() -> None:
    poked = wait(
        ("scheduled", 0), ("queued", 40), ("running", 41), ("success", 90), holds=((40.5, 90.5),), finished_at=30
    )
    assert not poked.deferred
    assert (poked.start, poked.resume, poked.held_while_deferred) == (None, None, 0)
    assert poked.queued == 41
    assert poked.held == 50
    assert poked.added == 60


def test_one_that_failed_did_not_succeed() -> None:
    assert not wait(("scheduled", 0), ("running", 1), ("failed", 2), holds=(), finished_at=1).succeeded
