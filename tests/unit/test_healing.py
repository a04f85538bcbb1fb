"""A callback that names the job of a lost submission: what the next try makes of it."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_suno.api.callback import CallbackToken
from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.exceptions import SunoLostReplyError, SunoUnavailableError
from airflow_provider_suno.http.retry import Call, lost_reply
from airflow_provider_suno.journal.entry import Entry, TaskTry
from airflow_provider_suno.journal.hint import HINT_KEY
from airflow_provider_suno.journal.store import KEY, Journal, StoreLimits
from airflow_provider_suno.journal.submission import Submission, submit_once
from tests.support.jobs import MUSIC

LOG = logging.getLogger(__name__)
REQUEST = GenerateMusicRequest.build({"model": "V5", "prompt": "rain"})
RUN = TaskTry(max_tries=1, try_number=1, retries=1, clear_number=0)
RETRY = TaskTry(max_tries=1, try_number=2, retries=1, clear_number=0)
LOST = lost_reply(Call.SUBMIT, "POST x, sent at noon", "The connection broke.", id_parameter="music_task_id")


class Store(dict[str, Any]):
    """What Airflow keeps for a task instance."""

    broken_for = ""

    def get(self, key: str, default: Any = None) -> Any:
        if key == self.broken_for:
            raise OSError("the API server is away")
        return super().get(key, default)

    def set(self, key: str, value: Any, **_: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


class Sender:
    """Loses the replies, and knows the records that it is given; an exception is raised."""

    def __init__(self, *sent: Any, record: Any = None, store: Store | None = None) -> None:
        self._sent = list(sent)
        self._record = record
        self.read: list[str] = []
        self.cancellation: Any = SimpleNamespace(pause=lambda seconds: self._called_back() if seconds else None)
        self._store = store

    def _called_back(self) -> None:
        if self._store is not None:
            called_back(self._store)

    def run(self, request: Any, around: Any) -> Any:
        with around:
            answer = self._sent.pop(0)
            if isinstance(answer, Exception):
                raise answer
        return answer

    def get_record(self, job: Any) -> Any:
        self.read.append(job.id)
        if isinstance(self._record, Exception):
            raise self._record
        return self._record


def record(**asked: str) -> MusicTask:
    return MusicTask.model_validate({"taskId": "named", "status": "PENDING", "param": asked})


def called_back(store: Store, **changed: Any) -> None:
    """Leave what a callback about the entry's submission says."""
    hint = {"nonce": store[KEY]["token"], "kind": "music", "job_id": "named", "stage": "text", **changed}
    store[HINT_KEY] = {**hint, "at": "2026-11-28T12:00:00+00:00"}


pytestmark = pytest.mark.usefixtures("any_airflow")


@pytest.fixture
def store() -> Store:
    return Store()


def submitted(
    store: Store, sender: Sender, current_try: TaskTry = RUN, *, policy: Any = "fail", suno_conn_id: str = "a"
) -> Entry:
    signer: Any = SimpleNamespace(signed=lambda nonce: CallbackToken("a", "music", nonce).signed("secret"))
    journal = Journal(store, current_try=current_try, log=LOG, limits=StoreLimits(retry_seconds=0))
    return submit_once(journal, Submission(MUSIC, REQUEST, suno_conn_id, policy, signer), sender)


@pytest.fixture
def lost(store: Store) -> Store:
    """Return the store after a submission whose reply was lost; Airflow retries."""
    with pytest.raises(SunoLostReplyError) as caught:
        submitted(store, Sender(LOST))
    assert not caught.value.fatal
    assert caught.value.retry_after == 120
    assert str(caught.value).startswith(
        "Do not clear this task yet, which could pay twice. A callback may still name the job: Airflow retries in "
        "about 120 s to look for it, and submits nothing. "
    )
    return store


