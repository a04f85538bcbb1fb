"""Clients in common use get the same replies as from the real hosts."""

from __future__ import annotations

import gzip
import json
import re
import urllib.error
import urllib.request
from http.client import HTTPConnection

import httpx
import pytest
import requests

from airflow_provider_suno.simulator.state.submissions import seed_music

KEY = {"Authorization": "Bearer sim-key"}
CREDIT = "/api/v1/chat/credit"
LIBRARIES = [
    "node",
    "axios/1.7.9",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "Python/3.12 aiohttp/3.11.11",
    "curl/8.5.0",
    "Mozilla/5.0",
    "",
]


def _addresses(caller):
    """Return an address of the API, of a track, of a cover and of an uploaded file."""
    task = seed_music(caller.simulator.state, {"model": "V5"}, "SUCCESS", now=caller.simulator.clock.now())
    track = caller.record(task.music_task_id)["response"]["sunoData"][0]
    file = caller.uploaded("tune.wav", b"x")
    return [caller.simulator.url + CREDIT, track["audioUrl"], track["imageUrl"], file["downloadUrl"]]


@pytest.mark.parametrize("get", [requests.get, httpx.get])
def test_user_agents_of_libraries_are_accepted_everywhere(caller, get):
    for url in _addresses(caller):
        response = get(url, headers=KEY, timeout=5)
        assert response.status_code == 200
    assert get(caller.simulator.url + CREDIT, headers=KEY, timeout=5).json()["code"] == 200


@pytest.mark.parametrize("user_agent", LIBRARIES)
def test_other_user_agents_are_accepted_everywhere(caller, user_agent):
    for url in _addresses(caller):
        assert requests.get(url, headers={**KEY, "User-Agent": user_agent}, timeout=5).status_code == 200


def test_urllib_is_refused_everywhere(caller):
    for url in _addresses(caller):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, headers=KEY), timeout=5)
        with caught.value as refusal:
            assert (refusal.code, refusal.read()) == (403, b"error code: 1010")


def _asked(caller, headers, method="GET", path=CREDIT):
    """Return status, headers and body as they come over the wire, unchunked."""
    line = HTTPConnection(caller.simulator.host, caller.simulator.port, timeout=5)
    line.request(method, path, headers={**KEY, "User-Agent": "tests/1", **headers})
    response = line.getresponse()
    body = response.read()
    line.close()
    return response.status, response.headers, body


@pytest.mark.parametrize(("accepted", "compressed"), [("gzip, deflate", True), ("identity", False), ("", False)])
def test_the_headers_of_a_reply(caller, accepted, compressed):
    cookies = set()
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        status, sent, body = _asked(caller, {"Accept-Encoding": accepted, **headers})
        assert (status, sent["Content-Type"]) == (200, "application/json;charset=UTF-8")
        assert (sent["Transfer-Encoding"], sent["Content-Length"]) == ("chunked", None)
        assert sent["Content-Encoding"] == ("gzip" if compressed else None)
        assert json.loads(gzip.decompress(body) if compressed else body)["code"] == (401 if headers else 200)
        cookies.add(re.fullmatch(r"JSESSIONID=([0-9A-F]{32}); Path=/; HttpOnly", sent["Set-Cookie"])[1])
    assert len(cookies) == 2


def test_a_client_of_http_1_0_gets_the_reply_too(caller):
    import socket

    with socket.create_connection((caller.simulator.host, caller.simulator.port), timeout=5) as line:
        line.sendall(f"GET {CREDIT} HTTP/1.0\r\nAuthorization: Bearer sim-key\r\n\r\n".encode())
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert json.loads(body)["code"] == 200


def _verdict(caller, method, path, **kwargs):
    response = caller.session.request(method, caller.simulator.url + path, headers=caller.headers, timeout=5, **kwargs)
    assert caller.contract.problems("/components/schemas/ErrorEnvelope", response.json()) == []
    return response.status_code, response.json()["code"], response.json()["msg"]


@pytest.mark.parametrize(
    "job", ["wav", "vocal-removal", "midi", "mp4", "suno/cover", "lyrics", "suno/recovery", "voice"]
)
def test_an_unknown_job_has_no_record(caller, job):
    caller.play("kie")
    path, params = f"/api/v1/{job}/record-info", {"taskId": "1", "task_id": "1"}
    assert _verdict(caller, "GET", path, params=params) == (200, 422, "Record does not exist")


@pytest.mark.parametrize("job", ["wav", "vocal-removal", "midi", "mp4"])
def test_a_conversion_of_nothing_is_refused(caller, job):
    path, fields = f"/api/v1/{job}/generate", {"taskId": "1", "audioId": "2"}
    assert _verdict(caller, "POST", path, json=fields) == (200, 422, "Please enter callBackUrl.")
    fields["callBackUrl"] = "http://x.invalid"
    assert _verdict(caller, "POST", path, json=fields) == (200, 422, "Record does not exist")
    assert caller.ledger()["charges"] == []


@pytest.mark.parametrize("host", ["apikley", "kie", "sunoapi"])
@pytest.mark.parametrize(
    ("method", "call"),
    [
        *(("POST", f"voice/{call}") for call in ("validate", "regenerate", "generate", "check-voice")),
        *(("GET", f"voice/{call}") for call in ("validate-info", "record-info")),
        *(("POST", "suno/recovery"), ("GET", "suno/recovery/record-info")),
    ],
)
def test_a_reseller_without_a_call_does_not_know_its_path(caller, host, method, call):
    caller.play(host)
    status, code, _ = _verdict(caller, method, f"/api/v1/{call}", json={})
    assert (status, code) == ((404, 404) if host == "apikley" else (200, 422))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/generate"),
        ("DELETE", CREDIT),
        ("OPTIONS", CREDIT),
        ("GET", "/api/v1/lyrics"),
        ("PUT", "/api/v1/wav/record-info"),
    ],
)
def test_another_method_is_405(caller, method, path):
    assert _verdict(caller, method, path) == (405, 405, "Method not allowed")
