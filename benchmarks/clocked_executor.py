"""
Airflow's local executor, which notes for how long each of its worker processes was held, and by which task instance.

A worker process is held from the moment in which it takes a task up to the one in which it could take the next: the
start of the task's own process and the time for which its supervisor outlives it included.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.executors.base_executor import BaseExecutor
from airflow.executors.local_executor import LocalExecutor

from benchmarks.states import WORKER_NOTES

_run_workload = BaseExecutor.run_workload


@contextmanager
def _noted(task_instance: str) -> Iterator[None]:
    begun = time.time()
    try:
        yield
    finally:
        note = json.dumps({"task_instance": task_instance, "begun": begun, "ended": time.time()})
        with Path(os.environ[WORKER_NOTES]).open("a") as notes:
            notes.write(f"{note}\n")


def _run_noted(workload: Any, **options: Any) -> int:
    with _noted(str(workload.ti.id)):
        return _run_workload(workload, **options)


class ClockedExecutor(LocalExecutor):
    """The local executor with a clock."""

    def start(self) -> None:
        """Start the workers, which are forked and so inherit the clock."""
        # They call it by the name of the base class, so it cannot be overridden.
        BaseExecutor.run_workload = staticmethod(_run_noted)  # type: ignore[method-assign]
        super().start()
