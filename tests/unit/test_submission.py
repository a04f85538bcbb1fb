"""The decision what the next try may do, row by row; fingerprints; the journal's reads and writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_suno.api.jobs import OnLostReply
from airflow_provider_suno.exceptions import SunoJournalError
from airflow_provider_suno.http.retry import Call
from airflow_provider_suno.journal.entry import (
    Entry,
    Fail,
    Reattach,
    State,
    StoredJob,
    Submit,
    TaskTry,
    decide,
    describe_request,
    fingerprint_of,
)
from airflow_provider_suno.journal.store import KEY, LIMITS, Journal, SendRecorder, StoreLimits

FINGERPRINT = {"prompt": "1", "model": "2"}
CHANGED = {"prompt": "3", "model": "2", "style": "4"}
RETRY = TaskTry(max_tries=2, try_number=2, retries=2, clear_number=0)
CLEAR = TaskTry(max_tries=3, try_number=2, retries=2, clear_number=1)
"""The second try with ``retries=2``: Airflow's own retry keeps the counters, a person's clear does not."""


def an_entry(state: State, **known: Any) -> Entry:
    made = {"job": {"kind": "music", "id": "m"}} if state in (State.SUBMITTED, State.DELIVERED) else {}
    numbers = {"max_tries": 2, "retries": 2, "clear_number": 0, "try_number": 1, "suno_conn_id": "a"}
    return Entry(state=state, description="generate", fingerprint=FINGERPRINT, **{**numbers, **made, **known})


NONE, INTENT, DOUBTED = None, an_entry(State.INTENT), an_entry(State.DOUBTED)
SUBMITTED, DELIVERED = an_entry(State.SUBMITTED), an_entry(State.DELIVERED)
CLEAR_USED = an_entry(State.DELIVERED, clear_used=True)
FIELDS = ("model", "prompt", "style")


def decided(
    entry: Entry | None,
    current_try: TaskTry,
    *,
    policy: OnLostReply = "fail",
    fingerprint: dict[str, str] | None = FINGERPRINT,
    suno_conn_id: str = "a",
) -> Any:
    return decide(
        entry, current_try=current_try, fingerprint=fingerprint, suno_conn_id=suno_conn_id, on_lost_reply=policy
    )


@pytest.mark.parametrize(
    ("entry", "policy", "retry", "clear"),
    [
        (NONE, "fail", Submit(), Submit()),
        (NONE, "resubmit", Submit(), Submit()),
        (INTENT, "fail", Fail(INTENT), Fail(INTENT)),
        (INTENT, "resubmit", Submit(lost=INTENT), Submit(lost=INTENT)),
        (DOUBTED, "fail", Fail(DOUBTED), Submit(replaces=DOUBTED)),
        (DOUBTED, "resubmit", Fail(DOUBTED), Submit(replaces=DOUBTED)),
        (SUBMITTED, "fail", Reattach(SUBMITTED), Reattach(SUBMITTED, cleared=True)),
        (SUBMITTED, "resubmit", Reattach(SUBMITTED), Reattach(SUBMITTED, cleared=True)),
        (DELIVERED, "fail", Reattach(DELIVERED), Submit(replaces=DELIVERED)),
        (DELIVERED, "resubmit", Reattach(DELIVERED), Submit(replaces=DELIVERED)),
        (CLEAR_USED, "fail", Reattach(CLEAR_USED), Submit(replaces=CLEAR_USED)),
    ],
)
def test_each_row(entry: Entry | None, policy: OnLostReply, retry: Any, clear: Any) -> None:
    assert decided(entry, RETRY, policy=policy) == retry
    assert decided(entry, CLEAR, policy=policy) == clear


@pytest.mark.parametrize(
    ("entry", "retry", "clear"),
    [
        (NONE, Submit(), Submit()),
        (INTENT, Fail(INTENT), Fail(INTENT)),
        (DOUBTED, Fail(DOUBTED), Submit(replaces=DOUBTED)),
        (SUBMITTED, Reattach(SUBMITTED, changed=("prompt", "style")), Submit(replaces=SUBMITTED)),
        (DELIVERED, Reattach(DELIVERED), Submit(replaces=DELIVERED)),
    ],
)
def test_a_changed_request_is_submitted_only_after_a_clear(entry: Entry | None, retry: Any, clear: Any) -> None:
    assert decided(entry, RETRY, fingerprint=CHANGED) == retry
    assert decided(entry, CLEAR, fingerprint=CHANGED) == clear


def test_another_connection_counts_as_a_changed_request() -> None:
    assert decided(SUBMITTED, RETRY, suno_conn_id="b") == Reattach(SUBMITTED, changed=("suno_conn_id",))
    assert decided(SUBMITTED, CLEAR, suno_conn_id="b") == Submit(replaces=SUBMITTED)


def test_a_request_that_cannot_be_built_stops_no_try_from_re_attaching() -> None:
    assert decided(SUBMITTED, RETRY, fingerprint=None) == Reattach(SUBMITTED, changed=None)
    assert decided(SUBMITTED, CLEAR, fingerprint=None) == Reattach(SUBMITTED, cleared=True, changed=None)


@given(
    state=st.sampled_from(State),
    policy=st.sampled_from(["fail", "resubmit"]),
    fingerprint=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=2)),
    retries_now=st.integers(0, 5),
    others_cleared=st.booleans(),
)
def test_a_retry_never_submits_while_a_paid_job_may_exist(
    state: State, policy: OnLostReply, fingerprint: dict[str, str], retries_now: int, others_cleared: bool
) -> None:
    """
    Nor does a retry after ``retries`` was changed and other tasks were cleared.

    The exceptions are ``doubted``, since that task has failed for good, and ``delivered``, since a retry replaces a
    success only in the moment in which it is recorded: there a clear follows, as the next test checks.
    """
    assume(state is not State.DOUBTED or retries_now == 2 or not others_cleared)
    assume(state is not State.DELIVERED or retries_now == 2)
    retry = TaskTry(max_tries=2, try_number=2, retries=retries_now, clear_number=int(others_cleared))
    decision = decided(an_entry(state), retry, policy=policy, fingerprint=fingerprint)
    assert not isinstance(decision, Submit) or (state is State.INTENT and policy == "resubmit")


@given(
    state=st.sampled_from([State.DOUBTED, State.DELIVERED]),
    tries=st.integers(1, 4),
    before=st.integers(0, 4),
    now=st.integers(0, 4),
)
def test_a_clear_after_a_success_or_a_lost_reply_submits_whatever_retries_says_now(
    state: State, tries: int, before: int, now: int
) -> None:
    entry = an_entry(state, max_tries=before, retries=before, try_number=tries)
    cleared = TaskTry(max_tries=tries + now, try_number=tries + 1, retries=now, clear_number=1)
    assert decided(entry, cleared) == Submit(replaces=entry)


def test_a_retry_that_replaces_a_success_pays_nothing_though_a_clear_came_before_the_success() -> None:
    re_attached_after_a_clear = an_entry(State.DELIVERED, max_tries=3, clear_number=1, try_number=1)
    retry = TaskTry(max_tries=3, try_number=3, retries=2, clear_number=2)
    assert decided(re_attached_after_a_clear, retry) == Reattach(re_attached_after_a_clear)


def test_what_may_be_a_retry_or_a_clear_pays_nothing_and_is_marked() -> None:
    edited = TaskTry(max_tries=2, try_number=2, retries=1, clear_number=0)
    assert decided(DOUBTED, edited) == Fail(DOUBTED, perhaps_cleared=True)
    assert decided(DOUBTED, RETRY) == Fail(DOUBTED)


def test_a_fingerprint_tells_which_fields_changed_and_shows_none() -> None:
    fields = {"prompt": "a secret idea", "model": "V5", "style": None, "title": "  ", "extra_fields": {"b": 1, "a": 2}}
    known = fingerprint_of(fields)
    assert set(known) == {"prompt", "model", "extra_fields"}
    assert "secret" not in str(known)
    assert known == fingerprint_of({**fields, "extra_fields": {"a": 2, "b": 1}})
    assert known != fingerprint_of({**fields, "prompt": "another idea"})


def test_a_value_that_json_cannot_encode_has_a_fingerprint() -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    assert set(fingerprint_of({"extra_fields": nested, "prompt": 10**5000})) == {"extra_fields", "prompt"}


def test_a_stored_message_cannot_forge_a_line_of_the_log() -> None:
    entry = an_entry(State.DOUBTED, lost_reply_message="lost\nERROR - forged" + "x" * 9000)
    assert str(entry.lost_reply_message).startswith("lost\\nERROR - forgedx")
    assert len(str(entry.lost_reply_message)) == 5000


SIGNED = "https://files/x.mp3?id=AAA&X-Amz-Signature={0}&X-Amz-Date={0}&Expires={0}&Signature={0}&sig={0}&se={0}"


@pytest.mark.parametrize("name", ["se", "st", "sr", "policy", "expires", "X-Amz-Date", "x-amz-meta-file", "token"])
def test_a_parameter_counts_unless_the_signature_that_it_belongs_to_is_there(name: str) -> None:
    rock, jazz = (fingerprint_of({"upload_url": f"https://files/x.mp3?{name}={file}"}) for file in ("rock", "jazz"))
    assert rock != jazz


def test_a_urls_signature_is_no_part_of_the_fingerprint_but_the_file_is() -> None:
    def of(url: str) -> dict[str, str]:
        return fingerprint_of({"upload_url": url})

    assert of(SIGNED.format(1)) == of(SIGNED.format(2)) == of("https://files/x.mp3?id=AAA#t")
    for other in (
        "https://files/x.mp3?id=BBB",
        "https://files/y.mp3?id=AAA",
        "https://files/x.mp3",
        "http://files/x.mp3?id=AAA",
    ):
        assert of(other) != of(SIGNED.format(1))
    assert of("see https://files/x.mp3?Expires=1") != of("see https://files/x.mp3?Expires=2")


def test_a_description_names_what_a_person_can_look_for() -> None:
    assert describe_request("generate", {"model": "V5", "prompt": "rain", "style": None}) == (
        "generate (model 'V5', prompt 'rain')"
    )
    assert len(describe_request("generate", {"prompt": "x" * 5000})) < 100
    assert describe_request("generate", {}) == "generate"


def test_an_entry_survives_json() -> None:
    entry = an_entry(State.SUBMITTED, at=datetime(2026, 1, 2, tzinfo=UTC), token="t", persona={"persona_id": "p"})
    assert Entry.model_validate(entry.model_dump(mode="json", exclude_none=True)) == entry


class Store:
    """A task state store that returns the given values in order, and then the last one forever."""

    def __init__(self, *found: Any) -> None:
        self.found = list(found)
        self.written: list[Any] = []
        self.deleted: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(found, Exception):
            raise found
        return self.written[-1] if found is WRITTEN else found

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.written.append(value)

    def delete(self, key: str) -> None:
        self.deleted.append(key)


WRITTEN = object()
"""Makes the store return what was written last."""


class NoLog:
    """A log that drops all lines."""

    def info(self, *_: Any) -> None:
        """Drop the line."""

    warning = info


def a_journal(store: Store | None, limits: StoreLimits = LIMITS) -> Journal:
    return Journal(store, current_try=TaskTry(max_tries=1, try_number=1), log=NoLog(), limits=limits)


GOOD = SUBMITTED.model_dump(mode="json")


@pytest.mark.parametrize(
    "found",
    [
        "submitted",
        7,
        [],
        {},
        {**GOOD, "state": "great"},
        {**GOOD, "max_tries": "many"},
        {**GOOD, "at": "yesterday"},
        {**GOOD, "fingerprint": None},
        {**GOOD, "job": None},
        {**GOOD, "job": {"kind": "music", "id": ""}, "persona": {"persona_id": None}},
        {**GOOD, "job": {"kind": "music", "id": " "}},
        {**GOOD, "job": {"kind": "songs", "id": "m"}},
        {**GOOD, "persona": {}},
        {**GOOD, "max_tries": True},
        {**GOOD, "max_tries": "2"},
        {**GOOD, "at": "9999-12-31T23:59:59-23:00"},
    ],
)
def test_an_invalid_entry_never_counts_as_no_entry(found: Any) -> None:
    with pytest.raises(SunoJournalError, match="is not understood, so nothing is submitted") as caught:
        a_journal(Store(found)).read()
    assert not caught.value.fatal


def test_a_store_that_cannot_be_read_never_counts_as_no_entry() -> None:
    with pytest.raises(SunoJournalError, match=r"cannot be read.*so nothing is submitted") as caught:
        a_journal(Store(OSError("the API server is away"))).read()
    assert not caught.value.fatal
    assert "the API server is away" in str(caught.value)


def test_no_entry_is_believed_after_a_deletion_and_a_second_read() -> None:
    store = Store(None, GOOD)
    found = a_journal(store).read()
    assert found == SUBMITTED
    assert len(store.deleted) == 1
    assert KEY not in store.deleted
    assert a_journal(Store(None, None)).read() is None


@pytest.mark.usefixtures("any_airflow")
def test_a_write_that_cannot_be_read_back_has_failed() -> None:
    with pytest.raises(
        SunoJournalError, match=r"'intent' could not be written.*the value is not there.*nothing is submitted"
    ):
        a_journal(Store(None)).write(an_entry(State.INTENT))


def a_recorder(journal: Journal, previous: Entry | None = None) -> SendRecorder:
    return SendRecorder(journal, Call.SUBMIT, description="generate", fingerprint=FINGERPRINT, previous=previous)


@pytest.mark.usefixtures("any_airflow")
def test_an_intent_that_is_written_too_slowly_is_written_again_three_times_at_most() -> None:
    store = Store(WRITTEN)
    recorder = a_recorder(a_journal(store, StoreLimits(intent_seconds=0)))
    with pytest.raises(SunoJournalError, match=r"takes longer than 0 s.*nothing is submitted") as caught, recorder:
        pass
    assert not caught.value.fatal
    assert not recorder.may_have_happened
    assert [entry["state"] for entry in store.written] == ["intent"] * 3
    assert store.deleted == [KEY]


def test_a_superseded_try_does_not_overwrite_the_entry_of_the_current_one() -> None:
    """With object storage behind the store the value would be overwritten before Airflow rejects the write."""
    store = Store(None)
    a_recorder(a_journal(store), an_entry(State.DOUBTED)).roll_back_once()
    assert store.written == []


def test_a_journal_without_a_store_keeps_nothing() -> None:
    journal = a_journal(None)
    assert not journal.persistent
    recorder = a_recorder(journal)
    with recorder:
        pass
    assert recorder.record_answer(job=StoredJob(kind="music", id="m")).state is State.SUBMITTED
    journal.record(SUBMITTED)
    journal.drop()
    assert journal.read() is None
