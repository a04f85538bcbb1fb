"""The plugin: every Airflow process loads it, so it must cost next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

from airflow_provider_suno.plugins.callback_receiver import SunoCallbackPlugin

LOADED = """
import json, sys
import airflow.plugins_manager
before = set(sys.modules)
from airflow_provider_suno.plugins.callback_receiver import SunoCallbackPlugin
SunoCallbackPlugin().fastapi_apps
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_airflow_finds_it() -> None:
    [found] = [point for point in entry_points(group="airflow.plugins") if point.name == "suno_callbacks"]
    assert found.load() is SunoCallbackPlugin


def test_it_loads_nothing_but_itself() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert [
        name for name in json.loads(ran.stdout.splitlines()[-1]) if not name.startswith("airflow_provider_suno")
    ] == []
