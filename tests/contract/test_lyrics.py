"""Lyrics: the record, the texts, the callbacks, which say complete of a failure too, and the prompt's directives."""

from __future__ import annotations

import json

import pytest

LIFETIME = 200
RECORD = "lyrics/record-info"


def _submitted(caller, **fields):
    reply = caller.lyrics(**fields)
    assert reply["code"] == 200, reply
    return reply["data"]["taskId"]


def _finished(caller, **fields):
    job_id = _submitted(caller, **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.job(RECORD, job_id)


def test_the_record_from_beginning_to_end(caller):
    job_id = _submitted(caller, prompt="Größe 🎵")
    running = caller.job(RECORD, job_id)
    assert (running["status"], running["response"], running["errorCode"]) == ("PENDING", None, None)
    assert json.loads(running["param"])["prompt"] == "Größe 🎵"
    created_at = caller.simulator.clock.now()
    for age, status in ((24.9, "PENDING"), (40, "SUCCESS")):
        caller.simulator.clock.set(created_at + age)
        assert caller.job(RECORD, job_id)["status"] == status
    assert caller.job(RECORD, job_id)["response"]["taskId"] == job_id
    assert caller.credits() == 499.85


def test_two_or_three_texts_about_the_prompt_that_differ(caller):
    counts: set[int] = set()
    tries = 0
    while counts != {2, 3} and tries < 40:
        tries += 1
        texts = _finished(caller, prompt="A ferry at dawn")["response"]["data"]
        counts.add(len(texts))
        assert len({text["text"] for text in texts}) == len({text["title"] for text in texts}) == len(texts)
        for text in texts:
            assert (text["status"], text["errorMessage"]) == ("complete", "")
            assert text["text"].startswith("[Verse 1]\n")
            assert "[Chorus]" in text["text"]
            assert "{" not in text["text"]
            assert "A Ferry at Dawn" in text["title"]
    assert counts == {2, 3}


def test_a_brace_in_the_prompt_does_no_harm(caller):
    assert _finished(caller, prompt="{0} {theme} {")["status"] == "SUCCESS"


def test_music_does_not_know_the_job_nor_the_other_way_round(caller):
    job_id = _submitted(caller)
    assert caller.record(job_id) is None
    reply = caller.call("GET", "/api/v1/lyrics/record-info", params={"taskId": caller.submitted()}).json()
    assert (reply["code"], reply["msg"]) == (422, "Record does not exist")


@pytest.mark.parametrize(
    ("host", "prompt", "code"),
    [
        ("apikley", "x" * 200, 200),
        ("apikley", "x" * 201, 422),
        ("kie", "x " * 100 + "x", 422),
        ("sunoapi", "xxxxx " * 200, 200),
        ("sunoapi", "x " * 201, 413),
    ],
)
def test_the_length_of_a_prompt_is_counted_in_characters_or_words(caller, host, prompt, code):
    caller.play(host)
    assert caller.lyrics(prompt=prompt)["code"] == code
    problems = caller.contract.request_problems("GenerateLyricsRequest", {"prompt": prompt, "callBackUrl": "x"}, host)
    assert bool(problems) is (code != 200)


def test_the_callback_of_a_success(caller, receiver):
    record = _finished(caller, callBackUrl=receiver.url)
    (body,) = receiver.wait(1, schema="LyricsCallback")
    assert (body["code"], body["data"]["callbackType"], body["data"]["task_id"]) == (200, "complete", record["taskId"])
    sent, shown = body["data"]["data"], record["response"]["data"]
    assert [(text["text"], text["error_message"]) for text in sent] == [
        (text["text"], text["errorMessage"]) for text in shown
    ]


@pytest.mark.parametrize(
    ("directive", "status", "error_code", "sent_code"),
    [
        ("[fail:400]", "SENSITIVE_WORD_ERROR", 400, 400),
        ("[fail:451]", "GENERATE_LYRICS_FAILED", 451, 451),
        ("[fail]", "GENERATE_LYRICS_FAILED", 500, 500),
        ("[fail:408]", "GENERATE_LYRICS_FAILED", 408, 500),
        ("[fail:CREATE_TASK_FAILED:null]", "CREATE_TASK_FAILED", None, 500),
    ],
)
def test_a_failure_says_complete_too_and_is_refunded(caller, receiver, directive, status, error_code, sent_code):
    before = caller.credits()
    record = _finished(caller, prompt=f"Rain {directive}", callBackUrl=receiver.url)
    assert (record["status"], record["errorCode"], record["response"]) == (status, error_code, None)
    assert record["errorMessage"]
    assert caller.credits() == before
    (body,) = receiver.wait(1, schema="LyricsCallback")
    assert (body["code"], body["msg"]) == (sent_code, record["errorMessage"])
    assert body["data"] == {"callbackType": "complete", "task_id": record["taskId"], "data": None}
    assert caller.ledger_callbacks(1)[0]["stage"] == "error"


def test_other_directives_and_orders(caller):
    stuck, hidden = _submitted(caller, prompt="[stuck]"), _submitted(caller, prompt="[hidden:50]")
    assert len(_finished(caller, prompt="Rain [tracks:4]")["response"]["data"]) == 4
    assert caller.job(RECORD, stuck)["status"] == "PENDING"
    assert caller.job(RECORD, hidden)["status"] == "SUCCESS"
    caller.order_conversion(kind="lyrics", empty=True)
    assert _finished(caller, prompt="Rain [tracks:4]")["response"]["data"] == []
    caller.order_conversion(kind="lyrics", fail="GENERATE_LYRICS_FAILED", message="No idea.")
    assert _finished(caller)["errorMessage"] == "No idea."
    assert [job["kind"] for job in caller.ledger()["conversions"]] == ["lyrics"] * 5


def test_a_callback_that_cannot_be_delivered_shows_in_the_status(caller):
    caller.control("POST", "settings", json={"callback_exception": True})
    job_id = _finished(caller)["taskId"]
    caller.ledger_callbacks(1)
    record = caller.job(RECORD, job_id)
    assert record["status"] == "CALLBACK_EXCEPTION"
    assert record["response"]["data"]
