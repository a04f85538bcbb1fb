"""The samples of the guides about tests and TaskFlow: the project that one shows is made and tested, the Dags run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from airflow_provider_suno.testing import SunoSimulator
from tests.support.airflow_versions import dags_in
from tests.support.generating import Schedule

GUIDES = Path(__file__).resolve().parents[2] / "docs/guides"
HAS_DAG_BAG_APART = find_spec("airflow.dag_processing.dagbag") is not None
MOVED = ("airflow.dag_processing.dagbag", "airflow.models.dagbag")  # the comment beside it says so
NAME = re.compile(r"# (\w+/\w+\.py)\n")


def samples(guide: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (GUIDES / guide).read_text(encoding="utf-8"), re.DOTALL)


def test_the_tests_that_the_guide_shows_pass(tmp_path: Path) -> None:
    for number, sample in enumerate(samples("testing.md")):
        named = NAME.match(sample)
        file = tmp_path / (named[1] if named else f"tests/test_sample_{number}.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(sample if HAS_DAG_BAG_APART else sample.replace(*MOVED), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "tests"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, cwd=tmp_path, env=clean)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


@pytest.mark.parametrize("number", [0, 1], ids=["operator", "hook"])
def test_both_forms_of_taskflow(number: int, suno_simulator: SunoSimulator, schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(samples("taskflow.md")[number], encoding="utf-8")
    [dag] = dags_in(tmp_path / "sample.py")
    run = schedule(dag).run(timeout=180)
    assert run.xcom("count") == 2, run.said()
    assert [song["charges"] for song in suno_simulator.songs] == [1]
