"""Run blocking work in a thread, so that it does not block the event loop or the end of the simulator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def run_in_thread(work: Callable[[], Result]) -> Result:
    """
    Run blocking work in a new daemon thread and return its result.

    ``asyncio.to_thread`` cannot be used: the event loop waits for its threads when it ends.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()

    def finish(result: Result | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:  # noqa: BLE001 - it is raised again where the result is awaited
            error = caught
        with suppress(RuntimeError):  # the event loop has ended
            loop.call_soon_threadsafe(finish, result, error)

    threading.Thread(target=run, name="suno-simulator-work", daemon=True).start()
    return await outcome
