"""Keep a submission's entry in the store that Airflow (3.3 and later) keeps for a task instance across its tries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.compat import (
    HAS_TASK_STATE,
    TaskStateStore,
    is_recorded_as_success,
    never_expire,
    task_state_store,
)
from airflow_provider_suno.exceptions import SunoError, SunoJournalError, SunoValidationError
from airflow_provider_suno.http.retry import Call, may_have_happened
from airflow_provider_suno.journal.entry import Entry, State, TryNumbers
from airflow_provider_suno.polling.worker import Log

if TYPE_CHECKING:
    from airflow.sdk import Context

KEY = "suno_submission"
PATIENCE = 60.0
"""Seconds: how long the answer to a submission is tried to be written down."""

INTENT_LIFETIME = timedelta(seconds=10)
"""How long an intent is a fence: a try that stood still while it was written may have been given up meanwhile."""

_WRITES = 3
_LONGEST_GAP = 5.0
_NEVER_WRITTEN = f"{KEY}_never_written"
_LOOK = "look at the API server's log and at its database: full, locked, read-only?"


class Journal:
    """
    Read and write the entry of one task instance.

    Airflow rejects writes from a superseded try. Each write is read back, since a proxy may answer 200.

    :param store: where it is kept; ``None`` keeps nothing.
    :param attempt: this try.
    :param log: where trouble with the store goes.
    """

    def __init__(self, store: TaskStateStore | None, *, this_try: TryNumbers, log: Log) -> None:
        self._store = store
        self._log = log
        self.this_try = this_try

    @classmethod
    def of(cls, context: Context, log: Log) -> Journal:
        """Return the journal of the task instance that runs."""
        store = task_state_store(context)
        if store is None:
            return cls(None, this_try=TryNumbers(max_tries=0, try_number=0), log=log)
        ti = context["ti"]
        this_try = TryNumbers(
            max_tries=ti.max_tries,
            try_number=ti.try_number,
            retries=context["task"].retries or 0,
            clear_number=context["dag_run"].clear_number or 0,
        )
        return cls(store, this_try=this_try, log=log)

    @property
    def protects(self) -> bool:
        """Whether anything is kept at all: before Airflow 3.3 there is no place for it."""
        return self._store is not None

    def read(self) -> Entry | None:
        """
        Return the entry, ``None`` when there is none.

        :raises SunoJournalError: when that cannot be told; retried, since "no entry" would mean "submit".
        """
        if self._store is None:
            return None
        try:
            found = self._store.get(KEY)
            if found is None:
                # Airflow says so of every 404, such as that of a proxy in a restart, or of a try that was given up.
                self._store.delete(_NEVER_WRITTEN)
                found = self._store.get(KEY)
        except Exception as problem:
            raise SunoJournalError(
                f"Whether an earlier try has submitted already cannot be read from Airflow's task state store just now "
                f"({excerpt(problem, 300)}), so nothing is submitted. If that stays so, {_LOOK}"
            ) from problem
        try:
            return None if found is None else Entry.model_validate(found)
        except ValidationError as problem:
            wrong = problem.errors(include_url=False, include_input=False)
            raise SunoJournalError(
                f"{KEY} in this task instance's Storage tab (Task State Store) is not understood, so nothing is "
                f"submitted: {excerpt(wrong, 300)}. If no job was paid for (look at the service's own log page), "
                "delete it and clear the task; else hand the job in (music_task_id=..., job_id=...)."
            ) from problem

    def refuse_another_of_this_try(self, found: Entry | None) -> None:
        """
        Refuse to make something besides what this very try has made: the journal could not tell them apart.

        :param found: the entry.
        :raises SunoValidationError: when this try wrote it.
        """
        if found is not None and found.state is State.SUBMITTED and found.try_number == self.this_try.try_number:
            raise SunoValidationError(
                f"This try has made {found.what} already, and a task instance makes one submission: use an operator "
                "for each, or map one over several."
            )

    def write(self, entry: Entry) -> None:
        """
        Write the entry, as of this try, while nothing is under way.

        :raises SunoJournalError: when it cannot be written; nothing must be sent then.
        """
        try:
            self._put(self._as_of_this_try(entry))
        except Exception as problem:
            raise SunoJournalError(
                f"{entry.what}: {entry.state.value!r} could not be written to Airflow's task state store "
                f"({excerpt(problem, 300)}), so nothing is submitted. Was the task cleared meanwhile? If not, {_LOOK}"
            ) from problem

    def record(self, entry: Entry) -> None:
        """
        Write what has happened at the service already; try for a minute.

        :raises SunoJournalError: when it could not be written; fatal, since a retry would know nothing of it.
        """
        try:
            _keep_trying(self._put, self._as_of_this_try(entry))
        except Exception as problem:
            made, way_on = repr(entry.state.value), ""
            if entry.persona:
                made, way_on = f"persona {entry.persona['persona_id']} is made", " Keep its id."
            elif (job := entry.job_ref) is not None:
                made, way_on = f"{job} is submitted", f" {job.resume_hint}"
            raise SunoJournalError(
                f"{entry.what}: {made}, which Airflow's task state store could not be told for {PATIENCE:g} s "
                f"({excerpt(problem, 300)}), so this fails for good.{way_on}",
                job_id=entry.job.id if entry.job else None,
                fatal=True,
            ) from problem

    def drop(self) -> None:
        """Forget the entry, since surely no job is paid for; try for a minute."""
        self.restore(None)

    def restore(self, before: Entry | None) -> None:
        """
        Let the journal be as it was before an intent that came to nothing; try for a minute.

        What led here matters more than a failure to: an intent too many errs on the safe side.

        :param before: what it held.
        """
        try:
            _keep_trying(self._take_back, before)
        except Exception as problem:  # noqa: BLE001
            self._log.warning("%s could not be taken back from Airflow's task state store: %r", KEY, problem)

    def take_back_at_once(self, before: Entry | None) -> None:
        """Try once to let the journal be as it was: the store is in trouble already."""
        with suppress(Exception):
            self._take_back(before)

    def _take_back(self, before: Entry | None) -> None:
        if self._store is None:
            return
        if before is None:
            self._store.delete(KEY)
        elif self._store.get(KEY) is not None:  # which is what a try that was given up is told
            self._put(before)

    def _as_of_this_try(self, entry: Entry) -> Entry:
        now = self.this_try
        return entry.model_copy(
            update={"max_tries": now.max_tries, "retries": now.retries, "clear_number": now.clear_number}
        )

    def _put(self, entry: Entry) -> None:
        if self._store is not None:
            value = entry.model_dump(mode="json", exclude_none=True)
            self._store.set(KEY, value, retention=never_expire())
            if self._store.get(KEY) != value:
                raise LookupError("it was answered as if it were written, but it is not there")


class JournaledSends:
    """
    Keep the journal in step with the sends of one call: a context manager that is entered for each of them.

    On the way in it writes an intent. On the way out it deletes it if the send was surely refused, and keeps it if the
    reply is lost. What was made is written down by :meth:`made`.

    :param journal: that of the task instance.
    :param call: what the call does.
    :param what: what is asked for, in words.
    :param fingerprint: of the request.
    :param suno_conn_id: the connection that it is sent through.
    :param before: the entry that stands if nothing comes of the call.
    :param token: travels in the callback URL.
    """

    def __init__(
        self,
        journal: Journal,
        call: Call,
        *,
        what: str,
        fingerprint: dict[str, str],
        suno_conn_id: str | None = None,
        before: Entry | None = None,
        token: str | None = None,
    ) -> None:
        self.entry = Entry(
            state=State.INTENT,
            max_tries=journal.this_try.max_tries,
            retries=journal.this_try.retries,
            clear_number=journal.this_try.clear_number,
            try_number=journal.this_try.try_number,
            what=what,
            suno_conn_id=suno_conn_id,
            fingerprint=fingerprint,
            token=token,
        )
        """The intent of the last send."""
        self.under_way = False
        """Whether that send may do its work, or may have done it."""
        self._call = call
        self._journal = journal
        self._before = before

    def __enter__(self) -> None:
        """
        Write the intent.

        :raises SunoJournalError: when it cannot be written; nothing must be sent then.
        """
        try:
            self._write_a_fresh_intent()
        except BaseException:
            self._journal.take_back_at_once(self._before)
            raise
        self.under_way = True

    def _write_a_fresh_intent(self) -> None:
        for _ in range(_WRITES):
            self.entry = self.entry.model_copy(update={"at": datetime.now(UTC)})
            self._journal.write(self.entry)
            if datetime.now(UTC) - self.entry.at < INTENT_LIFETIME:
                return
        raise SunoJournalError(
            f"{self.entry.what}: to write one entry to Airflow's task state store takes longer than "
            f"{INTENT_LIFETIME.total_seconds():g} s, so that this try may not be the current one any more; nothing is "
            f"submitted. If that stays so, {_LOOK}"
        )

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Delete the intent if the send was surely refused; keep it if the reply is lost, also after a later send."""
        if not isinstance(error, SunoError):
            return
        if may_have_happened(self._call, error):
            self._before = self.entry
        else:
            self.under_way = False
            self._journal.restore(self._before)

    @property
    def in_doubt(self) -> bool:
        """Whether the reply to an earlier send is lost, whatever became of the last one."""
        return self._before is not None and self._before.state is State.INTENT

    def take_back_at_once(self) -> None:
        """Try once to take back what an interrupted write of the intent, or taking it back, may have left."""
        self._journal.take_back_at_once(self._before)

    def made(self, **known: Any) -> Entry:
        """
        Write down what came of it, again if that is interrupted, such as by Airflow's execution timeout.

        :param known: the ``job``, the ``persona``.
        :raises SunoJournalError: when it could not be written; fatal.
        """
        made = self.entry.moved_to(State.SUBMITTED, **known)
        try:
            self._journal.record(made)
        except SunoJournalError:
            raise
        except BaseException:
            self._journal.record(made)
            raise
        return made


