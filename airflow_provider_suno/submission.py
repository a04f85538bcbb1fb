"""
The journal of a paid submission, found again on retry; what the next try may do is one pure function.

One entry per task instance (map index included) in the store that Airflow 3.3 and later keeps across its tries:
``intent`` is written before the request is sent, ``submitted`` right after the answer, ``doubted`` when there was none,
``delivered`` once Airflow has recorded the success. The entry is dropped when surely nothing was started, and when the
record says that the job failed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from airflow_provider_suno.api.request_fields import blank_is_none
from airflow_provider_suno.compat import HAS_TASK_STATE, TaskStateStore, never_expire, task_state_store
from airflow_provider_suno.exceptions import SunoJournalError
from airflow_provider_suno.waiting import Log

if TYPE_CHECKING:
    from airflow.sdk import Context

KEY = "suno_submission"
PATIENCE = 60.0
"""Seconds: how long the answer to a submission is tried to be written down."""

OnLostReply = Literal["fail", "resubmit"]

_LONGEST_GAP = 5.0
_EXCERPT = 60
_DIGITS = 16


class State(StrEnum):
    """How far a submission got."""

    INTENT = "intent"
    DOUBTED = "doubted"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"


class Entry(BaseModel):
    """
    What the journal says of a submission.

    :param state: how far it got.
    :param max_tries: the task instance's ``max_tries`` when it was written: Airflow's own retry keeps the number, a
        person's clear changes it, and nothing else tells the two apart.
    :param at: when the request was about to be sent.
    :param what: what it asked for, in words.
    :param fingerprint: a digest of each field, to tell whether the request has changed since.
    :param token: travels in the callback URL.
    :param music_task_id: the job, once it is known.
    :param persona: the persona, once it is known, as the operator pushes it.
    :param doubt: what was said when the answer was lost.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: State
    max_tries: int
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    what: str
    fingerprint: dict[str, str]
    token: str | None = None
    music_task_id: str | None = None
    persona: dict[str, Any] | None = None
    doubt: str | None = None

    @model_validator(mode="after")
    def _names_what_was_made(self) -> Self:
        made = self.state in (State.SUBMITTED, State.DELIVERED)
        if made and not self.music_task_id and not (self.persona or {}).get("persona_id"):
            raise ValueError(f"{self.state.value}, but names neither a music task nor a persona")
        return self

    def moved_to(self, state: State, **known: Any) -> Entry:
        """Return this entry in another state, with what is known since."""
        return self.model_copy(update={"state": state, **known})


@dataclass(frozen=True)
class Submit:
    """
    Submit.

    :param lost: an earlier submission whose reply is lost; that it may be paid twice is the user's policy.
    :param replaces: an earlier submission that a person's clear sets aside.
    """

    lost: Entry | None = None
    replaces: Entry | None = None


@dataclass(frozen=True)
class Reattach:
    """
    Go on with the job that an earlier try paid for.

    :param entry: the job.
    :param cleared: whether a person's clear led here.
    :param changed: the fields that have changed since it was submitted.
    """

    entry: Entry
    cleared: bool = False
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stop:
    """
    Submit nothing: the reply to an earlier submission is lost, and a person has to look.

    :param entry: that submission.
    """

    entry: Entry


Decision = Submit | Reattach | Stop


def decide(
    entry: Entry | None, *, max_tries: int, fingerprint: Mapping[str, str], on_lost_reply: OnLostReply
) -> Decision:
    """
    Return what a try may do. A retry never submits while a paid job may exist; a clear is a person's consent.

    :param entry: what the journal holds.
    :param max_tries: this try's.
    :param fingerprint: that of this try's request.
    :param on_lost_reply: the user's policy.
    """
    if entry is None:
        return Submit()
    cleared = entry.max_tries != max_tries
    changed = tuple(sorted(dict(entry.fingerprint.items() ^ fingerprint.items())))
    match entry.state:
        case State.INTENT:
            return Submit(lost=entry) if on_lost_reply == "resubmit" else Stop(entry)
        case State.DOUBTED:
            return Submit(replaces=entry) if cleared else Stop(entry)
        case State.SUBMITTED:
            return Submit(replaces=entry) if cleared and changed else Reattach(entry, cleared, changed)
        case State.DELIVERED:
            return Submit(replaces=entry) if cleared else Reattach(entry, cleared, changed)


def fingerprint_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """
    Return a digest of each field that is given.

    The query of a URL is left out: a signed URL is another one each time that its template is rendered.

    :param fields: the fields of a request, rendered.
    """
    return {name: _digest(value) for name, value in fields.items() if blank_is_none(value) is not None}


def described(call: str, fields: Mapping[str, Any]) -> str:
    """
    Say what a request asks for, such that a person finds it on the service's own pages.

    :param call: the name of the call.
    :param fields: its fields.
    """
    told = []
    for name in ("model", "title", "prompt", "style", "name", "audio_id"):
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            told.append(f"{name} {value if len(value) <= _EXCERPT else f'{value[:_EXCERPT]}…'!r}")
    return f"{call} ({', '.join(told)})" if told else call


