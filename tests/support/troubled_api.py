"""Make Airflow's API answer some calls of a supervisor badly, and record the calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from airflow.sdk.api import client as airflow_client

http = airflow_client.httpx

SLOW = 0.6
"""Seconds that a late answer takes: longer than the limits of the journal in these tests."""

Answer = Callable[[Any, Callable[[], Any]], Any]


def a_status(code: int) -> Answer:
    """Answer with an HTTP status, as Airflow does."""
    return lambda request, ask: http.Response(code, json={"detail": {"reason": "trouble", "message": "in trouble"}})


def _refuse_the_connection(request: Any, ask: Callable[[], Any]) -> Any:
    raise http.ConnectError("Connection refused", request=request)


def _lose_the_answer(request: Any, ask: Callable[[], Any]) -> Any:
    ask()
    raise http.ReadTimeout("timed out", request=request)


def _answer_late(request: Any, ask: Callable[[], Any]) -> Any:
    time.sleep(SLOW)
    return ask()


ANSWERS: dict[str, Answer] = {
    **{str(code): a_status(code) for code in (401, 403, 404, 409, 413, 422, 500, 503)},
    "a proxy's page": lambda request, ask: http.Response(200, html="<html>Welcome</html>"),
    "a login redirect": lambda request, ask: http.Response(302, headers={"Location": "https://sso.example/"}),
    "no connection": _refuse_the_connection,
    "a lost answer": _lose_the_answer,
    "late": _answer_late,
}


@dataclass
class Trouble:
    """
    A bad answer to some calls.

    :param calls: which calls: ``read``, ``probe`` (the deletion that checks the store), ``roll back``, the state of the
        entry that is written, ``xcom`` and its key, ``states``; ``*`` is each call of the task state store.
    :param answer: the answer.
    :param times: how many of these calls get it; ``None`` is all.
    :param skip: how many are answered properly before.
    :param during: a context manager that is active while the call is answered.
    """

    calls: str
    answer: Answer = lambda request, ask: ask()
    times: int | None = None
    skip: int = 0
    during: Callable[[], AbstractContextManager[Any]] = nullcontext

    def matches(self, call: str) -> bool:
        """Return whether the call gets the bad answer, and count it."""
        if call != self.calls and not (self.calls == "*" and not call.startswith(("xcom", "states"))):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times >= 0


@dataclass
class TroubledApi(http.BaseTransport):
    """
    Airflow's API with troubles.

    :param api: the transport to the real API.
    :param troubles: the bad answers.
    :param calls: the calls so far that a trouble can apply to, in order.
    """

    api: Any
    troubles: list[Trouble]
    calls: list[str] = field(default_factory=list)

    def handle_request(self, request: Any) -> Any:
        """Answer a call."""
        call = _name_of(request)
        if call is None:
            return self.api.handle_request(request)
        self.calls.append(call)
        trouble = next((trouble for trouble in self.troubles if trouble.matches(call)), None)
        if trouble is None:
            return self.api.handle_request(request)
        with trouble.during():
            return trouble.answer(request, lambda: self.api.handle_request(request))


def _name_of(request: Any) -> str | None:
    path = unquote(request.url.path)
    if "/store/ti/" in path:
        if request.method == "PUT":
            return str(json.loads(request.content)["value"]["state"])
        if request.method == "DELETE":
            return "roll back" if path.endswith("/suno_submission") else "probe"
        return "read"
    if "/xcoms/" in path and request.method == "POST":
        return f"xcom {path.rpartition('/')[2]}"
    return "states" if path.endswith("/task-instances/states") else None
