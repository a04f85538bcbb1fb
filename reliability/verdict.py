"""
What became of the songs of a run: Airflow's word for it, judged by the service's ledger.

Pure functions of plain values; nothing here asks Airflow or the service for anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_FAILED = frozenset({"failed", "upstream_failed", "skipped"})
_UNDER_WAY = 4.0
"""Seconds after its intent in which a submission may have no answer yet that is written down."""

_SENT = re.compile(r"sent at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")


def doubt_in(log: str) -> float | None:
    """
    Find what a task says when it stops since the reply to its submission is lost.

    :param log: the log of its last try.
    :return: when that was sent, in epoch seconds; None if the task says no such thing.
    """
    sent = _SENT.findall(log) if "The job may exist and be charged." in log else []
    return datetime.strptime(f"{sent[-1]} +0000", "%Y-%m-%d %H:%M:%S %z").timestamp() if sent else None


@dataclass(frozen=True)
class Waited:
    """
    What the task that waited for a song left in Airflow.

    :param state: the state of the task.
    :param audio_ids: what a sensor returned, or what is in an operator's ``music_task``; None if it left nothing.
    """

    state: str | None
    audio_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Song:
    """
    One song of a run, as Airflow tells of it.

    :param label: the task that submits it, and its place in the mapping.
    :param prompt: by which the ledger knows it.
    :param state: the state of the task that submits it.
    :param music_task_id: what it returned; None if it left nothing.
    :param waited: the task that waits for it; None where nobody does.
    :param doubts: when the submissions were sent whose reply a task named as lost, in epoch seconds.
    :param consents: how often a person then cleared it, to have it made anew.
    :param tries: how often its tasks were started.
    """

    label: str
    prompt: str
    state: str | None
    music_task_id: str | None
    waited: Waited | None
    doubts: tuple[float, ...] = ()
    consents: int = 0
    tries: int = 1


@dataclass
class Verdict:
    """
    Figures of one run or of several together.

    :param songs: how many.
    :param charges: how many songs were charged so many times.
    :param doubts: replies that a task named as lost.
    :param consents: clears of a person after that.
    :param tries: how often tasks were started.
    :param false_doubts: doubts although nothing was killed while the submission was under way.
    :param overcharged: songs paid more often than once and once per consent, or again although nothing was in doubt.
    :param lost: songs that were paid, and whose result Airflow does not have.
    :param failed: songs whose tasks failed for good with nothing in doubt.
    :param hung: tasks that did not end.
    :param false_greens: tasks that succeeded without what they promise.
    :param missing: what should have been tried and was not.
    """

    songs: int = 0
    charges: Counter[int] = field(default_factory=Counter)
    doubts: int = 0
    consents: int = 0
    tries: int = 0
    false_doubts: list[str] = field(default_factory=list)
    overcharged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    false_greens: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def wrongs(self) -> list[str]:
        """A sentence for each thing that must not be; empty if the promises are kept."""
        kinds = (value for value in vars(self).values() if isinstance(value, list))
        return [wrong for kind in kinds for wrong in kind]

    def add(self, other: Verdict) -> None:
        """Take in the figures of another run."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def judge(songs: Sequence[Song], ledger: Mapping[str, Any], kills: Sequence[float] = ()) -> Verdict:
    """
    Hold what Airflow says against what the service charged and made.

    :param songs: the songs of a run that has ended.
    :param ledger: what the simulator's ``/_sim/ledger`` returns.
    :param kills: when something was killed, in epoch seconds.
    """
    verdict = Verdict(songs=len(songs))
    made: dict[str, list[Mapping[str, Any]]] = {}
    for entry in ledger["songs"]:
        made.setdefault(entry["request"].get("prompt"), []).append(entry)
    for song in songs:
        entries = made.get(song.prompt, [])
        charges = sum(entry["charges"] for entry in entries)
        verdict.charges[charges] += 1
        verdict.doubts += len(song.doubts)
        verdict.false_doubts += _false_doubts(song, kills)
        verdict.consents += song.consents
        verdict.tries += song.tries
        if charges > 1 + song.consents:
            verdict.overcharged.append(f"{song.label}: charged {charges} times with {song.consents} consents")
        verdict.lost += _lost(song, entries)
        verdict.failed += _failed(song)
        verdict.hung += _hung(song)
        verdict.false_greens += _false_greens(song, entries)
    return verdict


def _false_doubts(song: Song, kills: Sequence[float]) -> Iterator[str]:
    """A doubt needs a death while the submission was under way; a task knows the time to the second."""
    for sent_at in song.doubts:
        if not any(sent_at <= killed_at <= sent_at + 1 + _UNDER_WAY for killed_at in kills):
            yield f"{song.label}: names a doubt, but nothing was killed within {_UNDER_WAY:g} s of its submission"


def _lost(song: Song, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A paid song that Airflow does not have is lost, unless a task named its reply as lost."""
    ids = [entry["music_task_id"] for entry in entries]
    unknown = [music_task_id for music_task_id in ids if music_task_id != song.music_task_id]
    if len(unknown) > len(song.doubts):
        made = ", ".join(ids)
        yield f"{song.label}: Airflow has {song.music_task_id}, but {made} were made; {len(song.doubts)} doubts"


def _failed(song: Song) -> Iterator[str]:
    if song.state in _FAILED:
        yield f"{song.label}: ended as {song.state}"
    elif song.waited is not None and song.waited.state in _FAILED:
        yield f"{song.label}: its wait ended as {song.waited.state}"


def _hung(song: Song) -> Iterator[str]:
    states = [song.state, *([song.waited.state] if song.waited else [])]
    for state in states:
        if state != "success" and state not in _FAILED:
            yield f"{song.label}: did not end, it is {state}"


def _false_greens(song: Song, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    entry = {entry["music_task_id"]: entry for entry in entries}.get(song.music_task_id)
    if song.state == "success" and entry is None:
        yield f"{song.label}: succeeded with {song.music_task_id}, which is not this song"
    if song.waited is None or song.waited.state != "success" or entry is None:
        return
    if entry["status"] != "SUCCESS":
        yield f"{song.label}: its wait succeeded although the song is {entry['status']}"
    if sorted(song.waited.audio_ids or ()) != sorted(entry["audio_ids"]):
        yield f"{song.label}: its wait returned {song.waited.audio_ids}, the song has {entry['audio_ids']}"
