"""Replies of the API: the envelope, and what the ledger stores of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """
    The reply to a call.

    :param http_status: HTTP status.
    :param content: an envelope, or plain text from the network edge.
    :param accepted: whether the service did what was asked.
    :param rule: name of the rule that refused the call.
    :param job_id: the job that was created, else the one that was named.
    :param persona_id: the persona that was created or used.
    """

    http_status: int
    content: Mapping[str, Any] | str
    accepted: bool
    rule: str | None = None
    job_id: str | None = None
    persona_id: str | None = None

    @property
    def code(self) -> int | None:
        """The envelope's code, or None if there is no envelope."""
        return None if isinstance(self.content, str) else self.content["code"]


def envelope(code: int, msg: str, data: Any = None) -> dict[str, Any]:
    """
    Return the envelope of an answer.

    :param code: 200 for success, else the code of the refusal.
    :param data: what was asked for.
    """
    return {"code": code, "msg": msg, "data": data}


def upload_envelope(code: int, msg: str, data: Any = None) -> dict[str, Any]:
    """
    Return the envelope of an answer of the upload calls.

    :param code: 200 for success, else the code of the refusal.
    :param data: the uploaded file.
    """
    return {"success": code == 200, **envelope(code, msg, data)}


def success(data: Any, *, job_id: str | None = None, persona_id: str | None = None) -> Reply:
    """
    Return the reply to an accepted call.

    :param data: what was asked for.
    :param job_id: the job that was created, else the one that was named.
    :param persona_id: the persona that was created or used.
    """
    return Reply(200, envelope(200, "success", data), accepted=True, job_id=job_id, persona_id=persona_id)


NO_SUCH_RESOURCE = Reply(404, envelope(404, "No such resource"), accepted=False)
METHOD_NOT_ALLOWED = Reply(405, envelope(405, "Method not allowed"), accepted=False)
UPLOAD_METHOD_NOT_ALLOWED = Reply(405, upload_envelope(405, "Method not allowed"), accepted=False)
