"""Where links lead to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import ObjectStoragePath

from airflow_provider_suno.api.profiles import PROFILES
from airflow_provider_suno.links.kept_file import kept_file_url
from airflow_provider_suno.links.suno import AudioLink

WHERE: dict[str, Any] = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1}
AMAZON, GOOGLE = "https://s3.amazonaws.com", "https://storage.googleapis.com/storage/v1/"
S3, GCS = "https://s3.console.aws.amazon.com/s3/object/", "https://console.cloud.google.com/storage/browser/_details/"


@pytest.mark.parametrize(
    ("uri", "at", "page"),
    [
        ("s3://b/songs/a.mp3", AMAZON, S3 + "b?prefix=songs%2Fa.mp3"),
        ("s3://aws_default@b/a b?#é.mp3", "https://s3.eu-west-1.amazonaws.com", S3 + "b?prefix=a%20b%3F%23%C3%A9.mp3"),
        ("s3://b/a.mp3", "https://s3.us-gov-west-1.amazonaws.com", None),
        ("s3://b/a.mp3", "https://s3.cn-north-1.amazonaws.com.cn", None),
        ("s3://b/a.mp3", "http://127.0.0.1:9000", None),
        ("s3://b/a.mp3", None, None),
        ("gs://google@b/songs/a b?.mp3", GOOGLE, GCS + "b/songs/a%20b%3F.mp3"),
        ("gs://b/a.mp3", "http://localhost:4443/storage/v1/", None),
        ("file:///songs/a.mp3", None, None),
        ("abfs://b/a.mp3", AMAZON, None),
    ],
)
def test_the_page_of_a_kept_file(uri: str, at: str | None, page: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=at)) if at else None
    files = SimpleNamespace(_s3=client, base=at or "")
    monkeypatch.setattr(ObjectStoragePath, "fs", files)
    assert kept_file_url(uri, **WHERE) == page


@pytest.mark.skipif(not hasattr(AirflowPlugin, "react_apps"), reason="Airflow 3.0 has no player")
def test_a_file_that_the_player_serves_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song, other = tmp_path / "songs" / "a b.mp3", tmp_path / "a.mp3"
    path = "/suno-player/dags/d/runs/r%2F1/tasks/t/files?map_index=2&index=1"
    where = {**WHERE, "run_id": "r/1", "map_index": 2, "index": 1}
    monkeypatch.setenv("AIRFLOW__SUNO__PLAYER_ROOTS", f"{song.parent}, s3://b/songs")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    assert kept_file_url(f"file://{song}", **where) == f"/team{path}"
    assert kept_file_url(f"file://{other}", **where) is None
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "")
    assert kept_file_url("s3://b/songs/a.mp3", **where) == path


@pytest.mark.parametrize(
    ("profile", "base_url", "page"),
    [
        ("kie", "https://api.kie.ai", "https://kie.ai/logs"),
        ("sunoapi", "https://api.sunoapi.org/", "https://sunoapi.org/logs"),
        ("kie", "http://127.0.0.1:8321", None),
        ("apikley", "https://api.apikley.ru", None),
    ],
)
def test_the_page_that_lists_the_jobs(profile: str, base_url: str, page: str | None) -> None:
    assert PROFILES[profile].log_page_at(base_url) == page


@pytest.mark.parametrize(("pushed", "link"), [("https://x/a.mp3", "https://x/a.mp3"), (None, "")])
def test_a_link_that_airflow_computes_after_all_is_the_one_that_was_pushed(pushed: Any, link: str) -> None:
    asked: list[Any] = []

    class Running:
        task_id, map_index = "t", 3

        def xcom_pull(self, **of: Any) -> Any:
            asked.append(of)
            return pushed

    operator: Any = None
    assert AudioLink().get_link(operator, ti_key=Running()) == link
    assert asked == [{"task_ids": "t", "key": "_link_AudioLink", "map_indexes": 3}]
    assert AudioLink().get_link(operator, ti_key=object()) == ""
