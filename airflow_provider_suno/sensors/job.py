"""The sensor of any job: waits until it has really completed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_suno.api.fields import checked_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout, task_state_store
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import PollAgain, Wait, check_wait
from airflow_provider_suno.polling.worker import log_finished, log_progress, poll_once, push_partial_result
from airflow_provider_suno.task.arguments import check_arguments, refuse_non_flags, refuse_wrong_literals
from airflow_provider_suno.task.deferral import (
    defer_wait,
    error_of_deferral,
    is_of_another_try,
    stop_if_execution_timed_out,
)
from airflow_provider_suno.task.failure import raise_for_airflow, retry_is_useless
from airflow_provider_suno.task.mapping import MappableOperator
from airflow_provider_suno.task.names import hint_at_names
from airflow_provider_suno.task.retry_policy import honour_server_delays

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.task.parameters import SensorArguments
    from airflow_provider_suno.triggers.job import JobTrigger

    class JobSensorArguments(SensorArguments, total=False):
        """What every sensor takes that waits for a job, but the id of that."""

        deferrable: bool
        suno_conn_id: str | XComArg
        poke_interval: float | timedelta | None
        timeout: float | timedelta


_AIRFLOWS_DEFAULT_INTERVAL = 60.0
_RESCHEDULE_GAP = 15.0
_NET_MARGIN = 60.0
_HISTORY_KEY = "suno_wait"


class JobSensor(MappableOperator, BaseSensorOperator):
    """
    Wait until a job has completed; free.

    ``mode="poke"`` holds a worker, ``mode="reschedule"`` starts one for each poll, ``deferrable=True`` waits in the
    triggerer. All give the same result and the same errors. Returns what the next task needs (of a WAV its URL, of MIDI
    the instruments with their notes); pushes the record under the name of its kind.

    A retry or a clear polls again; nothing is ever paid for here. A timeout fails the task for good, as Airflow's
    sensors do; the job goes on at the service, and a clear waits anew. ``soft_fail`` skips the task on a timeout
    and on errors that trying again cannot help, ``never_fail`` on every error.

    :param kind: the name of the kind of job: ``music``, ``wav``, ``midi``.
    :param job_id: the job; one string. Map the sensor over several with ``expand``.
    :param deferrable: wait in the triggerer; ``mode`` does not matter then.
    :param suno_conn_id: the connection.
    :param poke_interval: seconds between two polls (when deferrable: at most); ``None`` is adaptive: seldom while no
        result can be there, often when it is due.
    :param timeout: seconds from the first poll of this try (in reschedule mode before Airflow 3.3: of the task
        instance).
    """

    id_parameter: ClassVar[str] = "job_id"
    until: Any = "all"

    template_fields: Sequence[str] = ("kind", "job_id", "suno_conn_id")
    also_checked = ("timeout", "poke_interval", "deferrable")
    ui_color = "#e3f3ff"

    def __init__(
        self,
        *,
        kind: str | XComArg,
        job_id: str | XComArg,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        poke_interval: float | timedelta | None = None,
        timeout: float | timedelta = 1200,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        self.kind: str = kind  # type: ignore[assignment]  # once rendered
        setattr(self, self.id_parameter, job_id)
        self.deferrable = deferrable
        self.suno_conn_id: str = suno_conn_id  # type: ignore[assignment]  # once rendered
        self._adaptive = poke_interval is None
        self._killed = False
        self._wait: Wait | None = None
        self._poll_at: float | None = None
        with hint_at_names(type(self), kwargs):
            super().__init__(
                poke_interval=_AIRFLOWS_DEFAULT_INTERVAL if poke_interval is None else poke_interval,
                timeout=timeout,
                **kwargs,
            )
        self._timeout: float = self.timeout
        honour_server_delays(self)
        refuse_wrong_literals(self)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check what is known when the Dag is parsed."""
        refuse_non_flags(known, ("deferrable",))
        if cls.id_parameter not in {*known, *later}:
            raise SunoValidationError(f"{cls.id_parameter}: required.")
        if cls.id_parameter in known:
            checked_id(cls.id_parameter, known[cls.id_parameter])
        if "kind" in known:
            job_kind(known["kind"])
        check_wait(
            timeout=known.get("timeout", 0),
            until=known.get("until", "all"),
            poll_interval=known.get("poke_interval"),
            interval_name="poke_interval",
        )

    @property
    def _job_kind(self) -> JobKind:
        return job_kind(self.kind)

    @property
    def _job(self) -> JobRef:
        """
        The job to wait for.

        :raises SunoValidationError: when it is none.
        """
        return JobRef(self._job_kind, checked_id(self.id_parameter, getattr(self, self.id_parameter)))

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None) -> JobTrigger:
        """
        Return the trigger that goes on with a wait.

        :param wait: the wait.
        :param suno_conn_id: the connection.
        :param try_number: the task's try.
        """
        from airflow_provider_suno.triggers.job import JobTrigger

        return JobTrigger.for_wait(wait, suno_conn_id, try_number)

    def execute(self, context: Context) -> Any:
        """
        Wait in the way that ``deferrable`` and ``mode`` say.

        The deadline is the wait's own in every mode: Airflow's check of the same clock runs a moment ahead of it, and
        knows neither ``never_fail`` nor what the last look saw. It stays as the net behind, for a ``silent_fail``
        that never gets as far as a look. An ``execution_timeout`` fails the try wherever it strikes: Airflow would
        let the flags skip one that strikes in a look, and fail one that strikes between two.
        """
        try:
            check_arguments(self, context)
        except SunoError as error:
            self._raise(error)
        self._timeout, self.timeout = self.timeout, self.timeout + _NET_MARGIN
        try:
            return super().execute(context)
        except AirflowSkipException as skipped:
            if isinstance(skipped.__cause__, AirflowTaskTimeout):
                raise skipped.__cause__ from None
            raise
        finally:
            self.timeout = self._timeout

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Look once, and hand the rest of the wait to the triggerer when ``deferrable``.

        An outcome that is an error is raised as this sensor's flags mean it.
        """
        self.stop_if_killed()
        try:
            wait = self._wait_of_this_try(context)
            client = SunoHook(suno_conn_id=self.suno_conn_id).client
        except SunoError as error:
            self._raise(error)
        except AirflowException as error:
            self._raise(SunoUnavailableError(f"The connection {self.suno_conn_id!r} cannot be read: {error}"))
        with client:
            step = poll_once(client, wait)
        self.stop_if_killed()
        if isinstance(step, Outcome):
            return PokeReturnValue(is_done=True, xcom_value=self._deliver(context, step))
        self._remember(context, step)
        if self.deferrable:
            defer_wait(self, step.wait, context)
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """
        Go on after the trigger's event; anything that is not such an event is an error.

        An event about another job than the one to wait for now is not: the task that submits was cleared meanwhile, and
        has submitted another one. Then the wait begins anew.
        """
        self.stop_if_killed()
        job = self._job
        if (other := Outcome.of_another(event, job)) is not None:
            self.log.info(
                "%s was %s when the wait began, and is %s now: waiting for that", self.id_parameter, other, job.id
            )
            return self.execute(context)
        try:
            outcome = Outcome.from_event(event, job.kind, job.id, "first" if self.until == "first" else "all")
        except SunoError as error:
            outcome = Outcome(OutcomeKind.GAVE_UP, job, error=error)
        stop_if_execution_timed_out(self, outcome, self.timeout)
        return self._deliver(context, outcome)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume past Airflow's own reading of ``soft_fail`` and ``never_fail``, which differs by mode and version."""
        if is_of_another_try(next_kwargs, context):
            return self.execute(context)
        job = self._resumed_for(context)
        try:
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError) as problem:
            kind = OutcomeKind.TIMEOUT if isinstance(problem, TaskDeferralTimeout) else OutcomeKind.GAVE_UP
            self._end(Outcome(kind, job, error=error_of_deferral(problem, job.kind, job.id)))

    def _resumed_for(self, context: Context) -> JobRef:
        """Return the job to wait for; a retry may find one when the task that submits it was cleared meanwhile."""
        try:
            check_arguments(self, context)
            job = self._job
        except SunoError as problem:
            self._raise(
                SunoUnavailableError(
                    f"{problem} The sensor was resumed after its wait, so it had one before: if the task that submits "
                    "the job was cleared meanwhile, it has not handed on the new id yet. A retry or a clear waits for "
                    "that."
                )
            )
        return job

    def on_kill(self) -> None:
        """Say that the job goes on, and let no further look turn a killed task green."""
        self._killed = True
        self.log.warning("Airflow ends this task. The API has no cancel: %s goes on at the service.", self._named())

    def stop_if_killed(self) -> None:
        """Fail, or skip as the flags say, a task that Airflow has asked to end: it must not turn green."""
        if self._killed:
            self._raise(SunoUnavailableError(f"Killed while waiting; {self._named()} goes on."))

    def _named(self) -> str:
        return f"{self._job_kind.noun} {getattr(self, self.id_parameter)}"

    def _wait_of_this_try(self, context: Context) -> Wait:
        if self._wait is None:
            job = self._job
            wait = Wait.begin(
                job.kind,
                job.id,
                now=self._first_poll_at(context),
                timeout=self._timeout,
                until=self.until,
                poll_interval=None if self._adaptive else self.poke_interval,
                interval_name="poke_interval",
                shortest_gap=_RESCHEDULE_GAP if self.reschedule else Wait.shortest_gap,
            )
            self._wait = wait.with_history(self._recall(context))
        return self._wait

    def _first_poll_at(self, context: Context) -> float:
        first: datetime | None = None
        if self.reschedule and not self.deferrable:
            first = context["ti"].get_first_reschedule_date(context)
        return first.timestamp() if first else time.time()

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Return how long to wait before the next look: never past the deadline, longer while looks fail."""
        now = time.time()
        chosen, self._poll_at = self._poll_at, None
        if chosen is not None and self._adaptive and not self.exponential_backoff:
            return max(0.0, chosen - now)
        interval = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        interval = float(max(interval, (chosen or now) - now))
        left = 0.0 if self._wait is None else self._wait.deadline - now
        return min(interval, left) if left > 0 else interval

    def _deliver(self, context: Context, outcome: Outcome) -> Any:
        if outcome.error is not None:
            push_partial_result(context, outcome, self.log)
            self._end(outcome)
        record = outcome.result()
        log_finished(self.log, outcome)
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # what is left behind is of an old try, and forgotten
                store.delete(_HISTORY_KEY)
        context["ti"].xcom_push(key=outcome.job.kind.record_key, value=record.to_dict())
        self.stop_if_killed()
        return record.result()

    def _end(self, outcome: Outcome) -> NoReturn:
        """Raise the error of an outcome as this sensor's flags mean it."""
        error = outcome.error or SunoProtocolError("The wait ended with neither a record nor an error.")
        useless = retry_is_useless(outcome, submitted_here=False)
        self._raise(error, timed_out=outcome.kind is OutcomeKind.TIMEOUT, useless=useless)

    def _raise(self, error: SunoError, *, timed_out: bool = False, useless: bool | None = None) -> NoReturn:
        """
        Raise an error: in every mode and version by the same reading of the flags.

        :param error: the error.
        :param timed_out: whether it is the sensor's timeout.
        :param useless: whether a retry could not help; ``None`` leaves it to the error.
        """
        fatal = error.fatal if useless is None else useless
        if self.never_fail or (self.soft_fail and (timed_out or fatal)):
            raise AirflowSkipException(str(error)) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise_for_airflow(error, fatal=fatal)

    def _remember(self, context: Context, step: PollAgain) -> None:
        log_progress(self.log, step)
        self._wait, self._poll_at = step.wait, step.at
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # the next look goes without it
                store.set(_HISTORY_KEY, {"try_number": context["ti"].try_number, "wait": step.wait.history()})

    def _recall(self, context: Context) -> Any:
        """Return what earlier looks of this try saw, which in reschedule mode was another process each time."""
        store = self._store(context)
        history = None
        if store is not None:
            with suppress(Exception):  # this look goes without it
                history = store.get(_HISTORY_KEY)
        if not isinstance(history, dict) or history.get("try_number") != context["ti"].try_number:
            return None
        return history.get("wait")

    def _store(self, context: Context) -> Any | None:
        return task_state_store(context) if self.reschedule and not self.deferrable else None
