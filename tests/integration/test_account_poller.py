"""The poller that all waits on an account share: its rate limit, its outcomes, its one connection."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsRequest
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.triggers import account, account_poller, credentials
from airflow_provider_suno.triggers.account_poller import wait_for_outcome
from tests.support.generating import RECORD_INFO
from tests.support.hurried_time import HurriedTime
from tests.support.jobs import MUSIC, music
from tests.support.short_limits import set_limits

pytestmark = pytest.mark.usefixtures("short_clocks", "sim")

CONN_ID = "suno_default"
Song = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_poller_yet() -> None:
    account_poller._pollers.clear()


def wait_for(job_id: str, timeout: float = 20, now: float | None = None, kind: JobKind = MUSIC, **options: Any) -> Any:
    wait = Wait.begin(kind, job_id, now=time.time() if now is None else now, timeout=timeout, **options)
    return wait_for_outcome(CONN_ID, wait, lambda _: None)


def outcomes_of(*waits: Any, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*waits, return_exceptions=True)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(all_of_them())


def poll_limit(sim: RunningSimulator, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {**sim.connection, "extra": {**sim.connection.get("extra", {}), "poll_limit": limit}}
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps(connection))


def polls(sim: RunningSimulator) -> list[dict[str, Any]]:
    return [request for request in sim.ledger()["requests"] if request["path"] == RECORD_INFO]


def kinds(outcomes: list[Any]) -> set[Any]:
    return {outcome.kind if isinstance(outcome, Outcome) else type(outcome) for outcome in outcomes}


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    look_up, asked = account.get_async_connection, []

    async def counted(conn_id: str) -> Any:
        asked.append(conn_id)
        return await look_up(conn_id)

    monkeypatch.setattr(account, "get_async_connection", counted)
    return asked


def test_all_share_one_connection(song: Song, sim: RunningSimulator, look_ups: list[str]) -> None:
    songs = [song() for _ in range(30)]
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}
    assert look_ups == [CONN_ID]
    assert len(polls(sim)) == 30


def test_no_more_reads_than_the_rate_limit_allows(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_limit(sim, 20, monkeypatch)
    songs = [song() for _ in range(40)]
    hurried = HurriedTime(speed := 5.0)
    for module in (account_poller, credentials):
        monkeypatch.setattr(module, "time", hurried)
    began = hurried.monotonic()
    waits = [wait_for(one, timeout=60, now=hurried.time()) for one in songs]
    assert kinds(outcomes_of(*waits, loop_factory=hurried.loop)) == {OutcomeKind.FINISHED}
    assert 9 < hurried.monotonic() - began < 25
    at = [result["wall"] * speed for result in polls(sim)]
    assert all(later - earlier >= 10 for earlier, later in zip(at, at[20:], strict=False))


def test_all_kinds_share_one_rate_limit_and_each_learns_by_itself(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_limit(sim, 10, monkeypatch)
    hurried = HurriedTime(speed := 5.0)
    for module in (account_poller, credentials):
        monkeypatch.setattr(module, "time", hurried)
    lyrics = job_kind("lyrics")
    with SunoClient(ClientSettings(auth=BearerAuth(sim.connection["password"]), base_url=sim.url)) as client:
        texts = [client.submit(GenerateLyricsRequest.build({"prompt": "rain"})) for _ in range(8)]
    songs, now = [song() for _ in range(12)], hurried.time()

    async def learned() -> list[float]:
        expectation = account_poller._poller_of(CONN_ID)._queue.expectation
        curves = [expectation.curve(kind, "all", age_is_known=False) for kind in (MUSIC, lyrics)]
        before = [sum(curve._ended) for curve in curves]
        outcomes = await asyncio.gather(
            *(wait_for(one, timeout=60, now=now) for one in songs),
            *(wait_for(one, timeout=60, now=now, kind=lyrics) for one in texts),
        )
        assert kinds(outcomes) == {OutcomeKind.FINISHED}
        return [sum(curve._ended) - earlier for curve, earlier in zip(curves, before, strict=True)]

    with asyncio.Runner(loop_factory=hurried.loop) as runner:
        assert runner.run(learned()) == pytest.approx([12, 8])
    at = [read["wall"] * speed for read in sim.ledger()["requests"] if read["path"].endswith("/record-info")]
    assert len(at) == 20
    assert all(later - earlier >= 10 for earlier, later in zip(at, at[10:], strict=False))


def test_a_deadline_holds_when_the_rate_limit_is_used_up(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_limit(sim, 1, monkeypatch)
    songs = [song("[stuck]") for _ in range(20)]
    began = time.monotonic()
    assert kinds(outcomes_of(*(wait_for(one, timeout=2) for one in songs))) == {OutcomeKind.TIMEOUT}
    assert 2 <= time.monotonic() - began < 3
    assert len(polls(sim)) == 1


def test_refusals_for_rate_fail_no_wait(song: Song, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="code", code=429, times=None, lasts=1.0))
    assert kinds(outcomes_of(*(wait_for(song()) for _ in range(10)))) == {OutcomeKind.FINISHED}


def test_a_refused_key_ends_all_waits_at_once(
    song: Song, sim: RunningSimulator, look_ups: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="code", code=401, times=None))
    outcomes = outcomes_of(*(wait_for(song("[stuck]")) for _ in range(30)))
    assert kinds(outcomes) == {OutcomeKind.GAVE_UP}
    assert {type(outcome.error) for outcome in outcomes} == {SunoAuthError}
    assert len(polls(sim)) < 30
    assert len(look_ups) == 2
    assert [line for line in caplog.messages if "all 30 waits end: " in line] != []


def test_simultaneous_refusals_look_up_the_connection_once(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_at_once, most = [0], [0]
    look_up, poll, gate = account.get_async_connection, account.poll_job, threading.Barrier(6)
    songs = [song() for _ in range(30)]
    refused = iter(range(5))

    async def slow(conn_id: str) -> Any:
        read_at_once[0] += 1
        most[0] = max(most[0], read_at_once[0])
        await asyncio.sleep(0.2)
        read_at_once[0] -= 1
        return await look_up(conn_id)

    def five_times_refused(client: Any, music_task_id: str) -> Any:
        if next(refused, None) is None:
            return poll(client, music_task_id)
        gate.wait(5)
        return SunoAuthError("refused")

    monkeypatch.setattr(account, "get_async_connection", slow)
    monkeypatch.setattr(account, "poll_job", five_times_refused)

    async def among_others() -> list[Any]:
        waits = asyncio.gather(*map(wait_for, songs))
        while gate.n_waiting < 5:
            await asyncio.sleep(0.01)
        time.sleep(0.1)  # until the connection may be looked up again
        gate.wait(5)
        time.sleep(0.1)  # while the answers arrive
        return await waits

    assert kinds(asyncio.run(among_others())) == {OutcomeKind.FINISHED}
    assert most == [1]


@pytest.mark.parametrize("refusal", [{"kind": "code", "code": 401}, {"kind": "status", "http_status": 403}])
def test_one_stray_refusal_of_the_key_ends_no_wait(
    refusal: dict[str, Any], song: Song, sim: RunningSimulator, look_ups: list[str]
) -> None:
    songs = [song() for _ in range(30)]
    sim.faults.add(Fault(path=RECORD_INFO, times=1, skip=5, **refusal))
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}
    assert len(look_ups) == 2


def test_a_rotated_key_is_used(song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    songs = [song() for _ in range(10)]
    right = sim.connection_json
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**sim.connection, "password": "sk-former"}))
    look_up = account.get_async_connection

    async def rotated(conn_id: str) -> Any:
        found = await look_up(conn_id)
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", right)
        return found

    monkeypatch.setattr(account, "get_async_connection", rotated)
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}


def test_a_failure_of_one_job_does_not_end_other_waits(song: Song, sim: RunningSimulator) -> None:
    outcomes = outcomes_of(wait_for("0" * 32), wait_for(song()), wait_for(song("[fail:GENERATE_AUDIO_FAILED]")))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.GAVE_UP, OutcomeKind.FINISHED, OutcomeKind.FAILED]


def test_a_wait_gives_up_on_a_service_that_refuses_every_poll(song: Song, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="code", code=429, times=None))
    (outcome,) = outcomes_of(wait_for(song()))
    assert outcome.kind is OutcomeKind.GAVE_UP
    assert "could not be read for" in str(outcome.error)


def test_a_bug_in_the_poller_ends_all_waits(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    songs = [song("[stuck]") for _ in range(3)]
    monkeypatch.setattr(account_poller.ReadyQueue, "pop", broken)
    outcomes = outcomes_of(*map(wait_for, songs))
    assert {type(outcome) for outcome in outcomes} == {SunoUnavailableError}
    assert "The poller of suno_default failed unexpectedly: RuntimeError('a bug')" in str(outcomes[0])


def test_an_unexpected_exception_of_a_poll_ends_one_wait(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = song(), song()
    poll = account.poll_job

    def sometimes(client: Any, job: JobRef) -> Any:
        if job.id == bad:
            raise RuntimeError("a bug")
        return poll(client, job)

    monkeypatch.setattr(account, "poll_job", sometimes)
    outcomes = outcomes_of(wait_for(bad), wait_for(good))
    assert kinds(outcomes) == {SunoUnavailableError, OutcomeKind.FINISHED}
    assert "A poll failed unexpectedly: RuntimeError('a bug')" in str(outcomes[0])


def test_so_does_one_that_is_no_subclass_of_exception(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicError(BaseException):
        """Like those of extensions written in Rust."""

    def panicking(*_: Any) -> Any:
        raise PanicError("a bug")

    async def outcomes() -> Any:
        outcomes = await asyncio.gather(wait_for(song()), return_exceptions=True)
        rate_limit = account_poller._poller_of(CONN_ID)._rate_limit
        assert rate_limit is not None
        assert rate_limit.in_flight == 0
        return outcomes

    monkeypatch.setattr(account, "poll_job", panicking)
    (outcome,) = asyncio.run(outcomes())
    assert "A poll failed unexpectedly: PanicError('a bug')" in str(outcome)


@pytest.mark.parametrize("taken", [True, False])
def test_a_poll_is_sent_or_refused_and_never_both(
    taken: bool, song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool that cannot start a thread keeps the work, and a busy thread may take it, at once or later."""
    one = song("[stuck]")
    results: list[Any] = []

    async def wait_for() -> None:
        reached = account.AccountReader(await account.account_settings(CONN_ID))
        submit, kept = reached._pool.submit, []

        def fail(work: Any) -> None:
            kept.append(work)
            if taken:
                submit(work).result(5)
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(reached._pool, "submit", fail)
        try:
            reached.poll(music(one), lambda result, bug: results.append((result, bug)))
            assert taken
        except RuntimeError:
            assert not taken
        submit(kept[0]).result(5)
        await asyncio.sleep(0)
        reached.close()

    asyncio.run(wait_for())
    assert len(results) == len(polls(sim)) == taken


