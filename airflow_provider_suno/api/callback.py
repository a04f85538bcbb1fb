"""
Callbacks: the signed token in their URLs, and what the body of one says.

A token names the connection, the task instance and the random part of the journal's entry, so that the receiver needs
no state. Whoever does not have the secret cannot make one. Nothing else of a callback is trusted: it says which job has
reached which stage, and that is only a reason to poll.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from airflow_provider_suno.api.fields import NO_VALUES
from airflow_provider_suno.api.parsing import readable_id

PING = "ping"
"""In place of a kind of job: the token of a test of the address."""

LONGEST_TOKEN = 6000
LONGEST_BODY = 64 * 1024

_SIGNED_AS = b"airflow-provider-suno callback 1."
_ANSWERED_AS = b"airflow-provider-suno callback answer 1."


class Stage(StrEnum):
    """How far a job got, as a callback says; in this order."""

    TEXT = "text"
    FIRST = "first"
    COMPLETE = "complete"

    @property
    def rank(self) -> int:
        """The place in the order."""
        return list(Stage).index(self)


@dataclass(frozen=True)
class CallbackToken:
    """
    What a callback URL carries, signed.

    :param suno_conn_id: the connection that the job was submitted through; it holds the secret.
    :param kind: the kind of job.
    :param nonce: random text: of the journal's entry, of a URL for use outside of Airflow, or of a test of the address.
    :param dag_id: with ``run_id``, ``task_id`` and ``map_index``: the task instance that submitted the job; ``None``
        outside of Airflow.
    :param waits: whether that task, or a sensor after it, waits for the job.
    """

    suno_conn_id: str
    kind: str
    nonce: str
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int = -1
    waits: bool = False

    def signed(self, secret: str) -> str:
        """Return the token as text that needs no quoting in a URL."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        payload = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        return f"{_encoded(payload)}.{_encoded(_signature(secret, _SIGNED_AS + payload))}"

    def answer(self, secret: str) -> str:
        """Return what a receiver that has the secret answers to a test of its address."""
        return _signature(secret, _ANSWERED_AS + self.nonce.encode()).hex()

    @classmethod
    def _read(cls, payload: bytes) -> Self | None:
        try:
            values = json.loads(payload)
        except (ValueError, RecursionError):
            return None
        texts = ("suno_conn_id", "kind", "nonce", "dag_id", "run_id", "task_id")
        if not isinstance(values, dict) or not {"suno_conn_id", "kind", "nonce"} <= values.keys() <= _FIELDS:
            return None
        if not all(isinstance(values[name], str) and values[name].isprintable() for name in texts if name in values):
            return None
        if type(values.get("map_index", -1)) is not int or type(values.get("waits", False)) is not bool:
            return None
        token = cls(**values)
        named = [token.dag_id, token.run_id, token.task_id]
        return token if all(named) or named == [None] * 3 else None


_FIELDS = frozenset(CallbackToken.__dataclass_fields__)


@dataclass(frozen=True)
class UnverifiedToken:
    """A token as it was received. Only :meth:`verified` returns one that may be believed."""

    suno_conn_id: str | None
    """The connection that it claims to belong to, which tells whose secrets to check it against."""
    _token: CallbackToken | None
    _payload: bytes
    _signature: bytes

    @classmethod
    def read(cls, text: Any) -> Self:
        """Read any text; raises nothing."""
        payload = signature = b""
        if isinstance(text, str) and len(text) <= LONGEST_TOKEN:
            first, _, second = text.partition(".")
            payload, signature = _decoded(first), _decoded(second)
        token = CallbackToken._read(payload)
        return cls(token.suno_conn_id if token else None, token, payload, signature)

    def verified(self, secrets: Iterable[str]) -> CallbackToken | None:
        """
        Return the token if it was signed with one of the secrets.

        Whatever is wrong with a token, the same work is done for it, so that the time tells nothing.
        """
        known = [*secrets]
        found = False
        for secret in known or [""]:
            found |= hmac.compare_digest(_signature(secret, _SIGNED_AS + self._payload), self._signature)
        return self._token if found and known else None


@dataclass(frozen=True)
class Callback:
    """
    What a callback says. Nothing of it is proven.

    :param job_id: the job.
    :param stage: how far it got; a job that failed is complete.
    """

    job_id: str
    stage: Stage

    @classmethod
    def read(cls, body: bytes) -> Self | None:
        """Return what a body says; ``None`` when it names no job."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict):
            return None
        data = message.get("data")
        places: list[Mapping[str, Any]] = [data, message] if isinstance(data, dict) else [message]
        found = (readable_id(place.get(name)) for place in places for name in ("task_id", "taskId"))
        job_id = next((one for one in found if one is not None and one not in NO_VALUES), None)
        return None if job_id is None else cls(job_id, _stage(message.get("code"), places[0].get("callbackType")))


def _stage(code: Any, named: Any) -> Stage:
    if code not in (None, 200, "200") or named in (None, "error"):
        return Stage.COMPLETE
    # An unknown one, such as "second", lies between the first track and the last one.
    return Stage(named) if isinstance(named, str) and named in set(Stage) else Stage.FIRST


def is_signed_by_host(job_id: str, timestamp: str | None, signature: str | None, key: str) -> bool:
    """
    Return whether kie.ai's signature of a callback is right (docs.kie.ai, "webhook-verification").

    It covers the job's id and the time, not the body.

    :param timestamp: the header ``X-Webhook-Timestamp``.
    :param signature: the header ``X-Webhook-Signature``.
    :param key: the account's ``webhookHmacKey``.
    """
    wanted = base64.b64encode(_signature(key, f"{job_id}.{timestamp}".encode()))
    return hmac.compare_digest(wanted, (signature or "").encode())


def _signature(secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, hashlib.sha256)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
