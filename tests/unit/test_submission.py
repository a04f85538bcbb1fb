"""What the next try may do: the table of decisions, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_suno.exceptions import SunoJournalError
from airflow_provider_suno.http.retry import Call
from airflow_provider_suno.journal import store as journal_module
from airflow_provider_suno.journal.entry import (
    Entry,
    JobNote,
    OnLostReply,
    Reattach,
    State,
    Stop,
    Submit,
    TryNumbers,
    decide,
    described,
    fingerprint_of,
)
from airflow_provider_suno.journal.store import KEY, Journal, JournaledSends

FINGERPRINT = {"prompt": "1", "model": "2"}
CHANGED = {"prompt": "3", "model": "2", "style": "4"}
RETRY = TryNumbers(max_tries=2, try_number=2, retries=2, clear_number=0)
CLEAR = TryNumbers(max_tries=3, try_number=2, retries=2, clear_number=1)
"""Tries after the first one, with ``retries=2``: Airflow's own retry keeps the numbers, a person's clear does not."""


def an_entry(state: State, **known: Any) -> Entry:
    made = {"job": {"kind": "music", "id": "m"}} if state in (State.SUBMITTED, State.DELIVERED) else {}
    numbers = {"max_tries": 2, "retries": 2, "clear_number": 0, "try_number": 1, "suno_conn_id": "a"}
    return Entry(state=state, what="generate", fingerprint=FINGERPRINT, **{**numbers, **made, **known})


NONE, INTENT, DOUBTED = None, an_entry(State.INTENT), an_entry(State.DOUBTED)
SUBMITTED, DELIVERED = an_entry(State.SUBMITTED), an_entry(State.DELIVERED)
HANDED_IN = an_entry(State.DELIVERED, handed_in=True)
FIELDS = ("model", "prompt", "style")


def decided(
    entry: Entry | None,
    this_try: TryNumbers,
    *,
    policy: OnLostReply = "fail",
    fingerprint: dict[str, str] | None = FINGERPRINT,
    suno_conn_id: str = "a",
) -> Any:
    return decide(entry, this_try=this_try, fingerprint=fingerprint, suno_conn_id=suno_conn_id, on_lost_reply=policy)


@pytest.mark.parametrize(
    ("entry", "policy", "retry", "clear"),
    [
        (NONE, "fail", Submit(), Submit()),
        (NONE, "resubmit", Submit(), Submit()),
        (INTENT, "fail", Stop(INTENT), Stop(INTENT)),
        (INTENT, "resubmit", Submit(lost=INTENT), Submit(lost=INTENT)),
        (DOUBTED, "fail", Stop(DOUBTED), Submit(replaces=DOUBTED)),
        (DOUBTED, "resubmit", Stop(DOUBTED), Submit(replaces=DOUBTED)),
        (SUBMITTED, "fail", Reattach(SUBMITTED), Reattach(SUBMITTED, cleared=True)),
        (SUBMITTED, "resubmit", Reattach(SUBMITTED), Reattach(SUBMITTED, cleared=True)),
        (DELIVERED, "fail", Submit(replaces=DELIVERED), Submit(replaces=DELIVERED)),
        (DELIVERED, "resubmit", Submit(replaces=DELIVERED), Submit(replaces=DELIVERED)),
        (HANDED_IN, "fail", Reattach(HANDED_IN), Submit(replaces=HANDED_IN)),
    ],
)
def test_each_row(entry: Entry | None, policy: OnLostReply, retry: Any, clear: Any) -> None:
    assert decided(entry, RETRY, policy=policy) == retry
    assert decided(entry, CLEAR, policy=policy) == clear


@pytest.mark.parametrize(
    ("entry", "retry", "clear"),
    [
        (NONE, Submit(), Submit()),
        (INTENT, Stop(INTENT), Stop(INTENT)),
        (DOUBTED, Stop(DOUBTED), Submit(replaces=DOUBTED)),
        (SUBMITTED, Reattach(SUBMITTED, changed=("prompt", "style")), Submit(replaces=SUBMITTED)),
        (DELIVERED, Submit(replaces=DELIVERED), Submit(replaces=DELIVERED)),
    ],
)
def test_a_changed_request_is_submitted_only_after_a_clear(entry: Entry | None, retry: Any, clear: Any) -> None:
    assert decided(entry, RETRY, fingerprint=CHANGED) == retry
    assert decided(entry, CLEAR, fingerprint=CHANGED) == clear


def test_another_connection_counts_as_a_changed_request() -> None:
    assert decided(SUBMITTED, RETRY, suno_conn_id="b") == Reattach(SUBMITTED, changed=("suno_conn_id",))
    assert decided(SUBMITTED, CLEAR, suno_conn_id="b") == Submit(replaces=SUBMITTED)


def test_a_request_that_cannot_be_built_keeps_no_try_from_its_job() -> None:
    assert decided(SUBMITTED, RETRY, fingerprint=None) == Reattach(SUBMITTED, changed=None)
    assert decided(SUBMITTED, CLEAR, fingerprint=None) == Reattach(SUBMITTED, cleared=True, changed=None)


@given(
    state=st.sampled_from([State.INTENT, State.DOUBTED, State.SUBMITTED]),
    policy=st.sampled_from(["fail", "resubmit"]),
    fingerprint=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=2)),
    retries_now=st.integers(0, 5),
    others_cleared=st.booleans(),
)
def test_a_retry_never_submits_while_a_paid_job_may_exist(
    state: State, policy: OnLostReply, fingerprint: dict[str, str], retries_now: int, others_cleared: bool
) -> None:
    """
    Neither does one after a change of ``retries`` and a clear of other tasks.

    But for a doubt: such a task has failed for good, so what follows is a clear, as the next test says.
    """
    assume(state is not State.DOUBTED or retries_now == 2 or not others_cleared)
    retry = TryNumbers(max_tries=2, try_number=2, retries=retries_now, clear_number=int(others_cleared))
    decision = decided(an_entry(state), retry, policy=policy, fingerprint=fingerprint)
    assert not isinstance(decision, Submit) or (state is State.INTENT and policy == "resubmit")


@given(tries=st.integers(1, 4), before=st.integers(0, 4), now=st.integers(0, 4))
def test_a_clear_of_a_doubt_submits_whatever_became_of_retries(tries: int, before: int, now: int) -> None:
    entry = an_entry(State.DOUBTED, max_tries=before, retries=before, try_number=tries)
    cleared = TryNumbers(max_tries=tries + now, try_number=tries + 1, retries=now, clear_number=1)
    assert decided(entry, cleared) == Submit(replaces=entry)


def test_what_may_be_a_retry_or_a_clear_pays_nothing_and_says_so() -> None:
    edited = TryNumbers(max_tries=2, try_number=2, retries=1, clear_number=0)
    assert decided(DOUBTED, edited) == Stop(DOUBTED, perhaps_cleared=True)
    assert decided(DOUBTED, RETRY) == Stop(DOUBTED)


def test_a_fingerprint_tells_which_fields_changed_and_shows_none() -> None:
    fields = {"prompt": "a secret idea", "model": "V5", "style": None, "title": "  ", "extra_fields": {"b": 1, "a": 2}}
    known = fingerprint_of(fields)
    assert set(known) == {"prompt", "model", "extra_fields"}
    assert "secret" not in str(known)
    assert known == fingerprint_of({**fields, "extra_fields": {"a": 2, "b": 1}})
    assert known != fingerprint_of({**fields, "prompt": "another idea"})


def test_what_cannot_be_written_has_a_fingerprint() -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    assert set(fingerprint_of({"extra_fields": nested, "prompt": 10**5000})) == {"extra_fields", "prompt"}


def test_an_old_doubt_forges_no_line_of_a_log() -> None:
    entry = an_entry(State.DOUBTED, doubt="lost\nERROR - forged" + "x" * 9000)
    assert str(entry.doubt).startswith("lost\\nERROR - forgedx")
    assert len(str(entry.doubt)) == 5000


SIGNED = "https://files/x.mp3?id=AAA&X-Amz-Signature={0}&X-Amz-Date={0}&Expires={0}&Signature={0}&sig={0}&se={0}"


@pytest.mark.parametrize("name", ["se", "st", "sr", "policy", "expires", "X-Amz-Date", "x-amz-meta-file", "token"])
def test_without_a_signature_beside_it_a_parameter_may_name_the_file(name: str) -> None:
    rock, jazz = (fingerprint_of({"upload_url": f"https://files/x.mp3?{name}={file}"}) for file in ("rock", "jazz"))
    assert rock != jazz


def test_what_signs_a_url_is_no_part_of_the_fingerprint_but_what_names_the_file_is() -> None:
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


def test_a_description_names_what_a_person_looks_for() -> None:
    assert described("generate", {"model": "V5", "prompt": "rain", "style": None}) == (
        "generate (model 'V5', prompt 'rain')"
    )
    assert len(described("generate", {"prompt": "x" * 5000})) < 100
    assert described("generate", {}) == "generate"


def test_an_entry_survives_its_journey_through_json() -> None:
    entry = an_entry(State.SUBMITTED, at=datetime(2026, 1, 2, tzinfo=UTC), token="t", persona={"persona_id": "p"})
    assert Entry.model_validate(entry.model_dump(mode="json", exclude_none=True)) == entry


class Store:
    """A task state store that gives what it was told to, one after the other and the last for ever."""

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
"""What a store gives that keeps what was written last."""


class Silent:
    """A log that nobody reads."""

    def info(self, *_: Any) -> None:
        """Say nothing."""

    warning = info


def a_journal(store: Store | None) -> Journal:
    return Journal(store, this_try=TryNumbers(max_tries=1, try_number=1), log=Silent())


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
def test_an_entry_that_is_not_understood_is_never_taken_for_none(found: Any) -> None:
    with pytest.raises(SunoJournalError, match="is not understood, so nothing is submitted") as caught:
        a_journal(Store(found)).read()
    assert not caught.value.fatal


def test_a_journal_that_cannot_be_read_is_never_taken_for_none() -> None:
    with pytest.raises(SunoJournalError, match=r"cannot be read.*so nothing is submitted") as caught:
        a_journal(Store(OSError("the API server is away"))).read()
    assert not caught.value.fatal
    assert "the API server is away" in str(caught.value)


@pytest.fixture
def _any_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let these stores be written to also before Airflow 3.3, which knows no retention."""
    monkeypatch.setattr(journal_module, "never_expire", lambda: None)


