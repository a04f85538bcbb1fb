"""The judge of the kill test: it must see each wrong, and see none where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reliability.verdict import Song, Verdict, Waited, doubt_in, judge

PROMPT = "run submit -1"
SENT = 1_800_000_000.0
KILLS = [SENT - 40, SENT + 1.2, SENT + 70]
GOOD = Song("submit", PROMPT, "success", "m1", Waited("success", ("a1", "a2")), tries=2)


def made(music_task_id: str = "m1", **changes: Any) -> dict[str, Any]:
    """Return a song as the ledger tells of it."""
    return {
        "music_task_id": music_task_id,
        "request": {"prompt": PROMPT},
        "status": "SUCCESS",
        "audio_ids": ["a1", "a2"],
        "charges": 1,
        **changes,
    }


def wrongs(verdict: Verdict) -> dict[str, int]:
    names = ("false_doubts", "overcharged", "lost", "failed", "hung", "false_greens")
    return {name: len(getattr(verdict, name)) for name in names if getattr(verdict, name)}


def test_a_song_paid_once_and_had_is_right() -> None:
    verdict = judge([GOOD], {"songs": [made()]})
    assert (verdict.songs, verdict.charges, verdict.tries, verdict.wrongs) == (1, {1: 1}, 2, [])


def test_a_doubt_that_a_person_cleared_may_have_cost_twice() -> None:
    doubted = replace(GOOD, doubts=(SENT,), consents=1)
    verdict = judge([doubted], {"songs": [made("m0"), made()]}, KILLS)
    assert (verdict.charges, verdict.doubts, verdict.consents, verdict.wrongs) == ({2: 1}, 1, 1, [])


@pytest.mark.parametrize("kills", [[], [SENT - 0.1], [SENT + 6]])
def test_a_doubt_without_a_death_is_a_false_one(kills: list[float]) -> None:
    doubted = replace(GOOD, doubts=(SENT,), consents=1)
    assert wrongs(judge([doubted], {"songs": [made()]}, kills)) == {"false_doubts": 1}


def test_a_doubt_is_read_from_a_log() -> None:
    said = (
        "The reply to generate_music (model 'V5'), sent at 2027-01-15 08:00:00 UTC by an earlier try is lost: its "
        "worker died. The job may exist and be charged. Look at the service's own log page"
    )
    assert doubt_in(f"info ::group::\nerror {said}\n") == SENT
    assert doubt_in("music task m1, sent at 2027-01-15 08:00:00 UTC, is finished") is None


@pytest.mark.parametrize(
    ("song", "ledger", "expected"),
    [
        (GOOD, [made("m0"), made()], {"overcharged": 1, "lost": 1}),
        (GOOD, [made(charges=2)], {"overcharged": 1}),
        (replace(GOOD, doubts=(SENT,), consents=1), [made("m0"), made("m2"), made()], {"overcharged": 1, "lost": 1}),
        (replace(GOOD, doubts=(SENT,)), [made("m0"), made()], {"overcharged": 1}),
        (replace(GOOD, music_task_id="m9"), [made()], {"lost": 1, "false_greens": 1}),
        (GOOD, [], {"false_greens": 1}),
        (replace(GOOD, waited=Waited("success", None)), [made()], {"false_greens": 1}),
        (replace(GOOD, waited=Waited("success", ("a1", "a3"))), [made()], {"false_greens": 1}),
        (GOOD, [made(status="TEXT_SUCCESS")], {"false_greens": 1}),
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
        "paid twice with a doubt but no consent",
        "another song's id",
        "an id that nobody made",
        "a green wait without tracks",
        "a green wait with other tracks",
        "a green wait for a song that goes on",
        "a wait that failed",
        "a wait that hangs",
        "refused",
        "paid, and its id forgotten",
        "never started",
    ],
)
def test_each_wrong_is_seen(song: Song, ledger: list[dict[str, Any]], expected: dict[str, int]) -> None:
    verdict = judge([song], {"songs": ledger}, KILLS)
    assert wrongs(verdict) == expected
    assert len(verdict.wrongs) == sum(expected.values())


def test_rounds_add_up() -> None:
    total = Verdict()
    for songs in ([GOOD, replace(GOOD, prompt="other", state="failed", waited=None)], [GOOD]):
        total.add(judge(songs, {"songs": [made()]}))
    assert (total.songs, total.charges, total.tries) == (3, {1: 2, 0: 1}, 6)
    assert wrongs(total) == {"failed": 1}
