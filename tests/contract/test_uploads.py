"""Uploads: the three methods, what is served back, and songs made from uploaded audio."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import wave
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import requests

from tests.support.contract import MP3_FRAME, START, USER_AGENT

DAY = 24 * 3600


def _wav(seconds, rate=100):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(bytes(round(seconds * rate)))
    return file.getvalue()


@pytest.fixture
def elsewhere():
    """Another server on this machine: its pages, and the requests that it received."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(dict(self.headers))
            leads_to = moved.get(self.path)
            self.send_response(302 if leads_to else 200 if self.path in pages else 404)
            if leads_to:
                self.send_header("Location", leads_to)
            if self.path == "/cut.wav":
                self.send_header("Content-Length", "9999")
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *_):
            pass

    pages, asked = {"/tune.wav": _wav(3), "/cut.wav": _wav(3)}, []
    moved = {"/moved.wav": "/tune.wav", "/round": "/round", "/away": "file:///etc/passwd"}
    server = HTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_folder_may_have_a_line_break(caller):
    reply = caller.upload("base64", json={"base64Data": "UklGRg==", "uploadPath": "two\nlines", "fileName": "a.wav"})
    assert reply.json()["data"]["filePath"] == "apikley/203117/two\nlines/a.wav"


def test_a_form(caller):
    content = _wav(2)
    file = caller.uploaded("tune.wav", content, "sounds/mine")
    assert file == {
        "fileName": "tune.wav",
        "filePath": "apikley/203117/sounds/mine/tune.wav",
        "downloadUrl": f"{caller.simulator.url}/files/apikley/203117/sounds/mine/tune.wav",
        "fileSize": len(content),
        "mimeType": "audio/wav",
        "uploadedAt": "2026-09-21T14:13:20.000Z",
    }
    assert caller.media(file["downloadUrl"]).content == content


@pytest.mark.parametrize("head", ["", "data:audio/wav;base64,", "data:text/plain;charset=x;base64,"])
def test_base64(caller, head):
    content = _wav(2)
    data = head + base64.encodebytes(content).decode()
    reply = caller.upload("base64", json={"base64Data": data, "uploadPath": "a", "fileName": "ü b.wav"}).json()
    assert (reply["success"], reply["data"]["mimeType"]) == (True, "audio/wav")
    assert reply["data"]["filePath"].endswith("/a/ü b.wav")
    assert caller.media(reply["data"]["downloadUrl"]).content == content


def test_invalid_base64(caller):
    for data in ("aGVsbG8", "no base64!", "data:audio/wav,aGVsbG8="):
        response = caller.upload("base64", json={"base64Data": data, "uploadPath": "a"})
        assert (response.status_code, response.json()["success"]) == (400, False)


def test_an_address(caller, elsewhere):
    url, asked = elsewhere
    fields = {"fileUrl": f"{url}/tune.wav", "uploadPath": "a"}
    file = caller.upload("url", json=fields).json()["data"]
    assert (file["mimeType"], file["fileSize"]) == ("audio/wav", len(_wav(3)))
    assert "Authorization" not in asked[0]
    again = caller.upload("url", json={"fileUrl": file["downloadUrl"], "uploadPath": "b"}).json()["data"]
    assert again["fileSize"] == file["fileSize"]


def test_an_address_that_redirects(caller, elsewhere):
    file = caller.upload("url", json={"fileUrl": f"{elsewhere[0]}/moved.wav", "uploadPath": "a"}).json()["data"]
    assert file["fileSize"] == len(_wav(3))


def test_an_address_that_fails(caller, elsewhere):
    paths = ("missing", "cut.wav", "round", "away", "a file")
    dead = (
        "http://127.0.0.1:1/a.wav",
        "http://files.invalid/a",
        "http://[/",
        "http://x:port/",
        "http://files.invalid/é",
    )
    for url in (*dead, *(f"{elsewhere[0]}/{path}" for path in paths)):
        response = caller.upload("url", json={"fileUrl": url, "uploadPath": "a"})
        assert response.status_code == 400
        assert "could not be downloaded" in response.json()["msg"]
    ledger = caller.ledger()
    assert ledger["files"] == []
    assert {entry["rule"] for entry in ledger["requests"]} == {"file_not_fetched"}


def test_nothing_is_fetched_without_a_key(caller, elsewhere):
    url, asked = elsewhere
    fields = {"fileUrl": f"{url}/tune.wav", "uploadPath": "a"}
    assert caller.upload("url", json=fields, headers={"Authorization": None}).status_code == 401
    assert asked == []


def test_an_address_that_is_too_large_or_too_slow(caller, elsewhere, monkeypatch):
    from airflow_provider_suno.simulator.calls import outgoing_requests

    fields = {"fileUrl": f"{elsewhere[0]}/tune.wav", "uploadPath": "a"}
    monkeypatch.setattr(outgoing_requests, "LARGEST_FETCH", 100)
    assert "larger than 100 bytes" in caller.upload("url", json=fields).json()["msg"]
    monkeypatch.undo()
    monkeypatch.setattr(outgoing_requests, "FETCH_TIMEOUT", 0.000001)
    assert caller.upload("url", json=fields).status_code == 400


