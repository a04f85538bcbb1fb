"""What the operators that submit a paid music job share: submit once, hand the id on at once, perhaps wait."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_suno.airflow_errors import raise_for_airflow, record_will_not_change, with_errors_for_airflow
from airflow_provider_suno.api.outcomes import Outcome
from airflow_provider_suno.api.polling import Wait
from airflow_provider_suno.api.request_fields import blank_is_none, checked_id
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_suno.deferral import (
    defer_wait,
    error_of_deferral,
    is_of_another_try,
    stop_if_execution_timed_out,
)
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJournalError,
    SunoMusicTaskFailedError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.journal import Journal
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.submission import Entry, OnLostReply
from airflow_provider_suno.submit_once import (
    Submission,
    answer_clear,
    fatal_unless_protected,
    submit_once,
    with_paid_job,
)
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty, refuse_no_flags
from airflow_provider_suno.waiting import (
    keep_playable,
    log_finished,
    log_progress,
    look_once,
    look_until_known,
    wait_in_worker,
)

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.requests import MusicRequest
    from airflow_provider_suno.client import Watch

_FLAGS = ("wait_for_completion", "deferrable")
_WAITING = frozenset({"music_task_id", "suno_conn_id", "wait_timeout", "poll_interval", "until", "on_lost_reply"})
"""Arguments that are no part of the request."""

_DEFERRABLE_BY_DEFAULT = conf.getboolean("operators", "default_deferrable", fallback=False)


class SubmitMusicOperator(JournaledOperator):
    """
    Submit one paid music job and return its ``music_task_id``; be the base of the operators that do.

    On Airflow 3.3 and later the task instance keeps a journal (``suno_submission`` in its Storage tab).
    Airflow's *retry*, whatever the try before died of, goes on with the job that was paid for; it submits only when
    surely none was, or the record says that it failed (its credits come back). Where the answer to the submission is
    lost, ``on_lost_reply`` decides. A *clear* goes on with a job that was not delivered yet, makes a new song after a
    success, a change of the request or a lost reply, and so may pay again. A *kill*, also by marking the task, ends our
    waiting, not the job: the API has no cancel, the log names the id, and a clear goes on with it. A *timeout*
    (``wait_timeout``, or ``execution_timeout``, which holds while deferred too) ends the try; the next one goes on with
    a fresh deadline.

    Before Airflow 3.3 there is no journal: every error after the submission is fatal and names the ``music_task_id``
    to go on with, a worker lost without a word is followed by a retry that pays again, and a clear submits a new job.

    :param model: the model, for example ``V5``.
    :param prompt: the idea or, in custom mode, the lyrics; or a file of lyrics (``.txt``, ``.lrc``, ``.md``) beside the
        Dag or in its ``template_searchpath``, which is a template too.
    :param style: genre, mood, instruments.
    :param title: the songs' title.
    :param persona_id: the persona to apply.
    :param persona_model: ``style_persona`` or ``voice_persona``.
    :param negative_tags: what to keep out.
    :param vocal_gender: ``m`` or ``f``.
    :param style_weight: 0 to 1, two decimals.
    :param weirdness_constraint: 0 to 1, two decimals.
    :param audio_weight: 0 to 1, two decimals.
    :param callback_url: where the service posts its progress; ``None`` takes the connection's. The journal's token is
        added to its query, as ``suno_submission``.
    :param extra_fields: fields that the API added since, under its own names; sent unchecked.
    :param suno_conn_id: the connection.
    :param music_task_id: when given, nothing is submitted and that job is used: the way to go on with one already
        paid for.
    :param wait_for_completion: wait here, and push ``music_task`` and ``audio_ids`` as XComs too; of a failed job
        ``music_task`` with the tracks that can be played, if it has any.
    :param deferrable: wait in the triggerer instead of the worker.
    :param wait_timeout: seconds from the start of this try's wait to
        :class:`~airflow_provider_suno.exceptions.SunoMusicTaskTimeoutError`, which is retried.
    :param poll_interval: the longest gap between two looks, in seconds; ``None`` is adaptive.
    :param until: ``all`` tracks, or the ``first`` with its audio file, even of a job that failed; only such tracks are
        returned.
    :param on_lost_reply: when the answer to the submission is lost, so that it may have been charged: ``fail``, or
        ``resubmit`` once per try, a minute later, which may pay twice.
    """

    request_type: ClassVar[type[MusicRequest]]

    template_fields: Sequence[str] = (
        "model",
        "prompt",
        "style",
        "title",
        "persona_id",
        "persona_model",
        "negative_tags",
        "vocal_gender",
        "style_weight",
        "weirdness_constraint",
        "audio_weight",
        "callback_url",
        "extra_fields",
        "suno_conn_id",
        "music_task_id",
        "wait_timeout",
        "poll_interval",
        "until",
        "on_lost_reply",
    )
    template_ext: Sequence[str] = (".txt", ".lrc", ".md")
    also_checked = ("task_id", *_FLAGS)
    template_fields_renderers: ClassVar[dict[str, str]] = {"prompt": "md", "extra_fields": "json"}
    ui_color = "#f3e3ff"

    def __init__(
        self,
        *,
        model: str | None = None,
        prompt: str | None = None,
        style: str | None = None,
        title: str | None = None,
        persona_id: str | XComArg | None = None,
        persona_model: str | None = None,
        negative_tags: str | None = None,
        vocal_gender: str | None = None,
        style_weight: float | str | None = None,
        weirdness_constraint: float | str | None = None,
        audio_weight: float | str | None = None,
        callback_url: str | None = None,
        extra_fields: dict[str, Any] | None = None,
        suno_conn_id: str = SunoHook.default_conn_name,
        music_task_id: str | XComArg | None = None,
        wait_for_completion: bool = False,
        deferrable: bool = _DEFERRABLE_BY_DEFAULT,
        wait_timeout: float | timedelta | str = 1200,
        poll_interval: float | str | None = None,
        until: str = "all",
        on_lost_reply: OnLostReply = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)
        self.model = model
        self.prompt = prompt
        self.style = style
        self.title = title
        self.persona_id = persona_id
        self.persona_model = persona_model
        self.negative_tags = negative_tags
        self.vocal_gender = vocal_gender
        self.style_weight = style_weight
        self.weirdness_constraint = weirdness_constraint
        self.audio_weight = audio_weight
        self.callback_url = callback_url
        self.extra_fields = extra_fields
        self.music_task_id: str | None = music_task_id  # type: ignore[assignment]  # a string once rendered
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.until = until
        self.on_lost_reply = on_lost_reply
        self._job: str | None = None
        self._submitted_at: float | None = None

    @with_errors_for_airflow
    def execute(self, context: Context) -> str:
        """Find the job that an earlier try paid for or submit one, unless ``music_task_id`` names it; perhaps wait."""
        hook = self.open_hook()
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        try:
            # What is wrong with the request must not keep a retry from a job that is paid for.
            refuse_empty({name: empty[name] for name in empty if name in _WAITING or not self._submits})
            self._check_parameters({name: getattr(self, name) for name in (*self.template_fields, *_FLAGS)})
        except SunoValidationError as problem:
            raise self._with_paid_job(problem, context) from None
        if self._submits:
            job = self._submit(context, hook, empty)
            music_task_id = str(job.music_task_id)
            hook = self._hook_of_the_job(job)
        else:
            music_task_id = self._handed_in(context, hook)
        with self._paid(music_task_id):
            context["ti"].xcom_push(key="music_task_id", value=music_task_id)
            if self.wait_for_completion:
                self._wait(context, hook, music_task_id)
            self.stop_if_killed()
        return music_task_id

    def execute_complete(self, context: Context, event: Any = None) -> str:
        """Go on after the trigger's event; anything that is not such an event is an error."""
        self.stop_if_killed()
        outcome = Outcome.from_event(event, self._job, "first" if self.until == "first" else "all")
        stop_if_execution_timed_out(self, outcome, self._begin_wait(outcome.music_task_id).patience)
        self._deliver(context, outcome)
        return outcome.music_task_id

    @with_errors_for_airflow
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume under the same protection as before the deferral: the job is paid for."""
        if is_of_another_try(next_kwargs, context):
            return self.execute(context)
        if self._submits:
            self.journal = Journal.of(context, self.log)
        with self._paid(None):
            ti = context["ti"]
            self._job = ti.xcom_pull(task_ids=ti.task_id, key="music_task_id", map_indexes=ti.map_index)
            try:
                result = super().resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as problem:
                raise error_of_deferral(problem, self._job) from problem
            self.stop_if_killed()
            return result

    def what_goes_on(self) -> str:
        """Name the job, once it is known."""
        if self._job is None:
            return "What is not sent yet is not sent any more; a job that the XCom music_task_id names goes on."
        return (
            f"The API has no cancel: music task {self._job} goes on at the service; "
            f"music_task_id={self._job!r} takes it up without paying again."
        )

    @property
    def _submits(self) -> bool:
        return blank_is_none(self.music_task_id) is None

    def _handed_in(self, context: Context, hook: SunoHook) -> str:
        """Return the id that the user names; who does not wait reads the record once, so that it is no invented one."""
        music_task_id = checked_id("music_task_id", self.music_task_id)
        answer_clear(Journal.of(context, self.log), self.log)
        if not self.wait_for_completion:
            record = look_until_known(hook.client, music_task_id, self.log)
            self.log.info("music task %s is known to the service: %s", music_task_id, record.status)
        return music_task_id

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check what is known when the Dag is parsed."""
        cls._check_parameters(known)
        _warn_of_no_wait(known)
        if "music_task_id" in later or blank_is_none(known.get("music_task_id")) is not None:
            return  # nothing will be submitted
        fields = cls.request_type.field_names()
        cls.request_type.check_known(
            {name: known[name] for name in fields if name in known}, [name for name in fields if name in later]
        )

    @staticmethod
    def _check_parameters(known: Mapping[str, Any]) -> None:
        """Check how to wait, as far as it is known, before any money is spent."""
        refuse_no_flags(known, _FLAGS)
        policy = known.get("on_lost_reply", "fail")
        if policy not in get_args(OnLostReply):
            raise SunoValidationError(f"on_lost_reply: must be one of {get_args(OnLostReply)}, got {shown(policy)}.")
        music_task_id = blank_is_none(known.get("music_task_id"))
        Wait.begin(
            "not known yet" if music_task_id is None else music_task_id,
            now=time.time(),
            timeout=known.get("wait_timeout", 0),
            timeout_name="wait_timeout",
            until=known.get("until", "all"),
            poll_interval=known.get("poll_interval"),
        )

    def _begin_wait(self, music_task_id: str | None) -> Wait:
        return Wait.begin(
            music_task_id,
            now=time.time(),
            timeout=self.wait_timeout,
            timeout_name="wait_timeout",
            until=self.until,
            poll_interval=self.poll_interval,
            submitted_at=self._submitted_at,
        )

    def request_fields(self) -> dict[str, Any]:
        """Return the fields of the request, as the user gave them."""
        return {name: getattr(self, name) for name in self.request_type.field_names()}

    def build_request(self, hook: SunoHook) -> MusicRequest:
        """Return the checked request; submits nothing."""
        return hook.build(self.request_type, self.request_fields())

    def _with_paid_job(self, problem: SunoValidationError, context: Context) -> SunoValidationError:
        """Return what is wrong with the arguments, and the job that an earlier try has paid for, if there is one."""
        with suppress(SunoJournalError):
            return with_paid_job(problem, Journal.of(context, self.log).read())
        return problem

    def _hook_of_the_job(self, job: Entry) -> SunoHook:
        """Return the hook of the connection that the job was submitted through."""
        same = job.suno_conn_id in (None, self.suno_conn_id)
        hook = self.hook if same else self.open_hook(job.suno_conn_id)
        try:
            _ = hook.settings
        except (AirflowNotFoundException, SunoError) as problem:
            raise SunoValidationError(
                f"Music task {job.music_task_id} is paid for, but connection {hook.suno_conn_id!r}, which it was "
                f"submitted through, cannot be used any more ({problem}). Mend it and clear this task, or set "
                f"music_task_id={job.music_task_id!r} with a connection to the same account."
            ) from problem
        return hook

    def _submit(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> Entry:
        """Return the one job of this task instance, submitted now or by an earlier try."""

        def build() -> MusicRequest:
            refuse_empty(empty)
            try:
                return self.build_request(hook)
            except AirflowNotFoundException as missing:
                raise SunoUnavailableError(f"There is no connection {self.suno_conn_id!r}. ({missing})") from missing

        self.journal = Journal.of(context, self.log)
        submission = Submission(
            call=self.request_type.call,
            suno_conn_id=self.suno_conn_id,
            on_lost_reply=self.on_lost_reply,
            build=build,
            send=lambda request, watch: self._send(hook, request, watch),
            pause=lambda seconds: hook.client.pause(seconds),  # noqa: PLW0108 - opened no sooner than needed
        )
        try:
            job = submit_once(self.journal, submission, self.log)
        except SunoJournalError as problem:
            if problem.music_task_id is not None:
                self._hand_on(context, problem.music_task_id)
            raise
        self._submitted_at = job.at.timestamp()
        return job

    def _hand_on(self, context: Context, music_task_id: str) -> None:
        """Push the id of a job that only this try knows of, unless the one that took its place has pushed its own."""
        ti = context["ti"]
        try:
            if ti.xcom_pull(task_ids=ti.task_id, key="music_task_id", map_indexes=ti.map_index) is None:
                ti.xcom_push(key="music_task_id", value=music_task_id)
        except Exception as problem:  # noqa: BLE001  # what led here matters more, and names the id too
            self.log.warning("the XCom music_task_id could not be pushed: %r", problem)

    def _send(self, hook: SunoHook, request: MusicRequest, watch: Watch) -> str:
        self._job = hook.submit(request, watch=watch)
        return self._job

    def _wait(self, context: Context, hook: SunoHook, music_task_id: str) -> None:
        wait = self._begin_wait(music_task_id)
        outcome: Outcome | None = None
        if not self.deferrable:
            outcome = wait_in_worker(hook.client, wait, log=self.log, killed=lambda: self._killed)
            self.stop_if_killed()
        elif wait.next_look_at() <= time.time():
            step = look_once(hook.client, wait)
            if isinstance(step, Outcome):
                outcome = step
            else:
                log_progress(self.log, step)
                wait = step.wait
        if outcome is None:
            defer_wait(self, wait, context, suno_conn_id=hook.suno_conn_id)
        self._deliver(context, outcome)

    def _deliver(self, context: Context, outcome: Outcome) -> None:
        """Push the result, or raise the error as this operator means it."""
        playable = outcome.error is not None and outcome.music_task is not None
        if outcome.record_failed and not playable and self.journal is not None:
            self.journal.drop()
        keep_playable(context, outcome, self.log)
        error = outcome.error
        if error is not None and (outcome.record_failed or isinstance(error, SunoMusicTaskFailedError)):
            unchanging = record_will_not_change(outcome, submitted_here=self._submits)
            # A retry would pay again, and its XComs would replace the tracks that can be played.
            raise_for_airflow(error, fatal=error.fatal or unchanging or playable)
        music_task = outcome.result()
        log_finished(self.log, outcome)
        context["ti"].xcom_push(key="music_task", value=music_task.to_dict())
        context["ti"].xcom_push(key="audio_ids", value=music_task.audio_ids)

    @contextmanager
    def _paid(self, music_task_id: str | None) -> Iterator[None]:
        """
        Let no error lead to a retry that would pay again for a job submitted here.

        :param music_task_id: the job; ``None`` when the block is to find it.
        """
        self._job = music_task_id
        guard = nullcontext() if self.journal is None else fatal_unless_protected(self.journal, self._way_on)
        with guard:
            yield

    def _way_on(self) -> str:
        return f"music_task_id={self._job!r}" if self._job else "music_task_id=... (the id is an XCom)"


def _warn_of_no_wait(known: Mapping[str, Any]) -> None:
    if (
        "task_id" in known
        and known.get("deferrable")
        and not known.get("wait_for_completion")
        and not _DEFERRABLE_BY_DEFAULT
    ):
        warnings.warn(
            f"{known['task_id']}: deferrable=True says where to wait, but without wait_for_completion=True this task "
            "does not wait. Set that, or put a MusicTaskSensor(deferrable=True) after it.",
            stacklevel=6,
        )
