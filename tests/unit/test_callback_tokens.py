"""Callbacks as they come from outside: nothing of them is believed that was not signed, and nothing raises."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import statistics
import string
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_suno.api.callback import (
    LONGEST_TOKEN,
    Callback,
    CallbackToken,
    Stage,
    UnverifiedToken,
    is_signed_by_host,
)
from airflow_provider_suno.api.callback_url import receiver_url, with_token

SECRET = "0123456789abcdef"
TOKEN = CallbackToken(
    "suno_default", "music", "nonce", "dag ä", "manual__2026-11-28T00:00:00+00:00", "task", 3, waits=True
)
SIGNED = TOKEN.signed(SECRET)
FORGERIES = 20_000


def believed(text: Any, *secrets: str) -> CallbackToken | None:
    return UnverifiedToken.read(text).verified(secrets or [SECRET])


def test_a_signed_token_is_believed_with_each_secret_in_use() -> None:
    assert believed(SIGNED) == TOKEN
    assert believed(SIGNED, "new", SECRET) == believed(SIGNED, SECRET, "new") == TOKEN
    assert set(SIGNED) <= set(string.ascii_letters + string.digits + "-_.")
    outside = CallbackToken("suno_default", "music", "n")
    assert believed(outside.signed(SECRET)) == outside


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        ".",
        "..",
        7,
        SIGNED.rpartition(".")[0],
        f".{SIGNED.rpartition('.')[2]}",
        replace(TOKEN, task_id="other").signed("another"),
        f"{replace(TOKEN, task_id='other').signed(SECRET).partition('.')[0]}.{SIGNED.partition('.')[2]}",
        TOKEN.signed(""),
        "x" * (LONGEST_TOKEN + 1),
        "é.ü",
    ],
)
def test_what_is_not_signed_is_not_believed(text: Any) -> None:
    assert believed(text) is None
    assert UnverifiedToken.read(text).verified([]) is None
    assert UnverifiedToken.read(text).verified(iter(())) is None


def signed(payload: bytes) -> str:
    """Sign any payload, as only somebody with the secret can."""
    signature = hmac.digest(SECRET.encode(), b"airflow-provider-suno callback 1." + payload, hashlib.sha256)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (payload, signature))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 3000,
        b'{"suno_conn_id": "a", "kind": "music"}',
        b'{"suno_conn_id": 1, "kind": "music", "nonce": "n"}',
        b'{"suno_conn_id": "a", "kind": "music", "nonce": "n", "more": 1}',
        b'{"suno_conn_id": "a", "kind": "music", "nonce": "\\ud800"}',
        b'{"suno_conn_id": "a", "kind": "music", "nonce": "n", "dag_id": "d"}',
        b'{"suno_conn_id": "a", "kind": "music", "nonce": "n", "map_index": true}',
        b'{"suno_conn_id": "a", "kind": "music", "nonce": "n", "waits": 1}',
    ],
)
def test_a_malformed_payload_is_no_token_even_if_it_is_signed(payload: bytes) -> None:
    assert believed(signed(payload)) is None


def forgeries(chance: random.Random) -> Any:
    """Yield tokens that are cut, altered, glued together, signed by others, huge, or anything else."""
    alphabet = string.ascii_letters + string.digits + "-_.é\u202e\ud800\x00%"
    payload, _, signature = SIGNED.partition(".")
    for number in range(FORGERIES):
        at = chance.randrange(len(SIGNED))
        match number % 6:
            case 0:
                yield SIGNED[:at]
            case 1:
                yield SIGNED[:at] + chance.choice(alphabet) + SIGNED[at + 1 :]
            case 2:
                yield replace(TOKEN, map_index=number, nonce=str(at)).signed(f"{SECRET}{number}")
            case 3:
                yield "".join(chance.choices(alphabet, k=chance.randrange(200)))
            case 4:
                yield f"{payload[at % len(payload) :]}.{signature}"
            case _:
                yield f"{replace(TOKEN, waits=False, nonce=str(number)).signed(SECRET).partition('.')[0]}.{signature}"


def test_no_forgery_is_believed() -> None:
    # Base64 has several spellings of the last bits and skips foreign characters: the same token, spelled differently.
    for text in forgeries(random.Random(9)):
        if (token := believed(text)) is not None:
            assert token == TOKEN
            assert UnverifiedToken.read(text) == UnverifiedToken.read(SIGNED)


def test_a_wrong_token_takes_as_long_as_a_malformed_one_of_its_size() -> None:
    wrong, malformed = TOKEN.signed("another"), signed(b"x" * len(SIGNED))[: len(SIGNED)]

    def seconds(text: str) -> float:
        began = time.perf_counter()
        for _ in range(50):
            UnverifiedToken.read(text).verified([SECRET])
        return time.perf_counter() - began

    pairs = [(seconds(wrong), seconds(malformed)) for _ in range(40)]
    # Only the reading of the payload differs, which everybody can do for themselves: no more than some microseconds.
    assert abs(statistics.median(a - b for a, b in pairs)) / 50 < 100e-6


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.text())))
def test_any_value_can_be_read(value: Any) -> None:
    assert believed(value) is None


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"code": 200, "data": {"callbackType": "text", "task_id": "a", "data": []}}, Callback("a", Stage.TEXT)),
        ({"code": 200, "data": {"callbackType": "first", "task_id": "a"}}, Callback("a", Stage.FIRST)),
        ({"code": 200, "data": {"callbackType": "second", "task_id": "a"}}, Callback("a", Stage.FIRST)),
        ({"code": 200, "data": {"callbackType": "complete", "task_id": " a "}}, Callback("a", Stage.COMPLETE)),
        ({"code": 501, "data": {"callbackType": "error", "task_id": "a", "data": None}}, Callback("a", Stage.COMPLETE)),
        ({"code": 400, "data": {"callbackType": "text", "task_id": "a"}}, Callback("a", Stage.COMPLETE)),
        ({"code": 200, "data": {"task_id": "a", "audioWavUrl": "u"}}, Callback("a", Stage.COMPLETE)),
        ({"code": 200, "data": {"taskId": "a", "images": []}}, Callback("a", Stage.COMPLETE)),
        ({"code": 200, "taskId": "a", "data": {"callbackType": "first"}}, Callback("a", Stage.FIRST)),
        ({"task_id": "a"}, Callback("a", Stage.COMPLETE)),
        ({"data": {"task_id": "a", "callbackType": ["first"]}}, Callback("a", Stage.FIRST)),
        ({"data": {"task_id": "", "taskId": None}}, None),
        ({"data": {"task_id": "x" * 5000}}, None),
        ({"data": ["a"]}, None),
        ([], None),
        (7, None),
        (None, None),
    ],
)
def test_the_body(body: Any, read: Callback | None) -> None:
    assert Callback.read(json.dumps(body).encode()) == read


@given(st.binary(max_size=3000))
def test_any_body_can_be_read(body: bytes) -> None:
    Callback.read(body)


def test_the_hosts_own_signature() -> None:
    right = base64.b64encode(hmac.digest(b"key", b"a.17", hashlib.sha256)).decode()
    assert is_signed_by_host("a", "17", right, "key")
    for job_id, timestamp, signature, key in [
        ("b", "17", right, "key"),
        ("a", "18", right, "key"),
        ("a", None, None, "key"),
        ("a", "17", "é", "key"),
        ("a", "17", right, "other"),
    ]:
        assert not is_signed_by_host(job_id, timestamp, signature, key)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://a.example", "https://a.example/suno/callback"),
        ("https://a.example/", "https://a.example/suno/callback"),
        ("https://a.example/base/", "https://a.example/base/suno/callback"),
        ("https://a.example/suno/callback", "https://a.example/suno/callback"),
        ("https://a.example/base/suno/callback/", "https://a.example/base/suno/callback"),
        ("https://a.example/base?x=1", "https://a.example/base/suno/callback?x=1"),
    ],
)
def test_the_receivers_url(address: str, url: str) -> None:
    assert receiver_url(address) == url
    assert with_token(url, "t").endswith("&suno_submission=t" if "?" in url else "?suno_submission=t")
    assert with_token(url, "t.s").endswith("&suno_token=t.s" if "?" in url else "?suno_token=t.s")
