"""
The journal's entry for one paid submission, and the decision what the next try may do. Pure: no I/O, no clock.

A task instance (map index included) has at most one entry. Its state is ``intent`` before the request is sent,
``submitted`` once the answer named the job, ``doubted`` if the reply was lost, and ``delivered`` after Airflow recorded
the success. The entry is deleted if the service refused the request, or if the record says that the job failed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from airflow_provider_suno.api.fields import blank_is_none, one_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, OnLostReply, job_kind
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoValidationError

_DESCRIBING = (
    *("model", "title", "prompt", "style", "name", "content"),
    *("audio_id", "music_task_id", "stems_job_id", "phrase_job_id"),
)
_LONGEST_FIELD = 60
_LONGEST_MESSAGE = 5000
_LONGEST_UNENCODABLE = 10_000
_DIGEST_LENGTH = 16

_NAMES_OF_A_SOURCE = ("call", "music_task_id", "audio_id")
"""The fields that say of what a result is made that the service makes only once."""

_SIGNATURES = {
    # CloudFront, S3, GCS
    "signature": "expires key-pair-id policy awsaccesskeyid googleaccessid",
    "x-amz-signature": "x-amz-algorithm x-amz-credential x-amz-date x-amz-expires x-amz-signedheaders "
    "x-amz-security-token",
    "x-goog-signature": "x-goog-algorithm x-goog-credential x-goog-date x-goog-expires x-goog-signedheaders",
    # Azure
    "sig": "se st sp sv sr spr skoid sktid skt ske sks skv",
    # Tencent
    "q-signature": "q-sign-algorithm q-ak q-sign-time q-key-time q-header-list q-url-param-list",
}
"""The query parameter that holds a URL's signature, and those that belong to it. All change with each signing."""


class State(StrEnum):
    """How far a submission got."""

    INTENT = "intent"
    DOUBTED = "doubted"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class TaskTry:
    """
    The counters of one try, by which :func:`follows_a_clear` tells Airflow's retry from a person's clear.

    :param max_tries: the task instance's ``max_tries``.
    :param try_number: the number of the try.
    :param retries: the task's ``retries``, as the Dag file says now.
    :param clear_number: how often tasks of this Dag run were cleared.
    """

    max_tries: int = 0
    try_number: int = 0
    retries: int = 0
    clear_number: int = 0


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the range of dates") from None


def _known_kind(name: str) -> str:
    try:
        return job_kind(name).name
    except SunoValidationError as unknown:
        raise ValueError(str(unknown)) from None


_Message = Annotated[str, AfterValidator(lambda text: printable(text, _LONGEST_MESSAGE).strip())]


