"""An enlarged style: what a reply holds, and what it means when it holds none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.style import BoostStyleRequest, StyleBoost
from airflow_provider_suno.exceptions import SunoProtocolError, SunoValidationError

REQUEST = BoostStyleRequest.build({"content": "Pop, Mysterious"})


@pytest.mark.parametrize("flag", ["1", 1, "0", None, "SUCCESS", 2])
def test_the_text_counts_whatever_the_flag_says(flag: Any) -> None:
    found = REQUEST.read({"taskId": "x", "result": "dark pop", "successFlag": flag, "creditsConsumed": "0.4"})
    assert found.result() == found.style == "dark pop"
    assert found.to_dict() == {"style": "dark pop", "credits_consumed": 0.4, "credits_remaining": None}


def test_a_text_that_no_database_takes_is_mended() -> None:
    assert REQUEST.read({"result": "dark\x00pop \ud800"}).style == "dark\ufffdpop \ufffd"


def test_the_journal_gives_the_answer_back() -> None:
    found = REQUEST.read({"result": "dark pop", "creditsRemaining": 12.5})
    assert StyleBoost.model_validate(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (
            {"successFlag": "2", "errorMessage": "no luck", "creditsConsumed": "0.4"},
            r"no luck \(credits consumed: 0\.4\)",
        ),
        ({"successFlag": 2, "result": ""}, "it gave no reason"),
        ({"successFlag": "1", "result": None, "errorMsg": "try\nlater"}, r"try\\nlater"),
        ({"result": " ", "error_message": "busy"}, "busy"),
    ],
)
def test_a_failure_of_an_accepted_request_may_have_been_charged(data: dict[str, Any], why: str) -> None:
    said = rf"^The service took the request, but could not enlarge the style: {why}\.$"
    with pytest.raises(SunoProtocolError, match=said) as caught:
        REQUEST.read(data)
    assert not caught.value.refused


@pytest.mark.parametrize("data", [None, "dark pop", [], {}, {"result": ""}, {"result": {"a": 1}, "successFlag": "1"}])
def test_a_reply_without_a_text_may_have_been_charged(data: Any) -> None:
    with pytest.raises(SunoProtocolError, match=r"^The reply has no enlarged style: ") as caught:
        REQUEST.read(data)
    assert not caught.value.refused


@pytest.mark.parametrize(("content", "said"), [(None, "content: required"), ("\n", "content: must not be empty")])
def test_a_hint_is_needed(content: Any, said: str) -> None:
    with pytest.raises(SunoValidationError, match=said):
        BoostStyleRequest.build({"content": content})
