"""The checks of the kill test find each violation, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reliability.verdict import Song, Verdict, Waited, judge, lost_reply_in

PROMPT = "run submit -1"
SENT = 1_800_000_000.0
KILLS = [(at, at) for at in (SENT - 40, SENT + 1.2, SENT + 70)]
GOOD = Song("submit", PROMPT, "success", "m1", Waited("success", ("a1", "a2")), tries=2)


def made(music_task_id: str = "m1", **changes: Any) -> dict[str, Any]:
    """Return a song as the ledger lists it."""
    return {
        "music_task_id": music_task_id,
        "request": {"prompt": PROMPT},
        "status": "SUCCESS",
        "audio_ids": ["a1", "a2"],
        "charges": 1,
        **changes,
    }


def violations(verdict: Verdict) -> dict[str, int]:
    names = ("unexplained", "overcharged", "lost", "failed", "hung", "false_successes")
    return {name: len(getattr(verdict, name)) for name in names if getattr(verdict, name)}


def test_a_song_that_is_paid_once_and_delivered_passes() -> None:
    verdict = judge([GOOD], {"songs": [made()]})
    assert (verdict.songs, verdict.charges, verdict.tries, verdict.violations) == (1, {1: 1}, 2, [])


def test_a_lost_reply_that_a_person_cleared_may_cost_twice() -> None:
    stopped = replace(GOOD, lost_replies=(SENT,), consents=1)
    verdict = judge([stopped], {"songs": [made("m0"), made()]}, KILLS)
    assert (verdict.charges, verdict.lost_replies, verdict.consents, verdict.violations) == ({2: 1}, 1, 1, [])


@pytest.mark.parametrize("kills", [[], [(SENT - 0.1, SENT - 0.1)], [(SENT + 6, SENT + 9)], [(SENT - 40, SENT - 1)]])
def test_a_lost_reply_without_a_kill_is_unexplained(kills: list[tuple[float, float]]) -> None:
    stopped = replace(GOOD, lost_replies=(SENT,), consents=1)
    assert violations(judge([stopped], {"songs": [made()]}, kills)) == {"unexplained": 1}


def test_a_kill_that_keeps_results_from_being_stored_explains_a_lost_reply() -> None:
    stopped = replace(GOOD, lost_replies=(SENT,), consents=1)
    assert not judge([stopped], {"songs": [made()]}, [(SENT - 30, SENT + 10)]).violations


def test_a_lost_reply_is_read_from_a_log() -> None:
    said = (
        "The reply to generate_music (model 'V5'), sent at 2027-01-15 08:00:00 UTC by an earlier try is lost: its "
        "worker died. The job may exist and be charged. Look at the service's own log page"
    )
    assert lost_reply_in(f"info ::group::\nerror {said}\n") == SENT
    assert lost_reply_in("music task m1, sent at 2027-01-15 08:00:00 UTC, is finished") is None


@pytest.mark.parametrize(
    ("song", "ledger", "expected"),
    [
        (GOOD, [made("m0"), made()], {"overcharged": 1, "lost": 1}),
        (GOOD, [made(charges=2)], {"overcharged": 1}),
        (
            replace(GOOD, lost_replies=(SENT,), consents=1),
            [made("m0"), made("m2"), made()],
            {"overcharged": 1, "lost": 1},
        ),
        (replace(GOOD, lost_replies=(SENT,)), [made("m0"), made()], {"overcharged": 1}),
        (replace(GOOD, music_task_id="m9"), [made()], {"lost": 1, "false_successes": 1}),
        (GOOD, [], {"false_successes": 1}),
        (replace(GOOD, waited=Waited("success", None)), [made()], {"false_successes": 1}),
        (replace(GOOD, waited=Waited("success", ("a1", "a3"))), [made()], {"false_successes": 1}),
        (GOOD, [made(status="TEXT_SUCCESS")], {"false_successes": 1}),
        (replace(GOOD, waited=Waited("failed")), [made()], {"failed": 1}),
        (replace(GOOD, waited=Waited("running")), [made()], {"hung": 1}),
        (replace(GOOD, waited=Waited("upstream_failed"), state="failed", music_task_id=None), [], {"failed": 1}),
        (replace(GOOD, state="failed", music_task_id=None, waited=None), [made()], {"lost": 1, "failed": 1}),
        (replace(GOOD, state=None, music_task_id=None, waited=None), [], {"hung": 1}),
    ],
    ids=[
        "paid twice",
        "one song charged twice",
        "paid twice after one consent",
        "paid twice after a lost reply without consent",
        "another song's id",
        "an id that the ledger does not have",
        "a successful wait without tracks",
        "a successful wait with other tracks",
        "a successful wait for a running song",
        "a wait that failed",
        "a wait that hangs",
        "refused",
        "paid, and its id lost",
        "never started",
    ],
)
def test_each_violation_is_found(song: Song, ledger: list[dict[str, Any]], expected: dict[str, int]) -> None:
    verdict = judge([song], {"songs": ledger}, KILLS)
    assert violations(verdict) == expected
    assert len(verdict.violations) == sum(expected.values())


def test_rounds_add_up() -> None:
    total = Verdict()
    for songs in ([GOOD, replace(GOOD, prompt="other", state="failed", waited=None)], [GOOD]):
        total.add(judge(songs, {"songs": [made()]}))
    assert (total.songs, total.charges, total.tries) == (3, {1: 2, 0: 1}, 6)
    assert violations(total) == {"failed": 1}
