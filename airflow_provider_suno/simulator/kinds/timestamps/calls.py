"""Handler of the call that returns when each word is sung. It is paid, and answered at once."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.jobs.paid_call import PaidCall
from airflow_provider_suno.simulator.kinds.music.record import lyrics_of
from airflow_provider_suno.simulator.kinds.timestamps.aligned_words import timestamped_lyrics
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.credits import price_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _align(call: Call, context: Context) -> Reply:
    state, audio_id = context.state, call.text("audioId")
    task = state.find(call.text("taskId"), context.now)
    assert task is not None  # the rules have made sure of that
    paid = PaidCall("timestamps", task.music_task_id, call.fields, price_of(call.endpoint, call.fields))
    state.charge(paid, now=context.now)
    data = timestamped_lyrics(lyrics_of(task), task.melody(audio_id), audio_id)
    return success(data, job_id=task.music_task_id)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.TIMESTAMPED_LYRICS: _align}
