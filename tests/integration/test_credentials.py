"""Whose wait a refusal of the key ends: nobody's at first, and all only when the key is surely bad."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from airflow_provider_suno.exceptions import SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.connection import ConnectionSettings
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from airflow_provider_suno.triggers import credentials as access_module
from airflow_provider_suno.triggers.account import AccountReader, UnknownConnectionError
from airflow_provider_suno.triggers.credentials import Credentials, KeyRefusal
from tests.support.short_limits import set_limits

BASE_URL = "http://127.0.0.1:9"


def settings(key: str = "sk-of-today") -> ConnectionSettings:
    return ConnectionSettings(ClientSettings(BearerAuth(key), BASE_URL), "https://c.invalid", None, 100)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the look-ups of the connection come to, one after the other; the last one goes on."""
    answers: list[Any] = [settings()]

    async def look_up(_: str) -> ConnectionSettings:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(access_module, "account_settings", look_up)
    return answers


@pytest.fixture
def access(found: list[Any]) -> Credentials:
    assert found
    reached = Credentials("suno_default")
    looked_up(reached)
    return reached


def looked_up(access: Credentials) -> Any:
    outcome = asyncio.run(access.look_up())
    time.sleep(0.001)
    return outcome


def account_of(access: Credentials) -> AccountReader:
    assert access.account is not None
    return access.account


def refused(
    access: Credentials, music_task_id: str, account: AccountReader, sent_at: float | None = None
) -> KeyRefusal:
    return access.key_was_refused(music_task_id, account, time.monotonic() if sent_at is None else sent_at)


def test_a_first_refusal_only_raises_a_doubt(access: Credentials) -> None:
    account = account_of(access)
    assert refused(access, "a", account) is KeyRefusal.IGNORED
    assert access.account is None
    assert looked_up(access) == settings()
    assert access.account is account  # with its connections


def test_a_second_one_of_the_same_music_task_is_its_own(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    assert refused(access, "a", account) is KeyRefusal.ENDS_THIS_WAIT
    assert access.account is account


def test_answers_in_between_do_not_save_it(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    access.answered("b")
    assert refused(access, "a", account) is KeyRefusal.ENDS_THIS_WAIT


def test_a_good_answer_of_its_own_does(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    access.answered("a")
    assert refused(access, "a", account) is KeyRefusal.IGNORED


def test_a_second_music_task_shows_that_the_key_is_bad(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    assert refused(access, "b", account) is KeyRefusal.ENDS_ALL_WAITS
    assert access.account is None  # whoever comes next has it looked up again
    looked_up(access)
    assert refused(access, "c", account_of(access)) is KeyRefusal.IGNORED


def test_refusals_of_different_times_with_answers_in_between_do_not(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    access.answered("b")
    assert refused(access, "c", account) is KeyRefusal.IGNORED


def test_what_was_on_its_way_during_the_look_up_tells_nothing_new(access: Credentials) -> None:
    account = account_of(access)
    sent_at = time.monotonic()
    refused(access, "a", account, sent_at)
    looked_up(access)
    for music_task_id in ("a", "b", "c"):
        assert refused(access, music_task_id, account, sent_at) is KeyRefusal.IGNORED
    assert access.account is account
    assert refused(access, "b", account) is KeyRefusal.ENDS_ALL_WAITS


def test_one_that_nobody_waits_for_any_more_is_forgotten(access: Credentials) -> None:
    account = account_of(access)
    refused(access, "a", account)
    looked_up(access)
    access.forget("a")
    assert refused(access, "a", account) is KeyRefusal.IGNORED


def test_the_key_of_yesterday_tells_nothing(access: Credentials, found: list[Any]) -> None:
    yesterdays = account_of(access)
    refused(access, "a", yesterdays)
    found[:] = [settings("sk-rotated")]
    looked_up(access)
    assert account_of(access) is not yesterdays
    for music_task_id in ("a", "b"):
        assert refused(access, music_task_id, yesterdays) is KeyRefusal.IGNORED
    assert access.account is not None
    assert refused(access, "a", account_of(access)) is KeyRefusal.IGNORED


def test_a_connection_that_is_unknown_now_and_then_keeps_its_grace(
    access: Credentials, found: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, unknown_connection_grace=0.05)
    found[:] = [UnknownConnectionError("unknown")]
    assert isinstance(looked_up(access), SunoUnavailableError)
    access.close()  # nobody waits any more
    time.sleep(0.06)
    assert isinstance(looked_up(access), SunoUnavailableError)
    time.sleep(0.06)
    assert isinstance(looked_up(access), SunoValidationError)


def test_it_lets_go_of_the_account(access: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[AccountReader] = []
    monkeypatch.setattr(AccountReader, "close", lambda account: closed.append(account))  # bound
    account = account_of(access)
    access.close()
    assert closed == [account]
    assert access.account is None
