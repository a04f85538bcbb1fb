"""What a run costs is in view: the balance, a sensor of credits, a warning before many runs pay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.sensors.credits import CreditsSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.task import costs
from airflow_provider_suno.task.costs import warning_about_many_runs
from tests.support.generating import Schedule, a_dag, charges

pytestmark = pytest.mark.usefixtures("short_clocks")

CREDIT = "/api/v1/chat/credit"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def sensor(**arguments: Any) -> DAG:
    with DAG("credits", schedule=None) as dag:
        CreditsSensor(task_id="enough", **{"at_least": 100, "poke_interval": 0.1, "timeout": 1, **arguments})
    return dag


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_enough_credits(mode: str, sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(sensor(at_least="{{ 50 * 2 }}", mode=mode)).run()
    assert run.state("enough") == ["success"]
    assert float(run.xcom("enough")) >= 100


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_too_few_credits(soft_fail: bool, state: str, sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(sensor(at_least=10**6, mode="poke", soft_fail=soft_fail)).run()
    assert run.state("enough") == [state]
    assert "1000000 are waited for" in run.said()


@pytest.mark.parametrize("broken", [False, True])
def test_the_balance_is_shown_once_before_a_submission(broken: bool, sim: RunningSimulator, schedule: Schedule) -> None:
    if broken:
        sim.faults.add(Fault(path=CREDIT, kind="drop_before", times=None))
    balance = sim.ledger()["credits"]
    run = schedule(a_dag()).run()
    assert run.state("generate") == ["success"]
    assert run.said().count(f"the account has {balance} credits before this submission") == (not broken)
    assert [request["path"] for request in sim.ledger()["requests"]].count(CREDIT) == 1
    SunoHook().generate_music(model="V5", prompt="rain")
    assert [request["path"] for request in sim.ledger()["requests"]].count(CREDIT) == 1


def test_the_default_mode_holds_no_worker() -> None:
    assert CreditsSensor(task_id="enough", at_least=1).mode == "reschedule"


def test_a_balance_that_cannot_be_read_for_now_is_asked_for_again(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=CREDIT, kind="status", http_status=503, times=5))
    run = schedule(sensor(mode="poke", timeout=60)).run()
    assert run.state("enough") == ["success"]
    assert "the balance could not be read" in run.said()


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_an_unknown_connection(soft_fail: bool, state: str, sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(sensor(suno_conn_id="nope", soft_fail=soft_fail, retries=1)).run()
    assert (run.state("enough"), run.tries("enough")) == ([state], [1])
    assert "There is no connection 'nope'" in run.said()


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_a_refused_key(
    soft_fail: bool, state: str, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", sim.connection_json.replace(sim.api_key, "wrong"))
    run = schedule(sensor(mode="poke", soft_fail=soft_fail, retries=2)).run()
    assert (run.state("enough"), run.tries("enough")) == ([state], [1])


@pytest.mark.parametrize("at_least", [-1, "many", True, float("nan"), None])
def test_wrong_amounts(at_least: Any) -> None:
    with pytest.raises(Exception, match="at_least: "):
        CreditsSensor(task_id="enough", at_least=at_least)


def test_the_balance_is_logged_once_before_a_submission(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag()).run()
    assert run.said().count("credits before this submission") == 1
    assert charges(sim) == [1]


def test_a_submission_does_not_need_the_balance(sim: RunningSimulator, hooks_log: Any) -> None:
    sim.faults.add(Fault(path=CREDIT, kind="status", http_status=500, times=None))
    hook = SunoHook()
    lines = hooks_log(hook)
    assert hook.generate_music(model="V5", prompt="rain")
    assert not [line for line in lines if "before this submission" in line]


def context(run_type: str, *, due: datetime | None = NOW, catchup: bool = False) -> Any:
    return {
        "dag_run": SimpleNamespace(run_type=run_type, data_interval_end=due, logical_date=due),
        "dag": SimpleNamespace(catchup=catchup),
    }


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (context("backfill"), "part of a backfill"),
        (context("scheduled", due=NOW - timedelta(days=3), catchup=True), "was due on 2026-11-25 00:00 UTC"),
        (context("scheduled", due=NOW - timedelta(hours=3), catchup=True), None),
        (context("scheduled", due=NOW - timedelta(days=3)), None),
        (context("manual", due=NOW - timedelta(days=3), catchup=True), None),
        (context("scheduled", due=None, catchup=True), None),
    ],
)
def test_a_warning_before_many_runs_pay(of: Any, said: str | None) -> None:
    warning = warning_about_many_runs(of, NOW)
    assert (warning is None) if said is None else (said in str(warning))


@pytest.mark.parametrize(
    "operator",
    [
        lambda: GenerateMusicOperator(task_id="pays", model="V5", prompt="rain"),
        lambda: BoostStyleOperator(task_id="pays", content="pop"),
    ],
    ids=["job", "answer"],
)
def test_every_task_that_pays_warns(
    operator: Callable[[], Any], sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "warning_about_many_runs", lambda *_: "This run is one of many.")
    with DAG("costs", schedule=None) as dag:
        operator()
    run = schedule(dag).run()
    assert run.state("pays") == ["success"], run.last_error
    assert run.said().count("This run is one of many.") == 1


def test_what_a_record_tells_of_its_costs_is_pushed(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_suno.http.client import SunoClient

    real = SunoClient._get

    def with_costs(self: SunoClient, path: str, *args: Any, **options: Any) -> Any:
        found = real(self, path, *args, **options)
        return {**found, "creditsConsumed": "12.5"} if isinstance(found, dict) else found

    monkeypatch.setattr(SunoClient, "_get", with_costs)
    run = schedule(a_dag(wait_for_completion=True)).run()
    assert run.xcom("generate", "credits_charged") == 12.5
