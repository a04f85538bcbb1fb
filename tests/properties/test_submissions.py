"""Whatever answers a submission: if it may have been charged, it is a lost reply and is not sent again."""

from __future__ import annotations

import json

from hypothesis import given

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.exceptions import SunoError, SunoLostReplyError
from airflow_provider_suno.http.retry import Call, may_have_happened
from airflow_provider_suno.http.settings import BearerAuth
from tests.support.figures import figures
from tests.support.properties.chaos import Chaos, chaos
from tests.support.properties.checks import check_error, check_id
from tests.support.properties.effort import hostile_replies
from tests.support.properties.true_replies import true_envelopes
from tests.support.properties.wire import client_that_receives, wire

AUTH = BearerAuth("sk-very-secret-key")
MUSIC = GenerateMusicRequest.build({"model": "V5", "prompt": "rain"})

# The codes by which the service refuses a submission.
REFUSING_CODES = frozenset({400, 401, 402, 403, 404, 409, 413, 422, 429, 430, 433, 451, 455})
# The HTTP statuses by which a server or a proxy refuses a request.
REFUSING_STATUSES = frozenset({400, 401, 402, 403, 404, 413, 422, 429})


class SendCounter:
    """Count the refused sends and those whose reply was lost."""

    def __init__(self) -> None:
        self.refused_sends = 0
        self.lost_sends = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, SunoError):
            lost = may_have_happened(Call.SUBMIT, error)
            self.lost_sends += lost
            self.refused_sends += not lost


def surely_refused(status: int, body: bytes) -> bool:
    """
    Return whether the service or HTTP says that nothing was charged.

    A damaged body may be read strictly, as no body, or leniently: both are right.
    """
    return any(_refuses(status, read) for read in (body, body.decode(json.detect_encoding(body), "replace")))


def _refuses(status: int, body: str | bytes) -> bool:
    try:
        envelope = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        envelope = None
    code = envelope.get("code") if isinstance(envelope, dict) else None
    if type(code) is int and 100 <= code <= 999:
        return code in REFUSING_CODES
    return status in REFUSING_STATUSES


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def reply(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def submit(answer: bytes) -> tuple[int, SendCounter, SunoError | None]:
    """Submit, and return how often that was sent, how the sends ended, and the error."""
    figures["replies tried"] += 1
    with client_that_receives(answer, AUTH) as client:
        counter, asked = SendCounter(), wire().asked
        error = None
        try:
            check_id(client.submit(MUSIC, counter))
        except SunoError as raised:
            check_error(raised)
            error = raised
    return wire().asked - asked, counter, error


def check_lost_reply(sends: int, counter: SendCounter, error: SunoError | None) -> None:
    assert type(error) is SunoLostReplyError
    assert (sends, counter.refused_sends, counter.lost_sends) == (1, 0, 1)


def check_submission(status: int, body: bytes) -> None:
    """Check how an answer is read that arrives complete."""
    sends, counter, error = submit(reply(status, body))
    if surely_refused(status, body):
        # To take a refusal for a lost reply is safe.
        assert (counter.lost_sends, counter.refused_sends) in ((0, sends), (1, sends - 1))
    elif error is None:
        assert json.loads(body.decode(json.detect_encoding(body), "replace"))["code"] == 200
        assert (sends, counter.refused_sends, counter.lost_sends) == (1, 0, 0)
    else:
        check_lost_reply(sends, counter, error)


@hostile_replies(0.02, batch=8)
@given(chaos())
def test_a_submission_that_may_have_been_charged_is_a_lost_reply(made: Chaos) -> None:
    for _ in range(8):
        envelope = made.random.choice([made.random.choice(true_envelopes()), made.envelope()])
        status = made.random.choice([200, 200, made.random.randrange(200, 600), made.status()])
        check_submission(status, made.written(made.mutated(envelope)))


@hostile_replies(0.01, batch=8)
@given(chaos())
def test_every_code_and_every_status(made: Chaos) -> None:
    for _ in range(8):
        code, status = made.random.randrange(100, 1000), made.random.randrange(200, 600)
        body = json.dumps({"code": code, "msg": made.random.choice(["no", "too many requests", "credits"])}).encode()
        check_submission(status, made.random.choice([body, b"", b"<html>", b"[]", b'"code"']))


@hostile_replies(0.01, batch=8)
@given(chaos())
def test_an_answer_that_is_cut_off(made: Chaos) -> None:
    for _ in range(8):
        answer = reply(200, json.dumps(made.random.choice(true_envelopes())).encode())
        check_lost_reply(*submit(answer[: made.random.randrange(len(answer))]))
