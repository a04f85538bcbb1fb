"""Whatever the journal holds, a job is submitted only if none can be paid for yet, or if a person has consented."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.style import BoostStyleRequest, StyleBoost
from airflow_provider_suno.api.jobs import JobKind, OnLostReply
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import SunoError, SunoJournalError, SunoLostReplyError
from airflow_provider_suno.journal.entry import (
    Entry,
    Fail,
    State,
    Submit,
    TaskTry,
    decide,
    describe_request,
    fingerprint_of,
)
from airflow_provider_suno.journal.store import KEY, Journal
from airflow_provider_suno.journal.submission import Submission, mark_clear_used, request_fingerprint, submit_once
from tests.support.figures import figures
from tests.support.jobs import MUSIC
from tests.support.properties.chaos import Chaos, chaos, texts, values
from tests.support.properties.checks import check_error, check_plain
from tests.support.properties.effort import BATCH, HOSTILE

FIELDS = {"model": "V5", "prompt": "rain"}
REQUEST = GenerateMusicRequest.build(FIELDS)
FINGERPRINT = request_fingerprint(REQUEST)
BOOST = BoostStyleRequest.build({"content": "folk"})
ANSWERED = StyleBoost(style="old folk")
NEW_ANSWER = StyleBoost(style="new folk")
MAX_TRIES, TRY = 2, 3
RETRY = TaskTry(max_tries=MAX_TRIES, try_number=TRY, retries=2, clear_number=0)
CLEAR = TaskTry(max_tries=5, try_number=TRY, retries=2, clear_number=1)
LOG = logging.getLogger("tests")


def _only_plain_lines(record: logging.LogRecord) -> bool:
    check_plain(record.getMessage())
    return True


LOG.addFilter(_only_plain_lines)
POLICIES: list[OnLostReply] = ["fail", "resubmit"]


class Store:
    """What Airflow keeps for a task instance."""

    def __init__(self, value: Any) -> None:
        self.values = {KEY: value}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.values[key] = json.loads(json.dumps(value, allow_nan=False))

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def stored(state: State, **known: Any) -> dict[str, Any]:
    """Return an entry as it is stored; with an ``answer``, one of the call that is answered at once."""
    made = {"job": {"kind": "music", "id": "m1"}} if state in (State.SUBMITTED, State.DELIVERED) else {}
    if "answer" in known:
        made = {"fingerprint": request_fingerprint(BOOST)}
    entry = Entry(
        state=state,
        max_tries=MAX_TRIES,
        retries=2,
        clear_number=0,
        try_number=1,
        description="generate",
        suno_conn_id="suno_default",
        **{"fingerprint": FINGERPRINT, **made, **known},
    )
    return entry.model_dump(mode="json", exclude_none=True)


VALID_ENTRIES = [
    *(stored(state) for state in State),
    stored(State.DOUBTED, lost_reply_message="The reply is lost: look.", token="t0"),
    {**stored(State.SUBMITTED), "persona": {"persona_id": "p1", "audio_id": "a1"}},
    stored(State.SUBMITTED, answer=ANSWERED.to_dict()),
    stored(State.DELIVERED, answer=ANSWERED.to_dict()),
    stored(State.DOUBTED, fingerprint=request_fingerprint(BOOST), lost_reply_message="The reply is lost."),
]


def is_well_formed(value: Any) -> bool:
    """Return whether a stored value is a valid entry, checked independently of the product's code."""
    if not isinstance(value, dict):
        return False
    persona, job, answer = value.get("persona"), value.get("job"), value.get("answer")
    names_something = persona is not None or job is not None or answer is not None
    return (
        value.get("state") in ("intent", "doubted", "submitted", "delivered")
        and type(value.get("max_tries")) is int
        and all(type(value.get(name)) in (type(None), int) for name in ("try_number", "retries", "clear_number"))
        and type(value.get("clear_used")) in (type(None), bool)
        and type(value.get("suno_conn_id")) in (type(None), str)
        and isinstance(value.get("description"), str)
        and isinstance(value.get("fingerprint"), dict)
        and all(isinstance(text, str) for pair in value["fingerprint"].items() for text in pair)
        and (job is None or (isinstance(job, dict) and job.get("kind") == "music" and _is_id(job.get("id"))))
        and (persona is None or (isinstance(persona, dict) and _is_id(persona.get("persona_id"))))
        and (answer is None or isinstance(answer, dict))
        and (value["state"] in ("intent", "doubted") or names_something)
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def may_submit(
    entry: dict[str, Any], current_try: TaskTry, policy: OnLostReply, fingerprint: dict[str, str] = FINGERPRINT
) -> bool:
    """Return whether a try that finds this valid entry may submit, decided independently of the product's code."""
    if entry["state"] == "intent":
        return policy == "resubmit"
    if entry["state"] == "delivered" and not entry.get("clear_used"):
        return True
    moved = entry.get("suno_conn_id") not in (None, "suno_default")
    changed = entry["state"] != "submitted" or entry["fingerprint"] != fingerprint or moved
    numbers = ("max_tries", "retries", "clear_number")
    return changed and any(entry.get(name) not in (None, getattr(current_try, name)) for name in numbers)


class Sender:
    """Record what would be sent."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent
        self.cancellation: Any = SimpleNamespace(pause=lambda seconds: None)

    def run(self, request: Any, around: Any) -> Any:
        with around:
            self._sent.append("m2")
        return NEW_ANSWER if request is BOOST else "m2"


def check_stored(value: Any, current_try: TaskTry, policy: OnLostReply) -> None:
    """Check what a try of either kind of operator does that finds this value in the store."""
    check_found(value, current_try, policy, MUSIC, REQUEST)
    check_found(value, current_try, policy, None, BOOST)


def check_found(
    value: Any, current_try: TaskTry, policy: OnLostReply, kind: JobKind | None, request: SunoRequest
) -> None:
    """
    Check what a try does that finds this value in the store.

    :param kind: the kind of job that its request starts; ``None`` if it is answered at once.
    """
    figures["entries tried"] += 1
    sent: list[str] = []
    journal = Journal(Store(value), current_try=current_try, log=LOG)
    submission = Submission(kind, request, "suno_default", policy)
    try:
        entry = journal.read()
    except SunoJournalError as error:
        check_error(error)
        with pytest.raises(SunoJournalError):
            submit_once(journal, submission, Sender(sent))
        assert not sent
        return
    assert value is None or is_well_formed(value), "a malformed entry was accepted"
    try:
        done = submit_once(journal, submission, Sender(sent))
    except SunoError as error:
        check_error(error)
        assert not sent
    else:
        if kind is None:
            assert done.answer == (NEW_ANSWER.to_dict() if sent else value["answer"])
        else:
            assert done.job is not None
            assert done.job.id == ("m2" if sent else value["job"]["id"].strip())
    another_operators = entry is not None and entry.is_of_another_kind(kind)
    if value is not None and not another_operators:
        assert not sent or may_submit(value, current_try, policy, request_fingerprint(request))
    else:
        assert sent or (entry is not None and entry.try_number == TRY)


@HOSTILE
@given(values(), st.sampled_from([RETRY, CLEAR]), st.sampled_from(POLICIES))
@example({**stored(State.DELIVERED), "max_tries": True}, RETRY, "fail").via("max_tries is a flag")
@example({**stored(State.SUBMITTED), "persona": {}}, RETRY, "fail").via("a persona without an id")
@example({**stored(State.SUBMITTED), "at": "9999-12-31T23:59:59-23:00"}, RETRY, "fail").via("a time out of range")
def test_any_json_in_the_store(value: Any, current_try: TaskTry, policy: OnLostReply) -> None:
    check_stored(value, current_try, policy)


@HOSTILE
@given(chaos())
def test_valid_entries_that_were_damaged(made: Chaos) -> None:
    for _ in range(BATCH):
        value = made.mutated(made.random.choice(VALID_ENTRIES))
        check_stored(value, made.random.choice([RETRY, CLEAR]), made.random.choice(POLICIES))


@HOSTILE
@given(st.sampled_from(VALID_ENTRIES), st.sampled_from(sorted(Entry.model_fields)), values(), st.sampled_from(POLICIES))
def test_entries_with_one_field_replaced(entry: dict[str, Any], field: str, value: Any, policy: OnLostReply) -> None:
    for current_try in (RETRY, CLEAR):
        check_stored({**entry, field: value}, current_try, policy)


@HOSTILE
@given(
    entry=st.none() | st.sampled_from([Entry.model_validate(entry) for entry in VALID_ENTRIES]),
    current_try=st.builds(TaskTry, *[st.integers(-1, 9)] * 4),
    fingerprint=st.dictionaries(st.sampled_from(sorted(FINGERPRINT)), st.text(max_size=2)) | st.just(FINGERPRINT),
    policy=st.sampled_from(POLICIES),
)
def test_the_decision(
    entry: Entry | None, current_try: TaskTry, fingerprint: dict[str, str], policy: OnLostReply
) -> None:
    decision = decide(
        entry, current_try=current_try, fingerprint=fingerprint, suno_conn_id="suno_default", on_lost_reply=policy
    )
    if entry is None:
        assert decision == Submit()
        return
    state = entry.state
    only_a_retry = (current_try.max_tries, current_try.retries, current_try.clear_number) == (
        entry.max_tries,
        entry.retries,
        entry.clear_number,
    )
    if isinstance(decision, Submit):
        assert state is State.DELIVERED or not only_a_retry or (state is State.INTENT and policy == "resubmit")
        assert state is not State.SUBMITTED or fingerprint != entry.fingerprint
    elif isinstance(decision, Fail):
        assert state in (State.INTENT, State.DOUBTED)
    else:
        assert state is State.SUBMITTED


@HOSTILE
@given(st.sampled_from(VALID_ENTRIES), st.integers(0, 9))
def test_a_job_given_by_its_id_uses_up_the_clear(entry: dict[str, Any], max_tries: int) -> None:
    current_try = TaskTry(max_tries=max_tries, try_number=TRY, retries=2, clear_number=1)
    journal = Journal(Store(entry), current_try=current_try, log=LOG)
    mark_clear_used(journal, MUSIC)
    found = journal.read()
    assert found is not None
    assert found.max_tries == max_tries
    decision = decide(found, current_try=current_try, fingerprint={}, on_lost_reply="resubmit")
    assert not isinstance(decision, Submit)


@HOSTILE
@given(st.dictionaries(st.sampled_from(["prompt", "extra_fields", "callback_url", "\ud800"]), values()), texts())
@example({"extra_fields": {"seed": 10**5000}}, "").via("a number that JSON cannot encode")
def test_anything_has_a_fingerprint_and_a_description(fields: dict[str, Any], text: str) -> None:
    digests = fingerprint_of(fields)
    assert digests == fingerprint_of(dict(reversed(fields.items())))
    assert all(len(digest) == 16 for digest in digests.values())
    assert "callback_url" not in digests
    told = describe_request("generate_music", {**fields, "title": text, "prompt": text * 9})
    check_plain(told)
    assert len(told) < 2000


def test_a_lost_reply_with_unknown_fields_and_a_long_message_is_still_reported() -> None:
    entry = {
        **stored(State.DOUBTED),
        "at": datetime.now(UTC).isoformat(),
        "unheard_of": 1,
        "lost_reply_message": "line\nERROR " * 9000,
    }
    journal = Journal(Store(entry), current_try=RETRY, log=LOG)
    submission = Submission(MUSIC, REQUEST, "suno_default", "fail")
    with pytest.raises(SunoLostReplyError) as caught:
        submit_once(journal, submission, Sender([]))
    check_error(caught.value)


@pytest.mark.parametrize("depth", [900, 990, 5000])
def test_a_value_that_is_nested_too_deep_has_a_fingerprint(depth: int) -> None:
    assert len(fingerprint_of({"extra_fields": Chaos(0).nested(depth)})) == 1
