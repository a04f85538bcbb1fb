"""
The summary at the demo's end: what Airflow's XComs say, checked against the simulator's ledger.

Pure functions of plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Ledger = Mapping[str, Any]
"""What the simulator's ``/_sim/ledger`` returns."""


@dataclass(frozen=True)
class Song:
    """
    One music task, as the run's XComs describe it.

    :param music_task_id: what the submitting task returned.
    :param audio_ids: what the sensor returned.
    :param music_task: what the sensor pushed under ``music_task``.
    """

    music_task_id: str
    audio_ids: list[str]
    music_task: Mapping[str, Any]


@dataclass(frozen=True)
class ChainRun:
    """
    What a run of the chain left in Airflow.

    :param first: the song that the persona was made from.
    :param persona: what the persona task pushed under ``persona``.
    :param persona_id: what it returned.
    :param second: the song made with the persona.
    :param files: what the sensors pushed under ``files``.
    """

    first: Song
    persona: Mapping[str, Any]
    persona_id: str
    second: Song
    files: list[dict[str, Any]]

    @classmethod
    def read(cls, xcom: Callable[[str, str], Any]) -> ChainRun:
        """
        Read the XComs of a run.

        :param xcom: returns what a task (first argument) pushed under a key (second).
        """
        return cls(
            first=Song(xcom("generate", "return_value"), xcom("wait", "return_value"), xcom("wait", "music_task")),
            persona=xcom("persona", "persona"),
            persona_id=xcom("persona", "return_value"),
            second=Song(
                xcom("again", "return_value"),
                xcom("wait_again", "return_value"),
                xcom("wait_again", "music_task"),
            ),
            files=[*xcom("wait", "files"), *xcom("wait_again", "files")],
        )


def disagreements(run: ChainRun, before: Ledger, after: Ledger) -> list[str]:
    """
    Compare the XComs with the ledgers from before and after the run.

    :return: one sentence per disagreement.
    """
    return [
        *_about_song("first", run.first, after),
        *_about_persona(run, after),
        *_about_song("second", run.second, after),
        *_about_money(run, before, after),
    ]


def account(run: ChainRun, before: Ledger, after: Ledger) -> str:
    """Return the summary of a run."""
    return "\n".join(
        [
            f"Credits     {before['credits']} before, {after['credits']} after: {_spent(after)} for 2 songs",
            f"First song  music task {run.first.music_task_id}",
            *_track_lines(run.first),
            f"Persona     {run.persona_id} ({run.persona.get('name')}), made from track 1",
            f"Second song music task {run.second.music_task_id}, made with that persona",
            *_track_lines(run.second),
        ]
    )


def _about_song(name: str, song: Song, ledger: Ledger) -> Iterator[str]:
    record = song.music_task
    tracks = record["tracks"]
    if record["music_task_id"] != song.music_task_id:
        yield f"{name} song: submitted as {song.music_task_id}, but the sensor waited for {record['music_task_id']}"
    if [track["audio_id"] for track in tracks] != song.audio_ids:
        yield f"{name} song: the sensor returned other tracks ({song.audio_ids}) than are in its music_task"
    yield from (
        f"{name} song: track {track['audio_id']} has no {field}"
        for track in tracks
        for field in ("title", "duration", "audio_url")
        if not track.get(field)
    )
    known = {entry["music_task_id"]: entry for entry in ledger["songs"]}.get(song.music_task_id)
    if known is None:
        yield f"{name} song: the ledger knows no music task {song.music_task_id}"
        return
    if known["status"] != record["status"]:
        yield f"{name} song: {record['status']} in Airflow, {known['status']} in the ledger"
    if sorted(known["audio_ids"]) != sorted(song.audio_ids):
        yield f"{name} song: tracks {song.audio_ids} in Airflow, {known['audio_ids']} in the ledger"
    if (known["charges"], known["refunds"]) != (1, 0):
        yield f"{name} song: expected 1 charge and 0 refunds, found {known['charges']} and {known['refunds']}"


def _about_persona(run: ChainRun, ledger: Ledger) -> Iterator[str]:
    if run.persona["persona_id"] != run.persona_id:
        yield f"persona: the task returned {run.persona_id} but pushed {run.persona['persona_id']}"
    if [entry["persona_id"] for entry in ledger["personas"]] != [run.persona_id]:
        made = [entry["persona_id"] for entry in ledger["personas"]]
        yield f"persona: {run.persona_id} in Airflow, {made} in the ledger"
        return
    source = ledger["personas"][0]["audio_id"]
    if source != run.first.audio_ids[0]:
        yield f"persona: made from {source} and not from the first track, {run.first.audio_ids[0]}"
    for entry in ledger["songs"]:
        used = entry["request"].get("personaId")
        if entry["music_task_id"] == run.second.music_task_id and used != run.persona_id:
            yield f"second song: made with persona {used}, not with {run.persona_id}"


def _about_money(run: ChainRun, before: Ledger, after: Ledger) -> Iterator[str]:
    paid = [entry["job_id"] for entry in after["charges"] if entry["kind"] == "charge"]
    expected = [run.first.music_task_id, run.second.music_task_id]
    if sorted(paid) != sorted(expected):
        yield f"credits: the ledger has charges for {paid}, Airflow made {expected}"
    difference = _amount(before["credits"]) - _amount(after["credits"])
    if difference != _spent(after):
        yield f"credits: {difference} fewer than before, but the charges come to {_spent(after)}"
    if difference <= 0:
        yield "credits: nothing was charged"


def _spent(ledger: Ledger) -> Decimal:
    return sum(
        (_amount(entry["amount"]) * (1 if entry["kind"] == "charge" else -1) for entry in ledger["charges"]),
        Decimal(0),
    )


def _amount(value: object) -> Decimal:
    return Decimal(str(value))


def _track_lines(song: Song) -> Iterator[str]:
    for number, track in enumerate(song.music_task["tracks"], start=1):
        seconds = round(float(track["duration"]))
        yield f"  track {number}   {track['title']}  {seconds // 60}:{seconds % 60:02d}  audio_id {track['audio_id']}"
