"""Polls leave room for submissions, also where a host counts both against one limit of 20 in 10 s."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.state import clock
from airflow_provider_suno.triggers import account_poller, credentials
from tests.support.generating import RECORD_INFO
from tests.support.hurried_time import HurriedTime
from tests.support.jobs import MUSIC

SONGS = 10
SPEED = 20.0
"""A song takes 62 to 130 s."""


@pytest.mark.parametrize("apart", [0.0, 5.0])
def test_polls_of_ten_songs_get_no_submission_refused(monkeypatch: pytest.MonkeyPatch, apart: float) -> None:
    hurried = HurriedTime(SPEED)
    for module in (account_poller, credentials, clock):
        monkeypatch.setattr(module, "time", hurried)
    account_poller._pollers.clear()
    random.seed(1)  # of the jitter; the songs follow from the seed of the simulator

    async def song(number: int) -> Any:
        await asyncio.sleep(number * apart)
        music_task_id = await asyncio.to_thread(SunoHook().generate_music, model="V5", prompt="rain")
        now = hurried.time()
        wait = Wait.begin(MUSIC, music_task_id, now=now, timeout=1200, submitted_at=now)
        return await account_poller.wait_for_outcome("suno_default", wait, lambda _: None)

    async def songs() -> list[Any]:
        return await asyncio.gather(*map(song, range(SONGS)))

    with running_simulator(seed=1, submit_limit=20, polls_count_as_submissions=True) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", simulator.connection_json)
        with asyncio.Runner(loop_factory=hurried.loop) as runner:
            outcomes: list[Outcome] = runner.run(songs())
        ledger = simulator.ledger()
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.FINISHED}
    assert ledger["refusals"] == {}
    polls = [request for request in ledger["requests"] if request["path"] == RECORD_INFO]
    assert 2 * SONGS < len(polls) <= 10 * SONGS
