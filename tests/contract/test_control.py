"""The control plane: the ledger is complete, and the state can be changed."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from airflow_provider_suno.simulator.state.clock import Clock


def test_the_ledger_shows_how_often_a_song_was_charged(caller):
    fine = caller.submitted(prompt="Rain")
    failing = caller.submitted(prompt="Hail [fail:531]")
    caller.generate(prompt="")
    caller.simulator.clock.advance(200)
    caller.record(fine)
    ledger = caller.ledger()

    assert [(s["music_task_id"], s["status"], s["charges"], s["refunds"]) for s in ledger["songs"]] == [
        (fine, "SUCCESS", 1, 0),
        (failing, "GENERATE_AUDIO_FAILED", 1, 1),
    ]
    assert [song["request"]["prompt"] for song in ledger["songs"]] == ["Rain", "Hail [fail:531]"]
    assert [(c["kind"], c["job_kind"], c["job_id"], c["amount"], c["balance"]) for c in ledger["charges"]] == [
        ("charge", "music", fine, 12, 488.25),
        ("charge", "music", failing, 12, 476.25),
        ("refund", "music", failing, 12, 488.25),
    ]
    assert ledger["credits"] == 488.25


def test_the_ledger_lists_every_request(caller):
    before = time.time()
    music_task_id = caller.submitted()
    caller.simulator.clock.advance(200)
    caller.record(music_task_id)
    audio_id = caller.ledger()["songs"][0]["audio_ids"][0]
    persona = caller.persona(taskId=music_task_id, audioId=audio_id, name="N", description="D")["data"]
    caller.call("GET", "/api/v1/chat/credit", headers={"Authorization": None})
    caller.call("GET", "/api/v1/chat/credit", headers={"User-Agent": "curl/8"})
    caller.call("GET", "/api/v1/chat/credit", headers={"User-Agent": "Python-urllib/3.11"})
    ledger = caller.ledger()

    keys = ("n", "method", "path", "http_status", "code", "accepted", "rule", "job_id", "persona_id")
    assert [tuple(entry[key] for key in keys) for entry in ledger["requests"]] == [
        (1, "POST", "/api/v1/generate", 200, 200, True, None, music_task_id, None),
        (2, "GET", "/api/v1/generate/record-info", 200, 200, True, None, music_task_id, None),
        (
            3,
            "POST",
            "/api/v1/generate/generate-persona",
            200,
            200,
            True,
            None,
            music_task_id,
            persona["personaId"],
        ),
        (4, "GET", "/api/v1/chat/credit", 200, 401, False, "key_unknown", None, None),
        (5, "GET", "/api/v1/chat/credit", 200, 200, True, None, None, None),
        (6, "GET", "/api/v1/chat/credit", 403, None, False, "bare_user_agent", None, None),
    ]
    assert [entry["at"] - ledger["requests"][0]["at"] for entry in ledger["requests"][:2]] == [0, 200]
    assert all(before <= entry["wall"] <= time.time() for entry in ledger["requests"])
    assert all(entry["fault"] is None for entry in ledger["requests"])
    assert ledger["personas"][0]["persona_id"] == persona["personaId"]
    assert ledger["personas"][0]["audio_id"] == audio_id


def test_the_ledger_is_the_same_in_process(caller):
    caller.submitted()
    assert caller.simulator.ledger() == caller.ledger()


def test_no_key_shows_anywhere_in_the_ledger(caller):
    caller.submitted()
    assert "sim-key" not in str(caller.ledger())


def test_reset_deletes_everything(caller):
    music_task_id = caller.submitted()
    caller.order("garbage", times=None)
    caller.control("POST", "settings", json={"tracks": 1, "visible_after": 9})
    ledger = caller.control("POST", "reset")
    assert ledger["credits"] == 500.25
    assert [ledger[name] for name in ("requests", "downloads", "charges", "songs", "personas")] == [[]] * 5
    assert caller.record(music_task_id) is None
    again = caller.submitted()
    assert again != music_task_id
    assert len(caller.simulator.state.music_tasks[again].audio_ids) == 2


def test_reset_to_other_credits_keys_and_time(caller):
    caller.control("POST", "reset", json={"credits": 3.5, "api_keys": ["other"], "clock": {"set": 5000}})
    reply = caller.call("GET", "/api/v1/chat/credit", headers={"Authorization": "Bearer other"}).json()
    assert reply["data"] == 3.5
    assert caller.call("GET", "/api/v1/chat/credit").json()["code"] == 401
    assert caller.control("GET", "clock")["now"] == 5000


def test_credits_can_be_set(caller):
    assert caller.control("POST", "credits", json={"credits": 11.5}) == {"credits": 11.5}
    assert caller.credits() == 11.5
    assert caller.generate()["code"] == 402


def test_settings_apply_to_new_music_tasks(caller):
    before = caller.control("POST", "settings", json={})
    assert (before["tracks"], before["visible_after"]) == (2, 0)
    assert caller.control("POST", "settings", json={"tracks": 3}) == before | {"tracks": 3}
    assert caller.control("POST", "settings", json={"visible_after": 5}) == before | {"tracks": 3, "visible_after": 5}
    music_task_id = caller.submitted()
    assert caller.record(music_task_id) is None
    caller.simulator.clock.advance(200)
    assert len(caller.record(music_task_id)["response"]["sunoData"]) == 3


def test_a_seeded_music_task(caller):
    seeded = caller.control("POST", "tasks", json={"model": "V3_5", "title": "Old"})
    record = caller.record(seeded["music_task_id"])
    assert (record["status"], record["type"]) == ("SUCCESS", "chirp-v3-5")
    assert [track["id"] for track in record["response"]["sunoData"]] == seeded["audio_ids"]
    refusal = caller.persona(taskId=seeded["music_task_id"], audioId=seeded["audio_ids"][0], name="N", description="D")
    assert refusal["code"] == 422
    assert "v3_5" in refusal["msg"]
    assert caller.credits() == 500.25


def test_a_seeded_failure(caller):
    seeded = caller.control("POST", "tasks", json={"status": "CREATE_TASK_FAILED"})
    assert caller.record(seeded["music_task_id"])["status"] == "CREATE_TASK_FAILED"


def test_the_clock_is_set_over_http(caller):
    face = caller.control("GET", "clock")
    assert face["manual"] is True
    assert caller.control("POST", "clock", json={"advance": 10})["now"] == face["now"] + 10
    assert caller.control("POST", "clock", json={"set": 7})["now"] == 7
    running = caller.control("POST", "clock", json={"speed": 1000})
    assert (running["speed"], running["manual"]) == (1000, False)
    time.sleep(0.02)
    stopped = caller.control("POST", "clock", json={"manual": True})
    assert stopped["now"] > 20
    assert caller.control("GET", "clock")["now"] == stopped["now"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"speed": 0}),
        ("clock", {"sped": 2}),
        ("credits", {"credits": -1}),
        ("credits", {"credits": "NaN"}),
        ("settings", {"tracks": 0}),
        ("settings", {"tracks": None}),
        ("settings", {"read_limit": -1}),
        ("settings", {"audio": "missing"}),
        ("settings", {"audio": "null:9"}),
        ("reset", {"profile": "other"}),
        ("tasks", {"modle": "V5"}),
        ("reset", {"credit": 5}),
    ],
)
def test_a_wrong_body_is_refused(caller, path, body):
    response = caller.session.post(f"{caller.simulator.url}/_sim/{path}", json=body, timeout=5)
    assert response.status_code == 422


def test_the_control_plane_needs_no_key(caller):
    assert caller.session.get(f"{caller.simulator.url}/_sim/ledger", headers={"User-Agent": ""}, timeout=5).ok


def test_speed_changes_the_clock_but_not_the_record_s_times(monkeypatch):
    ticks = iter([50.0, 53.0])
    real_time = SimpleNamespace(time=lambda: 1000.0, monotonic=lambda: next(ticks))
    monkeypatch.setattr("airflow_provider_suno.simulator.state.clock.time", real_time)
    clock = Clock(speed=12)
    assert clock.now() == 1036
    assert clock.record_time() == 1000


def test_a_manual_clock_is_stopped_and_shows_its_own_time():
    clock = Clock(manual=True)
    clock.set(5)
    assert (clock.now(), clock.now(), clock.record_time()) == (5, 5, 5)
    clock.advance(-2)
    assert clock.now() == 3
    clock.run(speed=1e9)
    assert not clock.manual
    clock.stop()
    assert clock.now() == clock.now() > 3


def test_a_clock_needs_a_speed():
    with pytest.raises(ValueError, match="speed must be above 0, not 0"):
        Clock(speed=0)
    with pytest.raises(ValueError, match="speed must be above 0, not -1"):
        Clock().run(-1)
