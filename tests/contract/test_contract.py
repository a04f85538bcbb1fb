"""The simulator over HTTP, through all its states and refusals; every reply is checked against the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.contract import operations

_DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "suno-openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = operations(_DOCUMENT)
STATUSES = _DOCUMENT["components"]["schemas"]["MusicStatus"]["enum"]
LIFETIME = 200
SIMPLE = {"customMode": False, "instrumental": True, "model": "V5", "callBackUrl": "x", "prompt": "Rain"}


def _seller(method, path):
    """Return a reseller that has a call."""
    return _DOCUMENT["paths"][path][method.lower()].get("x-hosts", ["apikley"])[0]


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_contract_is_shown(caller, status):
    on_the_way = status in ("PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS")
    marker = f"[stuck:{status}]" if on_the_way else "" if status == "SUCCESS" else f"[fail:{status}]"
    music_task_id = caller.submitted(prompt=f"Rain {marker}")
    seen = []
    for _ in range(LIFETIME):
        seen.append(caller.record(music_task_id)["status"])
        caller.simulator.clock.advance(1)
    assert seen[0] == "PENDING"
    assert seen[-1] == status


@pytest.mark.parametrize("code", [400, 408, 413, 500, 501, 531])
def test_every_error_code_is_shown_and_refunded(caller, code):
    before = caller.credits()
    music_task_id = caller.submitted(prompt=f"Rain [fail:{code}]")
    assert caller.credits() == before - 12
    caller.simulator.clock.advance(LIFETIME)
    record = caller.record(music_task_id)
    assert record["errorCode"] == code
    assert record["errorMessage"]
    assert record["status"] == ("SENSITIVE_WORD_ERROR" if code == 400 else "GENERATE_AUDIO_FAILED")
    assert caller.credits() == before


def test_the_stages_of_a_song(caller):
    music_task_id = caller.submitted(
        customMode=True, instrumental=False, prompt="[Verse]\nLa la", style="folk, slow", title="Tin Roof"
    )
    assert set(caller.record(music_task_id)) == {"taskId", "param", "status", "type", "operationType", "createTime"}

    caller.simulator.clock.advance(30)
    record = caller.record(music_task_id)
    assert record["status"] == "TEXT_SUCCESS"
    first, second = record["response"]["sunoData"]
    assert first["id"] != second["id"]
    for track in (first, second):
        assert (track["audioUrl"], track["duration"], track["sourceAudioUrl"]) == ("", None, None)
        assert track["streamAudioUrl"].startswith(caller.simulator.url)
        assert track["imageUrl"].startswith(caller.simulator.url)
        assert (track["title"], track["tags"], track["prompt"]) == (
            "Tin Roof",
            "folk, slow",
            "[Verse]\nLa la",
        )
        assert track["modelName"] == "chirp-crow"
        assert 15_000 <= track["createTime"] - record["createTime"] <= 25_000

    caller.simulator.clock.advance(31)
    record = caller.record(music_task_id)
    assert record["status"] == "FIRST_SUCCESS"
    assert [bool(track["audioUrl"]) for track in record["response"]["sunoData"]] == [True, False]

    caller.simulator.clock.advance(70)
    record = caller.record(music_task_id)
    assert record["status"] == "SUCCESS"
    assert [track["id"] for track in record["response"]["sunoData"]] == [first["id"], second["id"]]
    assert all(6 <= track["duration"] <= 12 for track in record["response"]["sunoData"])


@pytest.mark.parametrize("created", [1_790_000_000.0, 1_790_000_000.987])
def test_when_a_song_and_its_tracks_were_made(caller, created):
    caller.simulator.clock.set(created)
    music_task_id = caller.submitted()
    life = caller.simulator.state.music_tasks[music_task_id].lifecycle
    caller.simulator.clock.advance(LIFETIME)
    record = caller.record(music_task_id)
    assert record["createTime"] == 1_790_000_000_000
    made = [track["createTime"] for track in record["response"]["sunoData"]]
    ready = [life.start_of("FIRST_SUCCESS"), life.start_of("SUCCESS")]
    assert made == pytest.approx([(created + age) * 1000 for age in ready], abs=1)
    assert all(51_000 <= moment - record["createTime"] <= 131_000 for moment in made)


def test_the_source_addresses_appear_with_each_track_s_audio(caller):
    music_task_id = caller.submitted()
    sources = ("sourceAudioUrl", "sourceStreamAudioUrl", "sourceImageUrl")
    created_at = caller.simulator.state.music_tasks[music_task_id].created_at
    for age, shown in ((30, [False, False]), (61, [True, False]), (131, [True, True])):
        caller.simulator.clock.set(created_at + age)
        tracks = caller.record(music_task_id)["response"]["sunoData"]
        assert [{bool(track[source]) for source in sources} for track in tracks] == [{each} for each in shown]
    for track in tracks:
        assert caller.media(track["sourceAudioUrl"]).content == caller.media(track["audioUrl"]).content
        assert caller.media(track["sourceImageUrl"]).content == caller.media(track["imageUrl"]).content
        assert track["id"] in track["sourceAudioUrl"]


def test_the_oddities_of_a_record(caller):
    now = caller.simulator.clock.now()
    record = caller.record(caller.submitted(prompt="Größe 🎵"))
    assert isinstance(record["param"], str)
    assert json.loads(record["param"])["prompt"] == "Größe 🎵"
    assert record["createTime"] == int(now * 1000)
    assert record["type"] == "chirp-crow"
    assert record["operationType"] == "generate"


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_tracks_can_be_set(caller, count):
    music_task_id = caller.submitted(prompt=f"Rain [tracks:{count}]")
    caller.simulator.clock.advance(LIFETIME)
    assert len(caller.record(music_task_id)["response"]["sunoData"]) == count


def test_an_unknown_music_task_is_null(caller):
    assert caller.record("0" * 32) is None


def test_a_hidden_music_task_is_null_at_first(caller):
    music_task_id = caller.submitted(prompt="Rain [hidden:7]")
    caller.simulator.clock.advance(6.9)
    assert caller.record(music_task_id) is None
    caller.simulator.clock.advance(0.2)
    assert caller.record(music_task_id)["status"] == "PENDING"


def test_a_status_outside_the_contract_can_be_shown_and_is_caught(caller):
    music_task_id = caller.submitted(prompt="Rain [status:DREAMING]")
    caller.simulator.clock.advance(30)
    with pytest.raises(AssertionError, match="DREAMING"):
        caller.record(music_task_id)
    caller.simulator.clock.advance(LIFETIME)
    assert caller.record(music_task_id)["status"] == "SUCCESS"


def test_credits_are_charged_until_they_run_out(caller):
    caller.simulator.state.credits = 25
    caller.submitted()
    caller.submitted()
    reply = caller.generate()
    assert (reply["code"], reply["data"]) == (402, None)
    assert "insufficient" in reply["msg"]
    assert caller.credits() == 1


def test_balances_are_fractions(caller):
    assert caller.credits() == 500.25
    caller.submitted()
    assert caller.credits() == 488.25


def _persona_fields(caller, **changes):
    music_task_id = caller.submitted(prompt=changes.pop("prompt", "Rain"))
    caller.simulator.clock.advance(changes.pop("age", LIFETIME))
    audio_id = caller.simulator.state.music_tasks[music_task_id].audio_ids[0]
    return {"taskId": music_task_id, "audioId": audio_id, "name": "Rain", "description": "Soft"} | changes


def test_a_persona_is_made_once_per_track_and_can_be_used(caller):
    fields = _persona_fields(caller)
    before = caller.credits()
    reply = caller.persona(**fields)
    assert reply["code"] == 200
    persona_id = reply["data"].pop("personaId")
    assert reply["data"] == {"name": "Rain", "description": "Soft"}
    assert caller.credits() == before

    again = caller.persona(**fields | {"name": "Another"})
    assert (again["code"], again["data"]) == (409, None)

    sung = {"customMode": True, "style": "folk", "title": "Again", "personaId": persona_id}
    assert caller.generate(**sung)["code"] == 200
    assert caller.generate(**sung | {"personaId": "f" * 32})["code"] == 422


def test_each_track_has_a_persona_of_its_own(caller):
    fields = _persona_fields(caller)
    other = caller.simulator.state.music_tasks[fields["taskId"]].audio_ids[1]
    ids = {
        caller.persona(**fields | {"audioId": audio_id})["data"]["personaId"] for audio_id in (fields["audioId"], other)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"age": 0}, 422),
        ({"age": 61}, 422),
        ({"prompt": "[fail:GENERATE_AUDIO_FAILED]"}, 422),
        ({"prompt": "[fail:CALLBACK_EXCEPTION:no-audio]"}, 422),
        ({"prompt": "[fail:CALLBACK_EXCEPTION]"}, 200),
        ({"taskId": "0" * 32}, 404),
        ({"audioId": "nothing"}, 404),
        ({"name": " "}, 422),
        ({"description": ""}, 422),
        # Apikley knows nothing of a window, so it does not mind one.
        ({"vocalStart": 5, "vocalEnd": "never", "style": 7}, 200),
    ],
)
def test_persona_refusals(caller, changes, code):
    assert caller.persona(**_persona_fields(caller, **changes))["code"] == code


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": None}, 200, 401),
        ({"Authorization": "Bearer wrong"}, 200, 401),
        ({"Authorization": "sim-key"}, 200, 401),
        ({"User-Agent": "Python-urllib/3.11"}, 403, None),
    ],
)
def test_refused_callers(caller, method, path, headers, status, code):
    caller.play(_seller(method, path))
    response = caller.call(method, path, headers=headers)
    assert response.status_code == (401 if code and caller.contract.uploads(path) else status)
    assert (response.json()["code"] if code else response.text) == (code or "error code: 1010")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("status", [401, 429, 500])
def test_refusals_that_show_in_the_http_status(caller, method, path, status):
    caller.play(_seller(method, path))
    caller.order("status", path=f"*{path}", http_status=status)
    response = caller.call(method, path)
    assert (response.status_code, response.json()["code"]) == (status, status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"prompt": NaN}',
        b'{"styleWeight": 1e999}',
        b'{"a": "\\ud800"}',
        b"\xff",
        b"[" * 99999,
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/generate", "/api/v1/generate/generate-persona"])
def test_a_body_that_is_no_json_object(caller, path, body):
    reply = caller.call("POST", path, data=body).json()
    assert (reply["code"], reply["msg"]) == (422, "The request body must be a JSON object")


@pytest.mark.parametrize(
    ("path", "fields", "msg"),
    [
        ("/api/v1/generate", {"prompt": "x" * 9999}, "Please enter callBackUrl."),
        ("/api/v1/generate", {"callBackUrl": "http://127.0.0.1:1/x"}, "customMode cannot be null"),
        ("/api/v1/generate", {"callBackUrl": "x", "customMode": None}, "customMode cannot be null"),
        (
            "/api/v1/generate",
            {"callBackUrl": "x", "customMode": True, "instrumental": None},
            "instrumental cannot be null",
        ),
    ],
)
def test_the_words_of_a_refusal(caller, path, fields, msg):
    reply = caller.call("POST", path, json=fields).json()
    assert reply == {"code": 422, "msg": msg, "data": None}


@pytest.mark.parametrize(
    ("path", "name", "msg"),
    [
        ("/api/v1/generate", "callBackUrl", "Please enter callBackUrl."),
        *(("/api/v1/generate", name, f"{name} cannot be null") for name in ("customMode", "instrumental", "model")),
        *(
            ("/api/v1/generate/generate-persona", name, f"{name} cannot be empty")
            for name in ("taskId", "audioId", "name", "description")
        ),
    ],
)
@pytest.mark.parametrize("null", [True, False])
def test_null_is_answered_like_an_absent_field(caller, path, name, msg, null):
    persona = {"taskId": "t", "audioId": "a", "name": "N", "description": "D"}
    fields = persona if path.endswith("persona") else SIMPLE
    fields = {field: value for field, value in fields.items() if field != name} | ({name: None} if null else {})
    assert caller.call("POST", path, json=fields).json()["msg"] == msg


def test_fields_of_the_wrong_type_are_named_in_the_refusal(caller):
    assert caller.generate(prompt=5, customMode="true", mood=5)["msg"] == "wrong JSON type: customMode, prompt"


def test_a_length_is_named_in_the_refusal(caller):
    custom = {"customMode": True, "title": "T", "model": "V4"}
    assert "cannot exceed 200 characters for model V4" in caller.generate(**custom, style="x" * 201)["msg"]
    assert (
        "cannot exceed 3000 characters for model V4" in caller.generate(**custom, style="x", prompt="x" * 3001)["msg"]
    )
    assert "cannot exceed 500 characters" in caller.generate(prompt="x" * 501)["msg"]


def test_a_record_needs_an_id(caller):
    assert caller.call("GET", "/api/v1/generate/record-info").json()["code"] == 422


def test_unknown_fields_are_ignored(caller):
    assert caller.generate(mood="blue", taskId=7, extras={"deep": [1]})["code"] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/nothing"),
        ("GET", "/api/v1/generate/credit"),
        ("GET", "/api/v1/wav/nothing"),
        ("POST", "/api/file-base64-upload"),
        ("POST", "/file-upload/api/v1/generate"),
    ],
)
def test_unknown_paths_are_404(caller, method, path):
    response = caller.session.request(method, caller.simulator.url + path, headers=caller.headers, timeout=10)
    assert response.status_code == 404
    assert response.json() == {"code": 404, "msg": "No such resource", "data": None}
