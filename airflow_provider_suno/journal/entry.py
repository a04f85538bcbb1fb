"""
A paid submission as the journal knows it, and what the next try may do: one pure function.

One entry per task instance (map index included): ``intent`` is written before the request is sent, ``submitted`` right
after the answer, ``doubted`` when there was none, ``delivered`` after the success was reported to Airflow. An intent is
deleted if the request was surely refused, and the entry is deleted when the record says that the job failed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from airflow_provider_suno.api.fields import blank_is_none, one_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoValidationError

OnLostReply = Literal["fail", "resubmit"]

_EXCERPT = 60
_DIGITS = 16
_LONGEST_SAID = 5000
_LONGEST_TOLD = 10_000

_SIGNATURES: Mapping[str, frozenset[str]] = {
    "signature": frozenset(
        {"expires", "key-pair-id", "policy", "awsaccesskeyid", "googleaccessid"}
    ),  # CloudFront, S3, GCS
    "sig": frozenset({"se", "st", "sp", "sv", "sr", "spr", "skoid", "sktid", "skt", "ske", "sks", "skv"}),  # Azure
    "q-signature": frozenset(
        f"q-{name}" for name in ("sign-algorithm", "ak", "sign-time", "key-time", "header-list", "url-param-list")
    ),  # Tencent
    "x-amz-signature": frozenset(
        f"x-amz-{name}" for name in ("algorithm", "credential", "date", "expires", "signedheaders", "security-token")
    ),
    "x-goog-signature": frozenset(
        f"x-goog-{name}" for name in ("algorithm", "credential", "date", "expires", "signedheaders")
    ),
}
"""Query parameters that sign a URL, and change each time it is signed, by the signature without which they do not."""


class State(StrEnum):
    """How far a submission got."""

    INTENT = "intent"
    DOUBTED = "doubted"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class TryNumbers:
    """
    The numbers of one try, by which :func:`follows_a_clear` tells Airflow's own retry from a person's clear.

    :param max_tries: the task instance's.
    :param try_number: the try's.
    :param retries: the task's, as its Dag file says now.
    :param clear_number: how often tasks of this Dag run were cleared.
    """

    max_tries: int
    try_number: int
    retries: int = 0
    clear_number: int = 0


class JobNote(BaseModel):
    """
    A job as the journal keeps it.

    :param kind: the name of its kind.
    :param id: its id.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: str
    id: str

    @field_validator("id")
    @classmethod
    def _is_an_id(cls, job_id: str) -> str:
        return one_id(job_id)

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        try:
            return job_kind(kind).name
        except SunoValidationError as unknown:
            raise ValueError(str(unknown)) from None

    @property
    def ref(self) -> JobRef:
        """The job with all that its kind says of it."""
        return JobRef(job_kind(self.kind), self.id)


class Entry(BaseModel):
    """
    What the journal says of a submission.

    :param state: how far it got.
    :param max_tries: the task instance's ``max_tries`` when the entry was written.
    :param retries: the task's ``retries`` at that time.
    :param clear_number: the Dag run's at that time.
    :param try_number: the try that wrote the intent.
    :param at: when the request was about to be sent.
    :param what: what it asked for, in words.
    :param suno_conn_id: the connection that it was sent through.
    :param fingerprint: a digest of each field as it is sent, to tell whether the request has changed since.
    :param token: travels in the callback URL.
    :param job: the job, once it is known.
    :param persona: the persona, once it is known, as the operator pushes it.
    :param doubt: what was said when the answer was lost.
    :param handed_in: whether the clear after it was used to hand in another job, by ``music_task_id=``.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: State
    max_tries: int = Field(strict=True)
    retries: int | None = Field(default=None, strict=True)
    clear_number: int | None = Field(default=None, strict=True)
    try_number: int | None = Field(default=None, strict=True)
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    what: str
    suno_conn_id: str | None = None
    fingerprint: dict[str, str]
    token: str | None = None
    job: JobNote | None = None
    persona: dict[str, Any] | None = None
    doubt: str | None = None
    handed_in: bool | None = Field(default=None, strict=True)

    @field_validator("at")
    @classmethod
    def _in_utc(cls, at: datetime) -> datetime:
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise ValueError("is no time that a clock shows") from None

    @field_validator("what", "doubt")
    @classmethod
    def _can_be_said(cls, said: str | None) -> str | None:
        return None if said is None else printable(said, _LONGEST_SAID)

    @field_validator("doubt")
    @classmethod
    def _says_something(cls, doubt: str | None) -> str | None:
        return doubt if doubt and doubt.strip() else None

    @field_validator("persona")
    @classmethod
    def _has_an_id(cls, persona: dict[str, Any] | None) -> dict[str, Any] | None:
        if persona is not None:
            one_id(persona.get("persona_id"))
        return persona

    @model_validator(mode="after")
    def _names_what_was_made(self) -> Self:
        made = self.state in (State.SUBMITTED, State.DELIVERED)
        if made and self.job is None and self.persona is None:
            raise ValueError(f"{self.state.value}, but names neither a job nor a persona")
        return self

    @property
    def made(self) -> bool:
        """Whether something was made: the entry names a job or a persona."""
        return self.job is not None or self.persona is not None

    def is_of(self, kind: JobKind) -> bool:
        """Return whether what was made is a job of this kind."""
        return self.persona is None and self.job is not None and self.job.kind == kind.name

    @property
    def job_ref(self) -> JobRef | None:
        """The job, once it is known."""
        return None if self.job is None else self.job.ref

    @property
    def sent_at(self) -> str:
        """When the request was sent, for people."""
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC"

    def is_about(self, fields: Mapping[str, str]) -> bool:
        """Return whether the request had these fields, given by their digests, among others."""
        return self.fingerprint.items() >= fields.items()

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
    :param changed: the fields that have changed since it was submitted; ``None`` when that cannot be told.
    :param perhaps_cleared: whether a clear may have led here all the same, which the numbers do not tell.
    """

    entry: Entry
    cleared: bool = False
    changed: tuple[str, ...] | None = ()
    perhaps_cleared: bool = False


