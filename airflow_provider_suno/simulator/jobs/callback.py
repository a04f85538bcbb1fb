"""A callback: a message from the service about a job, to the address in the job's request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

CallbackStage = Literal["text", "first", "complete", "error"]


@dataclass(frozen=True)
class Callback:
    """
    One callback.

    :param job_kind: the kind of the job.
    :param job_id: the job.
    :param stage: what it reports. Only music has the stages ``text`` and ``first``.
    :param url: the address from the request.
    :param due_at: simulated time at which it is sent; None if it is sent only when a test asks for it.
    :param make_body: returns its JSON body, a new one each time.
    """

    job_kind: str
    job_id: str
    stage: CallbackStage
    url: str
    due_at: float | None
    make_body: Callable[[], dict[str, Any]]


def callback_url(request: Mapping[str, Any], field: str = "callBackUrl") -> str | None:
    """
    Return the address for callbacks, or None if the request has none.

    :param request: the submitted fields.
    :param field: the field that holds it.
    """
    url = request.get(field)
    return (url.strip() or None) if isinstance(url, str) else None