class StoredJob(BaseModel):
    """A job as the entry stores it: the name of its kind, and its id."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: Annotated[str, AfterValidator(_known_kind)]
    id: Annotated[str, AfterValidator(one_id)]

    @property
    def ref(self) -> JobRef:
        """The job together with its kind."""
        return JobRef(job_kind(self.kind), self.id)


class Entry(BaseModel):
    """
    What the journal knows of one submission.

    :param state: how far it got.
    :param max_tries: with ``retries`` and ``clear_number``, the counters of the try that wrote the entry last.
    :param try_number: the try that wrote the intent.
    :param at: the time just before the request was sent.
    :param description: the request in words, for messages.
    :param suno_conn_id: the connection that the request was sent through.
    :param fingerprint: a digest of each field sent, to detect that the request has changed since.
    :param token: the random token in the callback URL.
    :param called_back: true if the callback URL is that of this Airflow, so that a callback will tell of the job.
    :param old_result: a digest of the result that the job's record showed before, if the request is about a job that
        exists.
    :param job: the job, once known.
    :param existed: true if that job is an earlier one, of another request, and nothing was submitted.
    :param replaced_job: the job of the same track that a clear has replaced, in case the service makes it only once.
    :param persona: the persona as the operator pushes it, once known.
    :param answer: the answer to a call that is no job, once known.
    :param lost_reply_message: the error that was raised when the reply was lost.
    :param clear_used: true once a clear after the delivery was used to resume another job by its id
        (``music_task_id=``).
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: State
    max_tries: StrictInt
    retries: StrictInt | None = None
    clear_number: StrictInt | None = None
    try_number: StrictInt | None = None
    at: Annotated[AwareDatetime, AfterValidator(_in_utc)] = Field(default_factory=lambda: datetime.now(UTC))
    description: _Message
    suno_conn_id: str | None = None
    fingerprint: dict[str, str]
    token: str | None = None
    called_back: StrictBool | None = None
    old_result: str | None = None
    job: StoredJob | None = None
    existed: StrictBool | None = None
    replaced_job: StoredJob | None = None
    persona: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    lost_reply_message: _Message | None = None
    clear_used: StrictBool | None = None

    @model_validator(mode="after")
    def _names_what_was_made(self) -> Self:
        if self.persona is not None:
            one_id(self.persona.get("persona_id"))
        elif self.job is None and self.answer is None and self.state in (State.SUBMITTED, State.DELIVERED):
            raise ValueError(f"{self.state.value}, but names neither a job, a persona nor an answer")
        return self

    def is_of_another_kind(self, kind: JobKind | None) -> bool:
        """Return whether the entry names what is no job of this kind; without a kind, what is no answer."""
        another_job = self.job is not None and (kind is None or self.job.kind != kind.name)
        return self.persona is not None or another_job or (self.answer is not None and kind is not None)

    @property
    def job_ref(self) -> JobRef | None:
        """The job, once known."""
        return None if self.job is None else self.job.ref

    @property
    def submitted_at(self) -> float | None:
        """When the job was submitted, in epoch seconds; ``None`` if that is not known."""
        return None if self.existed else self.at.timestamp()

    @property
    def sent_at(self) -> str:
        """When the request was sent, for messages."""
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC"

    def matches(self, digests: Mapping[str, str]) -> bool:
        """Return whether the fingerprint contains these fields with these digests."""
        return self.fingerprint.items() >= digests.items()

    def differs(self, name: str, digest: str) -> bool:
        """Return whether a field was sent with another digest than this one."""
        return self.fingerprint.get(name, digest) != digest

    def job_of(self, fingerprint: Mapping[str, str], suno_conn_id: str | None) -> StoredJob | None:
        """Return the job that was made of the same track through the same connection, if that is known."""
        same = all(self.fingerprint.get(name) == fingerprint.get(name) for name in _NAMES_OF_A_SOURCE)
        return (self.job or self.replaced_job) if same and self.suno_conn_id == suno_conn_id else None

    def in_state(self, state: State, **known: Any) -> Entry:
        """Return a copy in another state, with what became known."""
        return self.model_copy(update={"state": state, **known})


@dataclass(frozen=True)
class Submit:
    """
    Submit a job.

    :param lost: an earlier submission whose reply was lost; ``on_lost_reply="resubmit"`` accepts paying twice.
    :param replaces: an earlier submission that a person's clear asks to replace.
    """

    lost: Entry | None = None
    replaces: Entry | None = None


@dataclass(frozen=True)
class Reattach:
    """
    Resume the job that an earlier try paid for; submit nothing.

    :param entry: the entry of that job.
    :param cleared: whether a person's clear started this try.
    :param changed: the fields that changed since the job was submitted; ``None`` when the request cannot be compared.
    :param perhaps_cleared: whether it may have been a clear, but the counters do not prove it.
    """

    entry: Entry
    cleared: bool = False
    changed: tuple[str, ...] | None = ()
    perhaps_cleared: bool = False


@dataclass(frozen=True)
class Fail:
    """
    Submit nothing and fail: the reply to an earlier submission was lost, so a person has to look for the job.

    :param entry: that submission.
    :param perhaps_cleared: whether this try may come from a clear, but the counters do not prove it.
    """

    entry: Entry
    perhaps_cleared: bool = False


Decision = Submit | Reattach | Fail


