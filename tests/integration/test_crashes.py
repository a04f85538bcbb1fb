"""
``SIGKILL`` at each point of a submission, in each mode, followed by a retry or a clear.

Each try runs in its own process under Airflow's supervisor. The simulator's ledger tells what was charged.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.supervised import CrashPoint, SupervisedScheduling, crash_points

pytestmark = [
    pytest.mark.crashes,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 nothing outlives a process"),
    pytest.mark.usefixtures("short_clocks"),
]

Supervise = Callable[[DAG], SupervisedScheduling]

OPERATOR = "airflow_provider_suno.operators.submit_job"

POINTS = crash_points("send") | {
    "in the wait": CrashPoint("airflow_provider_suno.polling.worker.poll_once", "after"),
    "while deferring": CrashPoint("airflow_provider_suno.task.waiting.WaitingTask.defer_wait", "before"),
    "on resume": CrashPoint(f"{OPERATOR}.SubmitJobOperator.resume_execution", "before"),
}
CHARGED_WHEN_LOST = {"between intent and POST": 0, "between POST and submitted": 1}
AFTER_SUCCESS = ("after success is recorded", "after the delivery is journaled")

MODES: dict[str, dict[str, Any]] = {
    "worker": {"wait_for_completion": True, "deferrable": False},
    "deferrable": {"wait_for_completion": True, "deferrable": True},
    "submit only": {},
}
ONLY_IN = {"in the wait": ("worker",), "while deferring": ("deferrable",), "on resume": ("deferrable",)}
SONGS = {"one": ["rain"], "mapped": ["rain", "snow"]}


# For one song and for mapped ones, retried and cleared.
WAYS = [("one", "retry"), ("mapped", "clear"), ("one", "clear"), ("mapped", "retry")]


def cells(*points: str, both: bool = False) -> Iterator[Any]:
    """
    Yield each point in each mode, so that each point has both a song and mapped ones, and both a retry and a clear.

    :param both: whether each mode has both, too.
    """
    possible = [(point, mode) for point, mode in product(points, MODES) if mode in ONLY_IN.get(point, MODES)]
    for number, (point, mode) in enumerate(possible):
        first = 2 * number if both else number
        for songs, then in [WAYS[first % 4], WAYS[(first + 1) % 4]][: 2 if both or point in ONLY_IN else 1]:
            yield pytest.param(point, mode, songs, then, id=f"{point}-{mode}-{songs}-{then}".replace(" ", "_"))


class Crash:
    """One run of a Dag whose first process is killed at a crash point."""

    def __init__(self, sim: RunningSimulator, supervise: Supervise, armed: Path, monkeypatch: pytest.MonkeyPatch):
        self.sim, self.supervise, self.armed, self.monkeypatch = sim, supervise, armed, monkeypatch

    def run(self, point: str, mode: str, songs: str, then: str, **fields: Any) -> SupervisedScheduling:
        """Run until the crash, then again by Airflow's retry or a person's clear."""
        self.prompts = SONGS[songs]
        options: dict[str, Any] = {
            "task_id": "generate",
            "model": "V5",
            "poll_interval": 0.05,
            "retries": int(then == "retry"),
            "retry_delay": timedelta(0),
            **MODES[mode],
            **fields,
        }
        with DAG("crashes", schedule=None) as dag:
            if songs == "one":
                GenerateMusicOperator(prompt=self.prompts[0], **options)
            else:
                GenerateMusicOperator.partial(**options).expand(prompt=self.prompts)
        POINTS[point].arm(self.armed, self.monkeypatch)
        run = self.supervise(dag).run()
        assert not self.armed.exists(), "no process reached the crash point"
        assert run.exit_codes.count(-signal.SIGKILL) == 1
        return run.clear("generate").run() if then == "clear" else run

    def charges(self) -> list[int]:
        """Return how often each song was paid for."""
        songs = self.sim.ledger()["songs"]
        paid = [song["request"]["prompt"] for song in songs for _ in range(song["charges"])]
        return [paid.count(prompt) for prompt in self.prompts]

    def check_results(self, run: SupervisedScheduling) -> None:
        """Check that each task instance pushed the id of its own song."""
        songs = {song["music_task_id"]: song["request"]["prompt"] for song in self.sim.ledger()["songs"]}
        for number, prompt in enumerate(self.prompts):
            index = number if len(self.prompts) > 1 else -1
            music_task_id = run.xcom("generate", map_index=index)
            assert songs[music_task_id] == prompt
            assert run.xcom("generate", "music_task_id", index) == music_task_id
            assert run.journal("generate", index)["job"]["id"] == music_task_id


@pytest.fixture
def crash(sim: RunningSimulator, supervise: Supervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crash:
    return Crash(sim, supervise, tmp_path / "armed", monkeypatch)


@pytest.mark.parametrize(("point", "mode", "songs", "then"), list(cells(*CHARGED_WHEN_LOST, both=True)))
def test_a_crash_that_loses_the_reply_submits_nothing_until_a_clear(
    point: str, mode: str, songs: str, then: str, crash: Crash
) -> None:
    run = crash.run(point, mode, songs, then)
    others = len(crash.prompts) - 1
    assert run.state("generate") == ["failed"] + ["success"] * others
    assert run.tries("generate")[0] == 2
    lost_index = -1 if others == 0 else 0
    assert run.journal("generate", lost_index)["state"] == "doubted"
    assert "by an earlier try is lost: " in run.said()
    assert crash.charges()[0] == CHARGED_WHEN_LOST[point]
    run.clear("generate").run()
    assert run.state("generate") == ["success"] * (others + 1)
    assert crash.charges()[0] == CHARGED_WHEN_LOST[point] + 1
    crash.check_results(run)


@pytest.mark.parametrize(
    ("point", "mode", "songs", "then"),
    list(cells(*(point for point in POINTS if point not in {*CHARGED_WHEN_LOST, *AFTER_SUCCESS}))),
)
def test_a_crash_costs_nothing(point: str, mode: str, songs: str, then: str, crash: Crash) -> None:
    run = crash.run(point, mode, songs, then)
    assert run.state("generate") == ["success"] * len(crash.prompts)
    # A clear makes the other, delivered songs of a mapped task again.
    again = int(then == "clear")
    assert crash.charges() == [1, *(1 + again for _ in crash.prompts[1:])]
    crash.check_results(run)


@pytest.mark.parametrize(("point", "mode", "songs", "then"), list(cells(*AFTER_SUCCESS)))
def test_a_crash_after_success_keeps_it(point: str, mode: str, songs: str, then: str, crash: Crash) -> None:
    run = crash.run(point, mode, songs, then)
    assert run.state("generate") == ["success"] * len(crash.prompts)
    again = int(then == "clear")
    journaled = point == "after the delivery is journaled"
    assert crash.charges() == [1 + again * journaled, *(1 + again for _ in crash.prompts[1:])]
    crash.check_results(run)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("point", CHARGED_WHEN_LOST)
def test_resubmit_is_consent_to_pay_after_a_lost_reply(point: str, mode: str, crash: Crash) -> None:
    run = crash.run(point, mode, "one", "retry", on_lost_reply="resubmit")
    assert run.state("generate") == ["success"]
    assert "which may pay twice" in run.said()
    assert crash.charges() == [CHARGED_WHEN_LOST[point] + 1]
    crash.check_results(run)
