"""The sensor that waits for a job of any kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowNotFoundException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_suno.api.fields import checked_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.compat import task_state_store
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.lineage.openlineage import song_uri
from airflow_provider_suno.polling.arguments import DEFAULT_TIMEOUT, check_wait
from airflow_provider_suno.task.arguments import check_arguments, refuse_non_flags
from airflow_provider_suno.task.failure import raise_for_airflow, retry_is_useless
from airflow_provider_suno.task.keeping import FREE, as_template, keep_result
from airflow_provider_suno.task.waiting import CALLED_BACK_KEY, WaitingTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.jobs import Until
    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.polling.callback_event import CallbackEvent
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import PollAgain, Wait
    from airflow_provider_suno.task.parameters import SensorArguments
    from airflow_provider_suno.triggers.job import JobTrigger

    class JobSensorArguments(SensorArguments, total=False):
        """The parameters of every sensor that waits for a job, besides the job's id."""

        until: Until | XComArg
        keep_at: Destination | XComArg | None
        deferrable: bool
        suno_conn_id: str | XComArg
        poke_interval: float | timedelta | None
        timeout: float | timedelta


_AIRFLOWS_DEFAULT_INTERVAL = 60.0
_RESCHEDULE_GAP = 15.0
_BACKSTOP_MARGIN = 60.0
_HISTORY_KEY = "suno_wait"


