"""``SIGKILL`` at the points of a submission, for each kind of job and for calls that are answered at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.lyrics import GetTimestampedLyricsOperator
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.family import JOBS, Sources, _kie, kie, paths, sources
from tests.support.supervised import SupervisedScheduling, crash_points

__all__ = ["_kie", "kie", "sources"]

pytestmark = [
    pytest.mark.crashes,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 nothing outlives a process"),
    pytest.mark.usefixtures("short_clocks"),
]

POINTS = crash_points("send")
CASES: dict[str, tuple[Any, Callable[[Sources], dict[str, Any]]]] = {
    **{name: (operator, arguments) for name, (operator, arguments, *_) in JOBS.items()},
    "boost_style": (BoostStyleOperator, lambda _: {"content": "pop"}),
    "get_timestamped_lyrics": (GetTimestampedLyricsOperator, lambda made_of: made_of.track),
}
HARMLESS = ("after submitted", "before success is recorded")
ANSWERED = ("boost_style", "get_timestamped_lyrics")


@pytest.fixture
def crash(
    sources: Sources,
    supervise: Callable[..., SupervisedScheduling],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, str], SupervisedScheduling]:
    """Return what runs a call whose first process is killed at a point, and its retry."""

    def run(call: str, point: str) -> SupervisedScheduling:
        operator, arguments = CASES[call]
        waits = {} if call in ANSWERED else {"poll_interval": 0.05}
        with DAG("crashes", schedule=None) as dag:
            operator(task_id="make", **arguments(sources), **waits, retries=1, retry_delay=timedelta(0))
        armed = tmp_path / "armed"
        POINTS[point].arm(armed, monkeypatch)
        ended = supervise(dag).run()
        assert ended.exit_codes.count(-signal.SIGKILL) == 1
        return ended

    return run


@pytest.mark.parametrize(("call", "point"), zip(CASES, cycle(HARMLESS), strict=False))
def test_a_crash_costs_nothing(
    call: str, point: str, crash: Callable[[str, str], SupervisedScheduling], kie: RunningSimulator
) -> None:
    before = paths(kie, CASES[call][0].request_type.path)
    run = crash(call, point)
    assert (run.state("make"), run.tries("make")) == (["success"], [2]), run.last_error
    assert paths(kie, CASES[call][0].request_type.path) - before == 1


@pytest.mark.parametrize("call", CASES)
def test_a_crash_that_loses_the_reply_submits_nothing_until_a_clear(
    call: str, crash: Callable[[str, str], SupervisedScheduling], kie: RunningSimulator
) -> None:
    path = CASES[call][0].request_type.path
    before = paths(kie, path)
    run = crash(call, "between POST and submitted")
    assert (run.state("make"), run.tries("make")) == (["failed"], [2])
    assert run.journal("make")["state"] == "doubted"
    assert "by an earlier try is lost: " in run.said()
    assert paths(kie, path) - before == 1
    run.clear("make").run()
    assert paths(kie, path) - before == 2
    refused = call in ("convert_to_wav", "create_music_video")  # the service makes it once
    assert run.state("make") == (["failed"] if refused else ["success"]), run.last_error
