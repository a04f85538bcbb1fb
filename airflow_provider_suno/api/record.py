"""
The base of every record, and the types of its fields.

Records are camelCase and callbacks snake_case, so every field is read under both spellings. A value of the wrong type
becomes ``None`` rather than an error: a paid result must not be lost to a field that nobody needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from airflow_provider_suno.api.parsing import (
    LONGEST_STATUS,
    code_of,
    media_url_of,
    readable_id,
    seconds_of,
    text_of,
    time_of,
)
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoProtocolError

SHOWN_CHARACTERS = 300
"""How much of an unexpected reply a message shows."""

_NAMES_OF_AN_ID = ("taskId", "music_task_id", "job_id", "task_id")
_OF_EVERY_JOB = ("error_code", "error_message", "create_time")
_NAMES_OF_A_REASON = ("errorMessage", "error_message", "errorMsg")


def unpacked(value: Any) -> Any:
    """Read what may be JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def either(name: str, *others: str) -> Any:
    """
    Return a field that is ``None`` unless it is given, in camelCase, in snake_case or under another name.

    :param name: in snake_case.
    :param others: further names.
    """
    camel = re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)
    return Field(default=None, validation_alias=AliasChoices(camel, name, *others))


def reason_of(value: Any) -> str | None:
    """Return why something failed, if it is an object that says so."""
    names = _NAMES_OF_A_REASON if isinstance(value, Mapping) else ()
    return next((text for name in names if (text := text_of(value.get(name))) is not None), None)


def _status(value: Any) -> str:
    return printable(text_of(value) or "UNKNOWN", LONGEST_STATUS)


Identifier = Annotated[str, BeforeValidator(readable_id)]
LooseText = Annotated[str | None, BeforeValidator(text_of)]
LooseSeconds = Annotated[float | None, BeforeValidator(seconds_of)]
LooseCode = Annotated[int | None, BeforeValidator(code_of)]
LooseTime = Annotated[Any, BeforeValidator(time_of), PlainSerializer(lambda t: t.isoformat() if t else None)]
MediaUrl = Annotated[str | None, BeforeValidator(media_url_of)]
Status = Annotated[str, BeforeValidator(_status)]


class Record(BaseModel):
    """Hold what the service says of something; unknown fields are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), defer_build=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain dict that goes into XComs and events; times are ISO 8601 text."""
        return self.model_dump(mode="json")


class JobRecord(Record):
    """
    Hold what every record of a job has.

    ``status`` is kept as the service spells it, known or not (up to 100 characters, what does not show escaped).
    ``error_code`` and ``error_message`` are set on failed ones.
    """

    error_code: LooseCode = either("error_code")
    error_message: LooseText = either("error_message")
    create_time: LooseTime = either("create_time")

    def to_dict(self) -> dict[str, Any]:
        """Return the plain dict that goes into XComs and events, what tells the job first."""
        told = super().to_dict()
        return {name: told[name] for name in sorted(told, key=_OF_EVERY_JOB.__contains__)}

    @property
    def id(self) -> str:
        """The job's id."""
        raise NotImplementedError

    @property
    def state_word(self) -> str:
        """What the service says of how far it is, for logs."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return what the next task needs, as a sensor returns it."""
        raise NotImplementedError

    def result_in_words(self) -> str:
        """Say for the log what there is of the result."""
        raise NotImplementedError


JR = TypeVar("JR", bound=JobRecord)


def read_job_id(data: Any) -> str:
    """
    Return the id out of an accepted submission.

    :raises SunoProtocolError: when there is none.
    """
    job_id = readable_id(data.get("taskId")) if isinstance(data, Mapping) else None
    if job_id is None:
        raise SunoProtocolError(
            f"The service accepted the submission but sent no taskId: {excerpt(data, SHOWN_CHARACTERS)}."
        )
    return job_id


def read_job_record(record_type: type[JR], noun: str, data: Any, job_id: str) -> JR | None:
    """
    Return the record of a job, ``None`` when the service does not know the id (yet).

    :param record_type: the class of the record.
    :param noun: what messages call such a job.
    :param data: the ``data`` of the reply, or a record as :meth:`Record.to_dict` gave it.
    :param job_id: the id that was asked for.
    :raises SunoProtocolError: when ``data`` is no record, or that of another job.
    """
    if data is None:
        return None
    data = unpacked(data)
    if not isinstance(data, Mapping):
        raise SunoProtocolError(
            f"The record of {noun} {job_id} is no object: {excerpt(data, SHOWN_CHARACTERS)}.", job_id=job_id
        )
    names = [data[name] for name in _NAMES_OF_AN_ID if data.get(name) not in (None, "")] + _inner_ids(data)
    try:
        record = record_type.model_validate({**data, "taskId": names[0] if names else job_id})
    except ValidationError as error:
        raise SunoProtocolError(
            f"The record of {noun} {job_id} cannot be read ({_first_problem(error)}): "
            f"{excerpt(data, SHOWN_CHARACTERS)}.",
            job_id=job_id,
        ) from error
    for name in (record.id, *names):
        if readable_id(name) != job_id:
            raise SunoProtocolError(
                f"Asked for {noun} {job_id}, the service answered for {readable_id(name) or excerpt(name)}.",
                job_id=job_id,
            )
    return record


def _inner_ids(record: Mapping[str, Any]) -> list[str]:
    """Return the id that the result inside a record comes with, if any: it names the job a second time."""
    response = record.get("response")
    inner = response.get("taskId") if isinstance(response, Mapping) else None
    return [inner] if isinstance(inner, str) and inner.strip() else []


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
