"""The contract file as an oracle, and a caller whose every reply is held against it."""

from __future__ import annotations

import json
import math
import re
import struct
import time
from collections.abc import Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import requests
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from airflow_provider_suno.simulator import RunningSimulator

CONTRACT_FILE = Path(__file__).parents[2] / "docs" / "suno-openapi.yaml"
BASE_URI = "urn:suno"
USER_AGENT = "contract-tests/1"
START = 1_790_000_000.0


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return HTTP method and path of every call in the file."""
    return [
        (method.upper(), path) for path, item in document["paths"].items() for method in item if method != "servers"
    ]


class Contract:
    """What ``docs/suno-openapi.yaml`` allows, the parts beyond JSON Schema included."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        resource = DRAFT202012.create_resource(document)
        self._registry = Registry().with_resource(BASE_URI, resource)
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}

    def operations(self) -> list[tuple[str, str]]:
        return operations(self.document)

    def uploads(self, path: str) -> bool:
        """Return whether a call lives where the resellers take uploads."""
        return "servers" in self.document["paths"][path]

    def schema(self, name: str) -> dict[str, Any]:
        return self.document["components"]["schemas"][name]

    def problems(self, pointer: str, value: Any) -> list[str]:
        """Return what is wrong with a value by the schema at a JSON pointer into the file."""
        if pointer not in self._validators:
            self._validators[pointer] = jsonschema.Draft202012Validator(
                {"$ref": f"{BASE_URI}#{pointer}"}, registry=self._registry
            )
        return [f"{error.json_path}: {error.message}" for error in self._validators[pointer].iter_errors(value)]

    def reply_problems(self, method: str, path: str, response: requests.Response) -> list[str]:
        """Return what is wrong with a reply: its status, its content type, its body."""
        pointer = f"/paths/{path.replace('/', '~1')}/{method.lower()}/responses"
        declared = self.document["paths"][path][method.lower()]["responses"]
        status = str(response.status_code)
        if status not in declared:
            return [f"HTTP status {status} is not in the contract"]
        answer = declared[status]
        pointer += f"/{status}"
        if "$ref" in answer:
            pointer = answer["$ref"].removeprefix("#")
            answer = self.document["components"]["responses"][pointer.rpartition("/")[2]]
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if media_type not in answer["content"]:
            return [f"content type {media_type!r} is not in the contract"]
        try:
            value = response.json() if media_type == "application/json" else response.text
        except ValueError:
            return ["the body is not JSON"]
        return self.problems(f"{pointer}/content/{media_type.replace('/', '~1')}/schema", value)

    def request_problems(self, name: str, fields: Mapping[str, Any], host: str = "apikley") -> list[str]:
        """Return what is wrong with a request's fields by a schema and by the extensions on it."""
        schema = self.schema(name)
        elsewhere = {
            field
            for field, subschema in schema["properties"].items()
            if host not in subschema.get("x-hosts", self._resolved(subschema).get("x-hosts", [host]))
        }
        fields = {field: value for field, value in fields.items() if field not in elsewhere}
        problems = self.problems(f"/components/schemas/{name}", fields)
        if problems:
            return problems
        if (
            "model" in schema["properties"]
            and fields.get("model", "V5") not in (self.schema("ModelName")["x-models-by-host"][host])
        ):
            return [f"{host} does not sell this model"]
        for rule in schema.get("x-conditional-rules", ()):
            if applies(rule, fields, host):
                wanted = rule.get("required-any", ())
                if wanted and not any(given(fields, field) for field in wanted):
                    problems.append(f"one of {', '.join(wanted)} is missing")
                problems += [f"{field} is missing" for field in rule.get("required", ()) if not given(fields, field)]
                problems += [f"{field} is forbidden" for field in rule.get("forbidden", ()) if given(fields, field)]
        for field, subschema in schema["properties"].items():
            if field in fields:
                problems += self._beyond_schema(field, self._resolved(subschema), fields, schema["properties"])
                problems += _host_problems(field, self._resolved(subschema), fields[field], host)
                known = {**subschema, **self._resolved(subschema)}
                if host in known.get("x-custom-mode-only", ()) and fields["customMode"] is not True:
                    problems.append(f"{field} is for custom mode")
        together = schema.get("x-most-together", {"fields": (), "most": 0})
        if sum(len(fields.get(field, ())) for field in together["fields"]) > together["most"]:
            problems.append(f"more than {together['most']} are attached")
        for field, other in schema.get("x-greater", {}).items():
            problems += [] if fields[field] > fields[other] else [f"{field} is not greater than {other}"]
        if "x-window" in schema:
            problems += self._window_problems(schema, fields, host)
        return problems

    def refusals(self, host: str) -> set[int]:
        """Return the codes by which a reseller refuses a field."""
        return {422, self.document["x-host-profiles"][host]["tooLong"]["code"]}

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self.schema(schema["$ref"].rpartition("/")[2]) if "$ref" in schema else schema

    def _beyond_schema(
        self, field: str, schema: dict[str, Any], fields: Mapping[str, Any], known: Mapping[str, Any]
    ) -> list[str]:
        problems = []
        limit = schema.get("x-max-length-by-model", {}).get(fields.get("model"))
        if "customMode" in known and fields.get("customMode") is False:
            limit = schema.get("x-max-length-simple-mode", limit)
            limit = schema.get("x-max-length-simple-mode-by-model", {}).get(fields["model"], limit)
        if limit is not None and len(fields[field]) > limit:
            problems.append(f"{field} is longer than {limit}")
        if fields.get("model") not in schema.get("x-models", [fields.get("model")]):
            problems.append(f"{field} is not for this model")
        by_value = schema.get("x-models-by-value", {})
        if by_value and "model" in fields and fields["model"] not in by_value.get(fields[field], [fields["model"]]):
            problems.append(f"this {field} is not for this model")
        exponent = Decimal(str(fields[field])).normalize().as_tuple().exponent if "x-decimals" in schema else 0
        if isinstance(exponent, int) and -exponent > schema.get("x-decimals", 0):
            problems.append(f"{field} has too many decimals")
        return problems

    def window(self, schema: dict[str, Any], host: str) -> dict[str, Any]:
        """Return which fields must lie how far apart at a reseller; the longest is infinite if there is no limit."""
        window = {**schema["x-window"], **schema["x-window"].get("by-host", {}).get(host, {})}
        return {**window, "longest": math.inf if window["longest"] is None else window["longest"]}

    def _window_problems(self, schema: dict[str, Any], fields: Mapping[str, Any], host: str) -> list[str]:
        window = self.window(schema, host)
        start, end = (
            Decimal(str(fields.get(window[edge], schema["properties"][window[edge]].get("default"))))
            for edge in ("start", "end")
        )
        return [] if window["shortest"] <= end - start <= window["longest"] else ["the window is off"]


