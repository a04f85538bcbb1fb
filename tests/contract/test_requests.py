"""Generated requests: the simulator and the contract file must accept the same ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_suno.simulator.state.submissions import seed_music
from tests.support.contract import OTHER_SUBMISSIONS

_MODEL = {"model": "V5", "callBackUrl": "http://x.invalid"}
_OWN = {"style": "folk", "title": "Rain"}
_MORE = {"negativeTags": "drums", "vocalGender": "f"}
_UPLOAD = {"uploadUrl": "http://files.example/a.wav"}
# Accepted requests of every mode, by the path they go to and the schema they meet there.
BASES: list[tuple[str, str, dict[str, Any]]] = [
    ("", "GenerateRequest", {"customMode": False, "instrumental": False, "prompt": "Rain", **_MORE, **_MODEL}),
    ("", "GenerateRequest", {"customMode": True, "instrumental": True, "style": "folk", **_MODEL}),
    ("", "GenerateRequest", {"customMode": True, "instrumental": True, "title": "Rain", **_MODEL}),
    ("", "GenerateRequest", {"customMode": True, "instrumental": True, **_OWN, **_MODEL, "model": "V4"}),
    ("", "GenerateRequest", {"customMode": True, "instrumental": False, "prompt": "La", **_OWN, **_MODEL}),
    ("/extend", "ExtendRequest", {"defaultParamFlag": False, "audioId": "a", **_MODEL}),
    (
        "/extend",
        "ExtendRequest",
        {"defaultParamFlag": True, "audioId": "a", "prompt": "La", "continueAt": 9.5, **_OWN, **_MODEL, "model": "V4"},
    ),
    (
        "/upload-cover",
        "UploadCoverRequest",
        {"customMode": False, "instrumental": True, "prompt": "Rain", **_UPLOAD, **_MODEL},
    ),
    (
        "/upload-cover",
        "UploadCoverRequest",
        {"customMode": True, "instrumental": True, **_OWN, **_UPLOAD, **_MODEL, "model": "V4_5ALL"},
    ),
    (
        "/upload-cover",
        "UploadCoverRequest",
        {"customMode": True, "instrumental": False, "prompt": "La", **_OWN, **_UPLOAD, **_MODEL},
    ),
    (
        "/upload-extend",
        "UploadExtendRequest",
        {"defaultParamFlag": False, "instrumental": False, "continueAt": 9, **_UPLOAD, **_MODEL},
    ),
    (
        "/upload-extend",
        "UploadExtendRequest",
        {"defaultParamFlag": True, "instrumental": True, "continueAt": 9, **_OWN, **_UPLOAD, **_MODEL, "model": "V4"},
    ),
    (
        "/upload-extend",
        "UploadExtendRequest",
        {"defaultParamFlag": True, "instrumental": False, "continueAt": 9, "prompt": "La"} | _OWN | _UPLOAD | _MODEL,
    ),
    (
        "/upload-extend",
        "UploadExtendRequest",
        {"defaultParamFlag": True, "instrumental": False, "continueAt": 9, "prompt": "La"} | _UPLOAD | _MODEL,
    ),
    *(
        (f"/{call}", schema, OTHER_SUBMISSIONS[call])
        for call, schema in (
            ("add-instrumental", "AddInstrumentalRequest"),
            ("add-vocals", "AddVocalsRequest"),
            ("replace-section", "ReplaceSectionRequest"),
            ("mashup", "MashupRequest"),
            ("sounds", "SoundsRequest"),
        )
    ),
    (
        "/mashup",
        "MashupRequest",
        {"customMode": False, "prompt": "Rain", "uploadUrlList": ["http://files.example/a.wav"] * 2, **_MODEL},
    ),
]
FIRST_BASES = list({path: (path, schema, base) for path, schema, base in reversed(BASES)}.values())
LATER_BASES = BASES[-6:]
"""Those of the calls that differ more between resellers: each is asked for everything everywhere."""

ABSENT = object()
NONSENSE: list[Any] = [ABSENT, None, "", "  ", 0, 1, True, False, 0.5, [], {}, ["x"], "x"]
FLAGS: list[Any] = [True, False, "true"]
WEIGHTS: list[Any] = [0, 1, 0.01, 0.99, 1.0, 0.65, 1.01, -0.01, 0.655, 0.001, "0.5", 10**30, -0.0]


def _texts(*lengths: int) -> list[str]:
    return ["x" * length for length in lengths]


VALUES: dict[str, list[Any]] = {
    "customMode": FLAGS,
    "defaultParamFlag": FLAGS,
    "taskId": ["3b1f0a6c"],
    "audioId": ["0c5b8d2e"],
    "uploadUrlList": [["nowhere"] * 2, ["nowhere"], ["nowhere"] * 3, ["nowhere", " "], ["nowhere", 5]],
    "tags": [*_texts(1000, 1001)],
    "fullLyrics": [*_texts(6000)],
    "infillStartS": [0, 6, 6.05, 6.055, 10.5, 10.51, -1, "6"],
    "infillEndS": [12.5, 12.49, 16.5, 16.49, 66.5, 66.51, 16.555, 6, 10**30],
    "soundLoop": FLAGS,
    "grabLyrics": FLAGS,
    "soundTempo": [1, 300, 301, 90.0, 90.5, "90"],
    "soundKey": ["Any", "C#m", "c", "Hm"],
    "uploadUrl": ["http://files.invalid/a.wav", "nowhere"],
    "continueAt": [9, 0.001, 479.99, 10**9, -0.0, -3, "9"],
    "instrumental": FLAGS,
    "model": ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V3_5", "v5", " V5"],
    "callBackUrl": ["https://x.invalid", "http://127.0.0.1:1", "nowhere"],
    "prompt": [*_texts(500, 501, 3000, 3001, 5000, 5001), "🎵" * 500, " " * 501],
    "style": [*_texts(200, 201, 1000, 1001), "🎵" * 200],
    "title": [*_texts(80, 81, 100, 101), "é" * 80],
    "negativeTags": _texts(1, 200, 201, 1000, 1001),
    "vocalGender": ["m", "f", "M", "male"],
    "personaModel": ["style_persona", "voice_persona", "persona"],
    "styleWeight": WEIGHTS,
    "weirdnessConstraint": WEIGHTS,
    "audioWeight": WEIGHTS,
    "variety": [0, 4, 5, -1, 2.0, 2.5],
    "duration": [10, 360, 9, 361, 30.0, 30.5, "30"],
    "lyrics": _texts(5000, 5001),
    "imageUrls": [["x"] * 5, ["x"] * 6, [5]],
    "videoUrls": [["x"], ["x"] * 2],
    "audioUrls": [["x"] * 10, ["x"] * 11],
    # The contract cannot know which personas there are; blanks count as none.
    "personaId": [" "],
    "somethingElse": ["x"],
}

# Fields with another meaning there.
ELSEWHERE = {
    *("variety", "duration", "lyrics", "imageUrls", "videoUrls", "audioUrls"),
    *("model", "customMode", "prompt", "personaModel", "instrumental"),
    *("taskId", "audioId", "uploadUrl", "infillEndS", "fullLyrics"),
}


def _with(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in {**base, **changes}.items() if value is not ABSENT}


def _values(field: str) -> list[Any]:
    known = [value for value in NONSENSE if not (field == "personaId" and value == "x")]
    return VALUES[field] + known


def _agree(caller: Any, path: str, schema: str, fields: dict[str, Any]) -> bool:
    """Check that both agree, and return the simulator's answer."""
    host = caller.simulator.state.profile.name
    problems = caller.contract.request_problems(schema, fields, host)
    reply = caller.call("POST", f"/api/v1/generate{path}", json=fields).json()
    expected = caller.contract.refusals(host) if problems else {200}
    assert reply["code"] in expected, f"{path} {str(fields)[:400]}\ncontract: {problems}\nsimulator: {reply}"
    return reply["code"] == 200


