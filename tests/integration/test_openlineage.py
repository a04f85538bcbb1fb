"""What tasks tell OpenLineage, where its provider is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.task.suno_task import SunoTask
from tests.support.generating import Schedule

pytestmark = pytest.mark.usefixtures("short_clocks")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Any, Any]]:
    """Return what the tasks have used and made, by task; noted where Airflow's listener would ask for it."""
    found: dict[str, tuple[Any, Any]] = {}
    add = SunoTask.add_lineage

    def note(task: Any, **lineage: Any) -> None:
        add(task, **lineage)
        found[task.task_id] = (task.used, task.made)

    monkeypatch.setattr(SunoTask, "add_lineage", note)
    return found


def test_what_tasks_used_and_made(
    told: dict[str, tuple[Any, Any]],
    song: Callable[..., str],
    sim: RunningSimulator,
    schedule: Schedule,
    tmp_path: Path,
) -> None:
    with DAG("lineage", schedule=None) as dag:
        wait = MusicTaskSensor(task_id="wait", music_task_id=song(), keep_at=tmp_path)
        persona = GeneratePersonaOperator(
            task_id="persona",
            music_task_id="{{ ti.xcom_pull('wait', key='music_task').music_task_id }}",
            name="n",
            description="d",
        )
        GenerateMusicOperator(
            task_id="again", model="V5", prompt="rain", style="folk", title="Rain", persona_id=persona.output
        )
        wait >> persona
    run = schedule(dag).run()
    assert run.state("again") == ["success"], run.last_error
    song_made = f"suno://suno_default/music/{run.xcom('wait', 'music_task')['music_task_id']}"
    persona_made = f"suno://suno_default/personas/{run.xcom('persona')}"
    assert told["wait"] == ((song_made,), tuple(file["uri"] for file in run.xcom("wait", "files")))
    assert told["persona"] == ((song_made,), (persona_made,))
    assert told["again"] == ((persona_made,), (f"suno://suno_default/music/{run.xcom('again')}",))


def test_the_datasets() -> None:
    pytest.importorskip("airflow.providers.openlineage")
    task = GenerateMusicOperator(task_id="t", model="V5", prompt="rain")
    made = "suno://suno_default/music/m"
    task.add_lineage(
        used=["suno://suno_default/personas/p"],
        made=[made, "file:///songs/a%20b.mp3", "s3://aws@bucket/songs/a.mp3"],
        described={made: "Rain"},
    )
    for lineage in (
        task.get_openlineage_facets_on_start(),
        task.get_openlineage_facets_on_complete(None),
        task.get_openlineage_facets_on_failure(None),
    ):
        assert [(one.namespace, one.name) for one in lineage.inputs] == [("suno://suno_default", "personas/p")]
        assert [(one.namespace, one.name) for one in lineage.outputs] == [
            ("suno://suno_default", "music/m"),
            ("file", "/songs/a b.mp3"),
            ("s3://bucket", "songs/a.mp3"),
        ]
        assert lineage.outputs[0].facets["documentation"].description == "Rain"
