"""One run for each finished song: by the keys of asset events, which Airflow has from 3.3 on."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_suno.assets.suno import music

SONGS = music("suno_default")

try:
    from airflow.sdk import PartitionedAssetTimetable
except ImportError:  # before Airflow 3.3: started for songs, too, but perhaps once for several
    schedule: Any = [SONGS]
else:
    schedule = PartitionedAssetTimetable(assets=SONGS)

with DAG(
    dag_id="suno_each_song",
    schedule=schedule,
    catchup=False,
    tags=["suno"],
    doc_md="""
### Each song

A callback about a finished song that no task waits for raises one event for each track, with the track's `audio_id` as
its key. From Airflow 3.3 on, each key has a run of its own, so no song is missed however many are finished at once.
""",
):

    @task
    def listen(*, dag_run: Any, triggering_asset_events: Any) -> str:
        """Return what the run is about."""
        song = getattr(dag_run, "partition_key", None)
        events = [event for found in triggering_asset_events.values() for event in found]
        titles = [title for event in events for title in event.extra.get("titles", [])]
        return f"{song or 'no key'}: {', '.join(filter(None, titles)) or 'no title'}"

    listen()
