"""Planned faults, on the wire; by plain sockets where a library would hide the details."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
import requests
from pydantic import ValidationError

from airflow_provider_suno.simulator.control.fault_plan import Fault, FaultPlan
from airflow_provider_suno.simulator.state.submissions import seed_music

GENERATE = "/api/v1/generate"
CREDIT = "/api/v1/chat/credit"
BODY = json.dumps(
    {
        "customMode": False,
        "instrumental": True,
        "model": "V5",
        "callBackUrl": "http://x.invalid",
        "prompt": "Rain",
    }
)


def _request(method="POST", path=GENERATE, body=BODY):
    return (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: tests/1\r\nAuthorization: Bearer sim-key\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _raw(caller, method="POST", path=GENERATE, body=BODY, timeout=5.0):
    """Return every byte of the answer until the other side closes, and how long that took."""
    began = time.monotonic()
    with socket.create_connection((caller.simulator.host, caller.simulator.port), timeout=timeout) as line:
        line.sendall(_request(method, path, body))
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    return answer, time.monotonic() - began


def _charges(caller):
    return [entry["kind"] for entry in caller.ledger()["charges"]]


@pytest.mark.parametrize(("kind", "charged"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_request_gets_not_one_byte(caller, kind, charged):
    caller.order(kind)
    answer, _ = _raw(caller)
    assert answer == b""
    ledger = caller.ledger()
    assert len(ledger["charges"]) == len(ledger["songs"]) == charged
    entry = ledger["requests"][0]
    assert (entry["http_status"], entry["code"], entry["fault"]) == (None, None, kind)
    assert entry["accepted"] is bool(charged)
    assert entry["job_id"] == (ledger["songs"][0]["music_task_id"] if charged else None)


def test_a_drop_after_acceptance_may_also_hit_a_refusal(caller):
    caller.order("drop_after")
    answer, _ = _raw(caller, body="{}")
    assert answer == b""
    entry = caller.ledger()["requests"][0]
    assert (entry["accepted"], entry["rule"]) == (False, "callBackUrl_missing")


def test_a_client_library_sees_a_dropped_connection(caller):
    caller.order("drop_after")
    with pytest.raises(requests.ConnectionError):
        caller.generate()
    assert caller.credits() == 488.25


@pytest.mark.parametrize("accept", [False, True])
def test_a_hang_ends_without_one_byte(caller, accept):
    caller.order("hang", seconds=0.3, accept=accept)
    answer, took = _raw(caller)
    assert answer == b""
    assert 0.3 <= took < 2
    assert _charges(caller) == ["charge"] * accept


def test_a_hang_does_not_delay_other_requests(caller):
    caller.order("hang", path=GENERATE, seconds=1)
    hanging = threading.Thread(target=_raw, args=(caller,))
    hanging.start()
    began = time.monotonic()
    caller.credits()
    assert time.monotonic() - began < 0.9
    hanging.join()


def test_a_caller_may_close_the_connection_during_a_hang(caller):
    caller.order("hang", seconds=30)
    with pytest.raises(TimeoutError):
        _raw(caller, timeout=0.1)
    assert caller.credits() == 500.25


def test_a_truncated_reply_is_shorter_than_its_content_length(caller):
    caller.order("truncated")
    answer, _ = _raw(caller)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(body) == promised // 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    ledger = caller.ledger()
    assert _charges(caller) == ["charge"]
    assert (ledger["requests"][0]["http_status"], ledger["requests"][0]["code"]) == (200, None)


def test_a_slow_reply_is_the_true_one(caller):
    caller.order("slow", seconds=0.3)
    began = time.monotonic()
    assert caller.generate()["code"] == 200
    assert time.monotonic() - began >= 0.3
    assert caller.ledger()["requests"][0]["code"] == 200


@pytest.mark.parametrize(("kind", "at_once"), [("drip_head", False), ("drip_body", True)])
def test_a_dripping_reply_is_the_true_one(caller, kind, at_once):
    caller.order(kind, seconds=0.001)
    answer, took = _raw(caller)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["code"] == 200
    assert took >= 0.001 * (len(body) if at_once else len(answer))
    assert (_charges(caller), caller.ledger()["requests"][0]["code"]) == (["charge"], 200)


@pytest.mark.parametrize(("kind", "first"), [("drip_head", b"H"), ("drip_body", b"HTTP/1.1 200 OK\r\n")])
def test_where_the_dripping_begins(caller, kind, first):
    caller.order(kind, seconds=0.3)
    with socket.create_connection((caller.simulator.host, caller.simulator.port), timeout=5) as line:
        line.sendall(_request())
        assert line.recv(17).startswith(first)
    assert caller.credits() == 488.25


def test_a_flood_continues_as_long_as_it_is_read(caller):
    caller.order("flood")
    with socket.create_connection((caller.simulator.host, caller.simulator.port), timeout=5) as line:
        line.sendall(_request())
        got = 0
        while got < 20_000_000:
            got += len(line.recv(1 << 20))
    assert caller.credits() == 488.25


def test_a_reset_comes_in_the_middle_of_the_true_reply(caller):
    caller.order("reset")
    with socket.create_connection((caller.simulator.host, caller.simulator.port), timeout=5) as line:
        line.sendall(_request())
        answer = b""
        with pytest.raises(ConnectionResetError):
            while chunk := line.recv(65536):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body.startswith(b'{"code":200')
    assert _charges(caller) == ["charge"]


def _seeded(caller, status="SUCCESS"):
    return seed_music(caller.simulator.state, {"model": "V5"}, status, now=caller.simulator.clock.now())


def test_a_record_of_another_music_task(caller):
    task = _seeded(caller)
    truth = caller.record(task.music_task_id)
    caller.order("another")
    shown = caller.record(task.music_task_id)
    assert shown["taskId"] == shown["response"]["taskId"] != task.music_task_id
    assert len(shown["taskId"]) == 32
    assert (shown["status"], shown["response"]["sunoData"]) == ("SUCCESS", truth["response"]["sunoData"])
    caller.order("another")
    assert caller.record("unheard-of") is None


def test_another_id_than_the_one_that_was_charged(caller):
    caller.order("another")
    given = caller.generate()["data"]["taskId"]
    assert given != caller.ledger()["songs"][0]["music_task_id"]
    assert _charges(caller) == ["charge"]


@pytest.mark.parametrize(
    ("stage", "announced", "audible"), [("PENDING", 0, 0), ("TEXT_SUCCESS", 2, 0), ("FIRST_SUCCESS", 2, 1)]
)
def test_a_record_goes_back(caller, stage, announced, audible):
    task = _seeded(caller)
    caller.order("back", stage=stage)
    shown = caller.record(task.music_task_id)
    tracks = shown["response"]["sunoData"] if "response" in shown else []
    assert (shown["taskId"], shown["status"]) == (task.music_task_id, stage)
    assert (len(tracks), sum(bool(track["audioUrl"]) for track in tracks)) == (announced, audible)
    for track in tracks[audible:]:
        assert {track[name] for name in ("sourceAudioUrl", "sourceStreamAudioUrl", "duration")} == {None}
    assert caller.record(task.music_task_id)["status"] == "SUCCESS"


def test_what_is_no_record_cannot_go_back(caller):
    caller.order("back", path=CREDIT)
    assert caller.credits() == 500.25


def _plain(caller, method="POST", path=GENERATE):
    """Call without the check against the contract, which these replies violate on purpose."""
    return caller.session.request(method, caller.simulator.url + path, headers=caller.headers, data=BODY, timeout=5)


@pytest.mark.parametrize(
    ("order", "status", "content_type", "text"),
    [
        ({"kind": "html"}, 502, "text/html", "<!DOCTYPE html>"),
        ({"kind": "html", "http_status": 503}, 503, "text/html", "<!DOCTYPE html>"),
        ({"kind": "html", "http_status": 403}, 403, "text/plain", "error code: 1010"),
        ({"kind": "status"}, 500, "application/json", '"code":500'),
        (
            {"kind": "status", "http_status": 429, "msg": "Slow down"},
            429,
            "application/json",
            '"msg":"Slow down"',
        ),
        ({"kind": "status", "http_status": 503, "body": "busy"}, 503, "text/plain", "busy"),
        ({"kind": "status", "http_status": 500, "body": ""}, 500, "text/plain", ""),
        ({"kind": "code", "code": 430}, 200, "application/json", '"code":430'),
        ({"kind": "code", "code": 455, "msg": "Maintenance"}, 200, "application/json", '"msg":"Maintenance"'),
    ],
)
def test_wrong_answers(caller, order, status, content_type, text):
    caller.order(path=GENERATE, **order)
    response = _plain(caller)
    assert response.status_code == status
    assert response.headers["Content-Type"].partition(";")[0] == content_type
    assert text in response.text
    assert content_type != "text/plain" or response.text == text
    assert "Retry-After" not in response.headers
    assert _charges(caller) == []
    entry = caller.ledger()["requests"][0]
    assert (entry["http_status"], entry["fault"], entry["accepted"]) == (status, order["kind"], False)


def test_garbage_says_200_and_is_no_json(caller):
    caller.order("garbage")
    response = _plain(caller)
    assert response.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_a_status_without_a_body(caller):
    caller.order("status", body="")
    assert _plain(caller).content == b""


@pytest.mark.parametrize("kind", ["status", "code", "html", "garbage"])
def test_a_wrong_answer_may_hide_an_acceptance(caller, kind):
    caller.order(kind, accept=True)
    _plain(caller)
    assert _charges(caller) == ["charge"]


@pytest.mark.parametrize("kind", ["status", "code", "html"])
@pytest.mark.parametrize("value", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after(caller, kind, value):
    caller.order(kind, retry_after=value)
    assert _plain(caller).headers["Retry-After"] == value


def test_times_skip_and_method(caller):
    caller.order("code", code=500, method="GET", skip=1, times=2)
    verdicts = [_plain(caller, "GET", CREDIT).json()["code"] for _ in range(5)]
    assert verdicts == [200, 500, 500, 200, 200]
    caller.order("code", code=500, method="GET")
    assert caller.generate()["code"] == 200
    assert _plain(caller, "GET", CREDIT).json()["code"] == 500


def test_for_ever_ends_with_clearing(caller):
    caller.order("code", code=500, times=None)
    assert {_plain(caller).json()["code"] for _ in range(4)} == {500}
    assert caller.control("DELETE", "faults") == []
    assert _plain(caller).json()["code"] == 200


def test_listing_shows_what_is_left(caller):
    caller.order("drop_before", path=CREDIT, times=3, skip=1)
    _plain(caller, "GET", CREDIT)
    with pytest.raises(requests.ConnectionError):
        _plain(caller, "GET", CREDIT)
    (listed,) = caller.control("GET", "faults")
    assert (listed["kind"], listed["path"], listed["times"], listed["skip"]) == ("drop_before", CREDIT, 2, 0)


def test_a_path_is_matched_whole_or_by_wildcard():
    plan = FaultPlan()
    plan.add(Fault(path=GENERATE, kind="garbage"))
    assert plan.take_matching("GET", GENERATE + "/record-info") is None
    plan.add(Fault(path="/api/*/record-info", kind="html"))
    assert plan.take_matching("GET", GENERATE + "/record-info").kind == "html"
    assert plan.take_matching("POST", GENERATE).kind == "garbage"
    assert plan.take_matching("POST", GENERATE) is None


def test_faults_are_applied_in_the_order_of_ordering():
    plan = FaultPlan()
    for kind in ("garbage", "html"):
        plan.add(Fault(path="*", kind=kind))
    assert [plan.take_matching("GET", "/x").kind for _ in range(2)] == ["garbage", "html"]


def test_trouble_that_passes_by_itself():
    now = 100.0
    plan = FaultPlan(clock=lambda: now)
    plan.add(Fault(path="*", kind="code", code=455, times=None, lasts=60))
    now = 500.0
    assert [plan.take_matching("GET", "/x").code for _ in range(3)] == [455] * 3
    now = 559.9
    assert plan.take_matching("GET", "/x").code == 455
    assert plan.listed()[0]["lasts"] == 60
    now = 560.0
    assert plan.take_matching("GET", "/x") is None
    assert plan.listed() == []


def test_media_can_be_spoilt_too(caller):
    task = seed_music(caller.simulator.state, {"model": "V5"}, "SUCCESS", now=caller.simulator.clock.now())
    url = f"{caller.simulator.url}/media/{task.audio_ids[0]}.mp3"
    caller.order("truncated", path="/media/*")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.media(url)
    assert caller.media(url).status_code == 200


def test_faults_do_not_apply_to_the_control_plane(caller):
    caller.order("drop_before", path="*", times=None)
    assert caller.ledger()["requests"] == []


SETTLED = [
    "drop_before",
    "drop_after",
    "truncated",
    "reset",
    "slow",
    "drip_head",
    "drip_body",
    "flood",
    "another",
    "back",
]


@pytest.mark.parametrize("kind", SETTLED)
def test_kinds_that_determine_acceptance_themselves(kind):
    with pytest.raises(ValidationError, match=f"accept cannot be set for {kind}, which determines it itself"):
        Fault(path="*", kind=kind, accept=True)


@pytest.mark.parametrize(
    "order", [{"kind": "earthquake", "path": "*"}, {"kind": "html"}, {"kind": "html", "path": "*", "tims": 2}]
)
def test_a_wrong_fault_is_refused(caller, order):
    assert caller.session.post(f"{caller.simulator.url}/_sim/faults", json=order, timeout=5).status_code == 422
