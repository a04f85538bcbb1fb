"""
What a callback has told of a submission, left by the API server for the task instance that submitted.

It is only a hint: a job's id and stage. The task reads the job's record with its own key before it believes it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_suno.api.callback import Stage
from airflow_provider_suno.api.fields import one_id

HINT_KEY = "suno_callback"
"""The key in the task state store."""


class Hint(BaseModel):
    """
    The last news of a submission.

    :param nonce: the random part of the entry whose submission it belongs to.
    :param kind: the kind of job.
    :param job_id: the job.
    :param stage: how far it got.
    :param at: when the callback came.
    """

    model_config = ConfigDict(frozen=True)

    nonce: str
    kind: str
    job_id: Annotated[str, AfterValidator(one_id)]
    stage: Stage
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Return a stored hint; ``None`` when there is none or it is malformed."""
        try:
            return cls.model_validate(json.loads(value) if isinstance(value, str) else value)
        except (ValidationError, ValueError):
            return None

    def adds_to(self, earlier: Self | None) -> bool:
        """Return whether it says more than an earlier one."""
        if earlier is None or (earlier.nonce, earlier.job_id) != (self.nonce, self.job_id):
            return True
        return self.stage.rank > earlier.stage.rank
