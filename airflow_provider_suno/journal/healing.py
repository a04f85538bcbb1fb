"""Find the job of a lost submission by the callback that has named it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_provider_suno.journal.entry import Entry, State, StoredJob, fingerprint_of

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobKind, JobRef
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.journal.store import Journal


class RecordReader(Protocol):
    """What is needed of the hook."""

    def get_record(self, job: JobRef) -> JobRecord | None:
        """Return the record of a job, ``None`` when the service does not know the id."""


def healed(
    journal: Journal,
    entry: Entry,
    kind: JobKind | None,
    suno_conn_id: str,
    hook: RecordReader,
) -> Entry:
    """
    Return the entry with the job that a callback has named, if the reply to its submission was lost.

    The callback is only a hint: the job must exist under this account's key, and where its record shows the request, it
    must be ours.

    :param kind: the kind of job that was submitted; ``None`` if the call is answered at once.
    :param suno_conn_id: the connection that is used now; a job of another one is not looked up.
    :param hook: reads the job's record.
    :raises SunoError: when the record cannot be read for now; retryable, and nothing is submitted.
    """
    hint = journal.hint(entry.token) if entry.state in (State.INTENT, State.DOUBTED) else None
    if hint is None or kind is None or hint.kind != kind.name:
        return entry
    job = StoredJob(kind=hint.kind, id=hint.job_id)
    if entry.suno_conn_id not in (None, suno_conn_id):
        journal.log.warning(
            "a callback named %s for the lost submission, which went through connection %r: set that one to resume it",
            job.ref,
            entry.suno_conn_id,
        )
        return entry
    record = hook.get_record(job.ref)
    if record is None:
        journal.log.warning("a callback named %s for the lost submission, but this account has no such job", job.ref)
        return entry
    different = sorted(name for name, digest in fingerprint_of(record.request()).items() if entry.differs(name, digest))
    if different:
        journal.log.warning(
            "a callback named %s for the lost submission, but the record shows another request (%s), so it is ignored",
            job.ref,
            ", ".join(different),
        )
        return entry
    found = entry.in_state(State.SUBMITTED, job=job, lost_reply_message=None)
    journal.write(found)
    journal.log.warning(
        "the reply to %s was lost, but its callback has named the job: %s",
        entry.description,
        job.ref,
    )
    return found