def test_the_retry_goes_on_with_the_job_that_the_callback_names(lost: Store, caplog: pytest.LogCaptureFixture) -> None:
    called_back(lost)
    sender = Sender(record=record(prompt="rain"))
    entry = submitted(lost, sender, RETRY)
    assert (entry.job_ref and entry.job_ref.id, lost[KEY]["state"], sender.read) == ("named", "submitted", ["named"])
    assert "was lost, but its callback has named the job: music task named" in caplog.text


def test_without_a_callback_the_last_try_fails_for_good_and_says_what_may_come(lost: Store) -> None:
    with pytest.raises(SunoLostReplyError) as caught:
        submitted(lost, Sender(), RETRY)
    assert caught.value.fatal
    assert "No callback has named the job yet. If one comes later, clearing the task resumes that job" in str(
        caught.value
    )
    assert lost[KEY]["state"] == "doubted"


def test_a_worker_that_was_lost_is_followed_by_one_retry_that_waits_for_the_callback(store: Store) -> None:
    with pytest.raises(SunoLostReplyError):
        submitted(store, Sender(LOST), TaskTry(max_tries=0, try_number=1))
    store[KEY] |= {"state": "intent", "max_tries": 1}
    with pytest.raises(SunoLostReplyError, match="Airflow retries in about 120 s to look for it") as caught:
        submitted(store, Sender(), TaskTry(max_tries=1, try_number=1))
    assert not caught.value.fatal


def test_without_retries_the_lost_reply_says_that_a_callback_may_come(store: Store) -> None:
    with pytest.raises(SunoLostReplyError, match="wait some minutes before you clear it") as caught:
        submitted(store, Sender(LOST), TaskTry(max_tries=0, try_number=1))
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("changed", "found", "suno_conn_id", "said"),
    [
        ({}, None, "a", "a callback named music task named for the lost submission, but this account has no such job"),
        ({}, record(prompt="snow"), "a", "but the record shows another request (prompt), so it is ignored"),
        ({}, record(prompt="rain"), "b", "which went through connection 'a': set that one to resume it"),
        ({"nonce": "another"}, record(prompt="rain"), "a", ""),
        ({"kind": "wav"}, record(prompt="rain"), "a", ""),
        ({"job_id": " "}, record(prompt="rain"), "a", ""),
    ],
)
def test_a_callback_that_does_not_fit_changes_nothing(
    lost: Store, caplog: pytest.LogCaptureFixture, changed: Any, found: Any, suno_conn_id: str, said: str
) -> None:
    called_back(lost, **changed)
    with pytest.raises(SunoLostReplyError):
        submitted(lost, Sender(record=found), RETRY, suno_conn_id=suno_conn_id)
    assert said in caplog.text
    assert "job" not in lost[KEY]


def test_a_record_that_cannot_be_read_for_now_is_no_reason_to_give_up(lost: Store) -> None:
    called_back(lost)
    with pytest.raises(SunoUnavailableError, match="down") as caught:
        submitted(lost, Sender(record=SunoUnavailableError("down")), RETRY)
    assert not caught.value.fatal


def test_a_store_that_cannot_be_asked_for_a_callback_is_no_callback(
    lost: Store, caplog: pytest.LogCaptureFixture
) -> None:
    called_back(lost)
    lost.broken_for = HINT_KEY
    with pytest.raises(SunoLostReplyError):
        submitted(lost, Sender(record=record()), RETRY)
    assert "could not be asked for a callback: OSError('the API server is away')" in caplog.text


def test_resubmit_looks_for_a_callback_before_it_pays_again(store: Store) -> None:
    sender = Sender(LOST, record=record(prompt="rain"), store=store)
    assert submitted(store, sender, policy="resubmit").job_ref == submitted(store, Sender(), RETRY).job_ref
    assert store[KEY]["job"] == {"kind": "music", "id": "named"}


def test_whoever_has_the_secret_answers_a_test_of_the_address() -> None:
    token = CallbackToken("a", "ping", "n")
    assert token.answer("secret") == token.answer("secret") != token.answer("another")
