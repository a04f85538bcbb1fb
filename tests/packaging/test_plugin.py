"""The plugins: every Airflow process loads them, so they must cost next to nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from airflow_provider_suno.plugins import player
from airflow_provider_suno.plugins.callback_receiver import SunoCallbackPlugin
from airflow_provider_suno.plugins.player.player_plugin import SunoPlayerPlugin

STATIC = Path(player.__file__).parent / "static"

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


def test_the_players_modules_load_only_each_other() -> None:
    own = list(STATIC.glob("*.js"))
    assert len(own) > 5
    for path in own:
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'(?:^import .*from |import\()"(.+?)"|new URL\("(.+?)", import', text, re.MULTILINE)
        for name in map("".join, loaded):
            assert name == "../../" or (STATIC / name).exists(), f"{path.name} loads {name}"
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), f"{path.name} names another host"