def _asked_for_nonsense(path: str, schema: str, base: dict[str, Any], field: str, host: str) -> bool:
    """Return whether the field is tried with nonsense here: that is nonsense in every mode and at every host."""
    mode = (path, schema, base)
    return mode in FIRST_BASES and host == ("kie" if mode in LATER_BASES or field in ELSEWHERE else "apikley")


@pytest.mark.parametrize(("path", "schema", "base"), BASES, ids=lambda part: part if isinstance(part, str) else "")
@pytest.mark.parametrize("host", ["apikley", "kie", "sunoapi"])
def test_every_field_with_every_value_in_every_mode(caller, path, schema, base, host):
    caller.play(host)
    described = {*caller.contract.schema(schema)["properties"], "somethingElse"}
    fields = VALUES.keys() & described
    if (path, schema, base) not in LATER_BASES:
        fields &= VALUES.keys() - ELSEWHERE | {"model", "customMode"} if host == "apikley" else ELSEWHERE
    caller.simulator.state.credits = 10**9
    assert _agree(caller, path, schema, base)
    verdicts = [
        _agree(caller, path, schema, _with(base, {field: value}))
        for field in sorted(fields)
        for value in (_values(field) if _asked_for_nonsense(path, schema, base, field, host) else VALUES[field])
    ]
    assert min(verdicts.count(True), verdicts.count(False)) > 2


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from(BASES),
    changes=st.dictionaries(st.sampled_from(list(VALUES)), st.integers(0, 99), min_size=2, max_size=4),
)
@example(base=BASES[0], changes={"customMode": 0, "style": 1})
def test_several_changes_at_once(caller, base, changes):
    caller.simulator.state.credits = 10**9
    path, schema, fields = base
    picked = {field: _values(field)[number % len(_values(field))] for field, number in changes.items()}
    _agree(caller, path, schema, _with(fields, picked))


