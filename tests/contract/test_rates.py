"""The rate limits: what is refused, that a refusal is free, which clock counts, and how to switch them off."""

from __future__ import annotations

import time

import pytest
import requests

from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.rate_limits import RateWindow
from tests.support.contract import SIMPLE, USER_AGENT


def _limits(caller, **limits):
    caller.control("POST", "settings", json={"submit_limit": 20, "read_limit": 3, **limits})


@pytest.mark.parametrize(
    ("profile", "http_status", "code"), [("apikley", 200, 429), ("kie", 429, 429), ("sunoapi", 200, 430)]
)
def test_twenty_songs_in_ten_seconds(caller, profile, http_status, code):
    caller.play(profile)
    _limits(caller)
    for _ in range(20):
        caller.submitted()
    before = caller.credits()
    response = caller.call("POST", "/api/v1/generate", json=SIMPLE)
    assert (response.status_code, response.json()["code"], response.json()["data"]) == (http_status, code, None)
    assert "credit" not in response.json()["msg"].lower()
    assert caller.submit("extend")["code"] == code
    assert caller.credits() == before
    caller.simulator.clock.advance(9.99)
    assert caller.generate()["code"] == code
    caller.simulator.clock.advance(0.01)
    assert caller.generate()["code"] == 200
    ledger = caller.ledger()
    assert len(ledger["songs"]) == 21
    assert ledger["refusals"] == {"submits_too_fast": 3}


def test_refused_calls_do_not_count(caller):
    _limits(caller, submit_limit=1)
    for _ in range(3):
        assert caller.generate(prompt="")["code"] == 422
    caller.submitted()
    assert caller.generate()["code"] == 429


def test_three_polls_a_second_of_each_music_task(caller):
    one, other = caller.submitted(), caller.submitted()
    _limits(caller)
    path = "/api/v1/generate/record-info"

    def codes(music_task_id):
        return [caller.call("GET", path, params={"taskId": music_task_id}).json()["code"] for _ in range(5)]

    assert codes(one) == codes(other) == codes("unknown") == [200, 200, 200, 429, 429]
    caller.simulator.clock.advance(1)
    assert codes(one) == [200, 200, 200, 429, 429]
    assert caller.credits()


def test_all_polls_together_are_limited_only_on_request(caller):
    ids = [caller.submitted() for _ in range(4)]
    _limits(caller, read_limit=None)
    for music_task_id in ids * 20:
        caller.record(music_task_id)
    caller.simulator.clock.advance(10)
    _limits(caller, account_read_limit=6)
    path = "/api/v1/generate/record-info"
    codes = [caller.call("GET", path, params={"taskId": music_task_id}).json()["code"] for music_task_id in ids * 2]
    assert codes == [200] * 6 + [429] * 2


def test_polls_and_submissions_share_one_window_only_on_request(caller):
    one = caller.submitted()
    _limits(caller, submit_limit=4, read_limit=None, polls_count_as_submissions=True)
    path = "/api/v1/generate/record-info"

    def poll():
        return caller.call("GET", path, params={"taskId": one}).json()["code"]

    assert [poll() for _ in range(4)] == [200, 200, 200, 429]
    assert caller.generate()["code"] == 429
    caller.simulator.clock.advance(10)
    assert [poll(), caller.generate()["code"], poll(), caller.generate()["code"], poll()] == [200] * 4 + [429]
    _limits(caller, submit_limit=4, polls_count_as_submissions=False)
    assert [poll(), caller.generate()["code"]] == [200, 200]


def test_limits_use_real_time_at_any_speed():
    headers = {"User-Agent": USER_AGENT, "Authorization": "Bearer sim-key"}
    with running_simulator(speed=10_000, submit_limit=2, read_limit=1) as simulator, requests.Session() as session:
        session.headers.update(headers)
        replies = [session.post(f"{simulator.url}/api/v1/generate", json=SIMPLE, timeout=5).json() for _ in range(3)]
        assert [reply["code"] for reply in replies] == [200, 200, 429]
        read = f"{simulator.url}/api/v1/generate/record-info?taskId={replies[0]['data']['taskId']}"
        assert [session.get(read, timeout=5).json()["code"] for _ in range(2)] == [200, 429]
        time.sleep(1)
        assert session.get(read, timeout=5).json()["code"] == 200
        session.post(f"{simulator.url}/_sim/reset", timeout=5)
        codes = [session.post(f"{simulator.url}/api/v1/generate", json=SIMPLE, timeout=5).json()["code"] for _ in "123"]
        assert codes == [200, 200, 429]


@pytest.mark.parametrize("option", ["submit_limit", "read_limit"])
def test_limits_hold_unless_they_are_switched_off(option):
    with running_simulator() as simulator:
        assert (simulator.state.settings.submit_limit, simulator.state.settings.read_limit) == (20, 3)
    with running_simulator(**{option: None}) as simulator:
        assert getattr(simulator.state.settings, option) is None


def test_the_clock_s_speed():
    clock = Clock(speed=1000)
    before, real = clock.request_time(), time.monotonic()
    assert real - 1 < before <= real
    clock.stop()
    clock.set(50)
    assert clock.request_time() == 50


def test_a_window_drops_times_after_the_clock_was_set_back():
    window = RateWindow(10)
    window.add(1_000_000)
    assert window.is_full(1, 1_000_009)
    assert not window.is_full(1, 5)
    window.add(5)
    assert window.is_full(1, 14.9)
    assert not window.is_full(1, 15)
    assert not window.is_full(None, 15)
