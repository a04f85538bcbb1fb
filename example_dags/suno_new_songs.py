"""Start when songs are finished, and miss none of them: on every Airflow, by a cursor of its own."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Variable, task

from airflow_provider_suno.assets.suno import music

SONGS = music("suno_default")
CURSOR = "suno_new_songs_seen"
FIRST = "1970-01-01T00:00:00+00:00"

with DAG(
    dag_id="suno_new_songs",
    schedule=[SONGS],
    catchup=False,
    max_active_runs=1,
    tags=["suno"],
    doc_md="""
### New songs

Starts when the asset `suno://suno_default/music` has an event: a task with that asset in its `outlets` has finished a
song, or a callback told of one that no task waits for. When several songs are finished at once, Airflow starts one run
for them, and what it hands to the run may be only one of the events. So `new_songs` reads all events since the last
run, by the Variable `suno_new_songs_seen`, and misses none.
""",
):

    @task(inlets=[SONGS])
    def new_songs(*, inlet_events: Any) -> list[dict[str, Any]]:
        """Return the songs that are finished since the last run."""
        seen = Variable.get(CURSOR, default=FIRST)
        fresh = [event for event in inlet_events[SONGS] if event.timestamp.isoformat() > seen]
        if fresh:
            Variable.set(CURSOR, max(event.timestamp.isoformat() for event in fresh))
        # A song may have two events, one for each way to schedule on them.
        songs = {tuple(event.extra["audio_ids"]): event.extra for event in fresh if event.extra.get("audio_ids")}
        return list(songs.values())

    @task
    def publish(song: dict[str, Any]) -> str:
        """Do something with a song."""
        return f"{song['titles'][0]}: {song['audio_urls'][0]}"

    publish.expand(song=new_songs())
