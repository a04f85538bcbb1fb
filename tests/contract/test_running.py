"""Running the simulator: in a thread, from a shell, and without other imports."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from airflow_provider_suno.simulator import embedding, running_simulator
from airflow_provider_suno.simulator.state.submissions import seed_music, submit_music

HEADERS = {"User-Agent": "tests/1", "Authorization": "Bearer sim-key"}


def _credits(url, key="sim-key"):
    headers = HEADERS | {"Authorization": f"Bearer {key}"}
    return requests.get(f"{url}/api/v1/chat/credit", headers=headers, timeout=5).json()


def test_several_run_side_by_side_and_end():
    with running_simulator(credits="1.5") as one, running_simulator(credits=2, api_keys=["a", "b"]) as two:
        assert one.url != two.url
        assert _credits(one.url)["data"] == 1.5
        assert _credits(two.url, "a")["data"] == _credits(two.url, "b")["data"] == 2
        assert _credits(two.url)["code"] == 401
        assert (
            json.loads(two.connection_json)
            == two.connection
            == {
                "conn_type": "suno",
                "host": two.url,
                "password": "a",
                "extra": {"allow_private_media": True},
            }
        )
    for ended in (one, two):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((ended.host, ended.port), timeout=1).close()


@pytest.mark.parametrize(
    ("profile", "credit_path", "uploads_at", "extra"),
    [
        ("apikley", "/api/v1/chat/credit", "/file-upload", {}),
        ("kie", "/api/v1/chat/credit", "", {"profile": "kie"}),
        ("sunoapi", "/api/v1/generate/credit", "", {"profile": "sunoapi"}),
    ],
)
def test_it_simulates_each_reseller(profile, credit_path, uploads_at, extra):
    with running_simulator(profile=profile) as simulator, requests.Session() as session:
        session.headers.update(HEADERS)
        assert session.get(simulator.url + credit_path, timeout=5).json()["data"] == 500.25
        other = {"/api/v1/chat/credit", "/api/v1/generate/credit"} - {credit_path}
        assert session.get(simulator.url + other.pop(), timeout=5).status_code == 404
        assert simulator.upload_url == simulator.url + uploads_at
        assert simulator.connection["extra"] == {"allow_private_media": True, **extra}
        session.post(f"{simulator.url}/_sim/reset", timeout=5)
        assert simulator.state.profile.name == profile


def test_it_starts_and_ends_quickly_even_with_a_request_hanging():
    began = time.monotonic()
    with running_simulator() as simulator:
        started = time.monotonic()
        requests.post(f"{simulator.url}/_sim/faults", json={"path": "*", "kind": "hang", "seconds": 60}, timeout=5)
        with pytest.raises(requests.Timeout):
            requests.get(f"{simulator.url}/api/v1/chat/credit", headers=HEADERS, timeout=0.1)
        with socket.create_connection((simulator.host, simulator.port)) as line:
            line.sendall(b"GET /api/v1/chat/credit HTTP/1.1\r\nHost: x\r\n\r\n")
            leaving = time.monotonic()
    assert started - began < 2
    assert time.monotonic() - leaving < 2


def test_replies_are_not_delayed():
    # Nagle's algorithm would delay each by 40 ms; asyncio turns it off for a listener that suits it.
    found = []

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def ask() -> None:
        listener = embedding._listen("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listener):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            await reader.read()
            writer.close()

    asyncio.run(ask())
    assert [bool(nodelay) for nodelay in found] == [True]


def test_a_fast_song():
    with running_simulator(speed=2000, seed=5, read_limit=None) as simulator, requests.Session() as session:
        session.headers.update(HEADERS)
        task = submit_music(simulator.state, {"model": "V5"}, now=simulator.clock.now())
        deadline = time.monotonic() + 5
        status = ""
        while status != "SUCCESS" and time.monotonic() < deadline:
            url = f"{simulator.url}/api/v1/generate/record-info"
            status = session.get(url, params={"taskId": task.music_task_id}, timeout=5).json()["data"]["status"]
        assert status == "SUCCESS"


def test_a_port_in_use_is_an_os_error():
    with (
        running_simulator() as simulator,
        pytest.raises(OSError, match="in use"),
        running_simulator(port=simulator.port),
    ):
        pass


def test_addresses_in_a_record_are_those_the_caller_used():
    with running_simulator(manual_clock=True) as simulator:
        task = seed_music(simulator.state, {"model": "V5"}, "SUCCESS", now=simulator.clock.now())
        record = requests.get(
            f"{simulator.url}/api/v1/generate/record-info",
            params={"taskId": task.music_task_id},
            headers=HEADERS | {"Host": "suno.example:99"},
            timeout=5,
        ).json()["data"]
    assert record["response"]["sunoData"][0]["audioUrl"].startswith("http://suno.example:99/media/")


def _start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_suno.simulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_the_connection_and_ends_quietly(number):
    process = _start(
        "--port",
        "0",
        "--speed",
        "12",
        "--credits",
        "40.5",
        "--api-key",
        "it's",
        "--api-key",
        "k2",
        "--seed",
        "1",
        "--profile",
        "kie",
    )
    try:
        lines = [process.stdout.readline() for _ in range(4)]
        (export,) = (line for line in lines if line.startswith("export "))
        name, _, value = shlex.split(export)[1].partition("=")
        assert name == "AIRFLOW_CONN_SUNO_DEFAULT"
        connection = json.loads(value)
        assert (connection["conn_type"], connection["password"]) == ("suno", "it's")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", connection["host"])
        assert connection["host"] in lines[0]
        assert connection["extra"] == {"allow_private_media": True, "profile": "kie"}
        assert _credits(connection["host"], "k2")["data"] == 40.5
    finally:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_the_exact_line_to_copy():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = _start("--port", str(port))
    try:
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert (
        "export AIRFLOW_CONN_SUNO_DEFAULT="
        f"""'{{"conn_type": "suno", "host": "http://127.0.0.1:{port}", "password": "sim-key", """
        f""""extra": {{"allow_private_media": true}}}}'"""
    ) in lines


def test_the_command_on_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = _start("--port", str(taken.getsockname()[1]))
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (1, "")
    assert re.fullmatch(r"cannot listen on 127\.0\.0\.1:\d+: Address already in use\n", errors)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--speed", "0"], "--speed: must be above 0"),
        (["--port", "70000"], "--port: must lie between 0 and 65535"),
        (["--credits", "-1"], "--credits: must be 0 or more"),
        (["--credits", "many"], "--credits: must be a number"),
        (["--read-limit", "-1"], "--read-limit: must be a whole number, or off"),
        (["--profile", "other"], "--profile: invalid choice: 'other'"),
        (["--callbacks", "none"], "--callbacks: invalid choice: 'none'"),
    ],
)
def test_the_command_refuses_wrong_arguments(arguments, complaint, capsys):
    from airflow_provider_suno.simulator.__main__ import main

    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_simulator_imports_neither_airflow_nor_the_client():
    script = """
import sys
from airflow_provider_suno.simulator import embedding, running_simulator
light = [name for name in ("fastapi", "uvicorn") if name in sys.modules]
with running_simulator():
    pass
import airflow_provider_suno.simulator.__main__
own = "airflow_provider_suno."
print(light, sorted(
    name for name in sys.modules
    if name.partition(".")[0] == "airflow" or name.startswith(own) and not name.startswith(own + "simulator")
))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "[] []\n"
