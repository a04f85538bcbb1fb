"""The plugins: every Airflow process loads them, so they must cost next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

from airflow_provider_suno.plugins.callback_receiver import SunoCallbackPlugin
from airflow_provider_suno.plugins.player.player_plugin import SunoPlayerPlugin

LOADED = """
import json, sys
import airflow.plugins_manager
before = set(sys.modules)
from airflow_provider_suno.plugins.callback_receiver import SunoCallbackPlugin
from airflow_provider_suno.plugins.player.player_plugin import SunoPlayerPlugin
SunoCallbackPlugin().fastapi_apps, SunoPlayerPlugin().fastapi_apps
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_airflow_finds_them() -> None:
    found = {point.name: point.load() for point in entry_points(group="airflow.plugins")}
    assert found["suno_callbacks"] is SunoCallbackPlugin
    assert found["suno_player"] is SunoPlayerPlugin


def test_they_load_nothing_but_themselves() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert [
        name for name in json.loads(ran.stdout.splitlines()[-1]) if not name.startswith("airflow_provider_suno")
    ] == []