@dataclass(frozen=True)
class Stop:
    """
    Submit nothing: the reply to an earlier submission is lost, and a person has to look.

    :param entry: that submission.
    :param perhaps_cleared: whether a clear may have led here all the same, which the numbers do not tell.
    """

    entry: Entry
    perhaps_cleared: bool = False


Decision = Submit | Reattach | Stop


def follows_a_clear(entry: Entry, this_try: TryNumbers) -> bool:
    """
    Return whether a person's clear led from the entry to this try. Where that is unclear, say no: nothing is paid then.

    A success is followed by nothing but a clear. Else a clear sets ``max_tries`` to the tries used so far plus the
    task's ``retries``, and a retry leaves it alone. A clear can leave it alone only if ``retries`` was changed before;
    so then it must be the number that such a clear sets, and tasks of the run must have been cleared at all.
    """
    delivered = entry.state is State.DELIVERED and not entry.handed_in
    if delivered or entry.max_tries != this_try.max_tries:
        return True
    if entry.retries in (None, this_try.retries) or entry.clear_number in (None, this_try.clear_number):
        return False
    used_before_the_clear = this_try.max_tries - this_try.retries
    return (entry.try_number or 1) <= used_before_the_clear < this_try.try_number


def decide(
    entry: Entry | None,
    *,
    this_try: TryNumbers,
    fingerprint: Mapping[str, str] | None,
    suno_conn_id: str | None = None,
    on_lost_reply: OnLostReply,
) -> Decision:
    """
    Return what a try may do. A retry never submits while a paid job may exist; a clear is a person's consent.

    :param entry: what the journal holds.
    :param attempt: this try.
    :param fingerprint: that of this try's request; ``None`` when the request cannot be built just now.
    :param suno_conn_id: this try's connection.
    :param on_lost_reply: the user's policy.
    """
    if entry is None:
        return Submit()
    cleared = follows_a_clear(entry, this_try)
    match entry.state:
        case State.INTENT:
            return Submit(lost=entry) if on_lost_reply == "resubmit" else Stop(entry)
        case State.DOUBTED:
            if cleared:
                return Submit(replaces=entry)
            known = (entry.retries, entry.clear_number)
            return Stop(entry, perhaps_cleared=known not in ((None, None), (this_try.retries, this_try.clear_number)))
        case State.SUBMITTED:
            surely_cleared = cleared and entry.max_tries != this_try.max_tries
            return _reattach_unless_changed(entry, cleared, surely_cleared, _changes(entry, fingerprint, suno_conn_id))
        case State.DELIVERED:  # pragma: no branch - there is no other state
            return Submit(replaces=entry) if cleared else Reattach(entry)


def _reattach_unless_changed(
    entry: Entry, cleared: bool, surely_cleared: bool, changed: tuple[str, ...] | None
) -> Reattach | Submit:
    if surely_cleared and changed:
        return Submit(replaces=entry)
    # Where the numbers leave a clear open, Airflow's own retry may have led here, which must not pay again.
    perhaps_cleared = cleared and not surely_cleared and changed != ()
    return Reattach(entry, cleared and not perhaps_cleared, changed, perhaps_cleared)


def _changes(entry: Entry, fingerprint: Mapping[str, str] | None, suno_conn_id: str | None) -> tuple[str, ...] | None:
    moved = entry.suno_conn_id not in (None, suno_conn_id)
    if fingerprint is None:
        return ("suno_conn_id",) if moved else None
    changed = sorted(dict(entry.fingerprint.items() ^ fingerprint.items()))
    return (*changed, "suno_conn_id") if moved else tuple(changed)


def fingerprint_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """
    Return a digest of each field that is given.

    What signs a URL is left out: a signed URL is another one each time that it is signed. So is the callback URL, which
    does not change what is made.

    :param fields: the fields of a request, as they are sent.
    """
    told = {name: value for name, value in fields.items() if name != "callback_url"}
    return {name: _digest(value) for name, value in told.items() if blank_is_none(value) not in (None, {})}


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


def _digest(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"https?://\S+", value.strip()):
        value = _unsigned(value.strip())
    try:
        text = json.dumps(value, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):  # such values are refused when the request is built
        text = excerpt(value, _LONGEST_TOLD)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _unsigned(url: str) -> Any:
    """Return what a URL names, without what signs it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = {name.lower() for name, _ in query}
    signing = {name for signature, others in _SIGNATURES.items() if signature in names for name in (signature, *others)}
    query = [(name, value) for name, value in query if name.lower() not in signing]
    return [parts.scheme, parts.netloc.lower(), parts.path, query]
