"""
MIDI: the notes of a track's stems ("generate-midi", "get-midi-details" in the docs of the sibling hosts).

``successFlag`` is a number: 0 running, 1 success, 2 and 3 failed. A finished job may have found no notes.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field

from airflow_provider_suno.api.fields import Id, OptionalId
from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobState, Until, Verdict
from airflow_provider_suno.api.judging import failure_of, says_record_does_not_exist
from airflow_provider_suno.api.parsing import number_of, text_of, whole_number_of
from airflow_provider_suno.api.record import (
    SHOWN_CHARACTERS,
    LooseText,
    LooseTime,
    OtherJobRecord,
    either,
    numbered_status,
    read_job_record,
    unpacked,
)
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.text import printable

_NOUN = "MIDI job"
_STATUSES = {0: "PENDING", 1: "SUCCESS", 2: "CREATE_TASK_FAILED", 3: "GENERATE_MIDI_FAILED"}
_FAILED = frozenset({"CREATE_TASK_FAILED", "GENERATE_MIDI_FAILED"})


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class GenerateMidiFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateMidiRequest`."""

        stems_job_id: str | Later
        audio_id: str | Later | None


class GenerateMidiRequest(JobRequest):
    """
    Transcribe separated stems into notes: ``POST /api/v1/midi/generate``.

    :param stems_job_id: the finished separation into stems; not a music task.
    :param audio_id: one of its stems, by the ``id`` that its record lists; ``None`` means all.
    """

    path: ClassVar[str] = "/api/v1/midi/generate"
    call: ClassVar[str] = "generate_midi"
    kind: ClassVar[str] = "midi"

    stems_job_id: Id = Field(serialization_alias="taskId")
    audio_id: OptionalId = None


def _instruments(value: Any) -> list[dict[str, Any]]:
    """Read the instruments; numbers may be given as text."""
    value = unpacked(value)
    if isinstance(value, dict):
        value = value.get("instruments")
    found = value if isinstance(value, list) else []
    return [
        {"name": text_of(each.get("name")), "notes": [_note(note) for note in notes if isinstance(note, dict)]}
        for each in found
        if isinstance(each, dict) and isinstance(notes := each.get("notes"), list)
    ]


def _note(note: dict[str, Any]) -> dict[str, Any]:
    times = {name: number_of(note.get(name)) for name in ("start", "end", "velocity")}
    return {"pitch": whole_number_of(note.get("pitch")), **times}


class MidiTranscription(OtherJobRecord):
    """
    The record of a MIDI job.

    ``instruments``: ``[{"name", "notes": [{"pitch", "start", "end", "velocity"}]}]``, times in seconds; empty until
    the job has finished, and when no notes were found.
    """

    status: Annotated[str, numbered_status(_STATUSES)] = Field(
        default="UNKNOWN", validation_alias=AliasChoices("successFlag", "status")
    )
    instruments: Annotated[list[dict[str, Any]], BeforeValidator(_instruments)] = Field(
        default_factory=list, validation_alias=AliasChoices("midiData", "instruments")
    )
    audio_id: LooseText = either("audio_id")
    complete_time: LooseTime = either("complete_time")

    def result(self) -> list[dict[str, Any]]:
        """Return the instruments and their notes."""
        return self.instruments

    def result_summary(self) -> str:
        """Return the number of notes of each instrument."""
        counted = ", ".join(f"{each['name']}: {len(each['notes'])} notes" for each in self.instruments)
        return f" {printable(counted, SHOWN_CHARACTERS) or 'no notes'}"


def _read(data: Any, job_id: str) -> MidiTranscription | None:
    return read_job_record(MidiTranscription, _NOUN, data, job_id)


def _judge(record: MidiTranscription, until: Until) -> Verdict:
    del until  # all notes come at once
    failure = failure_of(_NOUN, record, says_failed=record.status in _FAILED)
    if failure is not None:
        return Verdict(JobState.FAILED, error=failure)
    if record.status == "SUCCESS":
        found = any(each["notes"] for each in record.instruments)
        return Verdict(JobState.FINISHED, record=record, remarks=() if found else ("no notes were found in the stems",))
    return RUNNING


KIND = JobKind(
    name="midi",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="midi",
    record_path="/api/v1/midi/record-info",
    statuses=frozenset(_STATUSES.values()),
    usual_duration={"all": 10.0, "first": 10.0},
    no_result_before=2.0,
    read=_read,
    judge=_judge,
    says_unknown=says_record_does_not_exist,
)
