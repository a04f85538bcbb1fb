"""A call that is answered at once, and paid for: at most one charge per consent, as for a job."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.style import BoostStyleRequest, StyleBoost
from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoJobFailedError,
    SunoJournalError,
    SunoLostReplyError,
    SunoRateLimitError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import Call, lost_reply
from airflow_provider_suno.journal import store as store_module
from airflow_provider_suno.journal.entry import Entry, State, TaskTry
from airflow_provider_suno.journal.store import KEY, Journal, StoreLimits
from airflow_provider_suno.journal.submission import Submission, submit_once
from tests.support.jobs import MUSIC

REQUEST = BoostStyleRequest.build({"content": "folk"})
OTHER = BoostStyleRequest.build({"content": "jazz"})
FIRST, SECOND = StyleBoost(style="first"), StyleBoost(style="second")
RUN = TaskTry(max_tries=2, try_number=1, retries=2, clear_number=0)
RETRY = TaskTry(max_tries=2, try_number=2, retries=2, clear_number=0)
CLEAR = TaskTry(max_tries=3, try_number=2, retries=2, clear_number=1)
LOST = lost_reply(Call.SUBMIT, "POST x, sent at noon", "The connection broke.", id_parameter=None)
LOG = logging.getLogger(__name__)


class Store(dict[str, Any]):
    """What Airflow keeps for a task instance; it can refuse writes of one state."""

    refused = ""

    def set(self, key: str, value: Any, **_: Any) -> None:
        if isinstance(value, dict) and value["state"] == self.refused:
            raise OSError("the disk is full")
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


class Sender:
    """Answers each send with the next of what it is given; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.pauses: list[float] = []
        self.cancellation: Any = SimpleNamespace(pause=self.pauses.append)

    def run(self, request: Any, around: AbstractContextManager[Any]) -> Any:
        with around:
            answer = self._answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
        return answer

    def get_record(self, job: Any) -> Any:
        raise AssertionError("there is no record of an answer")

    @property
    def sends_left(self) -> int:
        return len(self._answers)


pytestmark = pytest.mark.usefixtures("any_airflow")


@pytest.fixture
def store() -> Store:
    return Store()


def asked(
    store: Store | None, sender: Sender, current_try: TaskTry = RUN, policy: Any = "fail", request: Any = REQUEST
) -> Entry:
    journal = Journal(store, current_try=current_try, log=LOG, limits=StoreLimits(retry_seconds=0))
    return submit_once(journal, Submission(None, request, "suno_default", policy), sender)


def state(store: Store) -> str | None:
    return store[KEY]["state"] if KEY in store else None


def delivered(store: Store) -> None:
    store[KEY] = {**store[KEY], "state": "delivered"}


def test_the_answer_is_kept_before_anything_else_happens(store: Store) -> None:
    entry = asked(store, Sender(FIRST))
    assert (entry.state, entry.answer, entry.job) == (State.SUBMITTED, FIRST.to_dict(), None)
    assert store[KEY]["answer"] == FIRST.to_dict()
    assert store[KEY]["description"] == "boost_style (content 'folk')"


