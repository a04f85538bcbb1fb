"""The sensor of any job: waits until it has really completed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
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
from airflow_provider_suno.task.arguments import check_arguments, refuse_non_flags
from airflow_provider_suno.task.failure import raise_for_airflow, retry_is_useless
from airflow_provider_suno.task.waiting import WaitingTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.task.parameters import SensorArguments

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


class JobSensor(WaitingTask, BaseSensorOperator):
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
        self._adaptive = poke_interval is None
        self._wait: Wait | None = None
        self._poll_at: float | None = None
        super().__init__(
            suno_conn_id=suno_conn_id,
            poke_interval=_AIRFLOWS_DEFAULT_INTERVAL if poke_interval is None else poke_interval,
            timeout=timeout,
            **kwargs,
        )
        self._timeout: float = self.timeout

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
    def job_kind(self) -> JobKind:
        """The kind of job to wait for."""
        return job_kind(self.kind)

    @property
    def longest_wait(self) -> float:
        """The seconds that a wait lasts at most."""
        return self.timeout

    @property
    def _job(self) -> JobRef:
        """
        The job to wait for.

        :raises SunoValidationError: when it is none.
        """
        return JobRef(self.job_kind, checked_id(self.id_parameter, getattr(self, self.id_parameter)))

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
            self.fail(error)
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
            client = self.open_hook().client
        except SunoError as error:
            self.fail(error)
        except AirflowException as error:
            self.fail(SunoUnavailableError(f"The connection {self.suno_conn_id!r} cannot be read: {error}"))
        with client:
            step = poll_once(client, wait)
        self.stop_if_killed()
        if isinstance(step, Outcome):
            return PokeReturnValue(is_done=True, xcom_value=self.deliver(context, step))
        self._remember(context, step)
        if self.deferrable:
            self.defer_wait(step.wait, context, self.suno_conn_id)
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """
        Go on after the trigger's event; anything that is not such an event is an error.

        An event about another job is not: the task that submits was cleared meanwhile and has submitted a new job. Then
        the wait starts again.
        """
        job = self._job
        if (other := Outcome.of_another(event, job)) is not None:
            self.log.info(
                "%s was %s when the wait began and is %s now: waiting for that", self.id_parameter, other, job.id
            )
            return self.execute(context)
        return self.complete(context, event, job.id)

    @contextmanager
    def resumed_job(self, context: Context) -> Iterator[str]:
        """Read the arguments again; the id may be missing when the task that submits the job was cleared meanwhile."""
        try:
            check_arguments(self, context)
            job = self._job
        except SunoError as problem:
            self.fail(
                SunoUnavailableError(
                    f"{problem} The sensor had waited for a job before. If the task that submits it was cleared "
                    "meanwhile, there is no new id yet: a retry or a clear of this sensor waits for that."
                )
            )
        yield job.id

    def what_goes_on(self) -> str:
        """Name the job."""
        return f"The API has no cancel: {self.job_kind.noun} {getattr(self, self.id_parameter)} goes on at the service."

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

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the record and return what the task returns, or raise the error as this sensor's flags mean it."""
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
        fatal = retry_is_useless(outcome, submitted_here=False)
        timed_out = outcome.kind is OutcomeKind.TIMEOUT
        if self.never_fail or (self.soft_fail and (timed_out or fatal)):
            raise AirflowSkipException(str(error)) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise_for_airflow(error, fatal=fatal)

    def fail(self, error: SunoError) -> NoReturn:
        """Raise an error before any outcome, by the same reading of the flags in every mode and version."""
        if self.never_fail or (self.soft_fail and error.fatal):
            raise AirflowSkipException(str(error)) from error
        raise_for_airflow(error)

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
