"""
Send the callbacks: each to the address in its request, with up to three attempts.

Callbacks go only to addresses of this machine, unless the simulation allows any address. The ledger also lists those
that are not sent, and their jobs continue as if they had been received.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from urllib.parse import urlsplit

from airflow_provider_suno.simulator.calls.outgoing_requests import NotReachedError, is_loopback, post
from airflow_provider_suno.simulator.calls.run_in_thread import run_in_thread
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.callback import Callback
from airflow_provider_suno.simulator.state.ledger import CallbackEntry
from airflow_provider_suno.simulator.state.service_state import ServiceState

ATTEMPTS = 3
NOT_ALLOWED = (
    "not sent: the address is not on this machine. To send callbacks to any address, start the simulator with "
    '--callbacks any, or use running_simulator(callbacks="any")'
)
_INTERVAL = 0.02
_MOST_AT_ONCE = 32


class CallbackSender:
    """
    Send the callbacks of a simulation.

    :param simulation: the simulation.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._last: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send the callbacks that are due, until this is cancelled."""
        while True:
            state = self._simulation.state
            for callback in state.callback_queue.take_due(self._simulation.clock.now()):
                self._send(state, callback)
            await asyncio.sleep(_INTERVAL)

    def _send(self, state: ServiceState, callback: Callback) -> None:
        if not _can_be_sent(callback.url):
            self._add_to_ledger(state, callback, 1, None, "not sent: no receiver can have this address")
            state.callback_failed(callback.job_id, now=self._simulation.clock.now())
            return
        if self._simulation.callbacks == "loopback" and not is_loopback(callback.url):
            self._add_to_ledger(state, callback, 1, None, NOT_ALLOWED)
            return
        # The callbacks of one job are sent in order, even if the receiver is slow.
        previous = self._last.get(callback.job_id)
        delivery = asyncio.ensure_future(self._deliver(state, callback, previous))
        self._last[callback.job_id] = delivery
        delivery.add_done_callback(lambda done: self._forget(callback.job_id, done))

    def _forget(self, job_id: str, delivery: asyncio.Task[None]) -> None:
        if self._last.get(job_id) is delivery:
            del self._last[job_id]

    async def _deliver(self, state: ServiceState, callback: Callback, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.wait((previous,))
        for attempt in range(1, ATTEMPTS + 1):
            if await self._attempt(state, callback, attempt):
                return
            if attempt < ATTEMPTS:
                await asyncio.sleep(state.settings.callback_spacing * 2 ** (attempt - 1))
        state.callback_failed(callback.job_id, now=self._simulation.clock.now())

    async def _attempt(self, state: ServiceState, callback: Callback, attempt: int) -> bool:
        body = callback.make_body()
        headers = {"Content-Type": "application/json"}
        signing_key = state.callback_queue.signing_key
        if signing_key is not None:
            body["taskId"] = callback.job_id
            headers |= signature_headers(callback.job_id, int(self._simulation.clock.record_time()), signing_key)
        content = json.dumps(body, ensure_ascii=False).encode()
        timeout = state.settings.callback_timeout
        async with self._slots:
            http_status, error = await run_in_thread(lambda: _post(callback.url, content, headers, timeout))
        return self._add_to_ledger(state, callback, attempt, http_status, error)

    def _add_to_ledger(
        self, state: ServiceState, callback: Callback, attempt: int, http_status: int | None, error: str | None
    ) -> bool:
        """Write an attempt into the ledger and return whether the receiver accepted the callback."""
        entry = CallbackEntry(
            at=self._simulation.clock.now(),
            job_kind=callback.job_kind,
            job_id=callback.job_id,
            stage=callback.stage,
            url=callback.url,
            attempt=attempt,
            http_status=http_status,
            error=error,
        )
        state.ledger.callbacks.append(entry)
        return entry.taken


def signature_headers(job_id: str, timestamp: int, key: str) -> dict[str, str]:
    """
    Return the headers that sign a callback. They sign the job's id and the time, not the body.

    :param timestamp: epoch seconds.
    :param key: the secret.
    """
    digest = hmac.new(key.encode(), f"{job_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return {"X-Webhook-Timestamp": str(timestamp), "X-Webhook-Signature": base64.b64encode(digest).decode()}


def _can_be_sent(url: str) -> bool:
    """Return whether an address is an HTTP address, and not one with a reserved name that never resolves."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and bool(host) and not host.endswith(".invalid")


def _post(url: str, content: bytes, headers: dict[str, str], timeout: float) -> tuple[int | None, str | None]:
    """Send once. Return the receiver's HTTP status, or the reason why there is none."""
    try:
        return post(url, content, headers, timeout), None
    except NotReachedError as error:
        return None, str(error)
