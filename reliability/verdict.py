"""
Compare the songs of a run, as Airflow has them, with the service's ledger.

Pure functions of plain values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_FAILED = frozenset({"failed", "upstream_failed", "skipped"})
_ANSWER_WITHIN = 4.0
"""Seconds from a submission's intent until its answer is in the journal, at most."""

_SENT = re.compile(r"sent at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")


def lost_reply_in(log: str) -> float | None:
    """
    Find the error of a lost reply in a log.

    :param log: the log of a task's last try.
    :return: when the request was sent, in epoch seconds; None without such an error.
    """
    sent = _SENT.findall(log) if "The job may exist and be charged." in log else []
    return datetime.strptime(f"{sent[-1]} +0000", "%Y-%m-%d %H:%M:%S %z").timestamp() if sent else None


@dataclass(frozen=True)
class Waited:
    """
    The task that waited for a song.

    :param state: the state of the task.
    :param audio_ids: what a sensor returned, or what an operator's ``music_task`` has; None without either.
    """

    state: str | None
    audio_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Song:
    """
    One song of a run, as Airflow has it.

    :param label: the task that submits it, with its map index.
    :param prompt: its prompt, which identifies it in the ledger.
    :param state: the state of the task that submits it.
    :param music_task_id: what that task returned; None if nothing.
    :param waited: the task that waits for it, if any.
    :param lost_replies: when the submissions were sent whose reply a task reported as lost, in epoch seconds.
    :param consents: how often a person then cleared the task, so that it submits again.
    :param tries: tries of its tasks.
    """

    label: str
    prompt: str
    state: str | None
    music_task_id: str | None
    waited: Waited | None
    lost_replies: tuple[float, ...] = ()
    consents: int = 0
    tries: int = 1


@dataclass
class Verdict:
    """
    The figures of one or several runs.

    :param songs: number of songs.
    :param charges: number of songs by how often they were charged.
    :param lost_replies: replies that a task reported as lost.
    :param consents: clears by a person after that.
    :param tries: tries of all tasks.
    :param unexplained: lost replies without a kill during the submission.
    :param overcharged: songs charged more often than once plus once per consent.
    :param lost: paid songs that Airflow does not have.
    :param failed: songs whose tasks failed for another reason.
    :param hung: tasks that did not end.
    :param false_successes: tasks that succeeded without the song's tracks.
    :param missing: what the test should have done and did not.
    """

    songs: int = 0
    charges: Counter[int] = field(default_factory=Counter)
    lost_replies: int = 0
    consents: int = 0
    tries: int = 0
    unexplained: list[str] = field(default_factory=list)
    overcharged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    false_successes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """One sentence per failed check."""
        kinds = (value for value in vars(self).values() if isinstance(value, list))
        return [violation for kind in kinds for violation in kind]

    def charged(self) -> str:
        """Return how often songs were charged, as text."""
        times = {0: "never", 1: "once", 2: "twice"}
        counts = sorted(self.charges.items())
        return ", ".join(f"{songs:,} {times.get(often, f'{often} times')}" for often, songs in counts)

    def table(self, reattached: int) -> list[tuple[str, str]]:
        """
        Return names and figures.

        :param reattached: how often tasks have re-attached.
        """
        return [
            ("songs charged", self.charged()),
            ("  more than allowed", f"{len(self.overcharged)} (allowed: once, and once per consent)"),
            ("lost replies reported", f"{self.lost_replies}, of which {self.consents} then cleared by a person"),
            ("  without a kill to explain them", f"{len(self.unexplained)}"),
            ("re-attached after a kill", f"{reattached} times"),
            ("lost results", f"{len(self.lost)}"),
            ("failed otherwise", f"{len(self.failed)}"),
            ("hung tasks", f"{len(self.hung)}"),
            ("false successes", f"{len(self.false_successes)}"),
        ]

    def add(self, other: Verdict) -> None:
        """Add the figures of another run."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def judge(songs: Sequence[Song], ledger: Mapping[str, Any], kills: Sequence[tuple[float, float]] = ()) -> Verdict:
    """
    Compare what Airflow has with what the service made and charged.

    :param songs: the songs of a run that has ended.
    :param ledger: what the simulator's ``/_sim/ledger`` returns.
    :param kills: from when until when each kill could cost a reply, in epoch seconds.
    """
    verdict = Verdict(songs=len(songs))
    made: dict[str, list[Mapping[str, Any]]] = {}
    for entry in ledger["songs"]:
        made.setdefault(entry["request"].get("prompt"), []).append(entry)
    for song in songs:
        entries = made.get(song.prompt, [])
        charges = sum(entry["charges"] for entry in entries)
        verdict.charges[charges] += 1
        verdict.lost_replies += len(song.lost_replies)
        verdict.unexplained += _unexplained(song, kills)
        verdict.consents += song.consents
        verdict.tries += song.tries
        if charges > 1 + song.consents:
            verdict.overcharged.append(f"{song.label}: charged {charges} times with {song.consents} consents")
        verdict.lost += _lost(song, entries)
        verdict.failed += _failed(song)
        verdict.hung += _hung(song)
        verdict.false_successes += _false_successes(song, entries)
    return verdict


def _unexplained(song: Song, kills: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Yield each lost reply without a kill during its submission; the log has its time to the second."""
    for sent_at in song.lost_replies:
        if not any(begin <= sent_at + 1 + _ANSWER_WITHIN and sent_at <= end for begin, end in kills):
            yield f"{song.label}: reports a lost reply without a kill within {_ANSWER_WITHIN:g} s of its submission"


def _lost(song: Song, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a paid song that Airflow does not have, unless a task reported its reply as lost."""
    ids = [entry["music_task_id"] for entry in entries]
    unknown = [music_task_id for music_task_id in ids if music_task_id != song.music_task_id]
    if len(unknown) > len(song.lost_replies):
        made, lost = ", ".join(ids), len(song.lost_replies)
        yield f"{song.label}: Airflow has {song.music_task_id}, but {made} were made; lost replies: {lost}"


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


def _false_successes(song: Song, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    entry = {entry["music_task_id"]: entry for entry in entries}.get(song.music_task_id)
    if song.state == "success" and entry is None:
        yield f"{song.label}: succeeded with {song.music_task_id}, which is not this song"
    if song.waited is None or song.waited.state != "success" or entry is None:
        return
    if entry["status"] != "SUCCESS":
        yield f"{song.label}: its wait succeeded although the song is {entry['status']}"
    if sorted(song.waited.audio_ids or ()) != sorted(entry["audio_ids"]):
        yield f"{song.label}: its wait returned {song.waited.audio_ids}, the song has {entry['audio_ids']}"
