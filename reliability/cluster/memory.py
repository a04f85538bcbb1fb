"""How much memory a busy slot takes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import psutil

from reliability.cluster.deployment import SLOTS, WORKERS
from reliability.cluster.steps import Steps, after
from reliability.cluster.testbed import Row, Testbed

_SETTLED = 15.0
"""Seconds from the start of the last task until it is measured: it has imported what it needs by then."""


def slots(testbed: Testbed) -> Row:
    """Fill all slots with tasks without this provider, then with tasks that wait for a song in the worker."""
    main = [process for worker in WORKERS if (process := testbed.cluster.processes.process(worker))]
    seen = [f"a worker's own main process: {_usual(main):.0f} MiB"]

    def filled() -> str | None:
        return "all slots are busy" if testbed.targets.tasks_running() == SLOTS else None

    def measure(kind: str) -> str:
        tasks = testbed.targets.tasks()
        supervisors = [parent for task in tasks if (parent := task.parent())]
        seen.append(f"{kind}: {_usual(tasks):.0f} MiB and {_usual(supervisors):.0f} MiB for its supervisor")
        return seen[-1]

    testbed.cluster.wait_for_dags("plain")
    testbed.cluster.rest.trigger("plain")
    plain = Steps(filled, after(_SETTLED, lambda: measure("a task that does not use this provider")))
    testbed.until(lambda: plain.act(0) and plain.over, "all slots were measured with plain tasks")
    testbed.until(lambda: not testbed.targets.tasks_running(), "the plain tasks ended")
    testbed.simulator.set_speed(1)
    steps = Steps(filled, after(_SETTLED, lambda: measure("a task that waits for a song in the worker")))
    verdict = testbed.run("waits_in_workers", SLOTS, steps)
    verdict.missing += steps.missing
    return Row("nothing: memory of a busy slot (PSS, median)", verdict, seen)


def pss(process: psutil.Process) -> float:
    """Return a process's memory in MiB, in which what several share counts once; 0 if it has just ended."""
    try:
        return float(process.memory_full_info().pss) / 2**20
    except psutil.Error:
        return 0.0


def _usual(processes: Sequence[psutil.Process]) -> float:
    return median(map(pss, processes)) if processes else 0.0
