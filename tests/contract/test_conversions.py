"""What holds for conversions of every kind: orders, charges and refunds, refusals, and the rate limits."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.simulator import Order, running_simulator
from tests.support.contract import Caller

LIFETIME = 200
FAMILIES = {"wav": "wav", "stems": "vocal-removal", "midi": "midi", "video": "mp4", "cover_art": "suno/cover"}
"""The path of each kind."""

REQUESTS = {
    "wav": "ConvertToWavRequest",
    "stems": "SeparateVocalsRequest",
    "midi": "GenerateMidiRequest",
    "video": "CreateMusicVideoRequest",
    "cover_art": "CreateCoverArtRequest",
}
PRICES = {"wav": 0.4, "stems": 10, "midi": 0.4, "video": 2, "cover_art": 0}
FAILURES = {
    "wav": ["CREATE_TASK_FAILED", "GENERATE_WAV_FAILED"],
    "stems": ["CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED"],
    "midi": [2, 3],
    "video": ["CREATE_TASK_FAILED", "GENERATE_MP4_FAILED"],
    "cover_art": [3],
}
EACH_KIND = pytest.mark.parametrize("kind", FAMILIES)
ABSENT = object()


def _source(caller: Any, kind: str) -> dict[str, str]:
    """Return the fields of a request that is accepted."""
    track = caller.finished_track()
    if kind == "cover_art":
        return {"taskId": track["taskId"]}
    if kind != "midi":
        return track
    stems_job_id = caller.converted("vocal-removal", **track)
    caller.simulator.clock.advance(LIFETIME)
    return {"taskId": stems_job_id}


def _running(record: dict[str, Any]) -> bool:
    return record["successFlag"] in ("PENDING", 0) or ("parentTaskId" in record and record["successFlag"] == 2)


@EACH_KIND
def test_an_ordered_failure_is_refunded(caller, kind):
    for flag in FAILURES[kind]:
        source, before = _source(caller, kind), caller.credits()
        caller.order_conversion(kind=kind, fail=flag, code=455, message="Closed for today.")
        job_id = caller.converted(FAMILIES[kind], **source)
        assert caller.credits() == before - PRICES[kind]
        assert _running(caller.conversion(FAMILIES[kind], job_id))
        caller.simulator.clock.advance(LIFETIME)
        record = caller.conversion(FAMILIES[kind], job_id)
        assert (record["successFlag"], record["errorMessage"]) == (flag, "Closed for today.")
        assert record["errorCode"] == ("455" if kind == "midi" else 455)
        assert record["response" if kind != "midi" else "midiData"] is None
        assert caller.credits() == before


@EACH_KIND
def test_a_conversion_can_be_stuck_slow_or_hidden(caller, kind):
    source = _source(caller, kind)
    created_at = caller.simulator.clock.now()
    caller.order_conversion(kind=kind, seconds=300, hidden=7)
    slow = caller.converted(FAMILIES[kind], **source)
    query = {"params": {"taskId": slow}}
    reply = caller.call("GET", f"/api/v1/{FAMILIES[kind]}/record-info", **query).json()
    assert reply == {"code": 422, "msg": "Record does not exist", "data": None}
    caller.order_conversion(kind=kind, stuck=True)
    stuck = caller.converted(FAMILIES[kind], **_source(caller, kind))
    for age, running in ((299.9, True), (300, False)):
        caller.simulator.clock.set(created_at + age)
        assert _running(caller.conversion(FAMILIES[kind], slow)) is running
    caller.simulator.clock.advance(10**6)
    assert _running(caller.conversion(FAMILIES[kind], stuck))
    assert caller.conversion(FAMILIES[kind], stuck)["completeTime"] is None


def test_an_order_applies_to_the_next_jobs_of_its_kind(caller):
    caller.order_conversion(kind="midi", fail=3)
    caller.order_conversion(kind="wav", fail="GENERATE_WAV_FAILED", times=2)
    left = caller.order_conversion(kind="wav", fail="CREATE_TASK_FAILED", code=None, times=None)
    assert [(order["kind"], order["times"]) for order in left] == [("midi", 1), ("wav", 2), ("wav", None)]
    ids = [caller.converted("wav", **caller.finished_track()) for _ in range(4)]
    assert [(order["kind"], order["times"]) for order in caller.control("GET", "orders")] == [
        ("midi", 1),
        ("wav", None),
    ]
    caller.simulator.clock.advance(LIFETIME)
    assert [caller.conversion("wav", job_id)["successFlag"] for job_id in ids] == [
        *["GENERATE_WAV_FAILED"] * 2,
        *["CREATE_TASK_FAILED"] * 2,
    ]
    assert caller.conversion("wav", ids[-1])["errorCode"] is None
    assert caller.control("DELETE", "orders") == []
    job_id = caller.converted("wav", **caller.finished_track())
    caller.simulator.clock.advance(LIFETIME)
    assert caller.conversion("wav", job_id)["successFlag"] == "SUCCESS"


def test_a_refused_call_uses_no_order_and_a_reset_deletes_them(caller):
    caller.order_conversion(kind="wav", stuck=True)
    assert caller.convert("wav", taskId="1", audioId="2")["code"] == 422
    assert len(caller.control("GET", "orders")) == 1
    caller.control("POST", "reset")
    assert caller.control("GET", "orders") == []


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "wav", "late": 5},
        {},
        {"kind": "music"},
        {"kind": "wav", "stuck": True, "fail": "X"},
        {"kind": "wav", "times": 0},
        {"kind": "wav", "message": ""},
        {"kind": "wav", "slow": 5},
    ],
)
def test_a_wrong_order_is_refused(caller, order):
    assert caller.session.post(f"{caller.simulator.url}/_sim/orders", json=order, timeout=5).status_code == 422


def test_orders_are_given_in_process_too_and_are_documented(contract):
    with running_simulator(manual_clock=True) as simulator:
        caller = Caller(simulator, contract)
        with caller.session:
            simulator.orders.add(Order(kind="wav", fail="GENERATE_WAV_FAILED"))
            caller.converted("wav", **caller.finished_track())
            simulator.clock.advance(LIFETIME)
            assert simulator.ledger()["conversions"][0]["status"] == "GENERATE_WAV_FAILED"
            docs = caller.session.get(f"{simulator.url}/_sim/docs", timeout=5).text
    assert "``GET POST DELETE /_sim/orders``" in docs
    assert ":param stuck:" in docs


def test_the_ledger_shows_conversions_and_their_charges(caller):
    track = caller.finished_track()
    stems = caller.converted("vocal-removal", **track)
    caller.order_conversion(kind="wav", fail="GENERATE_WAV_FAILED", seconds=5)
    wav = caller.converted("wav", **track)
    caller.simulator.clock.advance(LIFETIME)
    midi = caller.converted("midi", taskId=stems)
    ledger = caller.ledger()
    assert [
        (job["kind"], job["job_id"], job["status"], job["charges"], job["refunds"]) for job in ledger["conversions"]
    ] == [("stems", stems, "SUCCESS", 1, 0), ("wav", wav, "GENERATE_WAV_FAILED", 1, 1), ("midi", midi, 0, 1, 0)]
    assert ledger["conversions"][1]["request"]["audioId"] == track["audioId"]
    assert [(c["kind"], c["job_kind"], c["job_id"], c["amount"], c["balance"]) for c in ledger["charges"]] == [
        ("charge", "stems", stems, 10, 490.25),
        ("charge", "wav", wav, 0.4, 489.85),
        ("refund", "wav", wav, 0.4, 490.25),
        ("charge", "midi", midi, 0.4, 489.85),
    ]
    assert [entry["job_id"] for entry in ledger["requests"]] == [stems, wav, midi]


@pytest.mark.parametrize("kind", [kind for kind, price in PRICES.items() if price])
def test_credits_run_out(caller, kind):
    source = _source(caller, kind)
    caller.control("POST", "credits", json={"credits": PRICES[kind] - 0.1})
    assert caller.convert(FAMILIES[kind], **source)["code"] == 402
    caller.control("POST", "credits", json={"credits": PRICES[kind]})
    caller.converted(FAMILIES[kind], **source)
    assert caller.credits() == 0


@EACH_KIND
def test_an_id_of_another_kind_is_unknown(caller, kind):
    source = _source(caller, kind)
    ids = {"music": caller.finished_track()["taskId"], kind: caller.converted(FAMILIES[kind], **source)}
    for other, family in FAMILIES.items():
        for owner, job_id in ids.items():
            if owner != other:
                reply = caller.call("GET", f"/api/v1/{family}/record-info", params={"taskId": job_id}).json()
                assert (reply["code"], reply["msg"]) == (422, "Record does not exist")
    assert caller.record(ids[kind]) is None


@EACH_KIND
def test_a_body_that_is_no_json_object(caller, kind):
    reply = caller.call("POST", f"/api/v1/{FAMILIES[kind]}/generate", data=b"[]").json()
    assert (reply["code"], reply["data"]) == (400, None)


@EACH_KIND
def test_every_field_with_invalid_values(caller, kind):
    caller.simulator.state.credits = 10**6
    verdicts = []
    for field in caller.contract.schema(REQUESTS[kind])["properties"] | {"somethingElse": {}}:
        own = ["separate_vocal", "split_stem", "Split_stem", "split_stem_advanced"] if field == "type" else []
        own += ["x" * 50, "x" * 51] if field == "author" else []
        for value in [ABSENT, None, "", "  ", 0, True, [], {}, *own]:
            fields = {"callBackUrl": "x", **_source(caller, kind), field: value}
            fields = {name: each for name, each in fields.items() if each is not ABSENT}
            problems = caller.contract.request_problems(REQUESTS[kind], fields)
            reply = caller.call("POST", f"/api/v1/{FAMILIES[kind]}/generate", json=fields).json()
            assert reply["code"] == (422 if problems else 200), f"{fields}\n{problems}\n{reply}"
            verdicts.append(reply["code"])
    assert verdicts.count(200) > 5
    assert verdicts.count(422) > 15


def test_rate_limits_count_jobs_of_all_kinds_together(caller):
    tracks = [caller.finished_track() for _ in range(3)]
    caller.control("POST", "settings", json={"submit_limit": 2, "read_limit": 3})
    caller.submitted()
    job_id = caller.converted("wav", **tracks[0])
    assert caller.convert("wav", **tracks[1])["code"] == 429
    assert caller.generate()["code"] == 429
    path = "/api/v1/wav/record-info"
    codes = [caller.call("GET", path, params={"taskId": job_id}).json()["code"] for _ in range(4)]
    assert codes == [200, 200, 200, 429]


def test_a_record_of_another_job_as_a_fault(caller):
    job_id = caller.converted("wav", **caller.finished_track())
    caller.simulator.clock.advance(LIFETIME)
    caller.order("another", path="*/wav/record-info")
    assert caller.conversion("wav", job_id)["taskId"] != job_id
    right = caller.conversion("wav", job_id)
    assert right["taskId"] == job_id
    assert set(right["response"]) == {"audioWavUrl"}
