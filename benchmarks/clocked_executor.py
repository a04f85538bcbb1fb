"""
Airflow's local executor, which records how long each task instance occupied a worker process.

A worker process is occupied from the moment it accepts a task until it could accept the next one. This includes the
start of the task's own process, and the time for which its supervisor outlives it.
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
    """The local executor, with times recorded."""

    def start(self) -> None:
        """Start the workers; they are forked, so they inherit the patched method."""
        # The executor calls it on the base class, so it cannot be overridden.
        BaseExecutor.run_workload = staticmethod(_run_noted)  # type: ignore[method-assign]
        super().start()
