"""Which waits a refusal of the key ends: none at first, and all only when the key is certainly bad."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from airflow_provider_suno.exceptions import SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.connection import CallbackSettings, ConnectionSettings
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from airflow_provider_suno.triggers import credentials as module
from airflow_provider_suno.triggers.account import AccountReader, UnknownConnectionError
from airflow_provider_suno.triggers.credentials import Credentials, KeyRefusal
from tests.support.short_limits import set_limits

BASE_URL = "http://127.0.0.1:9"


def settings(key: str = "sk-current") -> ConnectionSettings:
    return ConnectionSettings(ClientSettings(BearerAuth(key), BASE_URL), CallbackSettings("https://c.invalid"), 100)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the results of the look-ups of the connection, in order; the last one is repeated."""
    answers: list[Any] = [settings()]

    async def look_up(_: str) -> ConnectionSettings:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(module, "account_settings", look_up)
    return answers


@pytest.fixture
def credentials(found: list[Any]) -> Credentials:
    assert found
    reached = Credentials("suno_default")
    looked_up(reached)
    return reached


def looked_up(credentials: Credentials) -> Any:
    outcome = asyncio.run(credentials.look_up())
    time.sleep(0.001)
    return outcome


def account_of(credentials: Credentials) -> AccountReader:
    assert credentials.account is not None
    return credentials.account


def refused(
    credentials: Credentials, music_task_id: str, account: AccountReader, sent_at: float | None = None
) -> KeyRefusal:
    return credentials.key_was_refused(music_task_id, account, time.monotonic() if sent_at is None else sent_at)


def test_a_first_refusal_only_makes_the_connection_be_looked_up(credentials: Credentials) -> None:
    account = account_of(credentials)
    assert refused(credentials, "a", account) is KeyRefusal.IGNORED
    assert credentials.account is None
    assert looked_up(credentials) == settings()
    assert credentials.account is account  # with its connections


def test_a_second_refusal_for_the_same_job_ends_its_waits(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    assert refused(credentials, "a", account) is KeyRefusal.ENDS_THIS_WAIT
    assert credentials.account is account


def test_an_answer_for_another_job_in_between_does_not_matter(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    credentials.answered("b")
    assert refused(credentials, "a", account) is KeyRefusal.ENDS_THIS_WAIT


def test_an_answer_for_the_same_job_in_between_does(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    credentials.answered("a")
    assert refused(credentials, "a", account) is KeyRefusal.IGNORED


def test_a_refusal_for_a_second_job_ends_all_waits(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    assert refused(credentials, "b", account) is KeyRefusal.ENDS_ALL_WAITS
    assert credentials.account is None  # the next waiter has it looked up again
    looked_up(credentials)
    assert refused(credentials, "c", account_of(credentials)) is KeyRefusal.IGNORED


def test_refusals_for_two_jobs_with_an_answer_in_between_do_not(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    credentials.answered("b")
    assert refused(credentials, "c", account) is KeyRefusal.IGNORED


def test_refusals_of_polls_in_flight_during_the_look_up_are_ignored(credentials: Credentials) -> None:
    account = account_of(credentials)
    sent_at = time.monotonic()
    refused(credentials, "a", account, sent_at)
    looked_up(credentials)
    for music_task_id in ("a", "b", "c"):
        assert refused(credentials, music_task_id, account, sent_at) is KeyRefusal.IGNORED
    assert credentials.account is account
    assert refused(credentials, "b", account) is KeyRefusal.ENDS_ALL_WAITS


def test_a_job_without_waiters_is_forgotten(credentials: Credentials) -> None:
    account = account_of(credentials)
    refused(credentials, "a", account)
    looked_up(credentials)
    credentials.forget("a")
    assert refused(credentials, "a", account) is KeyRefusal.IGNORED


def test_refusals_of_a_rotated_key_are_ignored(credentials: Credentials, found: list[Any]) -> None:
    former = account_of(credentials)
    refused(credentials, "a", former)
    found[:] = [settings("sk-rotated")]
    looked_up(credentials)
    assert account_of(credentials) is not former
    for music_task_id in ("a", "b"):
        assert refused(credentials, music_task_id, former) is KeyRefusal.IGNORED
    assert credentials.account is not None
    assert refused(credentials, "a", account_of(credentials)) is KeyRefusal.IGNORED


def test_an_unknown_connection_has_a_new_grace_for_new_waiters(
    credentials: Credentials, found: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, unknown_connection_grace=0.05)
    found[:] = [UnknownConnectionError("unknown")]
    assert isinstance(looked_up(credentials), SunoUnavailableError)
    credentials.close()  # the last waiter has left
    time.sleep(0.06)
    assert isinstance(looked_up(credentials), SunoUnavailableError)
    time.sleep(0.06)
    assert isinstance(looked_up(credentials), SunoValidationError)


def test_closing_closes_the_account(credentials: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[AccountReader] = []
    monkeypatch.setattr(AccountReader, "close", lambda account: closed.append(account))  # bound
    account = account_of(credentials)
    credentials.close()
    assert closed == [account]
    assert credentials.account is None