def test_names_are_made_up_where_none_is_given(caller):
    replies = [caller.upload("stream", files={"file": ("x", _wav(1))}, data={"uploadPath": "a"}) for _ in range(2)]
    names = {reply.json()["data"]["fileName"] for reply in replies}
    assert len(names) == 2
    assert all(re.fullmatch(r"[0-9a-f]{16}\.wav", name) for name in names)


@pytest.mark.parametrize(
    ("name", "content", "mime_type"),
    [
        ("a.wav", b"ID3...", "audio/mpeg"),
        ("a.txt", b"hello", "text/plain"),
        ("a.unheard-of", b"hello", "application/x-said"),
        ("a", b"....ftypM4A ", "audio/mp4"),
    ],
)
def test_the_mime_type_of_a_file(caller, name, content, mime_type):
    files = {"file": ("x", content, "application/x-said; a=b")}
    reply = caller.upload("stream", files=files, data={"uploadPath": "a", "fileName": name}).json()
    assert reply["data"]["mimeType"] == mime_type
    assert caller.media(reply["data"]["downloadUrl"]).headers["Content-Type"].startswith(mime_type)


def test_a_malformed_form(caller):
    for body in ({"data": b"{}"}, {"json": {}}, {"data": b"--x", "headers": {"Content-Type": "multipart/form-data"}}):
        response = caller.upload("stream", **body)
        assert (response.status_code, response.json()["code"]) == (400, 400)
    assert caller.upload("stream", data={"file": "text", "uploadPath": "a"}).json()["msg"] == "file cannot be empty"


def test_another_method(caller):
    response = caller.session.get(
        f"{caller.simulator.upload_url}/api/file-url-upload", headers=caller.headers, timeout=5
    )
    assert response.status_code == response.json()["code"] == 405


def test_the_same_path_overwrites(caller):
    first = caller.uploaded("tune.wav", b"one")
    second = caller.uploaded("tune.wav", b"two!")
    assert first["downloadUrl"] == second["downloadUrl"]
    assert caller.media(first["downloadUrl"]).content == b"two!"
    assert [(file["path"], file["size"]) for file in caller.ledger()["files"]] == [
        ("apikley/203117/sounds/tune.wav", 4)
    ]
    assert len(list(caller.simulator.state.uploads.new_location().parent.iterdir())) == 1


def test_uploads_are_free_and_last_three_days(caller):
    before = caller.credits()
    url = caller.uploaded("tune.wav", _wav(1))["downloadUrl"]
    caller.simulator.clock.set(START + 3 * DAY - 1)
    assert caller.media(url).status_code == 200
    caller.simulator.clock.advance(1)
    assert caller.media(url).status_code == 404
    assert caller.ledger()["files"] == []
    caller.uploaded("other.wav", _wav(1))
    assert len(list(caller.simulator.state.uploads.new_location().parent.iterdir())) == 1
    assert caller.credits() == before


def test_files_are_served_in_parts(caller):
    content = bytes(range(256)) * 40
    url = caller.uploaded("a.bin", content)["downloadUrl"]
    part = caller.media(url, Range="bytes=100-299")
    assert (part.status_code, part.content) == (206, content[100:300])
    assert caller.media(url, Range="bytes=99999999-").status_code == 416
    head = caller.session.head(url, headers={"User-Agent": USER_AGENT}, timeout=5)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(content)))
    assert caller.media(url, **{"User-Agent": "Python-urllib/3.11"}).status_code == 403
    caller.order("truncated", "/files/*")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.media(url)
    downloads = [(entry["http_status"], entry["fault"]) for entry in caller.ledger()["downloads"]]
    assert downloads == [(206, None), (416, None), (200, None), (403, None), (200, "truncated")]


def test_a_name_never_leads_out_of_the_folder(caller):
    for path in ("..%2f..%2fetc%2fpasswd", "../../etc/passwd", "%2e%2e/etc/passwd"):
        assert caller.media(f"{caller.simulator.url}/files/{path}").status_code == 404


def test_a_reset_deletes_the_files(caller):
    url = caller.uploaded("a.wav", _wav(1))["downloadUrl"]
    folder = caller.simulator.state.uploads.new_location().parent
    caller.control("POST", "reset")
    assert caller.media(url).status_code == 404
    assert not folder.exists()


@pytest.mark.parametrize(
    ("call", "seconds", "fields", "code"),
    [
        ("upload-cover", 480, {}, 200),
        ("upload-cover", 480.01, {}, 422),
        ("upload-cover", 10 * 3600, {}, 422),
        ("upload-extend", 480, {"continueAt": 479.5}, 200),
        ("upload-extend", 481, {}, 422),
        ("upload-extend", 20, {"continueAt": 19.99}, 200),
        ("upload-extend", 20, {"continueAt": 20}, 422),
        ("upload-extend", 60, {"model": "V4_5ALL"}, 200),
        ("upload-extend", 60.01, {"model": "V4_5ALL"}, 422),
    ],
)
def test_rules_about_the_length_of_uploaded_audio(caller, call, seconds, fields, code):
    url = caller.uploaded("tune.wav", _wav(seconds))["downloadUrl"]
    assert caller.submit(call, uploadUrl=url, **fields)["code"] == code


