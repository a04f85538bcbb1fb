"""What the service makes only once: whose job a refusal of a second request leads to."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.video import CreateMusicVideoRequest
from airflow_provider_suno.api.jobs import job_kind
from airflow_provider_suno.api.request import ExistingJobId, JobRequest
from airflow_provider_suno.exceptions import SunoConflictError, SunoLostReplyError
from airflow_provider_suno.http.retry import Call, lost_reply
from airflow_provider_suno.journal.entry import Entry, TaskTry
from airflow_provider_suno.journal.store import KEY, Journal
from airflow_provider_suno.journal.submission import Submission, submit_once

TRACK = {"music_task_id": "m", "audio_id": "a"}
LOST = lost_reply(Call.SUBMIT, "POST x, sent at noon", "The connection broke.", id_parameter="job_id")
EXISTS = SunoConflictError("exists", code=409)


class Task:
    """A task instance with its journal; each try comes after a clear."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}
        self._clears = 0

    def set(self, key: str, value: Any, **_: Any) -> None:
        self._kept[key] = value

    def get(self, key: str) -> Any:
        return self._kept.get(key)

    def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    def run(
        self, answer: Any, *, suno_conn_id: str = "suno_default", request: JobRequest | None = None, **fields: Any
    ) -> Entry:
        """Submit once more, a music video by default; return the entry, delivered."""
        self._clears += 1
        current_try = TaskTry(max_tries=self._clears, try_number=self._clears, clear_number=self._clears)
        journal = Journal(self, current_try=current_try, log=logging.getLogger(__name__))
        request = request or CreateMusicVideoRequest.build({**TRACK, **fields})

        def send(_: Any, around: Any) -> Any:
            with around:
                if isinstance(answer, Exception):
                    raise answer
            return answer

        hook: Any = SimpleNamespace(run=send, cancellation=SimpleNamespace(pause=lambda _: None))
        entry = submit_once(journal, Submission(job_kind(request.kind), request, suno_conn_id, "fail"), hook)
        self._kept[KEY] = {**self._kept[KEY], "state": "delivered"}
        return entry


@pytest.fixture
def task(any_airflow: None) -> Task:
    del any_airflow
    return Task()


def job_of(entry: Entry) -> str | None:
    return None if entry.job is None else entry.job.id


@pytest.mark.parametrize("fields", [{}, {"author": "Another"}])
def test_the_job_of_the_same_track_is_used_again(task: Task, fields: dict[str, Any]) -> None:
    made = task.run("first")
    again = task.run(EXISTS, **fields)
    assert (job_of(made), job_of(again)) == ("first", "first")
    assert (made.submitted_at, again.submitted_at) == (made.at.timestamp(), None)


def test_a_lost_reply_does_not_lose_that_job(task: Task) -> None:
    task.run("first")
    with pytest.raises(SunoLostReplyError):
        task.run(LOST)
    assert job_of(task.run(EXISTS)) == "first"
    assert job_of(task.run(EXISTS)) == "first"


def test_a_job_that_the_refusal_names_is_used(task: Task) -> None:
    found = task.run(ExistingJobId("named"))
    assert (job_of(found), found.existed, found.submitted_at, found.called_back) == ("named", True, None, None)


def test_the_job_of_a_song_is_not_used_again_when_a_second_song_is_refused(task: Task) -> None:
    song = GenerateMusicRequest.build({"prompt": "Rain", "model": "V5", "instrumental": True})
    task.run("first", request=song)
    with pytest.raises(SunoConflictError):
        task.run(EXISTS, request=song)


@pytest.mark.parametrize("changed", [{"audio_id": "b"}, {"suno_conn_id": "another"}])
def test_the_job_of_another_track_or_account_is_not_used(task: Task, changed: dict[str, Any]) -> None:
    task.run("first")
    with pytest.raises(SunoConflictError) as refused:
        task.run(EXISTS, **changed)
    assert not refused.value.after_lost_reply


def test_a_lost_request_has_probably_made_it(task: Task) -> None:
    with pytest.raises(SunoLostReplyError):
        task.run(LOST)
    with pytest.raises(SunoConflictError, match="Our own first submission probably made the music video") as refused:
        task.run(EXISTS)
    assert refused.value.after_lost_reply
