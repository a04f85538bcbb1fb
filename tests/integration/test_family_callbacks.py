"""A callback of each kind of job, in its own shape, resumes the task that waits for the job."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests
from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.conversions import GenerateCoverArtOperator
from airflow_provider_suno.plugins import airflow_internals
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.family import JOBS, Sources, _kie, kie, sources
from tests.support.generating import Schedule
from tests.support.receiver import SECRET, Receiver, receiver

__all__ = ["_kie", "kie", "sources"]

pytestmark = [
    pytest.mark.usefixtures("short_clocks"),
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]


@pytest.fixture(scope="module")
def api_server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def _called_back(
    sources: Sources, kie: RunningSimulator, api_server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the connection name a receiver of callbacks, once the sources are made without them."""
    del sources
    monkeypatch.setattr(airflow_internals, "YOUNGEST", 0.0)
    extra = {**kie.connection["extra"], "callback_url": api_server.url, "callback_secret": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**kie.connection, "extra": extra}))


@pytest.mark.usefixtures("_called_back")
@pytest.mark.parametrize("call", JOBS)
def test_a_callback_resumes_the_task(
    call: str, sources: Sources, kie: RunningSimulator, api_server: Receiver, schedule: Schedule
) -> None:
    operator, arguments, kind, is_right = JOBS[call]
    requests.post(f"{kie.url}/_sim/callbacks", json={"held": True}, timeout=5).raise_for_status()
    with DAG("callbacks", schedule=None) as dag:
        operator(task_id="make", **arguments(sources), deferrable=True)
    run = schedule(dag)
    next(ti for ti in run.steps() if ti.state == "deferred")
    requests.post(f"{kie.url}/_sim/callbacks", json={"held": False}, timeout=5).raise_for_status()
    deadline = time.monotonic() + 10
    while run.state("make") == ["deferred"]:
        assert time.monotonic() < deadline, "the callback has not resumed the task"
        time.sleep(0.05)
    run.run()
    assert run.state("make") == ["success"], run.last_error
    assert is_right(run.xcom("make"))
    assert "a callback says that " in run.said()
    answers = [entry for entry in kie.ledger()["callbacks"] if entry["url"].startswith(api_server.url)]
    assert {(entry["job_kind"], entry["http_status"]) for entry in answers} == {(kind, 200)}


@pytest.mark.usefixtures("_called_back")
@pytest.mark.parametrize("deferrable", [False, True])
def test_existing_cover_art_is_read_at_once(
    deferrable: bool, sources: Sources, kie: RunningSimulator, schedule: Schedule
) -> None:
    job_id = SunoHook().generate_cover_art(music_task_id=sources.track["music_task_id"])
    kie.clock.advance(600)
    with DAG("callbacks", schedule=None) as dag:
        GenerateCoverArtOperator(
            task_id="make", music_task_id=sources.track["music_task_id"], deferrable=deferrable, wait_timeout=5
        )
    run = schedule(dag)
    assert "deferred" not in [ti.state for ti in run.steps()]
    assert run.state("make") == ["success"], run.last_error
    assert run.xcom("make", "job_id") == job_id
    assert f"exists already, made by job {job_id}; nothing is charged again" in run.said()
    assert ": submitted " not in run.said()