def follows_a_clear(entry: Entry, current_try: TaskTry) -> bool:
    """
    Return whether a person's clear led from the entry to this try. If that is unclear, return False: that pays nothing.

    A clear sets ``max_tries`` to the tries used so far plus the task's ``retries``, and a retry leaves it alone. A
    clear can leave it equal only if ``retries`` was changed before; then the number must be what such a clear
    computes, and some task of the run must have been cleared.

    After a success a clear starts the next try, so a change of ``retries`` suffices there. One exception: a scheduler
    that is told of a failure by its executor while a success is written may replace the success by a retry, which
    leaves all numbers as they were (seen with Airflow 3.3.2 and Celery).
    """
    if entry.max_tries != current_try.max_tries:
        return True
    same_retries = entry.retries == current_try.retries
    if entry.state is State.DELIVERED and not entry.clear_used:
        return not same_retries
    if same_retries or entry.retries is None or entry.clear_number in (None, current_try.clear_number):
        return False
    used_before_the_clear = current_try.max_tries - current_try.retries
    return (entry.try_number or 1) <= used_before_the_clear < current_try.try_number


def decide(
    entry: Entry | None,
    *,
    current_try: TaskTry,
    fingerprint: Mapping[str, str] | None,
    suno_conn_id: str | None = None,
    on_lost_reply: OnLostReply,
) -> Decision:
    """
    Return what a try may do. A retry never submits while a paid job may exist; a clear is a person's consent.

    :param entry: what the journal holds.
    :param current_try: this try.
    :param fingerprint: of this try's request; ``None`` when the request cannot be built.
    :param suno_conn_id: this try's connection.
    :param on_lost_reply: the user's policy.
    """
    if entry is None:
        return Submit()
    cleared = follows_a_clear(entry, current_try)
    surely_cleared = entry.max_tries != current_try.max_tries
    changed = _changed_fields(entry, fingerprint, suno_conn_id)
    match entry.state:
        case State.INTENT:
            return Submit(lost=entry) if on_lost_reply == "resubmit" else Fail(entry)
        case State.DOUBTED if not cleared:
            unchanged = ((None, None), (current_try.retries, current_try.clear_number))
            return Fail(entry, perhaps_cleared=(entry.retries, entry.clear_number) not in unchanged)
        case State.SUBMITTED if not (surely_cleared and changed):
            # Without proof of a clear this may be Airflow's retry, which must not pay for a changed request.
            perhaps_cleared = cleared and not surely_cleared and changed != ()
            return Reattach(entry, cleared and not perhaps_cleared, changed, perhaps_cleared)
        case State.DELIVERED if not cleared:
            return Reattach(entry)
    return Submit(replaces=entry)


def _changed_fields(
    entry: Entry, fingerprint: Mapping[str, str] | None, suno_conn_id: str | None
) -> tuple[str, ...] | None:
    connection = ("suno_conn_id",) if entry.suno_conn_id not in (None, suno_conn_id) else ()
    if fingerprint is None:
        return connection or None
    return (*sorted(dict(entry.fingerprint.items() ^ fingerprint.items())), *connection)


def fingerprint_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """
    Return a digest of each field that has a value.

    The callback URL is left out: it does not change the song. Of a URL the signature is left out: it differs each time
    the same URL is signed.

    :param fields: the fields of a request, as they are sent.
    """
    return {
        name: _digest(value)
        for name, value in fields.items()
        if name != "callback_url" and blank_is_none(value) not in (None, {})
    }


def describe_request(call: str, fields: Mapping[str, Any]) -> str:
    """Describe a request by the fields that a person can look for on the service's own pages."""
    told = []
    for name in _DESCRIBING:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            told.append(f"{name} {value if len(value) <= _LONGEST_FIELD else f'{value[:_LONGEST_FIELD]}…'!r}")
    return f"{call} ({', '.join(told)})" if told else call


def _digest(value: Any) -> str:
    value = (
        [_without_signature(each) for each in value] if isinstance(value, (list, tuple)) else _without_signature(value)
    )
    try:
        text = json.dumps(value, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):  # such a value is refused when the request is built
        text = excerpt(value, _LONGEST_UNENCODABLE)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _without_signature(value: Any) -> Any:
    """Return the parts of a URL that name the file; anything else unchanged."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://\S+", value.strip()):
        return value
    url = value.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = {name.lower() for name, _ in query}
    signing = {name for key, others in _SIGNATURES.items() if key in names for name in (key, *others.split())}
    query = [(name, value) for name, value in query if name.lower() not in signing]
    return [parts.scheme, parts.netloc.lower(), parts.path, query]