def test_songs_are_at_least_as_long_as_the_uploaded_audio(caller):
    url = caller.uploaded("tune.wav", _wav(20))["downloadUrl"]
    replies = caller.submit("upload-cover", uploadUrl=url), caller.submit("upload-extend", uploadUrl=url)
    caller.simulator.clock.advance(200)
    cover, longer = (caller.record(reply["data"]["taskId"])["response"]["sunoData"][0] for reply in replies)
    assert cover["duration"] == 20
    assert 26 <= longer["duration"] <= 32


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", _wav(0), b"ID3"])
def test_audio_of_unknown_length_is_accepted(caller, content):
    url = caller.uploaded("tune", content)["downloadUrl"]
    reply = caller.submit("upload-extend", uploadUrl=url, continueAt=400)
    caller.simulator.clock.advance(200)
    assert caller.record(reply["data"]["taskId"])["status"] == "SUCCESS"


def _fate(caller, url):
    reply = caller.submit("upload-cover", uploadUrl=url)
    assert reply["code"] == 200
    caller.simulator.clock.advance(200)
    return caller.record(reply["data"]["taskId"])["status"]


def test_sources_on_this_machine_are_checked(caller, elsewhere):
    assert _fate(caller, f"{elsewhere[0]}/tune.wav") == "SUCCESS"
    assert "Authorization" not in elsewhere[1][0]
    for url in (f"{elsewhere[0]}/missing", "http://127.0.0.1:1/a.wav", f"{caller.simulator.url}/files/a"):
        assert _fate(caller, url) == "CREATE_TASK_FAILED"


def test_no_source_is_checked_when_a_song_is_refused(caller, elsewhere):
    url, asked = elsewhere
    assert caller.submit("upload-cover", uploadUrl=f"{url}/tune.wav", model="V9")["code"] == 422
    assert asked == []


def test_a_deleted_upload_is_no_source(caller):
    url = caller.uploaded("tune.wav", _wav(5))["downloadUrl"]
    assert _fate(caller, url) == "SUCCESS"
    caller.simulator.clock.advance(3 * DAY)
    assert _fate(caller, url) == "CREATE_TASK_FAILED"


@pytest.mark.parametrize(("profile", "brand", "success"), [("kie", "kieai", True), ("sunoapi", "sunoapiorg", None)])
def test_uploads_of_other_resellers(caller, profile, brand, success):
    assert caller.simulator.upload_url == f"{caller.simulator.url}/file-upload"
    caller.play(profile)
    assert caller.simulator.upload_url == caller.simulator.url
    file = caller.uploaded("tune.wav", b"x")
    assert (file["fileSize"], file.get("success")) == (1, success)
    assert re.fullmatch(rf"{brand}/\d+/sounds/tune\.wav", file["filePath"])
    assert caller.media(file["downloadUrl"]).content == b"x"


def test_a_track_that_is_uploaded_again_is_as_long_as_before(caller):
    music_task_id = caller.submitted()
    caller.simulator.clock.advance(200)
    track = caller.record(music_task_id)["response"]["sunoData"][0]
    content = caller.media(track["audioUrl"]).content
    tag = b"ID3\x04\0\0\0\0\x01\x05" + bytes(133)
    for sound in (content, tag + content):
        file = caller.uploaded("again", sound)
        assert file["mimeType"] == "audio/mpeg"
    for listed in caller.ledger()["files"]:
        assert listed["seconds"] == pytest.approx(track["duration"], abs=MP3_FRAME)


def _memory(pid):
    """Return the peak memory of a process, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_is_never_whole_in_memory():
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_suno.simulator", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(re.search(r":(\d+) ", process.stdout.readline())[1])
        head = b'--x\r\nContent-Disposition: form-data; name="uploadPath"\r\n\r\na\r\n'
        head += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        tail = b"\r\n--x--\r\n"
        headers = {"User-Agent": USER_AGENT, "Authorization": "Bearer sim-key"}
        length = len(head) + (60 << 20) + len(tail)

        def upload(chunks):
            line = HTTPConnection("127.0.0.1", port, timeout=30)
            form = {"Content-Type": "multipart/form-data; boundary=x"}
            size = len(head) + chunks * (1 << 20) + len(tail)
            line.request(
                "POST",
                "/file-upload/api/file-stream-upload",
                body=iter([head, *(bytes(1 << 20) for _ in range(chunks)), tail]),
                headers={**headers, **form, "Content-Length": str(size)},
            )
            return line.getresponse()

        assert upload(2).status == 200
        before = _memory(process.pid)
        response = upload(60)
        assert response.status == 200
        url = re.search(rb'"downloadUrl":"([^"]+)"', response.read())[1].decode()
        with requests.get(url, headers={"User-Agent": USER_AGENT}, stream=True, timeout=30) as download:
            assert sum(len(chunk) for chunk in download.iter_content(1 << 20)) == 60 << 20
        assert length > 60 << 20
        assert _memory(process.pid) - before < 15
    finally:
        process.terminate()
        process.communicate(timeout=10)
