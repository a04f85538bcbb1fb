"""
The base of every record, and the types of its fields.

Records are camelCase and callbacks snake_case, so every field is read under both spellings. A value of the wrong type
becomes ``None`` rather than an error: one odd field must not cost a paid result.
"""

# Without "from __future__ import annotations": pydantic would evaluate each annotation from its text, again for each
# subclass, and every Dag file would load slower.

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from airflow_provider_suno.api.parsing import (
    LONGEST_STATUS,
    code_of,
    media_url_of,
    number_of,
    readable_id,
    seconds_of,
    text_of,
    time_of,
    whole_number_of,
)
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoProtocolError

SHOWN_CHARACTERS = 300
"""The characters of an unexpected reply that a message shows."""

_DIGEST_LENGTH = 16
_NAMES_OF_AN_ID = ("taskId", "music_task_id", "job_id", "task_id")
_COMMON_FIELDS = ("error_code", "error_message", "create_time")
_NAMES_OF_A_REASON = ("errorMessage", "error_message", "errorMsg")


def unpacked(value: Any) -> Any:
    """Decode text as JSON (``None`` if it is not); return anything else unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def either(name: str, *others: str) -> Any:
    """Return an optional field that is read in snake_case (``name``), in camelCase or under ``others``."""
    camel = re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)
    return Field(default=None, validation_alias=AliasChoices(camel, name, *others))


def reason_of(value: Any) -> str | None:
    """Return the reason for a failure that an object gives, if any."""
    names = _NAMES_OF_A_REASON if isinstance(value, Mapping) else ()
    return next((text for name in names if (text := text_of(value.get(name))) is not None), None)


def _status(value: Any) -> str:
    return printable(text_of(value) or "UNKNOWN", LONGEST_STATUS)


def numbered_status(names: Mapping[int, str]) -> BeforeValidator:
    """Return what reads a status that is a number, by the names of the numbers; a word is kept."""

    def read(value: Any) -> str:
        number = whole_number_of(text_of(value))
        return _status(value if number is None else names.get(number, f"UNKNOWN ({number})"))

    return BeforeValidator(read)


Identifier = Annotated[str, BeforeValidator(readable_id)]
LooseId = Annotated[str | None, BeforeValidator(readable_id)]
LooseText = Annotated[str | None, BeforeValidator(text_of)]
LooseNumber = Annotated[float | None, BeforeValidator(number_of)]
LooseSeconds = Annotated[float | None, BeforeValidator(seconds_of)]
LooseCode = Annotated[int | None, BeforeValidator(code_of)]
LooseTime = Annotated[datetime | None, BeforeValidator(time_of)]
MediaUrl = Annotated[str | None, BeforeValidator(media_url_of)]
Status = Annotated[str, BeforeValidator(_status)]


class Record(BaseModel):
    """The base of what the service returns; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), defer_build=True)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict for XComs and events; times are ISO 8601 text."""
        fields: dict[str, Any] = _plain(self.model_dump())
        return fields


def _plain(value: Any) -> Any:
    """Return a dumped value with lists for tuples and text for times."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


class JobRecord(Record):
    """
    The base of every job's record.

    ``status`` is kept as the service spells it, known or not (up to 100 characters, unprintable ones escaped).
    ``error_code`` and ``error_message`` are set on failed jobs.
    """

    if TYPE_CHECKING:
        status: str

    error_code: LooseCode = either("error_code")
    error_message: LooseText = either("error_message")
    create_time: LooseTime = either("create_time")

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict for XComs and events, with the kind's own fields first."""
        fields = super().to_dict()
        return {name: fields[name] for name in sorted(fields, key=_COMMON_FIELDS.__contains__)}

    @property
    def id(self) -> str:
        """The job's id."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return what the next task needs; a sensor returns this."""
        raise NotImplementedError

    def request(self) -> dict[str, str]:
        """Return what the record shows of the texts of the request, under the names of its fields."""
        return {}

    def result_summary(self) -> str:
        """Return a description of the result for the log."""
        raise NotImplementedError

    def pushed(self) -> Any:
        """Return what the XCom of its kind holds."""
        return self.to_dict()

    def result_digest(self) -> str:
        """Return a digest of the result, or of why there is none, by which another one can be told from it."""
        shown = self.result() or (self.status, self.error_code, self.error_message)
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]

    def failed_parts(self) -> list[str]:
        """Return a message about each part of the result that failed."""
        return []

    def remarks(self) -> list[str]:
        """Return messages about what is unusual about the result of a finished job."""
        return self.failed_parts()

    def files(self) -> tuple[ResultFile, ...]:
        """Return the files that the job has made; none if its result is no file."""
        return ()


