"""
What schemathesis does beside generating requests. It loads this file in its own environment, without the project.

Generated ids name nothing, so nearly every request would be refused. Most are therefore given ids of jobs that exist.
Of those that the schema allows, some are given what makes a job fail, too.
"""

from __future__ import annotations

import atexit
import json
import os
import random
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import requests
import schemathesis

SIMULATOR = os.environ["SUNO_SIMULATOR"]
KEY = os.environ["SUNO_KEY"]
HOST = os.environ["SUNO_HOST"]
CONTRACT = json.loads(Path(os.environ["SUNO_CONTRACT"]).read_text())
DICE = random.Random(os.environ["SUNO_SEED"])
JOBS: dict[str, list[str]] = defaultdict(list)
"""The jobs that were submitted, by the first part of the path of their calls."""

ACCEPTED: Counter[str] = Counter()
"""The requests that were accepted, by call. The service's ledger has those of this file, too."""

PERSONAS: list[str] = []
SONGS: list[dict[str, Any]] = []
SESSION = requests.Session()
SESSION.trust_env = False

NOTHING_THERE = "http://127.0.0.1:1/nothing"
_FAILED = "GENERATE_AUDIO_FAILED"
DIRECTIVES = (
    "[fail]",
    "[fail:413]",
    "[fail:SENSITIVE_WORD_ERROR]",
    f"[fail:{_FAILED}:one-track]",
    f"[fail:{_FAILED}:in-response]",
    "[fail:CALLBACK_EXCEPTION]",
    "[fail:CALLBACK_EXCEPTION:no-audio]",
    "[stuck]",
    "[stuck:PENDING]",
    "[stuck:FIRST_SUCCESS]",
    "[tracks:1]",
    "[tracks:4]",
    "[seconds:400]",
    "[hidden:100000]",
)
FAILURES: dict[str, tuple[str | int, ...]] = {
    "wav": ("CREATE_TASK_FAILED", "GENERATE_WAV_FAILED", "CALLBACK_EXCEPTION"),
    "stems": ("CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "CALLBACK_EXCEPTION"),
    "midi": (2, 3),
    "lyrics": ("CREATE_TASK_FAILED", "GENERATE_LYRICS_FAILED", "SENSITIVE_WORD_ERROR", "CALLBACK_EXCEPTION"),
    "video": ("CREATE_TASK_FAILED", "GENERATE_MP4_FAILED"),
    "cover_art": (3,),
    "voice_phrase": ("processing_validate_fail",),
    "voice": ("fail",),
    "recovery": (500,),
}
"""How the jobs of a kind can fail."""

OF_TRACKS = ("/wav/generate", "/vocal-removal/generate", "/mp4/generate", "-persona", "-lyrics", "/replace-section")
"""How the paths end of the calls that name a track by two ids."""


@atexit.register
def _write_accepted() -> None:
    Path(os.environ["SUNO_ACCEPTED"]).write_text(json.dumps(ACCEPTED))


@schemathesis.check
def what_the_schema_forbids_is_refused(_ctx: Any, response: Any, case: Any) -> None:
    """Fail if the envelope accepts what the schema forbids. Its HTTP status is 200 either way."""
    if response.status_code != 200 or response.json()["code"] != 200:
        return
    described = CONTRACT["paths"][case.operation.path][case.method.lower()]
    missing = {field["name"] for field in described.get("parameters", ())} - (case.query or {}).keys()
    assert not missing, f"accepted without {missing}"
    if "application/json" in described.get("requestBody", {"content": ()})["content"]:
        name = _schema_name(case.operation)
        problems = [error.message for error in _validator(name).iter_errors(case.body)]
        assert not problems, f"accepted, although {name} forbids it: {problems}"


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    # Like the rest of the contract's tests, it takes a format such as uri for a remark.
    whole = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=False)


@schemathesis.hook
def before_call(_ctx: Any, case: Any, _kwargs: Any) -> None:
    """Name what exists, and let a request that the schema allows follow the rules beyond the schema, too."""
    body = case.body if isinstance(case.body, dict) else {}
    fetched = body.get("fileUrl")
    if isinstance(fetched, str) and SIMULATOR not in fetched:
        # Addresses of other machines are left alone.
        body["fileUrl"] = NOTHING_THERE
    if DICE.random() < 0.15:
        return
    if case.method == "GET":
        if case.meta.generation.mode.is_positive:
            _name_a_job(case)
    elif body:
        # Also where the schema forbids the request, which then has one fault less.
        _name_sources(body, case.operation.path)
        if case.meta.generation.mode.is_positive:
            _follow_rules(body, case.operation)
            _plan_an_end(body, case.operation.path)


@schemathesis.hook
def after_call(_ctx: Any, case: Any, response: Any) -> None:
    """Remember the jobs and personas that were made."""
    try:
        code, data = response.json()["code"], response.json()["data"]
    except (ValueError, LookupError, TypeError):
        return
    if response.status_code == 200 and code == 200:
        ACCEPTED[f"{case.method} {case.operation.path}"] += 1
    if case.method == "POST" and isinstance(data, dict):
        job = data.get("taskId", data.get("task_id"))
        if job:
            JOBS[_family(case.operation.path)].append(job)
        if "personaId" in data:
            PERSONAS.append(data["personaId"])


def _family(path: str) -> str:
    """Return what the calls have in common that submit and read the jobs of a kind."""
    if path.startswith("/api/v1/voice/"):
        return "voice" if path.endswith(("/voice/generate", "/record-info", "/check-voice")) else "phrase"
    return "/".join(path.split("/")[3:5]) if path.startswith("/api/v1/suno/") else path.split("/")[3]