PERSONA_VALUES: dict[str, list[Any]] = {
    "taskId": [],
    "audioId": [],
    "name": ["x" * 2000],
    "description": ["x" * 2000],
    "style": ["x" * 2000],
    "vocalStart": [0, 5, 20, 20.01, -0.01, -1, 30, 1e300],
    "vocalEnd": [0, 9.99, 10, 30, 30.01, 40, -5],
    "somethingElse": ["x"],
}


def _persona_verdict(caller: Any, changes: dict[str, Any]) -> bool:
    state = caller.simulator.state
    task = seed_music(state, {"model": "V5"}, "SUCCESS", now=caller.simulator.clock.now())
    known = {"taskId": task.music_task_id, "audioId": task.audio_ids[0], "name": "N", "description": "D"}
    fields = _with(known, changes)
    problems = caller.contract.request_problems("GeneratePersonaRequest", fields, state.profile.name)
    reply = caller.persona(**fields)
    assert reply["code"] == (422 if problems else 200), f"{fields}\ncontract: {problems}\nsimulator: {reply}"
    return reply["code"] == 200


@pytest.mark.parametrize("host", ["apikley", "kie", "sunoapi"])
def test_every_field_of_a_persona(caller, host):
    caller.play(host)
    verdicts = [
        _persona_verdict(caller, {field: value})
        for field, values in PERSONA_VALUES.items()
        # Whether a text names something that exists is beyond the contract file.
        for value in [*values, *(v for v in NONSENSE if field not in ("taskId", "audioId") or v != "x")]
    ]
    assert verdicts.count(True) > 20
    assert verdicts.count(False) > 20


@pytest.mark.parametrize("start", PERSONA_VALUES["vocalStart"])
@pytest.mark.parametrize("end", PERSONA_VALUES["vocalEnd"])
def test_every_window_of_a_persona(caller, start, end):
    caller.play("kie")
    _persona_verdict(caller, {"vocalStart": start, "vocalEnd": end})


FOLDER_NAMES = ["a", "a/b", "/a", "a/", "a//b", "..", "a/../b", ".", "...", "a/.b", " a ", "é/ü"]
FILE_NAMES = ["tune.wav", "a/b.wav", "..", ".", "...", "/", "é.wav", " "]
GOOD_DATA = [" aGVsbG8= ", "data:audio/wav;base64,aGVsbG8=", "aGVs\nbG8=", "data:;base64,", "data:a/b;base64;c=d,aGk="]
BAD_DATA = ["aGVsbG8", "aGVsbG8==", "a", "====", "aGk=aGk=", "aG-_", "data:audio/wav,aGVsbG8=", "data:a/b;base64"]


def _upload_verdict(caller: Any, kind: str, fields: dict[str, Any]) -> bool:
    schema = {"base64": "UploadBase64Request", "stream": "UploadStreamRequest", "url": "UploadUrlRequest"}[kind]
    problems = caller.contract.request_problems(schema, fields)
    if kind == "stream":
        texts = {name: value for name, value in fields.items() if name != "file"}
        sent = {"files": {"file": b"x"} if "file" in fields else {"other": b"x"}, "data": texts}
    else:
        sent = {"json": fields}
    reply = caller.upload(kind, **sent)
    assert reply.status_code == reply.json()["code"] == (400 if problems else 200), f"{fields} {problems} {reply.text}"
    return not problems


@pytest.mark.parametrize("kind", ["base64", "stream", "url"])
def test_every_field_of_an_upload(caller, kind):
    there = f"{caller.simulator.url}/_sim/clock"
    own: dict[str, dict[str, Any]] = {
        "base64": {"base64Data": GOOD_DATA + BAD_DATA},
        "stream": {"file": []},
        "url": {"fileUrl": [there, "ftp://x", "nowhere"]},
    }
    values = {**own[kind], "uploadPath": FOLDER_NAMES, "fileName": FILE_NAMES}
    base = {"base64": {"base64Data": "aGk="}, "stream": {"file": "x"}, "url": {"fileUrl": there}}[kind]
    nonsense = [ABSENT, "", "  "] if kind == "stream" else NONSENSE
    verdicts = [
        _upload_verdict(caller, kind, _with({**base, "uploadPath": "a"}, {field: value}))
        for field in values
        for value in [*values[field], *(nonsense if field != "file" else [ABSENT])]
    ]
    assert verdicts.count(True) > 10
    assert verdicts.count(False) > 10


@pytest.mark.parametrize("name", ["fail", "fail:GENERATE_AUDIO_FAILED", "tracks", "seconds", "hidden", "audio:null"])
@pytest.mark.parametrize("number", ["²", "9" * 4400], ids=["a digit that is no number", "too many digits"])
def test_a_directive_with_a_number_that_cannot_be_read_breaks_nothing(caller, name, number):
    song = caller.submitted(customMode=True, style="folk", prompt=f"Rain [{name}:{number}]")
    caller.simulator.clock.set(caller.simulator.state.music_tasks[song].created_at + 500)
    caller.told(song)
