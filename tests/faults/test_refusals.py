"""A submission that is refused for now, or that never left: no doubt, no charge, and it is made when it can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, pairwise

import pytest

from airflow_provider_suno.http import retry
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.faults.cases import CLOSED, REFUSED, UNSENT, Case, Spoil, cases, taking_turns
from tests.support.faults.submitting import MODES, POLICIES, a_dag
from tests.support.generating import GENERATE, Schedule, charges, ended

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]


@pytest.mark.parametrize(("case", "policy"), taking_turns(POLICIES, cases(REFUSED)))
def test_what_is_refused_for_now_is_submitted_when_that_is_over(
    case: Case, policy: str, sim: RunningSimulator, spoil: Spoil, schedule: Schedule
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag("worker", policy, retries=9)).run()
    assert run.state("generate") == ["success"]
    # A maintenance that does not say when to come back outlasts the hook's patience, so that Airflow retries.
    assert run.tries("generate") == [1] or (case.says == CLOSED and "retry_after" not in case.fault)
    assert charges(sim) == [1]
    assert "may pay twice" not in run.said()
    assert all(gap >= case.fault.get("retry_after", 0) for gap in gaps(sim))


def gaps(sim: RunningSimulator) -> list[float]:
    """Return the seconds between one request and the next."""
    sent_at = [request["wall"] for request in sim.ledger()["requests"] if request["path"] == GENERATE]
    return [later - earlier for earlier, later in pairwise(sent_at)]


@pytest.mark.parametrize(("mode", "policy"), zip(MODES, cycle(POLICIES), strict=False))
@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        ("SunoRateLimitError", 429, "try later, or run fewer at once (an Airflow pool). (code 429: Not now.)"),
        ("SunoMaintenanceError", 455, "The service is under maintenance: try later. (code 455: Not now.)"),
    ],
)
def test_what_outlasts_the_hooks_patience_is_airflows_to_retry(
    error: str,
    code: int,
    advice: str,
    policy: str,
    mode: str,
    sim: RunningSimulator,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, patience=0.2))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=code, msg="Not now.", times=None))
    run = schedule(a_dag(mode, policy, retries=2))
    tries = run.steps()
    for number in (1, 2):
        next(tries)
        assert (run.state("generate"), run.tries("generate")) == (["up_for_retry"], [number])
        assert type(run.last_error).__name__ == error
        assert advice in str(run.last_error)
        assert (charges(sim), run.journal("generate")) == ([], None)
    sim.faults.clear()
    assert ended(run.run()) == (["success"], [3])
    assert charges(sim) == [1]


def test_a_service_that_says_retry_after_0_is_not_hammered(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, first_gap=1.0, longest_gap=1.0))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=429, retry_after=0, times=3))
    run = schedule(a_dag("submit only", "fail")).run()
    assert (ended(run), charges(sim)) == ((["success"], [1]), [1])
    assert [gap >= 0.5 for gap in gaps(sim)] == [True] * 3


@pytest.mark.parametrize(("case", "mode", "policy"), taking_turns(POLICIES, taking_turns(MODES, cases(UNSENT))))
def test_what_never_left_is_no_doubt(
    case: Case,
    mode: str,
    policy: str,
    sim: RunningSimulator,
    spoil: Spoil,
    mend: Callable[[], None],
    schedule: Schedule,
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag(mode, policy, retries=int(policy == "fail")))
    next(run.steps())
    assert type(run.last_error).__name__ == "SunoUnavailableError"
    assert case.says in str(run.last_error)
    assert "may exist and be charged" not in run.said()
    assert (sim.ledger()["requests"], run.journal("generate")) == ([], None)

    mend()
    if policy == "fail":
        assert ended(run.run()) == (["success"], [2])
    else:
        assert ended(run.run()) == (["failed"], [1])
        assert ended(run.clear("generate").run()) == (["success"], [2])
    assert "may pay twice" not in run.said()
    assert charges(sim) == [1]