class _Callbacks(list[Any]):
    """Success callbacks among which the note of the delivery stays, whoever changes the list."""

    def clear(self) -> None:
        """Remove the others."""
        del self[:]

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._keep_the_note()

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self._keep_the_note()

    def pop(self, index: Any = -1) -> Any:
        """Remove one of the others."""
        callback = self[index]
        del self[index]
        return callback

    def remove(self, callback: Any) -> None:
        """Remove one of the others."""
        del self[self.index(callback)]

    def _keep_the_note(self) -> None:
        if _record_delivery not in self:
            self.insert(0, _record_delivery)


def with_delivery_record(callbacks: Any) -> list[Any]:
    """
    Return a task's success callbacks with the one that notes the delivery before the user's own.

    In ``execute`` it would be too early: a worker lost right after it would look like a success.

    :param callbacks: a callback, several, or none.
    """
    if callbacks is None or callable(callbacks):
        callbacks = [] if callbacks is None else [callbacks]
    others = [callback for callback in callbacks if callback is not _record_delivery]
    return _Callbacks([_record_delivery, *others]) if HAS_TASK_STATE else others


def _record_delivery(context: Context) -> None:
    journal: Journal | None = getattr(context["ti"].task, "journal", None)
    entry = None if journal is None else journal.read()
    if journal is None or entry is None or entry.state is not State.SUBMITTED:
        return
    # The callback runs too when Airflow has refused the success, such as of a task that was marked failed meanwhile.
    if is_recorded_as_success(context["ti"]):
        journal.record(entry.moved_to(State.DELIVERED))


def _keep_trying(action: Callable[..., None], *arguments: Any) -> None:
    from tenacity import Retrying, stop_after_delay, wait_exponential

    Retrying(stop=stop_after_delay(PATIENCE), wait=wait_exponential(max=_LONGEST_GAP), reraise=True)(action, *arguments)
