"""Replies: the envelope's code decides, else the HTTP status; every error says what to do."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_suno import exceptions
from airflow_provider_suno.api.endpoints.credits import read_credits
from airflow_provider_suno.api.endpoints.music import read_music_task
from airflow_provider_suno.api.endpoints.persona import read_persona
from airflow_provider_suno.api.endpoints.uploads import read_uploaded_file
from airflow_provider_suno.api.envelope import decipher
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI, HostProfile
from airflow_provider_suno.api.record import read_job_id
from airflow_provider_suno.exceptions import SunoError, SunoProtocolError


def reply(code: Any, msg: str = "said so", data: Any = None) -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


def test_an_accepted_reply_gives_its_data_whatever_the_http_status() -> None:
    assert decipher(200, {}, reply(200, data={"taskId": "x"})) == {"taskId": "x"}
    assert decipher(502, {}, reply(200, data=1)) == 1


@pytest.mark.parametrize(
    ("profile", "code", "msg", "name"),
    [
        (APIKLEY, 400, "bad", "SunoValidationError"),
        (APIKLEY, 401, "key", "SunoAuthError"),
        (APIKLEY, 402, "none left", "SunoInsufficientCreditsError"),
        (APIKLEY, 404, "gone", "SunoNotFoundError"),
        (APIKLEY, 405, "method", "SunoProtocolError"),
        (SUNOAPI, 405, "too fast", "SunoRateLimitError"),
        (APIKLEY, 408, "slow", "SunoUnavailableError"),
        (APIKLEY, 409, "exists", "SunoConflictError"),
        (APIKLEY, 413, "long", "SunoValidationError"),
        (APIKLEY, 422, "field", "SunoValidationError"),
        (APIKLEY, 429, "too many requests", "SunoRateLimitError"),
        (KIE, 429, "The current credits are insufficient", "SunoInsufficientCreditsError"),
        (SUNOAPI, 429, "please wait", "SunoInsufficientCreditsError"),
        (SUNOAPI, 429, "Your call frequency is too high", "SunoRateLimitError"),
        (APIKLEY, 430, "too frequent", "SunoRateLimitError"),
        (KIE, 433, "cap", "SunoInsufficientCreditsError"),
        (APIKLEY, 451, "media", "SunoMediaUnavailableError"),
        (APIKLEY, 455, "maintenance", "SunoMaintenanceError"),
        (APIKLEY, 500, "oops", "SunoUnavailableError"),
        (APIKLEY, 799, "what", "SunoProtocolError"),
    ],
)
def test_each_code_of_an_envelope(profile: HostProfile, code: int, msg: str, name: str) -> None:
    with pytest.raises(SunoError) as caught:
        decipher(200, {}, reply(code, msg), profile=profile)
    assert type(caught.value).__name__ == name
    assert caught.value.code == code
    assert f"(code {code}: {msg})" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "name", "said"),
    [
        (200, b"<html>hi</html>", "SunoProtocolError", "<html>hi</html>"),
        (200, b'{"code": 200, "data": {"taskId": "ab', "SunoProtocolError", "not the API's envelope"),
        (200, b"", "SunoProtocolError", "an empty body"),
        (200, b'{"code": "200"}', "SunoProtocolError", "not the API's envelope"),
        (200, b'{"code": NaN}', "SunoProtocolError", "not the API's envelope"),
        (200, b"[" * 100_000, "SunoProtocolError", "not the API's envelope"),
        (302, b"", "SunoProtocolError", "'https://elsewhere/'"),
        (401, b"no", "SunoAuthError", "check the password of the connection"),
        (403, b"error code: 1010", "SunoAuthError", "which is not about the API key"),
        (403, b"forbidden", "SunoAuthError", "forbidden"),
        (404, b"nginx", "SunoNotFoundError", "the base URL of the connection"),
        (429, b"slow down", "SunoRateLimitError", "an Airflow pool"),
        (502, b"<html>bad gateway", "SunoUnavailableError", "HTTP 502"),
    ],
)
def test_a_body_without_an_envelope(status: int, body: bytes, name: str, said: str) -> None:
    with pytest.raises(SunoError) as caught:
        decipher(status, {"Location": "https://elsewhere/"}, body)
    assert type(caught.value).__name__ == name
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert caught.value.may_pass == (b"1010" in body)


@pytest.mark.parametrize("code", [401, 402, 404])
def test_errors_about_the_connection_name_it(code: int) -> None:
    for status, body in ((200, reply(code)), (code, b"no envelope")):
        with pytest.raises(SunoError, match="of connection 'studio'"):
            decipher(status, {}, body, connection="connection 'studio'")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "-3"}, 0.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT"}, 90.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(exceptions.SunoRateLimitError) as caught:
        decipher(429, headers, reply(429))
    assert caught.value.retry_after == seconds


def test_a_resellers_codes_apply_to_envelopes_only() -> None:
    with pytest.raises(exceptions.SunoRateLimitError):
        decipher(429, {}, b"<html>429 Too Many Requests</html>", profile=SUNOAPI)
    with pytest.raises(SunoProtocolError):
        decipher(405, {}, b"<html>405 Not Allowed</html>", profile=SUNOAPI)


def test_a_job_without_an_id_is_refused() -> None:
    assert read_job_id({"taskId": " x "}) == "x"
    for data in (None, {}, {"taskId": ""}, {"taskId": None}, [], "x"):
        with pytest.raises(SunoProtocolError, match="sent no taskId"):
            read_job_id(data)


def test_a_record_of_another_music_task_is_refused() -> None:
    with pytest.raises(SunoProtocolError, match="Asked for music task a, the service answered for b"):
        read_music_task({"taskId": "b", "status": "SUCCESS"}, "a")
    assert read_music_task(None, "a") is None


def test_tracks_of_another_music_task_are_refused_too() -> None:
    with pytest.raises(SunoProtocolError, match="Asked for music task a, the service answered for b"):
        read_music_task({"status": "SUCCESS", "response": {"taskId": "b", "sunoData": []}}, "a")


@pytest.mark.parametrize("inner", ["a", None, " ", {"b": 1}, 7])
def test_tracks_without_an_id_belong_to_the_record(inner: Any) -> None:
    record = read_music_task({"status": "SUCCESS", "response": {"taskId": inner, "sunoData": [{"id": "x"}]}}, "a")
    assert record is not None
    assert (record.music_task_id, record.audio_ids) == ("a", ["x"])


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_record_without_an_id_is_the_requested_one(nothing: str | None) -> None:
    record = read_music_task({"taskId": nothing, "status": "SUCCESS"}, "a")
    assert record is not None
    assert record.music_task_id == "a"


def test_a_record_that_cannot_be_read_is_a_protocol_error() -> None:
    with pytest.raises(SunoProtocolError, match="cannot be read"):
        read_music_task({"taskId": {"a": 1}, "status": "SUCCESS"}, "a")


def test_a_persona_names_its_source() -> None:
    persona = read_persona({"personaId": "p", "name": "n"}, "m", "a")
    assert (persona.persona_id, persona.music_task_id, persona.audio_id) == ("p", "m", "a")
    assert read_persona({"personaId": 5}, "m", "a").persona_id == "5"
    for data in ({"personaId": ""}, {}, None, [], "p"):
        with pytest.raises(SunoProtocolError, match="sent no personaId"):
            read_persona(data, "m", "a")


def test_credits_are_exact() -> None:
    assert read_credits(5916.25) == Decimal("5916.25")
    for data in (None, True, "12"):
        with pytest.raises(SunoProtocolError, match="balance is not a number"):
            read_credits(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.text(), c),
)


@given(status=st.integers(100, 599), body=st.binary() | _JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_give_data_or_one_of_our_errors(status: int, body: bytes) -> None:
    try:
        decipher(status, {}, body)
    except SunoError as error:
        assert str(error)


@given(_JSON)
def test_any_data_gives_a_record_or_one_of_our_errors(data: Any) -> None:
    for shaped in (
        data,
        {"response": data, "param": data, "status": data, "createTime": data, "errorCode": data},
        {"taskId": data},
    ):
        try:
            record = read_music_task(shaped, "m")
        except SunoError:
            continue
        assert record is None or json.dumps(record.to_dict())


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_a_message_is_escaped_and_shortened() -> None:
    with pytest.raises(SunoError) as caught:
        decipher(200, {}, reply(799, "one\r\nERROR - forged \x1b[31m\u202e \ud800" + "x" * 9000))
    assert "one\\r\\nERROR - forged \\x1b[31m\\u202e \\ud800xxx" in str(caught.value)
    assert len(str(caught.value)) < 2200
    with pytest.raises(SunoProtocolError) as caught:
        decipher(302, {"Location": "https://elsewhere/" + "x" * 9000}, b"")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("depth", range(900, 991, 10))
def test_deeply_nested_values_raise_a_suno_error(depth: int) -> None:
    for read in (read_job_id, read_credits, read_uploaded_file, lambda data: read_music_task(data, "m")):
        with pytest.raises(SunoProtocolError):
            read(nested(depth))
    with pytest.raises(SunoError):
        decipher(200, {}, reply(500, nested(900)))  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [10**400, -(10**9), 1e300, True])
def test_an_impossible_code_makes_no_envelope(code: Any) -> None:
    with pytest.raises(SunoProtocolError, match="not the API's envelope") as caught:
        decipher(200, {}, reply(code))
    assert caught.value.code == 200


@pytest.mark.parametrize("balance", [b"1e400", b"-1e400", b"9" * 4000])
def test_a_balance_without_bounds_is_none(balance: bytes) -> None:
    with pytest.raises(SunoProtocolError, match="balance is not a number"):
        read_credits(decipher(200, {}, b'{"code": 200, "data": %s}' % balance))


@pytest.mark.parametrize(
    "other", [{"task_id": "b"}, {"taskId": []}, {"taskId": 0}, {"taskId": "a", "task_id": nested(980)}]
)
def test_a_record_with_another_or_unreadable_id_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(SunoProtocolError, match=r"the service answered for|cannot be read"):
        read_music_task({"status": "SUCCESS", **other}, "a")


@pytest.mark.parametrize("music_task_id", ["a\nb", "\ud800", "\x00", "x" * 256, 1e400, ["a", "b"]])
def test_an_unusable_id_is_refused(music_task_id: Any) -> None:
    with pytest.raises(SunoProtocolError, match="sent no taskId"):
        read_job_id({"taskId": music_task_id})
    with pytest.raises(SunoProtocolError, match="sent no personaId"):
        read_persona({"personaId": music_task_id}, "m", "a")


def test_the_url_of_an_uploaded_file() -> None:
    assert read_uploaded_file({"downloadUrl": " https://x/a.mp3"}).url == "https://x/a.mp3"
    for nowhere in (5, "a.mp3", "https://", "https://x/\na", None, ["https://x/a.mp3"]):
        with pytest.raises(SunoProtocolError, match="sent no downloadUrl"):
            read_uploaded_file({"downloadUrl": nowhere})