def test_a_connection_that_cannot_be_read_for_the_moment(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, broken = account.get_async_connection, [OSError("the API server restarts")]

    async def now_and_then(conn_id: str) -> Any:
        if broken:
            raise broken.pop()
        return await look_up(conn_id)

    monkeypatch.setattr(account, "get_async_connection", now_and_then)
    songs = [song() for _ in range(5)]
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}


def test_a_deadline_holds_while_the_connection_is_looked_up(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stalled(conn_id: str) -> Any:
        await asyncio.sleep(30)

    monkeypatch.setattr(account, "get_async_connection", stalled)
    began = time.monotonic()
    assert kinds(outcomes_of(wait_for(song(), timeout=1))) == {OutcomeKind.TIMEOUT}
    assert time.monotonic() - began < 2


def test_a_stalled_look_up_times_out_and_is_repeated(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, stalls = account.get_async_connection, [True]

    async def at_first_stalled(conn_id: str) -> Any:
        if stalls:
            stalls.pop()
            await asyncio.sleep(30)
        return await look_up(conn_id)

    monkeypatch.setattr(account, "get_async_connection", at_first_stalled)
    set_limits(monkeypatch, connection_timeout=0.5)
    assert kinds(outcomes_of(wait_for(song()))) == {OutcomeKind.FINISHED}


def test_a_connection_that_is_unknown_for_the_moment(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the API server restarts, Airflow says that every connection is undefined."""
    look_up, misses = account.get_async_connection, [True, True]

    async def found_late(conn_id: str) -> Any:
        return await look_up("nowhere" if misses and misses.pop() else conn_id)

    monkeypatch.setattr(account, "get_async_connection", found_late)
    assert kinds(outcomes_of(wait_for(song()))) == {OutcomeKind.FINISHED}


def test_an_unknown_connection(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits(monkeypatch, unknown_connection_grace=0.3)
    wait = Wait.begin(MUSIC, song(), now=time.time(), timeout=20)
    outcomes = outcomes_of(*(wait_for_outcome("nowhere", wait, lambda _: None) for _ in range(3)))
    assert {type(outcome) for outcome in outcomes} == {SunoValidationError}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == account_poller.__name__]


def test_one_line_a_minute(song: Song, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits(monkeypatch, statistics_log_gap=0.5)
    songs = [song("[stuck]") for _ in range(4)]
    with caplog.at_level("INFO", logger=account_poller.__name__):
        outcomes_of(*(wait_for(one, timeout=1.2) for one in songs))
    lines = lines_of(caplog)
    assert 1 <= len(lines) <= 2
    assert "suno_default: 4 waiting, the oldest for " in lines[0]
    assert "% of the rate limit), 0 refused" in lines[0]


def test_a_clock_set_back_delays_no_poll(song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def set_back() -> int:
        wait = asyncio.create_task(wait_for(song("[stuck]"), timeout=7200, poll_interval=2))
        await asyncio.sleep(1)
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() - 3600)
        before = len(polls(sim))
        await asyncio.sleep(4)
        wait.cancel()
        return len(polls(sim)) - before

    assert asyncio.run(set_back()) >= 1


def test_a_thread_that_cannot_start_ends_no_wait_and_frees_its_place_in_the_rate_limit(
    song: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll, failing = account.AccountReader.poll, [True, True]

    def not_at_first(self: Any, music_task_id: str, then: Any) -> None:
        if failing and failing.pop():
            raise RuntimeError("can't start new thread")
        poll(self, music_task_id, then)

    async def lines_logged() -> list[str]:
        monkeypatch.setattr(account.AccountReader, "poll", not_at_first)
        said: list[str] = []
        waits = [Wait.begin(MUSIC, song(), now=time.time(), timeout=20) for _ in range(5)]
        outcomes = await asyncio.gather(
            *(wait_for_outcome(CONN_ID, wait, lambda step: said.append(str(step.progress))) for wait in waits)
        )
        assert kinds(outcomes) == {OutcomeKind.FINISHED}
        rate_limit = account_poller._poller_of(CONN_ID)._rate_limit
        assert rate_limit is not None
        assert rate_limit.in_flight == 0
        return said

    assert sum("can't start new thread" in line for line in asyncio.run(lines_logged())) == 2


def test_cancelled_waits_free_their_places_in_the_rate_limit(song: Song, sim: RunningSimulator) -> None:
    async def come_and_go() -> None:
        stuck = song("[stuck]")
        sim.faults.add(Fault(path=RECORD_INFO, kind="slow", seconds=0.3, times=None))
        for _ in range(12):
            wait = asyncio.create_task(wait_for(stuck))
            await asyncio.sleep(0.1)
            wait.cancel()
            await asyncio.gather(wait, return_exceptions=True)
        await asyncio.sleep(1)
        rate_limit = account_poller._poller_of(CONN_ID)._rate_limit
        assert rate_limit is not None
        assert rate_limit.in_flight == 0

    asyncio.run(come_and_go())


def test_closed_loops_are_forgotten(song: Song) -> None:
    for _ in range(3):
        outcomes_of(wait_for(song()))
    assert len(account_poller._pollers) == 1


def test_the_poller_closes_with_the_last_waiter(song: Song) -> None:
    async def come_and_go() -> None:
        waits = [asyncio.create_task(wait_for(song("[stuck]"))) for _ in range(5)]
        await asyncio.sleep(0.5)
        poller = account_poller._poller_of(CONN_ID)
        assert poller._credentials.account is not None
        for wait in waits:
            wait.cancel()
        assert kinds(await asyncio.gather(*waits, return_exceptions=True)) == {asyncio.CancelledError}
        await asyncio.sleep(0.1)
        assert poller._credentials.account is None
        assert poller._timer is None
        assert not poller._listeners
        assert (await wait_for(song())).kind is OutcomeKind.FINISHED  # and starts again

    asyncio.run(come_and_go())


def test_a_stream_of_cancelled_waits_does_not_hold_up_another(song: Song) -> None:
    async def in_a_stream() -> Any:
        first, stuck = asyncio.create_task(wait_for(song())), song("[stuck]")
        while not first.done():
            other = asyncio.create_task(wait_for(stuck))
            await asyncio.sleep(0)
            other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        rate_limit = account_poller._poller_of(CONN_ID)._rate_limit
        while rate_limit and rate_limit.in_flight:  # else these would reach the next test's service
            await asyncio.sleep(0.01)
        return await first

    assert asyncio.run(asyncio.wait_for(in_a_stream(), 20)).kind is OutcomeKind.FINISHED


def test_refusals_for_rate_slow_the_account_down_and_are_logged(
    song: Song, sim: RunningSimulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, statistics_log_gap=0.5)
    stuck = song("[stuck]")
    sim.faults.add(Fault(path=RECORD_INFO, kind="code", code=429, times=3, retry_after="1"))
    with caplog.at_level("INFO", logger=account_poller.__name__):
        outcomes_of(wait_for(stuck, timeout=5))
    assert [line for line in lines_of(caplog) if "refused for rate, slowing down to 45 reads in 10 s: " in line]
    assert [line for line in lines_of(caplog) if line.endswith(" 1 refused")]
    at = [result["wall"] for result in polls(sim)]
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(at[:4]))


def test_repeated_refusals_of_one_job_do_not_slow_the_account_down(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = song(), [song("[stuck]") for _ in range(5)]
    poll = account.poll_job

    def refused(client: Any, job: JobRef) -> Any:
        return SunoRateLimitError("Too many") if job.id == bad else poll(client, job)

    monkeypatch.setattr(account, "poll_job", refused)

    async def among_others() -> float:
        waits = [asyncio.create_task(wait_for(each, timeout=4, poll_interval=0.05)) for each in good]
        outcome = await wait_for(bad)
        assert outcome.kind is OutcomeKind.GAVE_UP
        assert isinstance(outcome.error, SunoUnavailableError)
        await asyncio.gather(*waits)
        rate_limit = account_poller._poller_of(CONN_ID)._rate_limit
        assert rate_limit is not None
        return rate_limit.allowed

    assert asyncio.run(among_others()) > 5  # only the first three lower it, to a tenth with so few reads


@pytest.mark.parametrize("outage", [{"times": 8}, {"times": 1, "retry_after": "1"}])
def test_an_outage_slows_all_polls_down_and_fails_no_wait(
    outage: dict[str, Any], song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_limit(sim, 1000, monkeypatch)
    set_limits(monkeypatch, threads=1)  # one after the other
    songs = [song() for _ in range(20)]
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, **outage))
    assert kinds(outcomes_of(*(wait_for(each, poll_interval=0.05) for each in songs))) == {OutcomeKind.FINISHED}
    at = [result["wall"] for result in polls(sim)]
    assert len(at) == 20 + outage["times"]
    assert at[outage["times"]] - at[outage["times"] - 1] >= 0.9  # also for jobs that are polled for the first time


def test_polls_that_hang_do_not_hold_up_the_others(
    song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_limit(sim, 1000, monkeypatch)
    set_limits(monkeypatch, failing_polls=8)
    bad, good = {song("[stuck]") for _ in range(15)}, [song() for _ in range(15)]
    failed: set[str] = set()
    at_it, answers, poll = [0], threading.Event(), account.poll_job

    def hanging(client: Any, job: JobRef) -> Any:
        if job.id not in bad:
            return poll(client, job)
        if job.id in failed:
            at_it[0] += 1
            answers.wait(60)
        failed.add(job.id)
        return SunoUnavailableError("down")

    async def among_others() -> tuple[list[Any], int]:
        waits = [asyncio.create_task(wait_for(one, timeout=600)) for one in [song("[stuck]"), *bad]]
        async with asyncio.timeout(20):
            while at_it[0] < 8:
                await asyncio.sleep(0.02)
        outcomes = await asyncio.wait_for(asyncio.gather(*map(wait_for, good)), 20)
        hang = at_it[0]
        answers.set()
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return outcomes, hang

    monkeypatch.setattr(account, "poll_job", hanging)
    outcomes, hang = asyncio.run(among_others())
    assert kinds(outcomes) == {OutcomeKind.FINISHED}
    assert hang == 8


def test_stray_failures_fail_no_wait(song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits(monkeypatch, fewest_failed_polls=10)
    songs = [song() for _ in range(40)]
    for skip in range(0, 40, 2):
        sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, times=1, skip=skip))
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}
    assert len(polls(sim)) == 60


def test_a_403_of_the_network_edge_for_a_while_ends_no_wait(
    song: Song, sim: RunningSimulator, look_ups: list[str]
) -> None:
    songs = [song() for _ in range(20)]
    sim.faults.add(Fault(path=RECORD_INFO, kind="html", http_status=403, times=None, lasts=0.5))
    assert kinds(outcomes_of(*map(wait_for, songs))) == {OutcomeKind.FINISHED}
    assert look_ups == [CONN_ID]


def test_a_key_refused_for_one_job_ends_only_its_waits(
    song: Song, look_ups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = song(), [song() for _ in range(10)]
    poll = account.poll_job

    def refused(client: Any, job: JobRef) -> Any:
        return SunoAuthError("not yours", code=401) if job.id == bad else poll(client, job)

    monkeypatch.setattr(account, "poll_job", refused)
    first, *others = outcomes_of(wait_for(bad), *map(wait_for, good))
    assert isinstance(first.error, SunoAuthError)
    assert kinds(others) == {OutcomeKind.FINISHED}
    assert len(look_ups) == 2


def test_one_poll_serves_all_who_wait_for_a_job(song: Song, sim: RunningSimulator) -> None:
    once = song()
    waits = [wait_for(once, until=until) for until in ("all", "first") for _ in range(20)]
    assert kinds(outcomes_of(*waits)) == {OutcomeKind.FINISHED}
    assert len(polls(sim)) == 1


def test_an_unexpected_exception_of_a_look_up_is_logged_and_the_look_up_repeated(
    song: Song, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read, broken = account.read_connection, [True]

    def at_first_broken(*args: Any) -> Any:
        if broken and broken.pop():
            raise ZeroDivisionError("a bug")
        return read(*args)

    monkeypatch.setattr(account, "read_connection", at_first_broken)
    assert kinds(outcomes_of(wait_for(song()))) == {OutcomeKind.FINISHED}
    assert "The look-up of the connection suno_default failed unexpectedly" in caplog.text


def test_look_ups_are_limited_in_rate(look_ups: list[str], song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits(monkeypatch, shortest_gap=0.3)
    monkeypatch.setattr(account, "read_connection", lambda *_: 1 / 0)
    outcomes_of(*(wait_for(song(), timeout=1) for _ in range(20)))
    assert 1 < len(look_ups) <= 5


def test_the_poller_does_not_run_in_a_waiters_context(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context tells Airflow which log a line belongs to."""
    whose = ContextVar("whose", default="nobody's")
    seen: dict[str, set[str]] = {}

    def noting(place: Any, name: str) -> None:
        do = getattr(place, name)

        def noted(*args: Any, **options: Any) -> Any:
            seen.setdefault(name, set()).add(whose.get())
            return do(*args, **options)

        monkeypatch.setattr(place, name, noted)

    noting(account, "get_async_connection")
    noting(account_poller.AccountPoller, "_run")

    async def wait() -> None:
        whose.set("the first waiter's")
        await wait_for(song())

    asyncio.run(wait())
    assert seen == {"_run": {"nobody's"}, "get_async_connection": {"nobody's"}}


def test_a_wait_cancelled_during_the_look_up_leaves_nothing_open(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = account.get_async_connection

    async def slow(conn_id: str) -> Any:
        await asyncio.sleep(0.2)
        return await look_up(conn_id)

    monkeypatch.setattr(account, "get_async_connection", slow)

    async def come_and_go() -> None:
        wait = asyncio.create_task(wait_for(song("[stuck]")))
        await asyncio.sleep(0.1)
        poller = account_poller._poller_of(CONN_ID)
        assert poller._is_looking_up
        wait.cancel()
        while poller._is_looking_up:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert poller._credentials.account is None
        assert poller._timer is None

    asyncio.run(come_and_go())


def test_each_waiter_logs_its_own_progress(song: Song, sim: RunningSimulator) -> None:
    logged: dict[str, list[str]] = {}
    first, second = song("[stuck]"), song("[stuck]")

    def wait_and_log(music_task_id: str) -> Any:
        wait = Wait.begin(MUSIC, music_task_id, now=time.time(), timeout=1, poll_interval=0.05)
        return wait_for_outcome(
            CONN_ID, wait, lambda step: logged.setdefault(music_task_id, []).append(str(step.progress))
        )

    outcomes_of(wait_and_log(first), wait_and_log(second))
    assert len(polls(sim)) > 4
    assert {music_task_id: len(lines) for music_task_id, lines in logged.items()} == {first: 1, second: 1}
    assert all(lines[0].startswith(f"music task {music_task_id}: ") for music_task_id, lines in logged.items())


def test_the_poller_learns_from_finished_jobs(song: Song) -> None:
    async def one() -> float:
        poller = account_poller._poller_of(CONN_ID)
        curve = poller._queue.expectation.curve(MUSIC, "all", age_is_known=False)
        before = sum(curve._ended)
        await wait_for(song())
        return sum(curve._ended) - before

    assert asyncio.run(one()) == pytest.approx(1)


def test_nothing_is_learned_from_a_wait_that_times_out(song: Song) -> None:
    async def late() -> float:
        poller = account_poller._poller_of(CONN_ID)
        curve = poller._queue.expectation.curve(MUSIC, "all", age_is_known=False)
        before = sum(curve._ended)
        outcome = await wait_for(song("[stuck]"), timeout=0)  # after the triggerer was down: it has one poll
        assert outcome.kind is OutcomeKind.TIMEOUT
        return sum(curve._ended) - before

    assert asyncio.run(late()) == 0


def test_connections_do_not_share_a_poller(song: Song, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad key of one of them does not concern the other."""
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({**sim.connection, "password": "sk-former"}))
    good = [wait_for(song()) for _ in range(3)]
    bad = Wait.begin(MUSIC, song(), now=time.time(), timeout=20)
    *finished, refused = outcomes_of(*good, wait_for_outcome("other", bad, lambda _: None))
    assert kinds(finished) == {OutcomeKind.FINISHED}
    assert isinstance(refused.error, SunoAuthError)
    (pollers,) = account_poller._pollers.values()
    assert set(pollers) == {CONN_ID, "other"}


def test_a_thousand_waiters_need_no_task_and_few_threads(song: Song, sim: RunningSimulator) -> None:
    async def many() -> tuple[int, int]:
        sim.faults.add(Fault(path=RECORD_INFO, kind="slow", seconds=0.1, times=None))
        tasks_before = len(asyncio.all_tasks())
        stuck = [song("[stuck]") for _ in range(3)]
        waits = [asyncio.create_task(wait_for(stuck[n % 3], timeout=600)) for n in range(1000)]
        while len(polls(sim)) < 3:
            await asyncio.sleep(0.05)
        tasks = len(asyncio.all_tasks()) - tasks_before - len(waits)
        threads = sum(thread.name.startswith("suno-poller") for thread in threading.enumerate())
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return tasks, threads

    tasks, threads = asyncio.run(many())
    assert tasks == 0
    assert 1 <= threads <= 30
