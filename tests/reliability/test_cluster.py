"""The pure parts of the cluster test: what it kills and when, what it reads, and what it counts."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections import Counter
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from reliability.cluster import confinement
from reliability.cluster.connections import connected_sockets
from reliability.cluster.loads import most_in_a_window
from reliability.cluster.scenarios import SCENARIOS, chosen
from reliability.cluster.steps import Steps, after
from reliability.cluster.targets import Kind, plan
from reliability.cluster.testbed import Row, longest_gap
from reliability.killing import Killer
from reliability.verdict import Verdict
from tests.support.project import PROJECT

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0
   1: 0201630A:C001 0100630A:20D1 01 00000000:00000000 00:00000000 00000000     0        0 22 1 0
   2: 0201630A:C002 0100630A:20D1 06 00000000:00000000 00:00000000 00000000     0        0 33 1 0
   3: 0201630A:20D1 0100630A:C003 01 00000000:00000000 00:00000000 00000000     0        0 44 1 0
   4: 0201630A:C004 0100630A:20D1 08 00000000:00000000 00:00000000 00000000     0        0 55 1 0
"""


def test_two_rounds_kill_each_kind_and_one_has_twelve_kills() -> None:
    assert set(plan(1) + plan(2)) == set(Kind)
    assert {len(plan(number)) for number in range(1, 5)} == {12}


def test_sockets_are_found_by_the_port_at_the_other_end() -> None:
    assert connected_sockets(TABLE, 0x20D1) == {"22", "55"}
    assert connected_sockets("", 0x20D1) == set()


def test_steps_follow_each_other_and_wait_for_their_moment() -> None:
    clock = [100.0]
    ready: list[str | None] = [None, "first"]
    steps = Steps(lambda: ready.pop(0), after(5, lambda: "second", clock=lambda: clock[0]))
    assert [steps.act(0), steps.act(0), steps.act(0), steps.over] == [None, "first", None, False]
    clock[0] = 104.9
    assert steps.act(0) is None
    clock[0] = 105.0
    assert [steps.act(0), steps.act(0), steps.over] == ["second", None, True]
    assert len(steps.taken) == 2
    assert (steps.times, steps.missing) == ([], [])


def test_a_scenario_whose_steps_were_not_all_done_fails() -> None:
    steps = Steps(lambda: "cut", lambda: None, may_cost_replies=True)
    assert [steps.act(0), steps.act(0)] == ["cut", None]
    assert steps.missing == ["only 1 of 2 steps were done: ['cut']"]
    assert steps.times == steps.taken != []


@pytest.mark.parametrize(
    ("times", "most"), [([], 0), ([1.0], 1), ([0, 10, 20], 1), ([0, 9.9, 10, 19.95], 2), ([5, 1, 3], 3)]
)
def test_the_busiest_window_is_found(times: list[float], most: int) -> None:
    assert most_in_a_window(times) == most


def test_the_longest_gap_is_that_of_the_job_that_is_polled_last() -> None:
    reads = [{"job_id": job, "wall": at} for job, at in (("a", 5), ("a", 12), ("b", 31), ("a", 40), ("c", 8))]
    assert longest_gap(reads, 10) == 21
    assert longest_gap(reads, 50) == 0


def test_a_row_shows_what_was_charged_lost_and_hung() -> None:
    verdict = Verdict(songs=3, charges=Counter({1: 2, 2: 1}), lost_replies=1, lost=["a"], hung=["b", "c"])
    cells = Row("a cut", verdict, ["seen", "twice"], "cut-off").cells()
    assert cells == ("`cut-off`", "a cut", "3", "2 once, 1 twice", "1", "1", "2", "0", "seen; twice")


def test_the_rounds_of_kills_are_followed_by_some_scenarios() -> None:
    assert set(chosen([])) < set(chosen(["all"])) == set(SCENARIOS)
    assert chosen(["cut-off"]) == ["cut-off"]


def test_a_kind_that_does_not_run_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    running = {"a": ["process a"], "b": [], "c": ["process c"]}
    prepared: list[str] = []
    targets: Any = SimpleNamespace(
        tasks_running=lambda: 4,
        victims=lambda kind, _chance: running[kind],
        prepare=prepared.append,
        costs_replies_for={"a": 0, "b": 40}.get,
    )
    chance: Any = SimpleNamespace(uniform=lambda *_: 3.0, sample=lambda kinds, _count: list(kinds))
    killer = Killer(targets, chance)
    monkeypatch.setattr("reliability.killing.kill", lambda _victims: None)
    killer.plan(["b", "a"])
    assert [killer.act(now) for now in (0, 3, 3)] == [None, None, "killed a"]
    running["b"] = ["process b"]
    assert [killer.act(now) for now in (4, 6, 7)] == [None, None, "killed b"]
    killer.plan(["c"])
    assert [killer.act(now) for now in (8, 11)] == [None, "killed c"]
    assert killer.done
    assert killer.killed == {"a": 1, "b": 1, "c": 1}
    assert prepared == ["a", "b", "c"]
    # A kill of c cannot cost a reply.
    assert [round(end - begin) for begin, end in killer.times] == [0, 40]


@pytest.mark.skipif(confinement.possible() is not None, reason="namespaces cannot be made here")
def test_nothing_outlives_the_one_who_confined_it() -> None:
    mark = f"PLACED_{uuid.uuid4().hex}"
    serve = (
        f"from reliability.cluster import confinement; confinement.run_confined(['http.server', '0', '-d', '{mark}'])"
    )

    def served() -> list[psutil.Process]:
        return [one for one in psutil.process_iter(["cmdline"]) if mark in " ".join(one.info["cmdline"] or [])]

    def becomes(number: int) -> bool:
        deadline = time.monotonic() + 30
        while len(served()) != number and time.monotonic() < deadline:
            time.sleep(0.1)
        return len(served()) == number

    with subprocess.Popen([sys.executable, "-c", serve], cwd=PROJECT, stdout=subprocess.DEVNULL) as outer:
        # Itself, setpriv's successor unshare, the first process of the namespaces, and the server.
        assert becomes(4)
        outer.kill()
    assert becomes(0)