class OtherJobRecord(JobRecord):
    """The base of the records of jobs that are no music tasks: ``job_id`` and ``status``."""

    job_id: Identifier = Field(validation_alias=AliasChoices("taskId", "job_id", "task_id"))
    status: Annotated[str, numbered_status({0: "PENDING", 1: "SUCCESS"})] = Field(
        default="UNKNOWN", validation_alias=AliasChoices("successFlag", "status")
    )

    @property
    def id(self) -> str:
        """The ``job_id``."""
        return self.job_id


class ConversionRecord(OtherJobRecord):
    """The base of the records of what is made of a track: also ``audio_id``, the track, and ``complete_time``."""

    audio_id: LooseText = Field(default=None, validation_alias=AliasChoices("musicId", "audio_id"))
    complete_time: LooseTime = either("complete_time")

    def request(self) -> dict[str, str]:
        """Return what the record shows of the texts of the request, under the names of its fields."""
        return {"audio_id": self.audio_id} if self.audio_id else {}


def with_response(data: Any) -> Any:
    """Return the ``data`` of a record with the fields of its ``response`` beside its own."""
    data = unpacked(data)
    response = unpacked(data.get("response")) if isinstance(data, dict) else None
    if not isinstance(response, dict):
        return data
    inner = {name: value for name, value in response.items() if name != "taskId"}
    return {**inner, **{name: value for name, value in data.items() if value is not None or name not in inner}}


JR = TypeVar("JR", bound=JobRecord)


def job_id_in(data: Any) -> str | None:
    """Return the id of the job that a reply names; ``None`` if it names none."""
    return readable_id(data.get("taskId") or data.get("task_id")) if isinstance(data, Mapping) else None


def read_job_id(data: Any) -> str:
    """Return the id from the reply to a submission; raise a :class:`SunoProtocolError` when there is none."""
    job_id = job_id_in(data)
    if job_id is None:
        raise SunoProtocolError(
            f"The service accepted the submission but sent no taskId: {excerpt(data, SHOWN_CHARACTERS)}."
        )
    return job_id


def read_job_record(record_type: type[JR], noun: str, data: Any, job_id: str) -> JR | None:
    """
    Return the record of a job, ``None`` when the service does not know the id (yet).

    :param record_type: the class of the record.
    :param noun: the job's name in messages.
    :param data: the ``data`` of the reply, or what :meth:`Record.to_dict` returned.
    :param job_id: the requested id.
    :raises SunoProtocolError: when ``data`` is not a record, or is that of another job.
    """
    if data is None:
        return None
    data = unpacked(data)
    if not isinstance(data, Mapping):
        raise SunoProtocolError(
            f"The record of {noun} {job_id} is not an object: {excerpt(data, SHOWN_CHARACTERS)}.", job_id=job_id
        )
    ids = [data[name] for name in _NAMES_OF_AN_ID if data.get(name) not in (None, "")]
    response = data.get("response")
    inner_id = response.get("taskId") if isinstance(response, Mapping) else None
    if isinstance(inner_id, str) and inner_id.strip():
        ids.append(inner_id)
    try:
        record = record_type.model_validate({**data, "taskId": ids[0] if ids else job_id})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SunoProtocolError(
            f"The record of {noun} {job_id} cannot be read ({'.'.join(map(str, first['loc']))}: {first['msg']}): "
            f"{excerpt(data, SHOWN_CHARACTERS)}.",
            job_id=job_id,
        ) from error
    for found in (record.id, *ids):
        if readable_id(found) != job_id:
            raise SunoProtocolError(
                f"Asked for {noun} {job_id}, the service answered for {readable_id(found) or excerpt(found)}.",
                job_id=job_id,
            )
    return record