def test_a_retry_uses_the_answer_and_says_so(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    asked(store, Sender(FIRST))
    with caplog.at_level(logging.INFO):
        entry = asked(store, Sender(), RETRY)
    assert entry.answer == FIRST.to_dict()
    assert (
        "boost_style (content 'folk') was answered 1 second ago, in an earlier try: that answer is used" in caplog.text
    )


def test_a_retry_uses_the_answer_even_to_another_question(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    asked(store, Sender(FIRST))
    assert asked(store, Sender(), RETRY, request=OTHER).answer == FIRST.to_dict()
    assert "changed since it was submitted, and without effect: content" in caplog.text


def test_a_clear_pays_again_after_a_success_or_for_another_question(store: Store) -> None:
    asked(store, Sender(FIRST))
    assert asked(store, Sender(), CLEAR).answer == FIRST.to_dict(), "not yet delivered: nothing new was asked for"
    assert asked(store, Sender(SECOND), TaskTry(4, 3, 2, 2), request=OTHER).answer == SECOND.to_dict()
    delivered(store)
    overwritten = TaskTry(4, 4, 2, 2)
    assert asked(store, Sender(), overwritten).answer == SECOND.to_dict(), "Airflow's retry in place of the success"
    assert asked(store, Sender(FIRST), TaskTry(5, 4, 2, 3)).answer == FIRST.to_dict()


@pytest.mark.parametrize(
    "refusal",
    [
        SunoValidationError("no", code=422),
        SunoRateLimitError("slow down"),
        SunoJobFailedError("The service could not enlarge the style: busy. Another try may succeed.", refused=True),
    ],
)
def test_a_refusal_leaves_nothing_behind(store: Store, refusal: SunoError) -> None:
    with pytest.raises(type(refusal)) as caught:
        asked(store, Sender(refusal))
    assert caught.value is refusal
    assert state(store) is None
    assert asked(store, Sender(FIRST), RETRY).answer == FIRST.to_dict()


def test_a_lost_reply_fails_for_good_and_a_clear_pays_again(store: Store) -> None:
    with pytest.raises(
        SunoLostReplyError, match=r"^boost_style \(content 'folk'\): The reply to POST x, sent at noon is lost"
    ) as caught:
        asked(store, Sender(LOST))
    assert caught.value.fatal
    assert "clear the task to send it once more, which may pay twice" in str(caught.value)
    assert "set " not in str(caught.value), "there is no id to resume by"
    assert state(store) == "doubted"
    with pytest.raises(SunoLostReplyError, match="The reply to POST x, sent at noon is lost"):
        asked(store, Sender(), RETRY)
    assert asked(store, Sender(SECOND), CLEAR).answer == SECOND.to_dict()


def test_resubmit_asks_once_more_after_a_minute(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(LOST, SECOND)
    assert asked(store, sender, policy="resubmit").answer == SECOND.to_dict()
    assert sender.pauses == [0.0, 60.0]
    assert "on_lost_reply='resubmit': submitting once more in 60 s, which may pay twice." in caplog.text


def test_resubmit_asks_no_third_time(store: Store) -> None:
    sender = Sender(LOST, LOST, FIRST)
    with pytest.raises(SunoLostReplyError, match=r"The second submission failed: .* The first one: ") as caught:
        asked(store, sender, policy="resubmit")
    assert caught.value.fatal
    assert (sender.sends_left, state(store)) == (1, "doubted")


def test_a_refusal_of_the_second_one_tells_of_the_first(store: Store) -> None:
    with pytest.raises(
        SunoValidationError, match=r"The second submission failed: no The first one: boost_style \(content"
    ):
        asked(store, Sender(LOST, SunoValidationError("no", code=422)), policy="resubmit")
    assert state(store) == "intent", "the first one may have been charged"


def test_a_worker_that_is_lost_while_it_asks_is_a_lost_reply_to_the_next_try(store: Store) -> None:
    asked(store, Sender(FIRST))
    store[KEY] = {name: value for name, value in store[KEY].items() if name != "answer"} | {"state": "intent"}
    with pytest.raises(SunoLostReplyError) as caught:
        asked(store, Sender(), RETRY)
    assert str(caught.value).startswith("The reply to boost_style (content 'folk'), sent at ")
    assert (
        "by an earlier try is lost: try 1 ended before it wrote an answer. It may have ended before it sent. The "
        "request may have been carried out and charged."
    ) in str(caught.value)


def test_a_kill_while_it_is_asked_is_a_lost_reply(store: Store) -> None:
    with pytest.raises(SunoLostReplyError, match=r"this try was interrupted before the answer arrived \(SystemExit"):
        asked(store, Sender(SystemExit(1)))
    assert state(store) == "doubted"
    store.clear()
    with pytest.raises(SystemExit):
        asked(store, Sender(SystemExit(1)), policy="resubmit")
    assert state(store) == "intent", "the next try asks once more"
    assert asked(store, Sender(SECOND), RETRY, policy="resubmit").answer == SECOND.to_dict()


class Interrupted(Store):
    """Interrupts the first write of an answer, as ``execution_timeout`` does."""

    interrupts = 1

    def set(self, key: str, value: Any, **_: Any) -> None:
        if isinstance(value, dict) and value["state"] == "submitted" and self.interrupts:
            self.interrupts -= 1
            raise AirflowTimeout
        super().set(key, value)


class AirflowTimeout(BaseException):
    """Stands for Airflow's own."""


def test_an_interruption_after_the_answer_keeps_the_answer() -> None:
    store = Interrupted()
    with pytest.raises(AirflowTimeout):
        asked(store, Sender(FIRST))
    assert store[KEY]["answer"] == FIRST.to_dict()
    assert asked(store, Sender(), RETRY).answer == FIRST.to_dict()


def test_an_answer_that_cannot_be_written_fails_for_good(store: Store) -> None:
    store.refused = "submitted"
    with pytest.raises(SunoJournalError, match=r"boost_style .*: state 'submitted' could not be written .* might pay"):
        asked(store, Sender(FIRST))
    assert state(store) == "intent"


def test_nothing_is_asked_unless_the_intent_is_written(store: Store) -> None:
    store.refused = "intent"
    sender = Sender(FIRST)
    with pytest.raises(SunoJournalError, match="so nothing is submitted"):
        asked(store, sender)
    assert sender.sends_left == 1


def test_a_request_that_cannot_be_built_stops_no_retry_from_using_the_answer(store: Store) -> None:
    asked(store, Sender(FIRST))
    wrong = SunoValidationError("content: must not be empty")
    assert asked(store, Sender(), RETRY, request=wrong).answer == FIRST.to_dict()
    store.clear()
    with pytest.raises(SunoValidationError) as caught:
        asked(store, Sender(), request=wrong)
    assert caught.value is wrong


@pytest.mark.parametrize("made", [{"job": {"kind": "music", "id": "m"}}, {"persona": {"persona_id": "p"}}])
def test_what_another_operator_of_that_name_has_made_is_no_answer(store: Store, made: dict[str, Any]) -> None:
    asked(store, Sender(FIRST))
    store[KEY] = {**{name: value for name, value in store[KEY].items() if name != "answer"}, **made}
    assert asked(store, Sender(SECOND), RETRY).answer == SECOND.to_dict()


def test_an_answer_is_no_job(store: Store) -> None:
    asked(store, Sender(FIRST))
    found = Entry.model_validate(store[KEY])
    assert found.is_of_another_kind(MUSIC)
    assert not found.is_of_another_kind(None)
    with pytest.raises(ValueError, match="submitted, but names neither a job, a persona nor an answer"):
        Entry.model_validate({name: value for name, value in store[KEY].items() if name != "answer"})


class TestWithoutJournal:
    """Before Airflow 3.3."""

    def test_the_answer_is_returned_with_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        assert asked(None, Sender(FIRST)).answer == FIRST.to_dict()
        assert "This call may be paid for twice: Airflow before 3.3 keeps no state" in caplog.text
        assert "Give the task retries=0" in caplog.text

    def test_a_lost_reply_is_fatal(self) -> None:
        with pytest.raises(SunoLostReplyError, match="The reply to POST x, sent at noon is lost") as caught:
            asked(None, Sender(LOST))
        assert caught.value.fatal

    @pytest.mark.parametrize("policy", ["fail", "resubmit"])
    def test_a_kill_while_it_is_asked_is_fatal(self, policy: str) -> None:
        with pytest.raises(SunoLostReplyError, match="this try was interrupted before the answer arrived") as caught:
            asked(None, Sender(KeyboardInterrupt()), policy=policy)
        assert caught.value.fatal

    def test_an_interruption_after_the_answer_is_fatal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(self: Any, **known: Any) -> Any:
            if not self.__dict__.setdefault("interrupted", False):
                self.interrupted = True
                raise AirflowTimeout
            return self.entry

        monkeypatch.setattr(store_module.SendRecorder, "record_answer", interrupted)
        with pytest.raises(SunoError, match=r"^Interrupted \(AirflowTimeout\(\)\) after .* paid for") as caught:
            asked(None, Sender(FIRST))
        assert caught.value.fatal


def test_a_conflict_is_an_error_like_any_other(store: Store) -> None:
    with pytest.raises(SunoConflictError, match="exists"):
        asked(store, Sender(SunoConflictError("exists", code=409)))
    assert state(store) is None