def _host_problems(field: str, schema: Mapping[str, Any], value: Any, host: str) -> list[str]:
    """Return what a reseller minds in a value that others may take."""
    problems = []
    if host not in schema.get("x-hosts-by-value", {}).get(value if isinstance(value, str) else "", [host]):
        problems.append(f"{host} does not take this {field}")
    if len(str(value)) > schema.get("x-max-length-by-host", {}).get(host, len(str(value))):
        problems.append(f"{field} is too long for {host}")
    if len(str(value).split()) > schema.get("x-most-words-by-host", {}).get(host, len(str(value))):
        problems.append(f"{field} has too many words for {host}")
    return problems


def applies(rule: Mapping[str, Any], fields: Mapping[str, Any], host: str) -> bool:
    """Return whether a conditional rule is one for these fields, at this reseller."""
    return (
        host in rule.get("hosts", (host,))
        and all(fields.get(name) == value for name, value in rule.get("when", {}).items())
        and not any(fields.get(name) == value for name, value in rule.get("unless", {}).items())
        and all(given(fields, name) for name in rule.get("when-given", ()))
        and not any(given(fields, name) for name in rule.get("when-missing", ()))
    )


def given(fields: Mapping[str, Any], field: str) -> bool:
    value = fields.get(field)
    return re.search(r"\S", value) is not None if isinstance(value, str) else value is not None


