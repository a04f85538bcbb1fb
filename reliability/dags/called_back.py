"""Songs that are resumed by callbacks, songs that start Dags, and lost replies. The prompt identifies a song."""

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, task

from airflow_provider_suno.assets.suno import music
from airflow_provider_suno.operators.music import GenerateMusicOperator

PROMPT = "{{ run_id }} {{ ti.task_id }} {{ ti.map_index }}"


@task
def prompts(params: dict[str, int] | None = None) -> list[str]:
    """Return as many prompts as the run asks for."""
    return [f"song {number}" for number in range((params or {"songs": 1})["songs"])]


with DAG("called_back", schedule=None, params={"songs": Param(10, type="integer")}, max_active_tasks=12):
    GenerateMusicOperator.partial(
        task_id="generate", model="V5", wait_for_completion=True, deferrable=True, retries=1, retry_delay=1
    ).expand(prompt=prompts())

with DAG("not_waited_for", schedule=None):
    GenerateMusicOperator(task_id="generate", model="V5", prompt=PROMPT)


@task
def listen(triggering_asset_events: dict[object, list[object]] | None = None) -> list[str]:
    """Return the tracks that started this run."""
    found = [event for events in (triggering_asset_events or {}).values() for event in events]
    return [audio_id for event in found for audio_id in event.extra["audio_ids"]]  # type: ignore[attr-defined]


with DAG("song_finished", schedule=[music("suno_default")]):
    listen()


@task
def key(dag_run: object = None) -> str:
    """Return the track that this run is for."""
    return str(getattr(dag_run, "partition_key", None))


with DAG("each_song", schedule=PartitionedAssetTimetable(assets=music("suno_default"))):
    key()
