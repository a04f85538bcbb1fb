"""The judge of the kill test: it must see each wrong, and see none where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reliability.verdict import Song, Verdict, Waited, judge

PROMPT = "run submit -1"
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
    names = ("overcharged", "lost", "failed", "hung", "false_greens")
    return {name: len(getattr(verdict, name)) for name in names if getattr(verdict, name)}


def test_a_song_paid_once_and_had_is_right() -> None:
    verdict = judge([GOOD], {"songs": [made()]})
    assert (verdict.songs, verdict.charges, verdict.tries, verdict.wrongs) == (1, {1: 1}, 2, [])


def test_a_doubt_that_a_person_cleared_may_have_cost_twice() -> None:
    doubted = replace(GOOD, doubts=1, consents=1)
    verdict = judge([doubted], {"songs": [made("m0"), made()]})
    assert (verdict.charges, verdict.doubts, verdict.consents, verdict.wrongs) == ({2: 1}, 1, 1, [])


@pytest.mark.parametrize(
    ("song", "ledger", "expected"),
    [
        (GOOD, [made("m0"), made()], {"overcharged": 1, "lost": 1}),
        (GOOD, [made(charges=2)], {"overcharged": 1}),
        (replace(GOOD, doubts=1, consents=1), [made("m0"), made("m2"), made()], {"overcharged": 1, "lost": 1}),
        (replace(GOOD, doubts=1), [made("m0"), made()], {"overcharged": 1}),
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
    verdict = judge([song], {"songs": ledger})
    assert wrongs(verdict) == expected
    assert len(verdict.wrongs) == sum(expected.values())


def test_rounds_add_up() -> None:
    total = Verdict()
    for songs in ([GOOD, replace(GOOD, prompt="other", state="failed", waited=None)], [GOOD]):
        total.add(judge(songs, {"songs": [made()]}))
    assert (total.songs, total.charges, total.tries) == (3, {1: 2, 0: 1}, 6)
    assert wrongs(total) == {"failed": 1}
