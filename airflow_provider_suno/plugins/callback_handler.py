"""Decide what a verified callback causes: a hint for the submitter, tasks that go on, or events of finished songs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_suno.api.callback import Callback, CallbackToken, Stage
from airflow_provider_suno.api.jobs import JobRef, JobState, job_kind
from airflow_provider_suno.assets.suno import music_extra, music_uri
from airflow_provider_suno.compat import HAS_TASK_STATE
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.journal.hint import Hint
from airflow_provider_suno.plugins.airflow_internals import (
    InternalsChangedError,
    Resumed,
    is_current,
    leave_hint,
    raise_events,
    resume_waiters,
)

if TYPE_CHECKING:
    from airflow_provider_suno.api.endpoints.music import MusicTask

T = TypeVar("T")
V = TypeVar("V")

log = logging.getLogger(__name__)

_THREADS = 4
_LOOKS_AGAIN = (2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds after which tasks are looked for again that may be about to wait; then polling finds the result."""
_LOOKS_AT_A_RECORD = (0.0, 1.0, 2.0)
"""Seconds before each read of a record, which may lag behind the callback."""
_READ_TIMEOUT = 8.0
_READ_AGAIN_AFTER = 5.0
"""Seconds in which the same callback causes no second read of a record that was not finished."""
_MOST_READS = 30
_MOST_READS_IN = 10.0
"""How many records of jobs that nobody waits for are read in so many seconds; more callbacks are sent again."""
_MOST_LATER = 10_000
_MOST_REMEMBERED = 10_000


class NotYetHandledError(Exception):
    """What a callback causes could not be written: the service is to send it again."""


