"""A callback of each kind of job, in its own shape, resumes the task that waits for the job."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests
from airflow.sdk import DAG

from airflow_provider_suno.plugins import airflow_internals
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.family import JOBS, Sources, _kie, kie, sources
from tests.support.generating import Schedule
from tests.support.receiver import SECRET, Receiver, receiver

__all__ = ["_kie", "kie", "sources"]

pytestmark = [
    pytest.mark.usefixtures("short_clocks"),
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 tokens have no journal to name"),
]


@pytest.fixture(scope="module")
def api_server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.mark.parametrize("call", JOBS)
def test_a_callback_resumes_the_task(
    call: str,
    sources: Sources,
    kie: RunningSimulator,
    api_server: Receiver,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operator, arguments, kind, is_right = JOBS[call]
    monkeypatch.setattr(airflow_internals, "YOUNGEST", 0.0)
    extra = {**kie.connection["extra"], "callback_url": api_server.url, "callback_secret": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**kie.connection, "extra": extra}))
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
