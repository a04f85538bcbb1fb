"""The guide's table of what a retry and a clear do, each cell as it is written there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.http import retry as delays
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE, charges
from tests.support.supervised import CrashPoint, SupervisedScheduling, crash_points

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="the table is that of Airflow 3.3 and later"),
    pytest.mark.usefixtures("short_clocks"),
]

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/retries.md"
POINTS = crash_points("send")


@dataclass(frozen=True)
class Happening:
    """
    What happens to the first try.

    :param crash: where its process is killed.
    :param fault: the fault of its request.
    :param fields: further arguments of the task.
    :param submits: whether the first try pays for a job.
    """

    crash: CrashPoint | None = None
    fault: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    submits: bool = True


HAPPENINGS = {
    "the worker is lost before `intent`": Happening(POINTS["before the intent"], submits=False),
    "the worker is lost or killed, or the try times out or fails, after `submitted`": Happening(
        POINTS["after submitted"]
    ),
    "the same, and the request has changed": Happening(
        POINTS["after submitted"], fields={"prompt": "{{ 'rain' if ti.try_number == 1 else 'snow' }}"}
    ),
    "the same, and the task has another connection": Happening(
        POINTS["after submitted"], fields={"suno_conn_id": "{{ 'suno_default' if ti.try_number == 1 else 'b' }}"}
    ),
    "the worker is lost between `intent` and `submitted`, or the reply is lost": Happening(
        POINTS["between POST and submitted"]
    ),
    "the record says that the job failed (its credits are refunded)": Happening(
        fields={"prompt": "[fail:GENERATE_AUDIO_FAILED]"}
    ),
    "a given argument is empty: an upstream task was skipped, or returned nothing": Happening(
        fields={"persona_id": "{{ ti.xcom_pull('skipped') }}", "title": "T", "style": "folk"}, submits=False
    ),
    "the same, after `submitted`": Happening(
        POINTS["after submitted"],
        fields={"title": "T", "style": "{{ None if ti.try_number > 1 else 'folk' }}"},
    ),
    "the submission was refused for now (rate limit, maintenance, no connection)": Happening(
        fault={"kind": "code", "code": 455, "msg": "Back soon.", "retry_after": 1}, submits=False
    ),
    "the job, the key, the balance or a field was refused": Happening(
        fault={"kind": "code", "code": 402, "msg": "Insufficient."}, submits=False
    ),
    "success": Happening(),
}

# What a cell means: further paid jobs, the state, the number of tries.
RETRIES = {
    "submits": (1, "success", 2),
    "submits again": (1, "failed", 2),
    "re-attaches": (0, "success", 2),
    "re-attaches, and names what changed": (0, "success", 2),
    "re-attaches through the connection that submitted": (0, "success", 2),
    "re-attaches, and says so": (0, "success", 2),
    "stops: the job may exist": (0, "failed", 2),
    "none: fails at once": (0, "failed", 1),
    "none: fails at once, nothing is paid": (0, "failed", 1),
    "–": (0, "success", 1),
}
CLEARS = {
    "submits": (1, "success"),
    "submits again": (1, "failed"),
    "submits, once the error was raised": (1, "success"),
    "re-attaches": (0, "success"),
    "fails again: clear the upstream task first": (0, "failed"),
    "submits a new song": (1, "success"),
    "submits a new song through the new connection": (1, "success"),
}


def rows() -> list[tuple[str, ...]]:
    """Return the cells of the table's rows."""
    section = GUIDE.read_text().split("## What a retry, a clear, a kill and a timeout do")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table[2:]]


def test_the_table_is_complete() -> None:
    assert [row[0] for row in rows()] == list(HAPPENINGS)


@dataclass
class Play:
    """Run a task whose first try meets a happening, and what follows it."""

    sim: RunningSimulator
    supervise: Callable[[DAG], SupervisedScheduling]
    armed: Path
    monkeypatch: pytest.MonkeyPatch

    def run(self, happening: Happening, retries: int) -> SupervisedScheduling:
        """Run the task to the end of its retries."""
        if happening.crash:
            happening.crash.arm(self.armed, self.monkeypatch)
        if happening.fault:
            self.sim.faults.add(Fault(path=GENERATE, times=1, **happening.fault))
        with DAG("guide", schedule=None) as dag:
            GenerateMusicOperator(
                task_id="generate",
                model="V5",
                wait_for_completion=True,
                deferrable=False,
                poll_interval=0.05,
                retries=retries,
                retry_delay=timedelta(0),
                **{"prompt": "rain", **happening.fields},
            )
        return self.supervise(dag).run()

    def jobs(self) -> int:
        """Return how many jobs are paid for."""
        return sum(charges(self.sim))


@pytest.fixture
def play(
    sim: RunningSimulator,
    supervise: Callable[[DAG], SupervisedScheduling],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Play:
    monkeypatch.setattr(delays, "RETRY_LIMITS", replace(delays.RETRY_LIMITS, longest_server_delay=0.5))
    monkeypatch.setenv("AIRFLOW_CONN_B", sim.connection_json)
    return Play(sim, supervise, tmp_path / "armed", monkeypatch)


@pytest.mark.parametrize(("happens", "retry"), [row[:2] for row in rows()])
def test_a_retry(happens: str, retry: str, play: Play) -> None:
    happening = HAPPENINGS[happens]
    jobs, state, tries = RETRIES[retry]
    run = play.run(happening, retries=1)
    assert (run.state("generate"), run.tries("generate")) == ([state], [tries])
    assert play.jobs() == jobs + happening.submits
    if "names what changed" in retry:
        assert "changed since it was submitted, and without effect: prompt" in run.said()
    if "says so" in retry:
        assert "since then: Nothing was sent or charged: an argument was given, but is empty" in run.said()
    if "through the connection" in retry:
        assert "was submitted through connection 'suno_default', so it is read through that one" in run.said()


@pytest.mark.parametrize(("happens", "clear"), [(row[0], row[2]) for row in rows()])
def test_a_clear(happens: str, clear: str, play: Play) -> None:
    jobs, state = CLEARS[clear]
    run = play.run(HAPPENINGS[happens], retries=0)
    before = play.jobs()
    if "once the error was raised" in clear:
        assert run.clear("generate").run().state("generate") == ["failed"]
        assert play.jobs() == before
    run.clear("generate").run()
    assert run.state("generate") == [state]
    assert play.jobs() == before + jobs