def _name_a_job(case: Any) -> None:
    family = _family(case.operation.path)
    jobs = JOBS[family]
    for name in case.query or {}:
        if jobs:
            case.query[name] = jobs[-1] if DICE.random() < 0.5 else DICE.choice(jobs)
        elif family == "generate":
            case.query[name] = _song()["music_task_id"]


def _follow_rules(body: dict[str, Any], operation: Any) -> None:
    """Change a request so that the rules hold which are beyond JSON Schema."""
    for rule in _conditional_rules(operation):
        if not _applies(rule, body):
            continue
        for name in rule.get("forbidden", ()):
            body.pop(name, None)
        for name in (*rule.get("required", ()), *rule.get("required-any", ())[:1]):
            body[name] = body.get(name) or (30 if name == "continueAt" else "Rain on a tin roof")
    for later, sooner in {"infillEndS": "infillStartS", "vocalEndS": "vocalStartS", "vocalEnd": "vocalStart"}.items():
        if later in body:
            body[sooner], body[later] = 10, 25
    if "uploadUrlList" in body:
        body["uploadUrlList"] = [_audio_url(), _audio_url()]
    if "continueAt" in body:
        body["continueAt"] = DICE.choice([0.5, 30, 45.25])
    for name, longest in {"prompt": 200, "style": 200, "title": 80}.items():
        if isinstance(body.get(name), str):
            body[name] = body[name][:longest].strip() or "Rain"


def _conditional_rules(operation: Any) -> list[dict[str, Any]]:
    schema = CONTRACT["components"]["schemas"][_schema_name(operation)]
    rules: list[dict[str, Any]] = schema.get("x-conditional-rules", [])
    return rules


def _schema_name(operation: Any) -> str:
    """Return which schema describes the body of a call."""
    content = CONTRACT["paths"][operation.path]["post"]["requestBody"]["content"]
    reference: str = next(iter(content.values()))["schema"]["$ref"]
    return reference.rpartition("/")[2]


def _applies(rule: dict[str, Any], body: dict[str, Any]) -> bool:
    return (
        HOST in rule.get("hosts", [HOST])
        and all(body.get(name) == value for name, value in rule.get("when", {}).items())
        and not any(body.get(name) == value for name, value in rule.get("unless", {}).items())
        and all(body.get(name) for name in rule.get("when-given", ()))
        and not any(body.get(name) for name in rule.get("when-missing", ()))
    )


def _name_sources(body: dict[str, Any], path: str) -> None:
    """Name songs, jobs and addresses that exist, in the place of the texts that were generated for them."""
    texts = {name for name, value in body.items() if isinstance(value, str) and value.strip()}
    named: dict[str, Any] = {}
    if path.endswith(OF_TRACKS):
        song = _song()
        named = {"taskId": song["music_task_id"], "audioId": DICE.choice(song["audio_ids"])}
    elif path.endswith("/cover/generate"):
        named = {"taskId": _song()["music_task_id"]}
    elif path.endswith("/suno/recovery"):
        named = {"sunoTaskId": _song()["music_task_id"]}
    elif path.endswith("/extend"):
        model = body.get("model")
        named = {"audioId": DICE.choice(_song(model=model if isinstance(model, str) else None)["audio_ids"])}
    elif path.endswith("/midi/generate") and JOBS["vocal-removal"]:
        named = {"taskId": DICE.choice(JOBS["vocal-removal"])}
        body.pop("audioId", None)
    elif path.endswith(("/voice/generate", "/voice/regenerate")) and JOBS["phrase"]:
        named = {"taskId": JOBS["phrase"][-1]}
    elif path.endswith("/check-voice") and JOBS["voice"]:
        named = {"task_id": DICE.choice(JOBS["voice"])}
    if PERSONAS:
        named["personaId"] = DICE.choice(PERSONAS)
    for name in texts & {"uploadUrl", "audioUrl", "voiceUrl", "verifyUrl", "fileUrl", "url"}:
        named[name] = _audio_url()
    body.update({name: value for name, value in named.items() if name in texts})


def _plan_an_end(body: dict[str, Any], path: str) -> None:
    """Let some jobs fail, hang, or end without a result."""
    if DICE.random() < 0.4:
        for name in {"prompt", "tags", "content"} & body.keys():
            body[name] = f"Rain {DICE.choice(DIRECTIVES)}"
    if DICE.random() < 0.1 and "generate" in path:
        kind = DICE.choice(list(FAILURES))
        ends: list[dict[str, Any]] = [{"fail": failure} for failure in FAILURES[kind]]
        ends += [{"stuck": True}, {"empty": True}, {"fail": FAILURES[kind][0], "code": None}]
        _control("orders", kind=kind, **DICE.choice(ends))


def _song(**fields: Any) -> dict[str, Any]:
    """Return a finished song: often a new one, else one that may have been used."""
    if not SONGS or DICE.random() < 0.6 or fields:
        given = {name: value for name, value in fields.items() if value}
        # Longer than usual, so that a section of it can be replaced.
        SONGS.append(_control("tasks", prompt="[seconds:60]", **given))
    return DICE.choice(SONGS[-5:]) if not fields else SONGS[-1]


def _audio_url() -> str:
    """Return the address of a file that the simulator serves."""
    record = SESSION.get(
        f"{SIMULATOR}/api/v1/generate/record-info",
        params={"taskId": _song()["music_task_id"]},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=10,
    )
    url: str = record.json()["data"]["response"]["sunoData"][0]["audioUrl"]
    return url


def _control(path: str, **body: Any) -> dict[str, Any]:
    response = SESSION.post(f"{SIMULATOR}/_sim/{path}", json=body, timeout=10)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