class Caller:
    """A session that lets no reply of the API pass that the contract does not allow."""

    def __init__(self, simulator: RunningSimulator, contract: Contract) -> None:
        self.simulator = simulator
        self.contract = contract
        self.headers = {"User-Agent": USER_AGENT, "Authorization": f"Bearer {simulator.api_key}"}
        self.session = requests.Session()
        # Neither a proxy nor a password of the user's is looked up for each of the thousands of calls.
        self.session.trust_env = False

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str | None] | None = None, **kwargs: Any
    ) -> requests.Response:
        base = self.simulator.upload_url if self.contract.uploads(path) else self.simulator.url
        response = self.session.request(
            method,
            base + path,
            headers={**self.headers, **(headers or {})},
            timeout=10,
            **kwargs,
        )
        problems = self.contract.reply_problems(method, path, response)
        assert not problems, f"{method} {path} -> {response.status_code} {response.text[:300]}: {problems}"
        return response

    def generate(self, **fields: Any) -> dict[str, Any]:
        return self.call("POST", "/api/v1/generate", json={**SIMPLE, **fields}).json()

    def submit(self, call: str, **fields: Any) -> dict[str, Any]:
        """Submit by one of the calls in ``SUBMISSIONS``, by the last part of its path."""
        return self.call(
            "POST", f"/api/v1/generate/{call}", json={**(SUBMISSIONS | OTHER_SUBMISSIONS)[call], **fields}
        ).json()

    def submitted(self, **fields: Any) -> str:
        reply = self.generate(**fields)
        assert reply["code"] == 200, reply
        return reply["data"]["taskId"]

    def record(self, music_task_id: str) -> dict[str, Any] | None:
        reply = self.call("GET", "/api/v1/generate/record-info", params={"taskId": music_task_id}).json()
        assert reply["code"] == 200, reply
        return reply["data"]

    def persona(self, **fields: Any) -> dict[str, Any]:
        return self.call("POST", "/api/v1/generate/generate-persona", json=fields).json()

    def convert(self, family: str, **fields: Any) -> dict[str, Any]:
        """Ask for a conversion: ``wav``, ``vocal-removal``, ``midi``, ``mp4`` or ``suno/cover``."""
        return self.call("POST", f"/api/v1/{family}/generate", json={"callBackUrl": NO_RECEIVER, **fields}).json()

    def converted(self, family: str, **fields: Any) -> str:
        reply = self.convert(family, **fields)
        assert reply["code"] == 200, reply
        return reply["data"]["taskId"]

    def conversion(self, family: str, job_id: str) -> dict[str, Any]:
        reply = self.call("GET", f"/api/v1/{family}/record-info", params={"taskId": job_id}).json()
        assert reply["code"] == 200, reply
        return reply["data"]

    def lyrics(self, **fields: Any) -> dict[str, Any]:
        """Ask for lyrics."""
        fields = {"prompt": "A ferry at dawn", "callBackUrl": NO_RECEIVER, **fields}
        return self.call("POST", "/api/v1/lyrics", json=fields).json()

    def voice(self, call: str, **fields: Any) -> dict[str, Any]:
        """Make one of the voice calls: validate, regenerate, generate, check-voice."""
        return self.call("POST", f"/api/v1/voice/{call}", json=fields).json()

    def recovery(self, **fields: Any) -> dict[str, Any]:
        """Ask for new addresses."""
        return self.call("POST", "/api/v1/suno/recovery", json={"callBackUrl": NO_RECEIVER, **fields}).json()

    def job(self, path: str, job_id: str) -> dict[str, Any]:
        """Return the record of a job, by the path of the call that reads it after ``/api/v1/``."""
        reply = self.call("GET", f"/api/v1/{path}", params={"taskId": job_id}).json()
        assert reply["code"] == 200, reply
        return reply["data"]

    def finished_track(self, number: int = 0) -> dict[str, str]:
        """Return the fields that name a track of a new, finished song; the song is free of charge."""
        song = self.control("POST", "tasks", json={})
        return {"taskId": song["music_task_id"], "audioId": song["audio_ids"][number]}

    def order_conversion(self, **fields: Any) -> Any:
        return self.control("POST", "orders", json=fields)

    def credits(self) -> float:
        return self.call("GET", self.simulator.state.profile.credit.path).json()["data"]

    def upload(self, kind: str, **kwargs: Any) -> requests.Response:
        return self.call("POST", f"/api/file-{kind}-upload", **kwargs)

    def uploaded(self, name: str, content: bytes, folder: str = "sounds") -> dict[str, Any]:
        """Upload a file as a form and return what became of it."""
        reply = self.upload("stream", files={"file": (name, content)}, data={"uploadPath": folder, "fileName": name})
        return reply.json()["data"]

    def play(self, profile: str) -> None:
        """Begin anew as another reseller."""
        self.control("POST", "reset", json={"profile": profile})

    def control(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self.session.request(method, f"{self.simulator.url}/_sim/{path}", timeout=10, **kwargs)
        assert response.status_code == 200, response.text
        return response.json()

    def order(self, kind: str, path: str = "/api/v1/*", **fields: Any) -> None:
        self.control("POST", "faults", json={"kind": kind, "path": path, **fields})

    def ledger(self) -> dict[str, Any]:
        return self.control("GET", "ledger")

    def ledger_callbacks(self, count: int) -> list[dict[str, Any]]:
        """Return the callbacks in the ledger once there are so many."""
        deadline = time.monotonic() + 5
        while len(self.ledger()["callbacks"]) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        callbacks = self.ledger()["callbacks"]
        assert len(callbacks) == count, callbacks
        return callbacks

    def told(self, music_task_id: str) -> dict[str, Any]:
        """Return a record that is meant to offend the contract."""
        url = f"{self.simulator.url}/api/v1/generate/record-info"
        reply = self.session.get(url, params={"taskId": music_task_id}, headers=self.headers, timeout=10)
        return reply.json()["data"]

    def media(self, url: str, **headers: str) -> requests.Response:
        return self.session.get(url, headers={"User-Agent": USER_AGENT, **headers}, timeout=10)


class Receiver:
    """A server that takes callbacks, or does not."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.default = 200
        self.delay = 0.0

        receiver = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.headers.append(dict(self.headers))
                receiver.got.append(body)
                time.sleep(receiver.delay)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.default)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=t"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, count: int, seconds: float = 5.0, schema: str = "MusicCallback") -> list[dict[str, Any]]:
        """Return the callbacks once there are so many; each has to be as the contract has it."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        for body in self.got:
            assert self.contract.problems(f"/components/schemas/{schema}", body) == []
        assert len(self.got) == count, self.got
        return self.got

    def kinds(self) -> list[str]:
        return [body["data"]["callbackType"] for body in self.got]

    def wait_for_nothing_more(self, count: int, schema: str = "MusicCallback") -> None:
        self.wait(count, schema=schema)
        time.sleep(0.15)
        assert len(self.got) == count


MP3_FRAME = 0.024
"""Seconds of sound in one frame of a track's file."""


MP3_FRAME_SIZE = 96
"""Bytes of one."""

NEAREST_FRAME = MP3_FRAME / 2 + 1e-6
"""Seconds by which a file may be shorter or longer than its track."""


def mp3_seconds(content: bytes) -> float:
    """Return how long an MP3 file lasts. It has to be nothing but whole frames of MPEG-1 Layer III."""
    rates = {0: 44_100, 1: 48_000, 2: 32_000}
    kbits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    at, seconds = 0, 0.0
    while at < len(content):
        (header,) = struct.unpack(">I", content[at : at + 4])
        assert header >> 21 == 0x7FF, f"no frame begins at byte {at}"
        assert header >> 17 & 0xF == 0b1101, "it is not MPEG-1 Layer III"
        rate = rates[header >> 10 & 3]
        at += 144_000 * kbits[header >> 12 & 0xF] // rate + (header >> 9 & 1)
        seconds += 1152 / rate
    assert at == len(content), "the last frame is cut"
    return seconds


def frames_of(content: bytes) -> list[bytes]:
    """Return the frames of a track's file."""
    return [content[at : at + MP3_FRAME_SIZE] for at in range(0, len(content), MP3_FRAME_SIZE)]


def is_heard(frame: bytes) -> bool:
    """Return whether a frame holds anything: without data, it decodes to zeros."""
    return any(frame[4:])


def boxes_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return all boxes of an MP4 file with their content, each after the box that it is in."""
    found, at = [], 0
    while at < len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        assert 8 <= size <= len(content) - at, f"the box {kind!r} is cut"
        inner = content[at + 8 : at + size]
        found.append((kind, inner))
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            found += boxes_of(inner)
        at += size
    return found


def media_of(content: bytes) -> list[dict[str, Any]]:
    """Return the streams of an MP4 file: their samples, as its index says where they are, and how long they last."""
    streams: list[dict[str, Any]] = []
    for kind, inner in boxes_of(content):
        if kind == b"tkhd":
            width, height = struct.unpack(">II", inner[-8:])
            streams.append({"width": width >> 16, "height": height >> 16})
        elif kind == b"mdhd":
            units, lasts = struct.unpack(">II", inner[12:20])
            streams[-1] |= {"units": units, "seconds": lasts / units}
        elif kind == b"hdlr":
            streams[-1]["handler"] = inner[8:12]
        elif kind == b"stts":
            runs = struct.unpack(f">{2 * struct.unpack('>I', inner[4:8])[0]}I", inner[8:])
            streams[-1]["lasts"] = sum(count * lasts for count, lasts in zip(runs[::2], runs[1::2], strict=True))
        elif kind == b"stsz":
            streams[-1]["sizes"] = struct.unpack(f">{struct.unpack('>I', inner[8:12])[0]}I", inner[12:])
        elif kind == b"stco":
            count, place = struct.unpack(">II", inner[4:])
            assert count == 1
            ends = [place + sum(streams[-1]["sizes"][: n + 1]) for n in range(len(streams[-1]["sizes"]))]
            streams[-1]["samples"] = [content[s:e] for s, e in zip([place, *ends[:-1]], ends, strict=True)]
    for stream in streams:
        assert stream["lasts"] == round(stream["seconds"] * stream["units"])
    (everything,) = (inner for kind, inner in boxes_of(content) if kind == b"mdat")
    assert b"".join(sample for stream in streams for sample in stream["samples"]) == everything
    return streams


NO_RECEIVER = "https://receiver.invalid/suno"
SIMPLE = {
    "customMode": False,
    "instrumental": True,
    "model": "V5",
    "callBackUrl": NO_RECEIVER,
    "prompt": "Rain on a tin roof",
}
SUBMISSIONS: dict[str, dict[str, Any]] = {
    "extend": {
        "defaultParamFlag": False,
        "audioId": "unheard-of",
        "model": "V5",
        "callBackUrl": NO_RECEIVER,
    },
    "upload-cover": {
        "uploadUrl": "https://files.example/humming.wav",
        "customMode": False,
        "instrumental": True,
        "prompt": "Rain on a tin roof",
        "model": "V5",
        "callBackUrl": NO_RECEIVER,
    },
    "upload-extend": {
        "uploadUrl": "https://files.example/humming.wav",
        "defaultParamFlag": False,
        "instrumental": True,
        "continueAt": 5,
        "model": "V5",
        "callBackUrl": NO_RECEIVER,
    },
}
ON_AUDIO = {"uploadUrl": "https://files.example/humming.wav", "title": "Rain", "negativeTags": "drums"}
OTHER_SUBMISSIONS: dict[str, dict[str, Any]] = {
    "add-instrumental": {**ON_AUDIO, "tags": "folk", "callBackUrl": NO_RECEIVER},
    "add-vocals": {**ON_AUDIO, "prompt": "La la", "style": "folk", "callBackUrl": NO_RECEIVER},
    "replace-section": {
        "taskId": "unheard-of",
        "audioId": "unheard-of",
        "prompt": "La la",
        "tags": "folk",
        "title": "Rain",
        "infillStartS": 6.5,
        "infillEndS": 16.5,
        "fullLyrics": "Rain\nLa la",
    },
    "mashup": {
        "uploadUrlList": ["https://files.example/humming.wav", "https://files.example/backing.wav"],
        "customMode": True,
        "style": "folk",
        "title": "Rain",
        "model": "V5",
        "callBackUrl": NO_RECEIVER,
    },
    "sounds": {"prompt": "Rain on a tin roof", "model": "V5"},
}
OWN_SETTINGS = {"style": "folk", "title": "Rain", "prompt": "La la", "continueAt": 5}


def load_contract() -> Contract:
    return Contract(yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8")))
