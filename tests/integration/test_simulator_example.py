"""The example of ``running_simulator`` in the README and in its docstring: one text, and it runs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

from airflow_provider_suno.simulator import running_simulator

README = Path(__file__).resolve().parents[2] / "README.md"


def example() -> str:
    """Return the README's example of a test that runs a simulator."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if "running_simulator" in block]
    return found


def test_it_runs(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(example(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=README.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_docstring_has_the_same() -> None:
    docstring = inspect.getdoc(running_simulator) or ""
    indented = "".join(f"    {line}" if line.strip() else line for line in example().splitlines(keepends=True))
    assert indented in docstring