class Journal:
    """
    Read and write the entry of one task instance.

    A write is also the fence against a try that is not the current one any more: Airflow refuses it.

    :param store: where it is kept; ``None`` keeps nothing.
    :param max_tries: the task instance's.
    :param log: where trouble with the store goes.
    """

    def __init__(self, store: TaskStateStore | None, max_tries: int, log: Log) -> None:
        self._store = store
        self._log = log
        self.max_tries = max_tries

    @classmethod
    def of(cls, context: Context, log: Log) -> Journal:
        """Return the journal of the task instance that runs."""
        return cls(task_state_store(context), context["ti"].max_tries, log)

    @property
    def protects(self) -> bool:
        """Whether anything is kept at all: before Airflow 3.3 there is no place for it."""
        return self._store is not None

    def read(self) -> Entry | None:
        """
        Return the entry, ``None`` when there is none.

        :raises SunoJournalError: when that cannot be told; retried, since "no entry" would mean "submit".
        """
        if self._store is None:
            return None
        try:
            found = self._store.get(KEY)
        except Exception as problem:
            raise SunoJournalError(
                f"Whether an earlier try has submitted already cannot be read from Airflow's task state store just now "
                f"({problem!r:.300}), so nothing is submitted."
            ) from problem
        try:
            return None if found is None else Entry.model_validate(found)
        except ValidationError as problem:
            raise SunoJournalError(
                f"{KEY} in this task instance's Storage tab (Task State Store) is not understood, so nothing is "
                f"submitted: {problem.errors(include_url=False, include_input=False)!r:.300}. If no job was paid for (look at the "
                "service's own log page), delete it and clear the task; else pass music_task_id=... ."
            ) from problem

    def intend(self, what: str, fingerprint: dict[str, str], token: str | None = None) -> Entry:
        """
        Write down what is about to be sent, and return it.

        :raises SunoJournalError: when it cannot be written; nothing must be sent then.
        """
        entry = Entry(state=State.INTENT, max_tries=self.max_tries, what=what, fingerprint=fingerprint, token=token)
        self.write(entry)
        return entry

    def write(self, entry: Entry) -> None:
        """
        Write the entry, as of this try.

        :raises SunoJournalError: when it cannot be written.
        """
        try:
            self._put(entry)
        except Exception as problem:
            raise SunoJournalError(
                f"{entry.what}: {entry.state.value!r} could not be written to Airflow's task state store "
                f"({problem!r:.300}), so nothing is submitted. Was the task cleared meanwhile?"
            ) from problem

    def record(self, entry: Entry) -> None:
        """
        Write what has happened at the service already; try for a minute.

        :raises SunoJournalError: when it could not be written; fatal, since a retry would know nothing of it.
        """
        try:
            _insist(self._put, entry)
        except Exception as problem:
            made = f"music task {entry.music_task_id} is submitted" if entry.music_task_id else f"{entry.state.value!r}"
            way_on = f" music_task_id={entry.music_task_id!r} takes it up." if entry.music_task_id else ""
            lost = SunoJournalError(
                f"{entry.what}: {made}, which Airflow's task state store could not be told for {PATIENCE:g} s "
                f"({problem!r:.300}), so this fails for good.{way_on}",
                music_task_id=entry.music_task_id,
            )
            lost.fatal = True
            raise lost from problem

    def drop(self) -> None:
        """Forget the entry, since surely no job is paid for; try for a minute."""
        if self._store is None:
            return
        try:
            _insist(self._store.delete, KEY)
        except Exception as problem:  # noqa: BLE001  # what led here matters more; an entry too many errs on the safe side
            self._log.warning("%s could not be deleted from Airflow's task state store: %r", KEY, problem)

    def _put(self, entry: Entry) -> None:
        if self._store is not None:
            current = entry.model_copy(update={"max_tries": self.max_tries})
            value = current.model_dump(mode="json", exclude_none=True)
            self._store.set(KEY, value, retention=never_expire())


class Journaled(Protocol):
    """A task that submits under a journal."""

    journal: Journal | None
    on_success_callback: Any


def record_deliveries(task: Journaled) -> None:
    """
    Let a success be noted once Airflow has recorded it, before the user's own callbacks run.

    In ``execute`` it would be too early: a worker lost right after it would look like a success.

    :param task: after the ``__init__`` of its base class, which takes callbacks from ``default_args`` too.
    """
    if HAS_TASK_STATE:
        task.on_success_callback = [_record_delivery, *task.on_success_callback]


def _record_delivery(context: Context) -> None:
    journal: Journal | None = getattr(context["ti"].task, "journal", None)
    entry = None if journal is None else journal.read()
    if journal is not None and entry is not None and entry.state is State.SUBMITTED:
        journal.record(entry.moved_to(State.DELIVERED))


def _insist(action: Callable[..., None], *arguments: Any) -> None:
    from tenacity import Retrying, stop_after_delay, wait_exponential

    Retrying(stop=stop_after_delay(PATIENCE), wait=wait_exponential(max=_LONGEST_GAP), reraise=True)(action, *arguments)


def _digest(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"https?://\S+", value.strip()):
        value = re.split(r"[?#]", value.strip(), maxsplit=1)[0]
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
