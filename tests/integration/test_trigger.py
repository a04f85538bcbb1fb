"""The trigger by itself: its one event, its serialization, and its cancellation."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.polling.wait import PollAgain, Wait
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.triggers import account
from airflow_provider_suno.triggers import job as trigger_module
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger
from tests.support.airflow_versions import deserialize, serialize
from tests.support.jobs import MUSIC
from tests.support.short_limits import set_limits

RECORD_INFO = "/api/v1/generate/record-info"
Song = Callable[..., str]


async def collect(trigger: MusicTaskTrigger) -> list[Any]:
    return [event.payload async for event in trigger.run()]


def the_event(music_task_id: str, **options: Any) -> dict[str, Any]:
    trigger = MusicTaskTrigger(music_task_id, **{"poll_interval": 0.05, **options})
    [event] = asyncio.run(collect(trigger))
    assert set(event) == {"status", "music_task_id", "music_task", "error"}
    assert event["music_task_id"] == music_task_id
    assert json.loads(json.dumps(event)) == event
    return event


@pytest.mark.usefixtures("short_clocks", "sim")
class TestEvents:
    def test_finished(self, song: Song) -> None:
        event = the_event(song())
        assert (event["status"], event["error"]) == ("finished", None)
        assert len(event["music_task"]["tracks"]) == 2

    @pytest.mark.parametrize(
        ("prompt", "status", "error_type"),
        [
            ("[fail:GENERATE_AUDIO_FAILED]", "failed", "SunoMusicTaskFailedError"),
            ("[fail:SENSITIVE_WORD_ERROR]", "failed", "SunoContentRejectedError"),
            ("[fail:CALLBACK_EXCEPTION:no-audio]", "gave_up", "SunoMusicTaskFailedError"),
            ("[stuck]", "timeout", "SunoMusicTaskTimeoutError"),
        ],
    )
    def test_the_job_failed_or_the_wait_timed_out(self, prompt: str, status: str, error_type: str, song: Song) -> None:
        event = the_event(song(prompt), deadline=time.time() + 1)
        assert (event["status"], event["music_task"]) == (status, None)
        assert event["error"]["type"] == error_type

    @pytest.mark.parametrize(
        ("http_status", "error_type"),
        [
            (401, "SunoAuthError"),
            (402, "SunoInsufficientCreditsError"),
            (404, "SunoNotFoundError"),
            (503, "SunoUnavailableError"),
        ],
    )
    def test_reading_failed(self, http_status: int, error_type: str, song: Song, sim: RunningSimulator) -> None:
        music_task_id = song()
        sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=http_status, times=None))
        event = the_event(music_task_id)
        assert event["status"] == "gave_up"
        assert (event["error"]["type"], event["error"]["code"]) == (error_type, http_status)

    def test_an_unknown_id(self) -> None:
        event = the_event("0" * 32)
        assert (event["status"], event["error"]["type"]) == ("gave_up", "SunoNotFoundError")

    def test_a_connection_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_limits(monkeypatch, unknown_connection_grace=0.0)
        event = the_event("0" * 32, suno_conn_id="nowhere")
        assert (event["status"], event["error"]["type"]) == ("gave_up", "SunoValidationError")
        assert "The triggerer does not know the connection 'nowhere'" in event["error"]["message"]

    def test_a_connection_that_cannot_be_read_just_now(self, song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
        look_up = account.get_async_connection
        failures = iter([ConnectionError("restarting"), ConnectionError("restarting")])

        async def now_and_then(conn_id: str) -> Any:
            for failure in failures:
                raise failure
            return await look_up(conn_id)

        monkeypatch.setattr(account, "get_async_connection", now_and_then)
        assert the_event(song())["status"] == "finished"

    def test_a_malformed_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", "suno://:key@host?tiemout=5")
        event = the_event("0" * 32)
        assert (event["status"], event["error"]["type"]) == ("gave_up", "SunoValidationError")
        assert "tiemout" in event["error"]["message"]

    def test_poll_interval_may_be_text(self, song: Song) -> None:
        assert the_event(song(), poll_interval="0.05")["status"] == "finished"

    def test_an_unexpected_exception_reaches_the_task(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(*_: Any) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(account, "poll_job", failing)
        event = the_event("0" * 32)
        assert event["status"] == "gave_up"
        assert "a bug" in event["error"]["message"]


def test_serialization_loses_nothing() -> None:
    trigger = MusicTaskTrigger(
        "id",
        "other",
        "first",
        submitted_at=1.5,
        deadline=2.5,
        poll_interval=3.5,
        history={"status": "PENDING"},
        try_number=2,
    )
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_suno.triggers.music_task.MusicTaskTrigger"
    again = MusicTaskTrigger(**deserialize(serialize(kwargs)))
    assert again.serialize() == (path, kwargs)
    expected = {
        "music_task_id",
        "suno_conn_id",
        "until",
        "submitted_at",
        "deadline",
        "poll_interval",
        "history",
        "try_number",
        "expects_callback",
        "heard",
    }
    assert set(kwargs) == expected


def test_the_trigger_continues_the_workers_wait() -> None:
    wait = Wait.begin(MUSIC, "m", now=1000.0, timeout=60)
    step = wait.after_poll(MusicTask(music_task_id="m", status="PENDING"), now=1001.0, jitter=0.5)
    assert isinstance(step, PollAgain)
    trigger = MusicTaskTrigger(**MusicTaskTrigger.for_wait(step.wait, "suno_default").serialize()[1])
    assert trigger.wait() == step.wait
    again = trigger.wait().after_poll(MusicTask(music_task_id="m", status="PENDING"), now=1009.0, jitter=0.5)
    assert isinstance(again, PollAgain)
    assert again.progress is None


def test_the_default_deadline_is_set_once() -> None:
    trigger = MusicTaskTrigger("id")
    assert trigger.serialize()[1]["deadline"] == pytest.approx(time.time() + 1200, abs=5)
    assert MusicTaskTrigger(**trigger.serialize()[1]).serialize() == trigger.serialize()


def test_an_event_is_held_back_until_the_worker_has_exited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trigger_module.shortest_deferral() == 7
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "10")
    assert trigger_module.shortest_deferral() == 12


@pytest.mark.usefixtures("sim")
def test_an_event_is_held_back_even_when_the_job_is_finished(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_module, "shortest_deferral", lambda: 0.5)
    music_task_id = song()
    began = time.monotonic()
    assert the_event(music_task_id)["status"] == "finished"
    assert time.monotonic() - began >= 0.5


@pytest.mark.usefixtures("short_clocks")
def test_a_slow_service_does_not_block_the_event_loop(song: Song, sim: RunningSimulator) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=RECORD_INFO, kind="slow", seconds=1))

    async def watch() -> int:
        waiting = asyncio.create_task(collect(MusicTaskTrigger(music_task_id, poll_interval=0.05)))
        ticks = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert (await waiting)[0]["status"] == "finished"
        return ticks

    assert asyncio.run(watch()) > 20


@pytest.mark.usefixtures("sim")
def test_a_cancelled_trigger_yields_no_event(song: Song) -> None:
    music_task_id = song("[stuck]")

    async def cancel() -> None:
        waiting = asyncio.create_task(collect(MusicTaskTrigger(music_task_id, poll_interval=0.05)))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())


@pytest.mark.usefixtures("short_clocks", "sim")
def test_all_triggers_share_a_few_threads(song: Song) -> None:
    music_task_id = song()

    async def many() -> list[list[Any]]:
        return await asyncio.gather(*(collect(MusicTaskTrigger(music_task_id)) for _ in range(50)))

    assert {events[0]["status"] for events in asyncio.run(many())} == {"finished"}
    assert sum(thread.name.startswith("suno-poller") for thread in threading.enumerate()) <= 30
