"""A component that SQLite's lock ended is started again; one that ended for another reason is reported."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from demo.airflow_process import RunningAirflow
from demo.processes import ProcessFailedError

LOCKED = "import sys; print('sqlite3.OperationalError: database is locked'); sys.exit(1)"
BROKEN = "import sys; print('ImportError: no such module'); sys.exit(1)"


@pytest.mark.parametrize(("code", "restarted"), [(LOCKED, True), (BROKEN, False)])
def test_a_component_that_ended(code: str, restarted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    airflow = RunningAirflow(tmp_path, tmp_path, say=said.append)
    monkeypatch.setattr(airflow, "components", ("scheduler",))
    monkeypatch.setattr(airflow, "_command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    with airflow.processes as processes:
        processes.start("scheduler", [sys.executable, "-c", code], dict(os.environ))
        while processes.process("scheduler") is not None:
            time.sleep(0.02)
        if restarted:
            airflow.check()
            airflow.check()
            assert said == ["scheduler ended because SQLite was locked; starting it again"]
        else:
            with pytest.raises(ProcessFailedError, match="ImportError"):
                airflow.check()