class JobSensor(WaitingTask, BaseSensorOperator):
    """
    Wait until a job has finished; free.

    ``mode="poke"`` holds a worker, ``mode="reschedule"`` starts one for each poll, ``deferrable=True`` waits in the
    triggerer; results and errors are the same.

    Returns what the operator of that kind returns (for ``wav`` the file's URL, for ``stems`` the URL of each stem; for
    ``music`` the list of ``audio_id``s) and pushes the record under the name of its kind (``music_task`` for
    ``music``). With ``keep_at``, pushes ``files``, too. If the job failed but a part of it can be used, that part is
    pushed and kept before the error is raised.

    A retry or a clear polls again; a sensor never pays. A kill ends the wait, not the job. A timeout fails the task
    without a retry, as in all sensors; the job continues, and a clear waits again. ``soft_fail`` skips the task on a
    timeout and on errors that a retry cannot fix, ``never_fail`` on every error.

    :param kind: the name of the kind of job: ``music``, ``lyrics``, ``wav``, ``stems``, ``midi``,
        ``video``, ``cover_art``, ``voice_phrase``, ``voice``, ``recovery``.
    :param job_id: the job; one string. For several, map the sensor with ``expand``.
    :param until: only for ``music``: wait for ``all`` tracks, or for the ``first`` with an audio file, which may be
        that of a failed job. Only tracks with an audio file are returned.
    :param keep_at: for jobs that make files: the folder or object store to keep them in, as ``keep_at`` of
        :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`. The files are fetched by the worker, in
        every mode, and ``timeout`` does not bound that. If it fails, the task fails, with ``soft_fail`` too; a retry or
        a clear fetches what is missing.
    :param deferrable: wait in the triggerer, whatever ``mode`` is.
    :param suno_conn_id: the connection.
    :param poke_interval: seconds between two polls (when deferrable: at most); ``None`` is adaptive: rare while a
        result is unlikely, frequent when it is due.
    :param timeout: seconds from the first poll of this try (in reschedule mode before Airflow 3.3: of the task
        instance).
    """

    id_parameter: ClassVar[str] = "job_id"

    template_fields: Sequence[str] = ("kind", "job_id", "until", "keep_at", "suno_conn_id")
    also_checked = ("timeout", "poke_interval", "deferrable")
    ui_color = "#e3f3ff"

    def __init__(
        self,
        *,
        kind: str | XComArg,
        job_id: str | XComArg,
        until: Until | XComArg = "all",
        keep_at: Destination | XComArg | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        poke_interval: float | timedelta | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        self.kind: str = kind  # type: ignore[assignment]  # once rendered
        setattr(self, self.id_parameter, job_id)
        self.until = until
        self.keep_at = as_template(keep_at)
        self.deferrable = deferrable
        self._adaptive = poke_interval is None
        self._wait: Wait | None = None
        self._poll_at: float | None = None
        self._heard: str | None = None
        super().__init__(
            suno_conn_id=suno_conn_id,
            poke_interval=_AIRFLOWS_DEFAULT_INTERVAL if poke_interval is None else poke_interval,
            timeout=timeout,
            **kwargs,
        )
        self._timeout: float = self.timeout

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        refuse_non_flags(known, ("deferrable",))
        if cls.id_parameter not in {*known, *later}:
            raise SunoValidationError(f"{cls.id_parameter}: required.")
        if cls.id_parameter in known:
            checked_id(cls.id_parameter, known[cls.id_parameter])
        if "kind" in known:
            keeps = known.get("keep_at") is not None or "keep_at" in later
            _refuse_what_it_lacks(job_kind(known["kind"]), until=known.get("until"), keeps=keeps)
        if known.get("keep_at") is not None:
            from airflow_provider_suno.hooks.storage import check_destination

            check_destination(known["keep_at"], "keep_at")
        check_wait(
            timeout=known.get("timeout", 0),
            until=known.get("until", "all"),
            poll_interval=known.get("poke_interval"),
            interval_name="poke_interval",
        )

    @property
    def job_kind(self) -> JobKind:
        """The kind of job to wait for."""
        return job_kind(self.kind)

    @property
    def longest_wait(self) -> float:
        """The timeout of a wait, in seconds."""
        return self.timeout

    @property
    def _job(self) -> JobRef:
        """The job to wait for; raises a :class:`SunoValidationError` for a malformed id, or what its kind lacks."""
        job = JobRef(self.job_kind, checked_id(self.id_parameter, getattr(self, self.id_parameter)))
        _refuse_what_it_lacks(job.kind, until=self.until, keeps=self.keep_at is not None)
        return job

    def execute(self, context: Context) -> Any:
        """
        Wait as ``deferrable`` and ``mode`` say.

        In every mode the wait itself checks the deadline. Airflow's own check would come slightly earlier, and knows
        neither ``never_fail`` nor the last poll. It is postponed, as a backstop for a ``silent_fail`` task whose polls
        never start. An ``execution_timeout`` always fails the try: Airflow would apply the flags to one during a poll,
        but not to one between two polls.
        """
        try:
            check_arguments(self, context)
        except SunoError as error:
            self.fail(error)
        self._timeout, self.timeout = self.timeout, self.timeout + _BACKSTOP_MARGIN
        try:
            return super().execute(context)
        except AirflowSkipException as skipped:
            if isinstance(skipped.__cause__, AirflowTaskTimeout):
                raise skipped.__cause__ from None
            raise
        finally:
            self.timeout = self._timeout

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once, then defer the rest of the wait if ``deferrable``; raise errors as ``soft_fail`` and so on say."""
        from airflow_provider_suno.links.pushing import push_log_link
        from airflow_provider_suno.polling.outcome import Outcome
        from airflow_provider_suno.polling.worker import poll_once

        self.stop_if_killed()
        first = self._wait is None
        try:
            wait = self._wait_of_this_try(context)
            hook = self.open_hook()
            client = hook.client
            if self.deferrable and self._heard is None and self._is_called_back(context, hook):
                wait = replace(wait, expects_callback=True)
        except SunoError as error:
            self.fail(error)
        except AirflowException as error:
            self.fail(SunoUnavailableError(f"The connection {self.suno_conn_id!r} cannot be read: {error}"))
        if first:
            push_log_link(context, hook.settings.client.log_page, self.log)
        with client:
            step = poll_once(client, wait)
        self.stop_if_killed()
        if isinstance(step, Outcome):
            return PokeReturnValue(is_done=True, xcom_value=self.deliver(context, step))
        self._remember(context, step)
        if self.deferrable:
            self.defer_wait(step.wait, context, self.suno_conn_id, self._heard)
        return PokeReturnValue(is_done=False)

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None, heard: str | None) -> JobTrigger:
        """Return the trigger that continues a wait."""
        from airflow_provider_suno.triggers.music_task import trigger_for

        return trigger_for(wait, suno_conn_id, try_number, heard)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """
        Continue after the trigger's event; anything else is an error.

        An event about another job means that the submitting task was cleared meanwhile and has submitted a new job.
        Then the wait starts again.
        """
        from airflow_provider_suno.polling.callback_event import CallbackEvent
        from airflow_provider_suno.polling.outcome import Outcome

        job = self._job
        if (other := Outcome.of_another(event, job) or CallbackEvent.of_another(event, job)) is not None:
            self.log.info(
                "%s was %s when the wait began and is %s now; waiting for the new job", self.id_parameter, other, job
            )
            return self.execute(context)
        return self.complete(context, event, job.id)

    @contextmanager
    def resumed_job(self, context: Context) -> Iterator[str]:
        """Check the arguments again: the id is missing if the submitting task was cleared meanwhile."""
        try:
            check_arguments(self, context)
            job = self._job
        except SunoError as problem:
            self.fail(
                SunoUnavailableError(
                    f"{problem} The sensor was already waiting for a job. If the task that submits it was cleared "
                    "meanwhile, there is no new id yet: retry or clear this sensor to wait for the new job."
                )
            )
        yield job.id

    def poll_after_callback(self, context: Context, called_back: CallbackEvent) -> Outcome:
        """Poll once: return the outcome, or defer again with the same deadline."""
        try:
            return super().poll_after_callback(context, called_back)
        except SunoError as error:
            self.fail(error)
        except AirflowNotFoundException as error:
            self.fail(SunoUnavailableError(f"The connection {self.suno_conn_id!r} cannot be read: {error}"))

    def what_continues(self) -> str:
        """Return that the job continues."""
        job = f"{self.job_kind.noun} {getattr(self, self.id_parameter)}"
        return f"The API cannot cancel jobs: {job} continues at the service."

    def _is_called_back(self, context: Context, hook: SunoHook) -> bool:
        """Return whether a callback will resume this task: it does so in the run that has submitted the job."""
        if not hook.settings.callbacks.secrets or not self.upstream_task_ids:
            return False
        ti = context["ti"]
        indexes = {-1, -1 if ti.map_index is None else ti.map_index}
        with suppress(Exception):  # then it is polled as usual
            submitted = ti.xcom_pull(sorted(self.upstream_task_ids), key=CALLED_BACK_KEY, map_indexes=sorted(indexes))
            return self._job.id in submitted
        return False

    def _wait_of_this_try(self, context: Context) -> Wait:
        from airflow_provider_suno.polling.wait import Wait

        if self._wait is None:
            job = self._job
            rescheduled = self.reschedule and not self.deferrable
            first_poll = context["ti"].get_first_reschedule_date(context) if rescheduled else None
            wait = Wait.begin(
                job.kind,
                job.id,
                now=first_poll.timestamp() if first_poll else time.time(),
                timeout=self._timeout,
                until=self.until,
                poll_interval=None if self._adaptive else self.poke_interval,
                interval_name="poke_interval",
                shortest_gap=_RESCHEDULE_GAP if self.reschedule else Wait.shortest_gap,
            )
            self._wait = wait.with_history(self._recall(context))
        return self._wait

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Return the seconds until the next poll: not past the deadline, more while polls fail."""
        now = time.time()
        chosen, self._poll_at = self._poll_at, None
        if chosen is not None and self._adaptive and not self.exponential_backoff:
            return max(0.0, chosen - now)
        interval = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        interval = float(max(interval, (chosen or now) - now))
        left = 0.0 if self._wait is None else self._wait.deadline - now
        return min(interval, left) if left > 0 else interval

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the record and return the task's result, or raise the error as ``soft_fail`` and ``never_fail`` say."""
        from airflow_provider_suno.polling.worker import log_finished

        if outcome.error is not None:
            self.push_partial_result(context, outcome)
            self.fail(outcome.error, outcome)
        record = outcome.result()
        log_finished(self.log, outcome)
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # _recall ignores what an earlier try left
                store.delete(_HISTORY_KEY)
        self.push(context, outcome)
        self.stop_if_killed()
        return record.result()

    def push(self, context: Context, outcome: Outcome) -> None:
        """Push the record of a finished job, and keep its files if asked to."""
        from airflow_provider_suno.assets.suno import job_extra
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events
        from airflow_provider_suno.links.pushing import push_record_links

        job, record = outcome.job, outcome.result()
        context["ti"].xcom_push(key=job.kind.record_key, value=record.pushed())
        push_record_links(context, record, self.log)
        add_to_outlet_events(context, job_extra(job, record), self.log)
        if job.kind.name == "music":
            self.add_lineage(used=[song_uri(self.suno_conn_id, job.id)])
        if self.keep_at is not None:
            try:
                keep_result(context, self.open_hook(), job.kind, record, self.keep_at, way_on=FREE)
            except SunoError as error:
                self.stop_if_killed()
                if self.never_fail:
                    self.fail(error)
                raise_for_airflow(error)  # soft_fail is about the wait, which was successful

    def fail(self, error: SunoError, outcome: Outcome | None = None) -> NoReturn:
        """Raise an error, perhaps that of an outcome; the flags mean the same in every mode and Airflow version."""
        from airflow_provider_suno.polling.outcome import OutcomeKind

        fatal = error.fatal if outcome is None else retry_is_useless(outcome, submitted_here=False)
        timed_out = outcome is not None and outcome.kind is OutcomeKind.TIMEOUT
        if self.never_fail or (self.soft_fail and (timed_out or fatal)):
            raise AirflowSkipException(str(error)) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise_for_airflow(error, fatal=fatal)

    def _remember(self, context: Context, step: PollAgain) -> None:
        from airflow_provider_suno.polling.worker import log_progress

        log_progress(self.log, step)
        self._wait, self._poll_at = step.wait, step.at
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # the next poll does without it
                store.set(_HISTORY_KEY, {"try_number": context["ti"].try_number, "wait": step.wait.history()})

    def _recall(self, context: Context) -> Any:
        """Return what earlier polls of this try saw; in reschedule mode each was in a process of its own."""
        store = self._store(context)
        history = None
        if store is not None:
            with suppress(Exception):  # this poll does without it
                history = store.get(_HISTORY_KEY)
        if not isinstance(history, dict) or history.get("try_number") != context["ti"].try_number:
            return None
        return history.get("wait")

    def _store(self, context: Context) -> Any | None:
        return task_state_store(context) if self.reschedule and not self.deferrable else None


def _refuse_what_it_lacks(kind: JobKind, *, until: Any, keeps: bool) -> None:
    """Refuse to wait for the first part of what comes at once, and to keep the files of what has none."""
    if until == "first" and not kind.has_stages:
        raise SunoValidationError(f"until: a {kind.noun} has no first part to wait for; leave until out.")
    if keeps and not kind.makes_files:
        raise SunoValidationError(
            f"keep_at: the result of a {kind.noun} is no file. Leave keep_at out; the result is in the XComs "
            f"return_value and {kind.record_key}."
        )