def test_nothing_there_is_believed_when_it_is_said_twice() -> None:
    store = Store(None, GOOD)
    found = a_journal(store).read()
    assert found == SUBMITTED
    assert len(store.deleted) == 1
    assert KEY not in store.deleted
    assert a_journal(Store(None, None)).read() is None


@pytest.mark.usefixtures("_any_airflow")
def test_an_entry_that_is_not_there_after_all_is_not_written() -> None:
    with pytest.raises(SunoJournalError, match=r"'intent' could not be written.*it is not there.*nothing is submitted"):
        a_journal(Store(None)).write(an_entry(State.INTENT))


def a_sending(store: Store, before: Entry | None = None) -> JournaledSends:
    return JournaledSends(a_journal(store), Call.SUBMIT, what="generate", fingerprint=FINGERPRINT, before=before)


@pytest.mark.usefixtures("_any_airflow")
def test_an_intent_that_took_too_long_is_written_anew_and_at_last_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(WRITTEN)
    monkeypatch.setattr(journal_module, "INTENT_LIFETIME", timedelta(0))
    sends = a_sending(store)
    with pytest.raises(SunoJournalError, match=r"takes longer than 0 s.*nothing is submitted") as caught, sends:
        pass
    assert not caught.value.fatal
    assert not sends.under_way
    assert [entry["state"] for entry in store.written] == ["intent"] * 3
    assert store.deleted == [KEY]


def test_a_try_that_was_given_up_leaves_the_entry_of_another_alone() -> None:
    """With an object storage behind the store the value would be overwritten before Airflow refuses it."""
    store = Store(None)
    a_sending(store, before=an_entry(State.DOUBTED)).take_back_at_once()
    assert store.written == []


def test_a_journal_without_a_store_keeps_nothing() -> None:
    journal = a_journal(None)
    assert not journal.protects
    sends = JournaledSends(journal, Call.SUBMIT, what="generate", fingerprint=FINGERPRINT)
    with sends:
        pass
    assert sends.made(job=JobNote(kind="music", id="m")).state is State.SUBMITTED
    journal.record(SUBMITTED)
    journal.drop()
    assert journal.read() is None
