"""Start when songs are finished, and miss none of them: on every Airflow, by a cursor of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Variable, task

from airflow_provider_suno.assets.suno import music

SONGS = music("suno_default")
CURSOR = "suno_new_songs"
OVERLAP = timedelta(hours=1)

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
for them, and what it hands to the run may be only one of the events. So `new_songs` reads the events itself, by the
Variable `suno_new_songs`: when the last run looked, and what it has published. It looks back an hour further, since an
event may be written later than its time says. `remember` comes last: if a task fails before it, the next run publishes
those songs again rather than none of them.
""",
):

    @task(inlets=[SONGS])
    def new_songs(*, inlet_events: Any) -> list[dict[str, str]]:
        """Return the songs that were not published yet."""
        last = Variable.get(CURSOR, default={"at": None, "audio_ids": []}, deserialize_json=True)
        since = datetime.fromisoformat(last["at"]) - OVERLAP if last["at"] else datetime.min.replace(tzinfo=UTC)
        recent = [event.extra for event in inlet_events[SONGS] if event.timestamp > since]
        # An event may be about several songs, and a song may have two events, one for each way to schedule on them.
        songs = {
            audio_id: {"audio_id": audio_id, "title": title, "audio_url": audio_url}
            for extra in recent
            if extra.get("audio_ids")
            for audio_id, title, audio_url in zip(extra["audio_ids"], extra["titles"], extra["audio_urls"], strict=True)
        }
        return [song for audio_id, song in songs.items() if audio_id not in last["audio_ids"]]

    @task
    def publish(song: dict[str, str]) -> str:
        """Do something with a song."""
        return f"{song['title']}: {song['audio_url']}"

    @task
    def remember(songs: list[dict[str, str]], *, data_interval_end: Any = None, dag_run: Any = None) -> None:
        """Note what was published."""
        last = Variable.get(CURSOR, default={"at": None, "audio_ids": []}, deserialize_json=True)
        known = [*last["audio_ids"], *(song["audio_id"] for song in songs)][-10_000:]
        at = (data_interval_end or dag_run.run_after).isoformat()
        Variable.set(CURSOR, {"at": at, "audio_ids": known}, serialize_json=True)

    songs = new_songs()
    publish.expand(song=songs) >> remember(songs)
