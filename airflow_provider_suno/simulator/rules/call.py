"""A request as the service sees it, before it is judged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn


class Endpoint(Enum):
    """The calls the simulator plays: HTTP method and path, before which a reseller may put a prefix."""

    GENERATE = ("POST", "/api/v1/generate")
    EXTEND = ("POST", "/api/v1/generate/extend")
    UPLOAD_COVER = ("POST", "/api/v1/generate/upload-cover")
    UPLOAD_EXTEND = ("POST", "/api/v1/generate/upload-extend")
    RECORD_INFO = ("GET", "/api/v1/generate/record-info")
    GENERATE_PERSONA = ("POST", "/api/v1/generate/generate-persona")
    CREDIT = ("GET", "/api/v1/chat/credit")
    CREDIT_AT_SUNOAPI = ("GET", "/api/v1/generate/credit")
    UPLOAD_BASE64 = ("POST", "/api/file-base64-upload")
    UPLOAD_STREAM = ("POST", "/api/file-stream-upload")
    UPLOAD_URL = ("POST", "/api/file-url-upload")

    @property
    def method(self) -> str:
        """HTTP method."""
        return self.value[0]

    @property
    def path(self) -> str:
        """Path, without a prefix."""
        return self.value[1]


UPLOADS = frozenset({Endpoint.UPLOAD_BASE64, Endpoint.UPLOAD_STREAM, Endpoint.UPLOAD_URL})


OPERATIONS = {
    Endpoint.GENERATE: "generate",
    Endpoint.EXTEND: "extend",
    Endpoint.UPLOAD_COVER: "upload_cover",
    Endpoint.UPLOAD_EXTEND: "upload_extend",
}
"""``operationType`` of the record that a submission leads to."""


@dataclass(frozen=True)
class Call:
    """
    One request.

    :param endpoint: what is called.
    :param user_agent: the User-Agent header, empty if there is none.
    :param authorization: the Authorization header, empty if there is none.
    :param fields: the body's or the query's fields.
    :param readable: whether the body was what the call takes: a JSON object, or a form.
    :param host: the Host header: what the caller takes for the service's own address.
    :param arrived_at: when it came, by :meth:`Clock.request_time`.
    :param source_missing: whether the address it names was tried, and nothing was there.
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
        Return a text field without blanks at its ends; empty if it is missing or no text.

        :param name: the field.
        """
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else ""


def read_body(body: bytes) -> tuple[dict[str, Any], bool]:
    """
    Read a body as a JSON object whose texts and numbers can also be written again.

    :param body: the bytes.
    :return: the fields, and whether it was one.
    """
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}, False
    return (value, True) if isinstance(value, dict) else ({}, False)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number
