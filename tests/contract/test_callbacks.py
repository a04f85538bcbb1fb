"""Callbacks as a receiver gets them: their content, order and repetition, and their signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest

from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.wire import callback_sender
from tests.support.contract import Caller

LIFETIME = 200


def _quick(caller, **changes):
    caller.control("POST", "settings", json={"callback_spacing": 0.02, **changes})


def test_the_stages_of_a_song_are_sent_without_any_poll(caller, receiver):
    music_task_id = caller.submitted(callBackUrl=receiver.url)
    receiver.wait_for_nothing_more(0)
    for age, kinds in ((30, ["text"]), (61, ["text", "first"]), (131, ["text", "first", "complete"])):
        caller.simulator.clock.set(caller.simulator.state.music_tasks[music_task_id].created_at + age)
        receiver.wait(len(kinds))
        assert receiver.kinds() == kinds
    text, first, complete = receiver.got
    assert [body["code"] for body in receiver.got] == [200] * 3
    assert {body["data"]["task_id"] for body in receiver.got} == {music_task_id}
    assert text["data"]["data"] == []
    assert [bool(track["audio_url"]) for track in first["data"]["data"]] == [True, False]
    tracks = caller.record(music_task_id)["response"]["sunoData"]
    assert [(t["id"], t["audio_url"], t["duration"], t["createTime"]) for t in complete["data"]["data"]] == [
        (t["id"], t["audioUrl"], t["duration"], t["createTime"]) for t in tracks
    ]
    assert caller.media(complete["data"]["data"][0]["audio_url"]).ok


def test_a_callback_has_no_key_and_goes_to_the_address_of_the_request(caller, receiver):
    caller.submitted(callBackUrl=receiver.url)
    receiver.default = 307
    _quick(caller)
    caller.simulator.clock.advance(LIFETIME)
    sent = caller.ledger_callbacks(9)
    receiver.wait(9)
    assert "sim-key" not in str(receiver.headers)
    assert not {"Authorization", "X-Webhook-Signature"} & {name for sent in receiver.headers for name in sent}
    assert {entry["url"] for entry in sent} == {receiver.url}
    assert {headers["Content-Type"] for headers in receiver.headers} == {"application/json"}


@pytest.mark.parametrize(
    ("marker", "code", "kinds"),
    [
        ("[fail:413]", 413, ["text", "error"]),
        ("[fail:SENSITIVE_WORD_ERROR]", 400, ["error"]),
        ("[fail:GENERATE_AUDIO_FAILED:null]", 500, ["text", "error"]),
        ("[stuck]", 200, ["text"]),
        ("[fail:CALLBACK_EXCEPTION]", 200, ["text", "first"]),
        ("[fail:CALLBACK_EXCEPTION:no-audio]", 200, ["text"]),
        ("[status:MIXING]", 200, ["text", "first", "complete"]),
    ],
)
def test_the_callbacks_of_other_lifecycles(caller, receiver, marker, code, kinds):
    caller.submitted(callBackUrl=receiver.url, prompt=f"Rain {marker}")
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(len(kinds))
    assert receiver.kinds() == kinds
    last = receiver.got[-1]
    assert (last["code"], last["data"]["data"] is None) == (code, kinds[-1] == "error")


def test_three_attempts_and_then_no_more(caller, receiver):
    _quick(caller)
    music_task_id = caller.submitted(callBackUrl=receiver.url, prompt="[stuck]")
    receiver.statuses = [500, 404]
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(3)
    assert [(entry["attempt"], entry["http_status"], entry["taken"]) for entry in caller.ledger_callbacks(3)] == [
        (1, 500, False),
        (2, 404, False),
        (3, 200, True),
    ]
    assert caller.record(music_task_id)["status"] == "TEXT_SUCCESS"


def test_attempts_are_spaced(caller, receiver):
    _quick(caller, callback_spacing=0.1)
    receiver.default = 500
    caller.submitted(callBackUrl=receiver.url, prompt="[stuck]")
    began = time.monotonic()
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(3)
    assert time.monotonic() - began > 0.3


def test_a_receiver_that_takes_too_long(caller, receiver):
    _quick(caller, callback_timeout=0.1)
    receiver.delay = 0.4
    caller.submitted(callBackUrl=receiver.url, prompt="[stuck]")
    caller.simulator.clock.advance(LIFETIME)
    sent = caller.ledger_callbacks(3)
    assert [(entry["http_status"], entry["error"]) for entry in sent] == [(None, "TimeoutError")] * 3


@pytest.mark.parametrize(
    ("url", "attempts"),
    [("https://no-callback.invalid/", 1), ("nowhere", 1), ("http://[", 1), ("http://127.0.0.1:1/", 3)],
)
@pytest.mark.parametrize("shown", [False, True])
def test_an_undelivered_callback_shows_in_the_record_only_on_request(caller, url, attempts, shown):
    _quick(caller, callback_exception=shown)
    music_task_id = caller.submitted(callBackUrl=url)
    created_at = caller.simulator.state.music_tasks[music_task_id].created_at
    caller.simulator.clock.set(created_at + 30)
    sent = caller.ledger_callbacks(attempts)
    assert {entry["http_status"] for entry in sent} == {None}
    assert caller.record(music_task_id)["status"] == ("CALLBACK_EXCEPTION" if shown else "TEXT_SUCCESS")
    caller.simulator.clock.set(created_at + LIFETIME)
    record = caller.record(music_task_id)
    assert record["status"] == ("CALLBACK_EXCEPTION" if shown else "SUCCESS")
    assert all(track["audioUrl"] for track in record["response"]["sunoData"])
    assert {entry["stage"] for entry in caller.ledger_callbacks(attempts * 3)} == {"text", "first", "complete"}


@pytest.mark.parametrize("url", ["http://203.0.113.5:9/hook", "https://receiver.example/hook", "http://10.0.0.1/"])
def test_an_address_of_another_machine_is_not_called_by_default(caller, url):
    _quick(caller, callback_exception=True)
    music_task_id = caller.submitted(callBackUrl=url)
    caller.simulator.clock.advance(LIFETIME)
    sent = caller.ledger_callbacks(3)
    assert [(entry["stage"], entry["attempt"], entry["taken"]) for entry in sent] == [
        (kind, 1, False) for kind in ("text", "first", "complete")
    ]
    for way in ("--callbacks any", 'running_simulator(callbacks="any")'):
        assert way in callback_sender.NOT_ALLOWED
    assert {entry["error"] for entry in sent} == {callback_sender.NOT_ALLOWED}
    assert caller.record(music_task_id)["status"] == "SUCCESS"


def test_an_address_of_another_machine_is_called_on_request(contract, monkeypatch):
    called = []
    monkeypatch.setattr(callback_sender, "post", lambda url, *_: called.append(url) or 200)
    with running_simulator(manual_clock=True, callbacks="any") as simulator:
        caller = Caller(simulator, contract)
        with caller.session:
            caller.submitted(callBackUrl="http://203.0.113.5:9/hook")
            simulator.clock.advance(LIFETIME)
            assert all(entry["taken"] for entry in caller.ledger_callbacks(3))
    assert called == ["http://203.0.113.5:9/hook"] * 3


def test_no_stage_is_sent_twice(caller, receiver):
    caller.submitted(callBackUrl=receiver.url, prompt="Rain [audio:null:late]")
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(3)
    assert receiver.kinds() == ["text", "first", "complete"]


def test_a_failure_stays_a_failure_when_its_callback_is_undelivered(caller):
    _quick(caller, callback_exception=True)
    music_task_id = caller.submitted(callBackUrl="http://x.invalid", prompt="[fail:SENSITIVE_WORD_ERROR]")
    caller.simulator.clock.advance(LIFETIME)
    caller.ledger_callbacks(1)
    assert caller.record(music_task_id)["status"] == "SENSITIVE_WORD_ERROR"


def test_held_callbacks_are_released_in_reverse_order(caller, receiver):
    caller.control("POST", "callbacks", json={"held": True})
    music_task_id = caller.submitted(callBackUrl=receiver.url)
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(0)
    shown = caller.control("GET", "callbacks")
    assert shown["held"] is True
    assert shown["waiting"][0] == {"job_kind": "music", "job_id": music_task_id, "stage": "text"}
    assert caller.control("POST", "callbacks", json={"held": False, "reversed": True})["held"] is False
    receiver.wait(3)
    assert receiver.kinds() == ["complete", "first", "text"]


def test_a_callback_is_sent_early_and_twice(caller, receiver):
    music_task_id = caller.submitted(callBackUrl=receiver.url)
    caller.control("POST", "callbacks", json={"held": True})
    caller.control("POST", "callbacks/send", json={"job_id": music_task_id, "stage": "complete", "times": 2})
    receiver.wait(2)
    assert receiver.got[0] == receiver.got[1]
    caller.control("POST", "callbacks", json={"held": False})
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait(5)
    assert receiver.kinds() == ["complete", "complete", "text", "first", "complete"]


def test_unknown_callbacks_cannot_be_sent(caller, receiver):
    music_task_id = caller.submitted(callBackUrl=receiver.url)
    seeded = caller.control("POST", "tasks", json={})["music_task_id"]
    for fields in (
        {"job_id": "unknown", "stage": "text"},
        {"job_id": seeded, "stage": "text"},
        {"job_id": music_task_id, "stage": "error"},
        {"job_id": music_task_id, "stage": "second"},
    ):
        response = caller.session.post(f"{caller.simulator.url}/_sim/callbacks/send", json=fields, timeout=5)
        assert response.status_code == 422


def test_kie_signs_the_id_and_the_time_when_a_secret_is_set(caller, receiver):
    caller.play("kie")
    assert caller.control("POST", "callbacks", json={"signing_key": "s3cret"})["signed"] is True
    music_task_id = caller.submitted(callBackUrl=receiver.url, prompt="[stuck]")
    caller.simulator.clock.advance(LIFETIME)
    assert receiver.wait(1)[0]["taskId"] == music_task_id
    sent = receiver.headers[0]
    assert int(sent["X-Webhook-Timestamp"]) == int(caller.simulator.clock.now())
    digest = hmac.new(b"s3cret", f"{music_task_id}.{sent['X-Webhook-Timestamp']}".encode(), hashlib.sha256).digest()
    assert sent["X-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert "s3cret" not in str(caller.ledger()) + str(caller.control("GET", "callbacks"))
    caller.control("POST", "callbacks", json={"signing_key": None})
    caller.submitted(callBackUrl=receiver.url, prompt="[stuck]")
    caller.simulator.clock.advance(LIFETIME)
    assert "taskId" not in receiver.wait(2)[1]
    assert "X-Webhook-Signature" not in receiver.headers[1]


def test_apikley_does_not_sign(caller):
    response = caller.session.post(f"{caller.simulator.url}/_sim/callbacks", json={"signing_key": "s"}, timeout=5)
    assert response.status_code == 422


def test_a_reset_deletes_the_callbacks(caller, receiver):
    caller.submitted(callBackUrl=receiver.url)
    caller.control("POST", "reset")
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(0)


def test_the_callbacks_of_many_fast_songs_arrive_each_in_order(contract, receiver):
    with running_simulator(speed=5000, submit_limit=None, read_limit=None, credits=10_000) as simulator:
        caller = Caller(simulator, contract)
        with caller.session:
            ids = [caller.submitted(callBackUrl=receiver.url) for _ in range(40)]
            receiver.wait(120, seconds=10)
    for music_task_id in ids:
        kinds = [b["data"]["callbackType"] for b in receiver.got if b["data"]["task_id"] == music_task_id]
        assert kinds == ["text", "first", "complete"]


def test_a_receiver_that_hangs_does_not_keep_the_simulator_from_ending(contract, receiver):
    receiver.delay = 3
    with running_simulator(speed=10_000) as simulator:
        caller = Caller(simulator, contract)
        with caller.session:
            caller.submitted(callBackUrl=receiver.url)
        deadline = time.monotonic() + 5
        while not receiver.got and time.monotonic() < deadline:
            time.sleep(0.01)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 1.5
