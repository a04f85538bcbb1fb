"""The summary shows what the XComs say, and names each figure that the ledger does not confirm."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from demo.account import ChainRun, account, disagreements

XComs = dict[tuple[str, str], Any]


def _track(audio_id: str, title: str, duration: float) -> dict[str, Any]:
    return {
        "audio_id": audio_id,
        "title": title,
        "duration": duration,
        "audio_url": f"http://sim/media/{audio_id}.mp3",
    }


@pytest.fixture
def xcoms() -> XComs:
    first = {
        "music_task_id": "task-1",
        "status": "SUCCESS",
        "tracks": [_track("a1", "Paper Harbour", 125.6), _track("a2", "Paper Harbour", 58)],
    }
    second = {"music_task_id": "task-2", "status": "SUCCESS", "tracks": [_track("b1", "Again", 61.2)]}
    return {
        ("generate", "return_value"): "task-1",
        ("wait", "return_value"): ["a1", "a2"],
        ("wait", "music_task"): first,
        ("wait", "files"): [],
        ("persona", "return_value"): "persona-1",
        ("persona", "persona"): {"persona_id": "persona-1", "name": "The keeper", "audio_id": "a1"},
        ("again", "return_value"): "task-2",
        ("wait_again", "return_value"): ["b1"],
        ("wait_again", "music_task"): second,
        ("wait_again", "files"): [],
    }


@pytest.fixture
def before() -> dict[str, Any]:
    return {"credits": 500.25, "charges": [], "songs": [], "personas": []}


@pytest.fixture
def after() -> dict[str, Any]:
    def song(music_task_id: str, audio_ids: list[str], **request: str) -> dict[str, Any]:
        return {
            "music_task_id": music_task_id,
            "status": "SUCCESS",
            "audio_ids": audio_ids,
            "request": request,
            "charges": 1,
            "refunds": 0,
        }

    return {
        "credits": 476.25,
        "charges": [
            {"kind": "charge", "job_kind": "music", "job_id": "task-1", "amount": 12, "balance": 488.25},
            {"kind": "charge", "job_kind": "music", "job_id": "task-2", "amount": 12, "balance": 476.25},
        ],
        "songs": [song("task-1", ["a1", "a2"]), song("task-2", ["b1"], personaId="persona-1")],
        "personas": [{"persona_id": "persona-1", "music_task_id": "task-1", "audio_id": "a1"}],
    }


def _run(xcoms: XComs) -> ChainRun:
    return ChainRun.read(lambda task_id, key: xcoms[task_id, key])


def test_the_summary_of_a_good_run(xcoms: XComs, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert disagreements(_run(xcoms), before, after) == []
    assert account(_run(xcoms), before, after).splitlines() == [
        "Credits     500.25 before, 476.25 after: 24 for 2 songs",
        "First song  music task task-1",
        "  track 1   Paper Harbour  2:06  audio_id a1",
        "  track 2   Paper Harbour  0:58  audio_id a2",
        "Persona     persona-1 (The keeper), made from track 1",
        "Second song music task task-2, made with that persona",
        "  track 1   Again  1:01  audio_id b1",
    ]


def _set(*path: Any, to: Any) -> Callable[[Any], None]:
    def change(where: Any) -> None:
        for step in path[:-1]:
            where = where[step]
        where[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            _set(("generate", "return_value"), to="task-9"),
            "first song: submitted as task-9, but the sensor waited for task-1",
        ),
        (
            _set(("wait", "return_value"), to=["a2", "a1"]),
            "first song: the sensor returned other tracks (['a2', 'a1']) than are in its music_task",
        ),
        (
            _set(("wait", "music_task"), "tracks", 1, "audio_url", to=""),
            "first song: track a2 has no audio_url",
        ),
        (
            _set(("wait_again", "music_task"), "tracks", 0, "duration", to=None),
            "second song: track b1 has no duration",
        ),
        (
            _set(("wait", "music_task"), "status", to="FIRST_SUCCESS"),
            "first song: FIRST_SUCCESS in Airflow, SUCCESS in the ledger",
        ),
        (
            _set(("persona", "return_value"), to="persona-9"),
            "persona: the task returned persona-9 but pushed persona-1",
        ),
    ],
)
def test_a_wrong_xcom_is_named(
    xcoms: XComs, before: dict[str, Any], after: dict[str, Any], change: Callable[[Any], None], sentence: str
) -> None:
    changed = copy.deepcopy(xcoms)
    change(changed)
    assert sentence in disagreements(_run(changed), before, after)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_set("songs", to=[]), "first song: the ledger knows no music task task-1"),
        (
            _set("songs", 0, "audio_ids", to=["a1", "a3"]),
            "first song: tracks ['a1', 'a2'] in Airflow, ['a1', 'a3'] in the ledger",
        ),
        (
            _set("songs", 1, "charges", to=2),
            "second song: expected 1 charge and 0 refunds, found 2 and 0",
        ),
        (
            _set("songs", 1, "refunds", to=1),
            "second song: expected 1 charge and 0 refunds, found 1 and 1",
        ),
        (
            _set("songs", 1, "request", to={"personaId": "persona-9"}),
            "second song: made with persona persona-9, not with persona-1",
        ),
        (_set("songs", 1, "request", to={}), "second song: made with persona None, not with persona-1"),
        (
            _set("personas", 0, "persona_id", to="persona-9"),
            "persona: persona-1 in Airflow, ['persona-9'] in the ledger",
        ),
        (
            _set("personas", 0, "audio_id", to="a2"),
            "persona: made from a2 and not from the first track, a1",
        ),
        (
            _set("credits", to=464.25),
            "credits: 36.00 fewer than before, but the charges come to 24",
        ),
        (
            _set("charges", 1, "job_id", to="task-1"),
            "credits: the ledger has charges for ['task-1', 'task-1'], Airflow made ['task-1', 'task-2']",
        ),
    ],
)
def test_a_wrong_ledger_is_named(
    xcoms: XComs, before: dict[str, Any], after: dict[str, Any], change: Callable[[Any], None], sentence: str
) -> None:
    change(after)
    assert sentence in disagreements(_run(xcoms), before, after)


def test_a_run_without_any_charge_is_named(xcoms: XComs, before: dict[str, Any], after: dict[str, Any]) -> None:
    after.update(credits=500.25, charges=[])
    assert "credits: nothing was charged" in disagreements(_run(xcoms), before, after)
