"""
Sends the callbacks: to the address in the request and nowhere else, and again if nobody takes them.

Unless the simulation says otherwise, only to addresses of this machine. The others are written into the ledger, and the
song goes on as if they had been taken.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.callback import Callback, callback_of
from airflow_provider_suno.simulator.state.callback_queue import CallbackType
from airflow_provider_suno.simulator.state.ledger import CallbackEntry
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.wire.outgoing_requests import NotReachedError, is_loopback, post
from airflow_provider_suno.simulator.wire.run_in_thread import run_in_thread

ATTEMPTS = 3
_TICK = 0.02
_AT_A_TIME = 32


class CallbackSender:
    """
    Carry the callbacks of a simulation.

    :param simulation: whose.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._hands = asyncio.Semaphore(_AT_A_TIME)
        self._last: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look for callbacks that are due until the task is cancelled, whether or not anybody reads records."""
        while True:
            state = self._simulation.state
            for music_task_id, kind in state.callback_queue.take_due(self._simulation.clock.now()):
                self._send(state, music_task_id, kind)
            await asyncio.sleep(_TICK)

    def _send(self, state: ServiceState, music_task_id: str, kind: CallbackType) -> None:
        task = state.music_tasks.get(music_task_id)
        callback = callback_of(task, kind) if task else None
        if callback is None:
            return
        if not callback.sendable:
            self._note(state, callback, 1, None, "nobody can be there")
            state.callback_failed(music_task_id, now=self._simulation.clock.now())
            return
        if self._simulation.callbacks == "loopback" and not is_loopback(callback.url):
            self._note(state, callback, 1, None, "not sent: its address is not on this machine (--callbacks any)")
            return
        # Those of one song go one after the other, however long a receiver takes for each.
        before = self._last.get(music_task_id)
        errand = asyncio.ensure_future(self._deliver(state, callback, before))
        self._last[music_task_id] = errand
        errand.add_done_callback(lambda done: self._forget(music_task_id, done))

    def _forget(self, music_task_id: str, errand: asyncio.Task[None]) -> None:
        if self._last.get(music_task_id) is errand:
            del self._last[music_task_id]

    async def _deliver(self, state: ServiceState, callback: Callback, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        for attempt in range(1, ATTEMPTS + 1):
            if await self._attempt(state, callback, attempt):
                return
            if attempt < ATTEMPTS:
                await asyncio.sleep(state.settings.callback_spacing * 2 ** (attempt - 1))
        state.callback_failed(callback.task.music_task_id, now=self._simulation.clock.now())

    async def _attempt(self, state: ServiceState, callback: Callback, attempt: int) -> bool:
        body, music_task_id = callback.body(), callback.task.music_task_id
        headers = {"Content-Type": "application/json"}
        if state.callback_queue.signing_key is not None:
            body["taskId"] = music_task_id
            headers |= signed(
                music_task_id, int(self._simulation.clock.record_time()), state.callback_queue.signing_key
            )
        content = json.dumps(body, ensure_ascii=False).encode()
        timeout = state.settings.callback_timeout
        async with self._hands:
            http_status, error = await run_in_thread(lambda: _post(callback, content, headers, timeout))
        return self._note(state, callback, attempt, http_status, error)

    def _note(
        self, state: ServiceState, callback: Callback, attempt: int, http_status: int | None, error: str | None
    ) -> bool:
        """Write an attempt into the ledger and return whether the receiver took the callback."""
        entry = CallbackEntry(
            at=self._simulation.clock.now(),
            music_task_id=callback.task.music_task_id,
            kind=callback.kind,
            url=callback.url,
            attempt=attempt,
            http_status=http_status,
            error=error,
        )
        state.ledger.callbacks.append(entry)
        return entry.taken


def signed(music_task_id: str, timestamp: int, key: str) -> dict[str, str]:
    """
    Return the headers that sign a callback. They cover the music task's id and the time, not the body.

    :param music_task_id: the music task.
    :param timestamp: epoch seconds.
    :param key: the secret.
    """
    digest = hmac.new(key.encode(), f"{music_task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return {"X-Webhook-Timestamp": str(timestamp), "X-Webhook-Signature": base64.b64encode(digest).decode()}


def _post(callback: Callback, content: bytes, headers: dict[str, str], timeout: float) -> tuple[int | None, str | None]:
    """Send once and return the receiver's HTTP status, or why there is none."""
    try:
        return post(callback.url, content, headers, timeout), None
    except NotReachedError as error:
        return None, str(error)
