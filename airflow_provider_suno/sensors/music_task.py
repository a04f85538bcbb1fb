"""The sensor: waits until a music task has really completed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

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

from airflow_provider_suno.airflow_errors import raise_for_airflow, record_will_not_change
from airflow_provider_suno.api.outcomes import Outcome, OutcomeKind
from airflow_provider_suno.api.polling import LookAgain, Wait
from airflow_provider_suno.api.request_fields import checked_id
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout, task_state_store
from airflow_provider_suno.deferral import (
    defer_wait,
    error_of_deferral,
    is_of_another_try,
    stop_if_execution_timed_out,
)
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.retry_policy import honour_server_delays
from airflow_provider_suno.task.arguments import refuse_no_flags, refuse_wrong_literals, settle_arguments
from airflow_provider_suno.task.mapping import MappableOperator
from airflow_provider_suno.task.names import hint_at_names
from airflow_provider_suno.waiting import keep_playable, log_finished, log_progress, look_once

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_AIRFLOWS_DEFAULT_INTERVAL = 60.0
_RESCHEDULE_GAP = 15.0
_NET_MARGIN = 60.0
_MEMORY_KEY = "suno_wait"


class MusicTaskSensor(MappableOperator, BaseSensorOperator):
    """
    Wait until a music task has completed (docs.apikley.ru, "get-music-details"); free.

    ``mode="poke"`` holds a worker, ``mode="reschedule"`` starts one for each look, ``deferrable=True`` waits in the
    triggerer. All give the same result and the same errors. Returns the list of ``audio_id``s, over which a task can
    be mapped; pushes ``music_task``: ``{"music_task_id", "status", "tracks": [{"audio_id", "title", "audio_url",
    "stream_audio_url", "image_url", "duration", "tags", "model_name", …}]}``; of a failed job, before the error is
    raised, with the tracks that can be played, if it has any.

    A retry or a clear looks again; nothing is ever paid for here. A timeout fails the task for good, as Airflow's
    sensors do; the job goes on at the service, and a clear takes it up. ``soft_fail`` skips the task on a timeout
    and on errors that trying again cannot help, ``never_fail`` on every error.

    :param music_task_id: the music task; one string. Map the sensor over several with ``expand``.
    :param until: ``all`` tracks, or the ``first`` with its audio file, even of a job that failed; only such tracks are
        returned.
    :param deferrable: wait in the triggerer; ``mode`` does not matter then.
    :param suno_conn_id: the connection.
    :param poke_interval: seconds between two looks (when deferrable: at most); ``None`` is adaptive: seldom while no
        result can be there, often when it is due.
    :param timeout: seconds from the first look of this try (in reschedule mode before Airflow 3.3: of the task
        instance).
    """

    template_fields: Sequence[str] = ("music_task_id", "until", "suno_conn_id")
    also_checked = ("timeout", "poke_interval", "deferrable")
    ui_color = "#e3f3ff"

    def __init__(
        self,
        *,
        music_task_id: str | XComArg,
        until: str = "all",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        suno_conn_id: str = SunoHook.default_conn_name,
        poke_interval: float | timedelta | None = None,
        timeout: float | timedelta = 1200,
        **kwargs: Any,
    ) -> None:
        with hint_at_names(type(self), kwargs):
            super().__init__(
                poke_interval=_AIRFLOWS_DEFAULT_INTERVAL if poke_interval is None else poke_interval,
                timeout=timeout,
                **kwargs,
            )
        self.music_task_id: str = music_task_id  # type: ignore[assignment]  # a string once rendered
        self.until = until
        self.deferrable = deferrable
        self.suno_conn_id = suno_conn_id
        self._adaptive = poke_interval is None
        self._killed = False
        self._wait: Wait | None = None
        self._look_at: float | None = None
        self._timeout: float = self.timeout
        honour_server_delays(self)
        refuse_wrong_literals(self, MusicTaskSensor)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check what is known when the Dag is parsed."""
        refuse_no_flags(known, ("deferrable",))
        if "music_task_id" not in {*known, *later}:
            raise SunoValidationError("music_task_id: required.")
        Wait.begin(
            known.get("music_task_id", "not known yet"),
            now=time.time(),
            timeout=known.get("timeout", 0),
            until=known.get("until", "all"),
            poll_interval=known.get("poke_interval"),
            interval_name="poke_interval",
        )

    def execute(self, context: Context) -> Any:
        """
        Wait in the way that ``deferrable`` and ``mode`` say.

        The deadline is the wait's own in every mode: Airflow's check of the same clock runs a moment ahead of it, and
        knows neither ``never_fail`` nor what the last look saw. It stays as the net behind, for a ``silent_fail``
        that never gets as far as a look. An ``execution_timeout`` fails the try wherever it strikes: Airflow would
        let the flags skip one that strikes in a look, and fail one that strikes between two.
        """
        try:
            settle_arguments(self, context)
        except SunoError as error:
            self._raise(Outcome(OutcomeKind.GAVE_UP, str(self.music_task_id), error=error))
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
            self._raise(Outcome(OutcomeKind.GAVE_UP, str(self.music_task_id), error=error))
        except AirflowException as error:
            unavailable = SunoUnavailableError(f"The connection {self.suno_conn_id!r} cannot be read: {error}")
            self._raise(Outcome(OutcomeKind.GAVE_UP, str(self.music_task_id), error=unavailable))
        with client:
            step = look_once(client, wait)
        self.stop_if_killed()
        if isinstance(step, Outcome):
            return PokeReturnValue(is_done=True, xcom_value=self._deliver(context, step))
        self._remember(context, step)
        if self.deferrable:
            defer_wait(self, step.wait, context)
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Any = None) -> list[str]:
        """
        Go on after the trigger's event; anything that is not such an event is an error.

        An event about another music task than the one to wait for now is not: the task that made the music was cleared
        meanwhile, and has made another one. Then the wait begins anew.
        """
        self.stop_if_killed()
        about = checked_id("music_task_id", self.music_task_id)
        if (other := Outcome.of_another(event, about)) is not None:
            self.log.info("music_task_id was %s when the wait began, and is %s now: waiting for that", other, about)
            return cast("list[str]", self.execute(context))
        try:
            outcome = Outcome.from_event(event, about, "first" if self.until == "first" else "all")
        except SunoError as error:
            outcome = Outcome(OutcomeKind.GAVE_UP, about, error=error)
        stop_if_execution_timed_out(self, outcome, self.timeout)
        return self._deliver(context, outcome)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume past Airflow's own reading of ``soft_fail`` and ``never_fail``, which differs by mode and version."""
        if is_of_another_try(next_kwargs, context):
            return self.execute(context)
        about = self._resumed_for(context)
        try:
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError) as problem:
            late = isinstance(problem, TaskDeferralTimeout)
            kind = OutcomeKind.TIMEOUT if late else OutcomeKind.GAVE_UP
            self._raise(Outcome(kind, about, error=error_of_deferral(problem, about)))

    def _resumed_for(self, context: Context) -> str:
        """Return the music task to wait for; a retry may find one when the task that makes it was cleared meanwhile."""
        try:
            settle_arguments(self, context)
            return checked_id("music_task_id", self.music_task_id)
        except SunoError as problem:
            missing = SunoUnavailableError(
                f"{problem} The sensor was resumed after its wait, so it had one before: if the task that makes the "
                "music was cleared meanwhile, it has not handed on the new id yet. A retry or a clear waits for that."
            )
            self._raise(Outcome(OutcomeKind.GAVE_UP, str(self.music_task_id), error=missing))

    def on_kill(self) -> None:
        """Say that the job goes on, and let no further look turn a killed task green."""
        self._killed = True
        self.log.warning(
            "Airflow ends this task. The API has no cancel: music task %s goes on at the service.", self.music_task_id
        )

    def stop_if_killed(self) -> None:
        """Fail, or skip as the flags say, a task that Airflow has asked to end: it must not turn green."""
        if self._killed:
            killed = SunoUnavailableError(f"Killed while waiting; music task {self.music_task_id} goes on.")
            self._raise(Outcome(OutcomeKind.GAVE_UP, str(self.music_task_id), error=killed))

    def _wait_of_this_try(self, context: Context) -> Wait:
        if self._wait is None:
            wait = self._begin(self.music_task_id, until=self.until, now=self._first_look_at(context))
            self._wait = wait.remembering(self._recall(context))
        return self._wait

    def _begin(self, music_task_id: Any, *, until: Any, now: float) -> Wait:
        return Wait.begin(
            music_task_id,
            now=now,
            timeout=self._timeout,
            until=until,
            poll_interval=None if self._adaptive else self.poke_interval,
            interval_name="poke_interval",
            shortest_gap=_RESCHEDULE_GAP if self.reschedule else Wait.shortest_gap,
        )

    def _first_look_at(self, context: Context) -> float:
        first: datetime | None = None
        if self.reschedule and not self.deferrable:
            first = context["ti"].get_first_reschedule_date(context)
        return first.timestamp() if first else time.time()

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Return how long to wait before the next look: never past the deadline, longer while looks fail."""
        now = time.time()
        chosen, self._look_at = self._look_at, None
        if chosen is not None and self._adaptive and not self.exponential_backoff:
            return max(0.0, chosen - now)
        interval = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        interval = float(max(interval, (chosen or now) - now))
        left = 0.0 if self._wait is None else self._wait.deadline - now
        return min(interval, left) if left > 0 else interval

    def _deliver(self, context: Context, outcome: Outcome) -> list[str]:
        if outcome.error is not None:
            keep_playable(context, outcome, self.log)
            self._raise(outcome)
        music_task = outcome.result()
        log_finished(self.log, outcome)
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # what is left behind is of an old try, and forgotten
                store.delete(_MEMORY_KEY)
        context["ti"].xcom_push(key="music_task", value=music_task.to_dict())
        self.stop_if_killed()
        return music_task.audio_ids

    def _raise(self, outcome: Outcome) -> NoReturn:
        """Raise an outcome that is an error: in every mode and version by the same reading of the flags."""
        error = outcome.error or SunoProtocolError("The wait ended with neither a record nor an error.")
        timed_out = outcome.kind is OutcomeKind.TIMEOUT
        hopeless = error.fatal or record_will_not_change(outcome, submitted_here=False)
        if self.never_fail or (self.soft_fail and (timed_out or hopeless)):
            raise AirflowSkipException(str(error)) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise_for_airflow(error, fatal=hopeless)

    def _remember(self, context: Context, step: LookAgain) -> None:
        log_progress(self.log, step)
        self._wait, self._look_at = step.wait, step.at
        store = self._store(context)
        if store is not None:
            with suppress(Exception):  # the next look goes without it
                store.set(_MEMORY_KEY, {"try_number": context["ti"].try_number, "wait": step.wait.memory()})

    def _recall(self, context: Context) -> Any:
        """Return what earlier looks of this try saw, which in reschedule mode was another process each time."""
        store = self._store(context)
        memory = None
        if store is not None:
            with suppress(Exception):  # this look goes without it
                memory = store.get(_MEMORY_KEY)
        if not isinstance(memory, dict) or memory.get("try_number") != context["ti"].try_number:
            return None
        return memory.get("wait")

    def _store(self, context: Context) -> Any | None:
        return task_state_store(context) if self.reschedule and not self.deferrable else None
