"""Styles that are enlarged: paid, and answered at once."""

from __future__ import annotations

import pytest

PATH = "/api/v1/style/generate"


def _enlarged(caller, content):
    reply = caller.call("POST", PATH, json={"content": content}).json()
    assert reply["code"] == 200, reply
    return reply["data"]


@pytest.mark.parametrize(
    ("host", "success", "error"),
    [("apikley", "1", "errorMessage"), ("kie", "成功", "errorMsg"), ("sunoapi", "1", "errorMessage")],
)
def test_a_style_becomes_richer(caller, host, success, error):
    caller.play(host)
    before = caller.credits()
    data = _enlarged(caller, " Pop, mysterious")
    assert data["param"] == " Pop, mysterious"
    assert data["result"].startswith("Pop, mysterious, ")
    assert (data["successFlag"], data["errorCode"], data[error]) == (success, None, None)
    assert data["creditsConsumed"] == 0.4
    assert data["creditsRemaining"] == caller.credits() == before - 0.4
    ledger = caller.ledger()
    assert [(c["job_kind"], c["job_id"], c["amount"]) for c in ledger["charges"]] == [("style", data["taskId"], 0.4)]
    assert [entry["job_id"] for entry in ledger["requests"] if entry["path"] == PATH] == [data["taskId"]]


def test_a_richer_style_is_one_that_a_song_takes(caller):
    assert _enlarged(caller, "folk")["result"] == _enlarged(caller, "folk")["result"]
    style = _enlarged(caller, "x" * 2000)["result"]
    assert caller.generate(customMode=True, style=style)["code"] == 200


@pytest.mark.parametrize(("directive", "code"), [("[fail]", 500), ("[fail:408]", 408), ("[fail:²]", 500)])
@pytest.mark.parametrize(("host", "error"), [("apikley", "errorMessage"), ("kie", "errorMsg")])
def test_a_failure_is_told_inside_of_an_answer_and_costs_nothing(caller, host, error, directive, code):
    caller.play(host)
    data = _enlarged(caller, f"Pop {directive}")
    assert (data["successFlag"], data["errorCode"], data["result"]) == ("2", code, "")
    assert data[error]
    assert (data["creditsConsumed"], caller.ledger()["charges"]) == (0, [])
