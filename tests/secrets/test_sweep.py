"""
Run all that a deployment runs, with marked keys, and look for them in everything that a real Airflow keeps.

Airflow's own masker is switched off, so that it hides no leak: what keeps the keys out is the provider alone. Another
key is left everywhere on purpose, and the same search has to find it there. What is not looked at: the environment of
the processes, where the user's own ``AIRFLOW_CONN_...`` stands, and what Airflow answers to a running task or to
``airflow connections get``, which is the connection itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.figures import figures
from tests.support.secrets.awkward import CASES
from tests.support.secrets.deployment import OURS, Deployment, swept_deployment

pytestmark = [
    pytest.mark.secrets,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no task state store"),
]

PLANTED = {
    "a log of a task": r"file: logs/dag_id=planted/.*/attempt=1\.log$",
    "a log of a trigger": r"file: logs/dag_id=planted/.*/attempt=1\.log\.trigger\.",
    "a log of a component": r"file: processes/triggerer\.log",
    "the pages of the database": r"file: airflow\.db",
    "an XCom": r"value: xcom\.value .*key=raw",
    "an XCom, in base64": r"value: xcom\.value .*key=base64",
    "rendered fields": r"value: rendered_task_instance_fields\.rendered_fields",
    "the task state store": r"value: task_state_store\.value",
    "a serialized Dag": r"value: serialized_dag\.data",
    "a run's conf": r"value: dag_run\.conf",
    "the audit log": r"value: log\.extra",
    "a trigger that is gone by now": r"value: trigger\.kwargs",
    "a command line": r"command line: ",
    "the answer for an XCom": r"answer: GET \S+/taskInstances/leave/xcomEntries/raw",
    "the answer for a log": r"answer: GET \S+/taskInstances/leave/logs/1",
    "the answer for a task instance": r"answer: GET \S+/taskInstances/leave ",
    "the answer for a stored state": r"answer: GET \S+/taskInstances/leave/state-store/planted",
    "the answer for a Dag": r"answer: GET /api/v2/dags/planted/details",
    "the answer for a run": r"answer: GET /api/v2/dags/planted/dagRuns/\S+ ",
    "the answer for an event": r"answer: GET /api/v2/eventLogs/\d+",
}
LEAST = {"file": 60, "table": 50, "column": 400, "row": 250, "sampled row": 300, "endpoint": 60, "command line": 50}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with swept_deployment(tmp_path_factory.mktemp("sweep")) as deployment:
        yield deployment


def test_no_key_is_found(deployment: Deployment) -> None:
    leaks = deployment.sweep.leaks_of(*OURS)
    assert not leaks, "\n".join(f"the key {leak.key!r} in {leak.place}: {leak.form}" for leak in leaks)


def test_no_callback_token_is_kept(deployment: Deployment) -> None:
    """Only the API server's own log of requests has them, as it has any URL."""
    assert len(deployment.tokens) > 5
    files = [path for path in deployment.home.rglob("*") if path.is_file() and "processes" not in path.parts]
    assert any("airflow.db" in path.name for path in files)
    assert any(path.suffix == ".log" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not any(token.encode() in content for token in deployment.tokens), path


@pytest.mark.parametrize("kind", PLANTED)
def test_the_search_finds_what_is_left_in(kind: str, deployment: Deployment) -> None:
    places = [leak.place for leak in deployment.sweep.leaks_of("planted")]
    assert any(re.match(PLANTED[kind], place) for place in places), "\n".join(places)


def test_it_opens_what_airflow_encrypts(deployment: Deployment) -> None:
    kept = {(one.key, one.place.partition(" (")[0]) for one in deployment.sweep.kept}
    assert {("stored", "value: connection.password"), ("callback", "value: connection.extra")} <= kept


def test_it_looks_everywhere(deployment: Deployment) -> None:
    looked_at = dict(deployment.sweep.looked_at)
    figures.update({f"keys looked for in: {kind}s": number for kind, number in looked_at.items()})
    figures["endpoints with nothing to ask about"] = len(deployment.unreached)
    assert {kind: looked_at[kind] for kind, least in LEAST.items() if looked_at[kind] < least} == {}


def test_what_should_work_works(deployment: Deployment) -> None:
    """With masked replies, and with a key that is stored as well as with one in the environment."""
    for dag_id in ("works_env", "works_stored"):
        assert set(deployment.states[dag_id].values()) == {"success"}, deployment.states[dag_id]


def test_what_should_fail_fails_and_hides_what_was_repeated(deployment: Deployment) -> None:
    states = {label: state for label, state in deployment.states["fails"].items() if state != "failed"}
    assert set(states) == {"sensor [0]", "operator [0]"}, states  # of the record that is finished
    assert set(deployment.states["disturbed"].values()) == {"failed"}
    logs = deployment.logs("fails")
    assert logs.count("Bearer ***") > len(CASES)
    assert "redirects to 'https://elsewhere.invalid/?key=***'" in logs
    assert "BadStatusLine: HTTP/1.1 *** ***" in logs
    assert "Failed to run task callback" in logs


def test_what_tests_of_connections_say(deployment: Deployment) -> None:
    said = {name: message for name, message in deployment.said.items() if name != "works"}
    said["command line"] = deployment.airflow.processes.log_file("cli").read_text()
    assert deployment.said["works"].startswith("The API key works")
    assert len(said) == 4
    assert all("***" in message for message in said.values()), said
