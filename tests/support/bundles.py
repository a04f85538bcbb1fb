"""A kind of job whose result is several files of any content, for tests; it is known while :func:`bundles` is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pydantic import AliasChoices, Field

from airflow_provider_suno.api.jobs import _kind_in
from airflow_provider_suno.api.plain_kind import plain_kind
from airflow_provider_suno.api.record import Identifier, JobRecord, LooseText, Status
from airflow_provider_suno.api.result_file import ResultFile

_MODULE = "airflow_provider_suno.api.endpoints.bundle"


class Bundle(JobRecord):
    """The record: ``parts`` are the fields of its files."""

    job_id: Identifier = Field(validation_alias=AliasChoices("taskId", "job_id"))
    status: Status = "SUCCESS"
    parts: list[dict[str, Any]] = Field(default_factory=list)
    audio_id: LooseText = None
    parent_task_id: LooseText = None

    @property
    def id(self) -> str:
        return self.job_id

    def request(self) -> dict[str, str]:
        return {"music_task_id": self.parent_task_id} if self.parent_task_id else {}

    def result(self) -> list[str]:
        return [part["url"] for part in self.parts]

    def result_summary(self) -> str:
        return f" {len(self.parts)} files"

    def files(self) -> tuple[ResultFile, ...]:
        return tuple(ResultFile(**part) for part in self.parts)


KIND = plain_kind(
    Bundle,
    name="bundle",
    noun="bundle",
    record_path="/api/v1/bundle/record-info",
    statuses=frozenset({"PENDING", "SUCCESS", "FAILED"}),
    usual_duration=10.0,
    no_result_before=2.0,
    missing="URL",
    may_be_empty=True,
    makes_files=True,
)


@contextmanager
def bundles() -> Iterator[None]:
    """Let the kind be found by its name, as those of the package are."""
    module = ModuleType(_MODULE)
    module.KIND = KIND
    sys.modules[_MODULE] = module
    _kind_in.cache_clear()
    try:
        yield
    finally:
        del sys.modules[_MODULE]
        _kind_in.cache_clear()