class CallbackHandler:
    """Handle verified callbacks in a few threads, so that a flood of them leaves Airflow its database connections."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="suno-callbacks")
        self._reading = ThreadPoolExecutor(_THREADS, thread_name_prefix="suno-callback-records")
        self._later: set[tuple[str, str, Stage]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._raised: OrderedDict[tuple[str, str], None] = OrderedDict()
        """The submissions whose events were raised."""
        self._raising: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._not_finished: OrderedDict[tuple[str, str], float] = OrderedDict()
        """When the record of a submission was read last that was not finished then."""
        self._reads: deque[float] = deque(maxlen=_MOST_READS)
        self._unused: OrderedDict[tuple[str, str], None] = OrderedDict()
        """The submissions whose jobs no task uses, as the log has said."""
        self._warned = False

    async def handle(self, token: CallbackToken, callback: Callback) -> None:
        """
        Write what a callback causes; return when that is done.

        :raises NotYetHandledError: when it could not be done for now.
        """
        job = JobRef(job_kind(token.kind), callback.job_id)
        try:
            resumed = await self._in_thread(partial(_write, token, job, callback.stage))
            if callback.stage is Stage.COMPLETE and not resumed.waiting:
                await (self._note_unused(token, job) if token.waits else self._raise_events(token, job))
        except InternalsChangedError as problem:
            if not self._warned:
                log.warning("callbacks cannot be used: %s", problem)
            self._warned = True
            return
        self._look_again(token, job, callback.stage, resumed, 0)

    async def _raise_events(self, token: CallbackToken, job: JobRef) -> None:
        """Raise the events of a job that nobody waits for, once; the record is read by threads of their own."""
        key = (token.nonce, job.id)
        if key in self._raised:
            return
        if key not in self._raising:
            self._refuse_too_many_reads(key)
            loop = asyncio.get_running_loop()
            self._raising[key] = loop.run_in_executor(self._reading, partial(_raise_events, token, job))
        try:
            await asyncio.shield(self._raising[key])
        except NotYetHandledError:
            _remember(self._not_finished, key, time.monotonic())
            raise
        finally:
            if key in self._raising and self._raising[key].done():
                del self._raising[key]
        _remember(self._raised, key, None)

    def _refuse_too_many_reads(self, key: tuple[str, str]) -> None:
        """Let the service send a callback again that comes too soon after another one, or with too many others."""
        now = time.monotonic()
        if now - self._not_finished.get(key, -_READ_AGAIN_AFTER) < _READ_AGAIN_AFTER:
            raise NotYetHandledError("its record was read a moment ago, and was not finished")
        if len(self._reads) == _MOST_READS and now - self._reads[0] < _MOST_READS_IN:
            raise NotYetHandledError("too many callbacks at once are about jobs that nobody waits for")
        self._reads.append(now)

    async def _note_unused(self, token: CallbackToken, job: JobRef) -> None:
        """Log a paid job that no task uses, such as one whose reply was lost before the task was cleared."""
        key = (token.nonce, job.id)
        if token.dag_id is None or key in self._unused or await self._in_thread(partial(is_current, token, job)):
            return
        _remember(self._unused, key, None)
        log.warning(
            "%s, of an earlier submission by task %s of %s (%s), is paid for, and no task uses it: %s",
            job,
            token.task_id,
            token.dag_id,
            token.run_id,
            job.resume_hint,
        )

    async def _in_thread(self, work: partial[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _look_again(self, token: CallbackToken, job: JobRef, stage: Stage, resumed: Resumed, looks: int) -> None:
        """Look again for tasks that could not be resumed yet, or may be about to wait."""
        key = (token.nonce, job.id, stage)
        delay = resumed.again_in
        if delay is None and resumed.starting and stage is not Stage.TEXT and looks < len(_LOOKS_AGAIN):
            delay = _LOOKS_AGAIN[looks]
        if delay is None or key in self._later or len(self._later) >= _MOST_LATER:
            return
        self._later.add(key)
        task = asyncio.get_running_loop().create_task(self._resume_later(delay, token, job, stage, looks + 1))
        self._tasks.add(task)  # the loop itself keeps no reference
        task.add_done_callback(self._tasks.discard)

    async def _resume_later(self, delay: float, token: CallbackToken, job: JobRef, stage: Stage, looks: int) -> None:
        await asyncio.sleep(delay)
        self._later.discard((token.nonce, job.id, stage))
        try:
            resumed = await self._in_thread(partial(_resume, token, job, stage))
        except Exception:
            log.exception("tasks that wait for %s could not be resumed; they go on polling", job)
        else:
            self._look_again(token, job, stage, resumed, looks)


def _remember(known: OrderedDict[tuple[str, str], V], key: tuple[str, str], value: V) -> None:
    known[key] = value
    while len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)


def _write(token: CallbackToken, job: JobRef, stage: Stage) -> Resumed:
    """Leave the hint, and resume who waits; each is done even if the other cannot be done on this Airflow."""
    if token.dag_id is None:
        return Resumed()
    problem: InternalsChangedError | None = None
    try:
        _leave_hint(token, job, stage)
    except InternalsChangedError as changed:
        problem = changed
    resumed = Resumed() if stage is Stage.TEXT else _resume(token, job, stage)
    if problem is not None and not resumed.tasks:
        raise problem
    return resumed


def _leave_hint(token: CallbackToken, job: JobRef, stage: Stage) -> None:
    news = leave_hint(token, Hint(nonce=token.nonce, kind=token.kind, job_id=job.id, stage=stage))
    if news or not HAS_TASK_STATE:
        log.info(
            "a callback says that %s, submitted by task %s of %s (%s, map index %d), has reached the stage %r",
            job,
            token.task_id,
            token.dag_id,
            token.run_id,
            token.map_index,
            stage.value,
        )


def _resume(token: CallbackToken, job: JobRef, stage: Stage) -> Resumed:
    resumed = resume_waiters(token, job, stage, datetime.now(UTC))
    if resumed.tasks:
        log.info("%d tasks of %s (%s) that wait for %s go on", resumed.tasks, token.dag_id, token.run_id, job)
    return resumed


def _raise_events(token: CallbackToken, job: JobRef) -> None:
    """Read the record of a job that nobody waits for, and raise an event for each of its songs."""
    if job.kind.name != "music":
        return
    if token.dag_id is not None and not is_current(token, job):
        log.info("a callback says that %s is finished, but its task has made another job since then", job)
        return
    record = _finished_record(token.suno_conn_id, job)
    if record is None:
        return
    raised = raise_events(music_uri(token.suno_conn_id), _songs(record, token))
    log.info("%s is finished, and nobody waits for it: events for %d songs", job, raised)


def _finished_record(suno_conn_id: str, job: JobRef) -> MusicTask | None:
    """Return the record of a finished job, ``None`` if it has failed."""
    from airflow_provider_suno.http.client import SunoClient
    from airflow_provider_suno.plugins.callback_secrets import look_up

    try:
        settings = look_up(suno_conn_id).client
        timeout = min(settings.read_timeout, _READ_TIMEOUT)  # the service waits 15 s for an answer
        hurried = replace(settings, read_timeout=timeout, connect_timeout=min(settings.connect_timeout, timeout))
        with SunoClient(hurried) as client:
            record: Any = None
            for pause in _LOOKS_AT_A_RECORD:
                time.sleep(pause)
                record = client.get_record(job, resend=False)
                if record is not None and job.kind.judge(record, "all").state is not JobState.RUNNING:
                    break
    except SunoError as error:
        raise NotYetHandledError(f"its record cannot be read ({error})") from error
    if record is None:
        raise NotYetHandledError(f"the account of {suno_conn_id!r} has no such job, or does not show it yet")
    verdict = job.kind.judge(record, "all")
    if verdict.state is JobState.RUNNING:
        raise NotYetHandledError(f"its record still says {record.status}")
    if verdict.state is JobState.FAILED and not record.playable:
        log.warning("%s failed, so no event is raised: %s", job, verdict.error)
        return None
    return verdict.record or record  # type: ignore[return-value]


def _songs(record: MusicTask, token: CallbackToken) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for track in record.playable:
        yield track.audio_id, {**music_extra(record, [track]), **_source(token)}


def _source(token: CallbackToken) -> dict[str, Any]:
    """Return which task submitted the job; nothing for one that was ordered outside of Airflow."""
    if token.dag_id is None:
        return {}
    return {"dag_id": token.dag_id, "run_id": token.run_id, "task_id": token.task_id, "map_index": token.map_index}
