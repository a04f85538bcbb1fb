"""Keep a submission's entry where Airflow (3.3 and later) keeps state for a task instance across its tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.compat import TaskStateStore, never_expire, task_state_store
from airflow_provider_suno.exceptions import SunoError, SunoJournalError, SunoValidationError
from airflow_provider_suno.http.retry import Call, may_have_happened
from airflow_provider_suno.journal.entry import Entry, State, TaskTry
from airflow_provider_suno.journal.hint import HINT_KEY, Hint
from airflow_provider_suno.polling.worker import Log

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.api.jobs import JobRef

KEY = "suno_submission"

_PROBE_KEY = f"{KEY}_never_written"
_STORE_HINT = "If this persists, check the API server's log and its database: full, locked, read-only?"


@dataclass(frozen=True)
class StoreLimits:
    """
    How long the journal keeps trying to write.

    :param retry_seconds: how long a write about what already happened is retried.
    :param longest_gap_seconds: the longest pause between two of these writes.
    :param intent_seconds: how long writing an intent may take; later, Airflow may have started another try.
    :param intent_writes: how often an intent is written before a store that stays slow fails the try.
    """

    retry_seconds: float = 60.0
    longest_gap_seconds: float = 5.0
    intent_seconds: float = 10.0
    intent_writes: int = 3


LIMITS = StoreLimits()


class Journal:
    """
    Read and write the entry of one task instance.

    Airflow rejects writes from a superseded try. Each write is read back, since a proxy may answer 200.

    :param store: where the entry is kept; ``None`` keeps nothing.
    :param current_try: the counters of this try.
    :param log: the task's log.
    :param limits: how long to keep trying.
    """

    def __init__(
        self, store: TaskStateStore | None, *, current_try: TaskTry, log: Log, limits: StoreLimits | None = None
    ) -> None:
        self._store = store
        self.log = log
        self.current_try = current_try
        self.limits = limits or LIMITS
        self.submitted_job: JobRef | None = None
        """The job that this try submitted, known even before it is written."""

    @classmethod
    def of(cls, context: Context, log: Log) -> Journal:
        """Return the journal of the task instance that runs."""
        store = task_state_store(context)
        if store is None:
            return cls(None, current_try=TaskTry(), log=log)
        ti = context["ti"]
        current_try = TaskTry(
            max_tries=ti.max_tries,
            try_number=ti.try_number,
            retries=context["task"].retries or 0,
            clear_number=context["dag_run"].clear_number or 0,
        )
        return cls(store, current_try=current_try, log=log)

    @property
    def persistent(self) -> bool:
        """Whether the next try can read what this one writes: from Airflow 3.3 on."""
        return self._store is not None

    @property
    def has_retries(self) -> bool:
        """Whether Airflow retries this try if it fails."""
        return self.current_try.try_number <= self.current_try.max_tries

    def read(self) -> Entry | None:
        """
        Return the entry; ``None`` when there is none.

        :raises SunoJournalError: when the store cannot be read. Retryable: "no entry" would mean "submit".
        """
        if self._store is None:
            return None
        try:
            found = self._store.get(KEY)
            if found is None:
                # Airflow takes every 404 for "no entry": that of a restarting proxy too, and that of a superseded try.
                # Only a working store accepts the deletion.
                self._store.delete(_PROBE_KEY)
                found = self._store.get(KEY)
        except Exception as problem:
            raise SunoJournalError(
                f"Airflow's task state store cannot be read ({excerpt(problem, 300)}). An earlier try may have paid "
                f"for a job, so nothing is submitted. {_STORE_HINT}"
            ) from problem
        try:
            return None if found is None else Entry.model_validate(found)
        except ValidationError as problem:
            wrong = problem.errors(include_url=False, include_input=False)
            raise SunoJournalError(
                f"{KEY} in this task instance's Storage tab (Task State Store) is not understood, so nothing is "
                f"submitted: {excerpt(wrong, 300)}. Look at the service's own log page. If no job was paid for, delete "
                f"{KEY} and clear the task. If one was, set its id (music_task_id=... or job_id=...)."
            ) from problem

    def hint(self, nonce: str | None) -> Hint | None:
        """
        Return what a callback has told of a submission, if one came.

        :param nonce: the random part of its entry.
        """
        if self._store is None or nonce is None:
            return None
        try:
            hint = Hint.read(self._store.get(HINT_KEY))
        except Exception as problem:  # noqa: BLE001  # the next try looks again
            self.log.warning("Airflow's task state store could not be asked for a callback: %s", excerpt(problem, 300))
            return None
        return hint if hint is not None and hint.nonce == nonce else None

    def refuse_second_submission(self, found: Entry | None) -> None:
        """
        Refuse to submit a second time, since one entry cannot hold two jobs.

        :raises SunoValidationError: when this try wrote the entry that was found.
        """
        if found is not None and found.state is State.SUBMITTED and found.try_number == self.current_try.try_number:
            raise SunoValidationError(
                f"This try has already submitted {found.description}. A task instance makes one submission: use an "
                "operator for each, or map one operator over several inputs."
            )

    def write(self, entry: Entry) -> None:
        """
        Write the entry once, with this try's counters; for use before anything is sent.

        :raises SunoJournalError: when it cannot be written. Retryable; the caller must not send.
        """
        try:
            self._put(self._with_counters(entry))
        except Exception as problem:
            raise SunoJournalError(
                f"{entry.description}: {entry.state.value!r} could not be written to Airflow's task state store "
                f"({excerpt(problem, 300)}), so nothing is submitted. Was the task cleared meanwhile? {_STORE_HINT}"
            ) from problem

    def record(self, entry: Entry) -> None:
        """
        Write what already happened at the service; retry for a minute.

        :raises SunoJournalError: when it cannot be written. Fatal: a retry would not know of the job, and pay again.
        """
        seconds = self.limits.retry_seconds
        try:
            _keep_trying(self._put, self._with_counters(entry), seconds, self.limits.longest_gap_seconds)
        except Exception as problem:
            event, way_on = f"state {entry.state.value!r}", ""
            if entry.persona:
                event, way_on = f"persona {entry.persona['persona_id']} was made, but this", " Keep its id."
            elif (job := entry.job_ref) is not None:
                event, way_on = f"{job} was submitted, but this", f" {job.resume_hint}"
            raise SunoJournalError(
                f"{entry.description}: {event} could not be written to Airflow's task state store for {seconds:g} s "
                f"({excerpt(problem, 300)}). This fails for good, since a retry might pay again.{way_on}",
                job_id=entry.job.id if entry.job else None,
                fatal=True,
            ) from problem

    def drop(self) -> None:
        """Delete the entry, since nothing was charged; retry for a minute."""
        self.roll_back(None)

    def roll_back(self, previous: Entry | None, *, once: bool = False) -> None:
        """
        Replace the intent by the entry before it. Only log a failure: at worst the next try reports a lost reply.

        :param previous: the entry before it; ``None`` deletes the intent.
        :param once: whether to try once instead of for a minute.
        """
        try:
            seconds = 0.0 if once else self.limits.retry_seconds
            _keep_trying(self._put_back, previous, seconds, self.limits.longest_gap_seconds)
        except Exception as problem:  # noqa: BLE001
            self.log.warning("%s could not be rolled back, so the next try may report a lost reply: %r", KEY, problem)

    def _put_back(self, previous: Entry | None) -> None:
        if self._store is None:
            return
        if previous is None:
            self._store.delete(KEY)
        elif self._store.get(KEY) is not None:  # None also tells that this try was superseded
            self._put(previous)

    def _put(self, entry: Entry) -> None:
        if self._store is not None:
            value = entry.model_dump(mode="json", exclude_none=True)
            self._store.set(KEY, value, retention=never_expire())
            if self._store.get(KEY) != value:
                raise LookupError("the write was accepted, but the value is not there")

    def _with_counters(self, entry: Entry) -> Entry:
        return entry.model_copy(update={**asdict(self.current_try), "try_number": entry.try_number})


class SendRecorder:
    """
    Keep the journal in step with the sends of one call: a context manager, entered once for each send.

    Entering writes an intent; if that fails it raises, and nothing must be sent. Leaving deletes the intent if the
    service refused the send. A lost reply keeps it, whatever comes of later sends. :meth:`record_answer` writes what
    the answer named.

    :param journal: the task instance's journal.
    :param call: what the call does.
    :param previous: the entry to put back if the call is refused.
    :param request: what the entry says of the request: ``description``, ``fingerprint``, ``suno_conn_id``, ``token``.
    """

    def __init__(self, journal: Journal, call: Call, *, previous: Entry | None = None, **request: Any) -> None:
        self.entry = Entry(state=State.INTENT, **request, **asdict(journal.current_try))
        """The intent of the last send."""
        self.may_have_happened = False
        """Whether the last send was begun and not refused."""
        self._call = call
        self._journal = journal
        self._previous = previous

    def __enter__(self) -> None:
        try:
            self._write_intent()
        except BaseException:
            self.roll_back_once()
            raise
        self.may_have_happened = True

    def _write_intent(self) -> None:
        limits = self._journal.limits
        for _ in range(limits.intent_writes):
            self.entry = self.entry.model_copy(update={"at": datetime.now(UTC)})
            self._journal.write(self.entry)
            if (datetime.now(UTC) - self.entry.at).total_seconds() < limits.intent_seconds:
                return
        raise SunoJournalError(
            f"{self.entry.description}: one write to Airflow's task state store takes longer than "
            f"{limits.intent_seconds:g} s. Airflow may have started another try meanwhile, so nothing is submitted. "
            f"{_STORE_HINT}"
        )

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, SunoError):
            return
        if may_have_happened(self._call, error):
            self._previous = self.entry
        else:
            self.may_have_happened = False
            self._journal.roll_back(self._previous)

    @property
    def earlier_reply_lost(self) -> bool:
        """Whether the reply to an earlier send is lost, however the last send ended."""
        return self._previous is not None and self._previous.state is State.INTENT

    def roll_back_once(self) -> None:
        """Try once to undo an intent whose write, or whose deletion, was interrupted."""
        self._journal.roll_back(self._previous, once=True)

    def record_answer(self, **known: Any) -> Entry:
        """
        Write what the answer named; start again if that is interrupted, such as by ``execution_timeout``.

        :param known: the ``job`` or the ``persona``.
        :raises SunoJournalError: when it cannot be written; fatal.
        """
        submitted = self.entry.in_state(State.SUBMITTED, **known)
        try:
            self._journal.record(submitted)
        except SunoJournalError:
            raise
        except BaseException:
            self._journal.record(submitted)
            raise
        return submitted


def _keep_trying(action: Callable[..., None], entry: Entry | None, seconds: float, longest_gap: float) -> None:
    from tenacity import Retrying, stop_after_delay, wait_exponential

    Retrying(stop=stop_after_delay(seconds), wait=wait_exponential(max=longest_gap), reraise=True)(action, entry)
