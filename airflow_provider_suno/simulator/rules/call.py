"""A call of the API: a request that has been read from HTTP, but not yet judged by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_suno.simulator.state.endpoints import Endpoint


@dataclass(frozen=True)
class Call:
    """
    One call.

    :param endpoint: which call it is.
    :param user_agent: the User-Agent header; empty if there is none.
    :param authorization: the Authorization header; empty if there is none.
    :param fields: the fields of the body or the query.
    :param readable: whether the body was what the call takes: a JSON object, or a form.
    :param host: the Host header, which is the service's own address as the caller sees it.
    :param arrived_at: when it arrived, by :meth:`Clock.request_time`.
    :param source_missing: whether its source address was tried, and nothing was there.
    """

    endpoint: Endpoint
    user_agent: str
    authorization: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    readable: bool = True
    host: str = ""
    arrived_at: float = 0.0
    source_missing: bool = False

    def text(self, name: str) -> str:
        """
        Return a text field without blanks at its ends. Empty if it is missing or no text.

        :param name: the field.
        """
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else ""

    @property
    def source_urls(self) -> tuple[str, ...]:
        """The addresses of its source audio. None at all if it names none."""
        several = self.fields.get("uploadUrlList")
        listed = [url.strip() for url in several if isinstance(url, str)] if isinstance(several, list) else []
        urls = (*map(self.text, ("uploadUrl", "audioUrl", "voiceUrl", "verifyUrl")), *listed)
        return tuple(filter(None, urls))

    @property
    def job_id(self) -> str:
        """The job that the call names, by whichever field. Empty if it names none."""
        return self.text("taskId") or self.text("task_id") or self.text("sunoTaskId")
