"""Uploaded files (docs.apikley.ru, "upload-file-stream", "-base-64", "-url"): free, kept for 3 days."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError

from airflow_provider_suno.api.parsing import url_of, whole_number_of
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, LooseText, LooseTime, Record, either
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError


class UploadedFile(Record):
    """
    A file at the service, which deletes it after 3 days.

    Pass ``url`` to the operators that take an ``upload_url``. ``size`` is in bytes.
    """

    url: Annotated[str, BeforeValidator(url_of)] = Field(validation_alias=AliasChoices("downloadUrl", "fileUrl", "url"))
    name: LooseText = either("file_name", "name")
    path: LooseText = either("file_path", "path")
    size: Annotated[int | None, BeforeValidator(whole_number_of)] = either("file_size", "size")
    media_type: LooseText = either("mime_type", "media_type")
    uploaded_at: LooseTime = either("uploaded_at")


def read_uploaded_file(data: Any) -> UploadedFile:
    """Return the uploaded file; raise a :class:`SunoProtocolError` when the reply does not name its URL."""
    try:
        return UploadedFile.model_validate(data)
    except ValidationError as error:
        raise SunoProtocolError(
            f"The service accepted the upload but sent no downloadUrl: {excerpt(data, SHOWN_CHARACTERS)}."
        ) from error
