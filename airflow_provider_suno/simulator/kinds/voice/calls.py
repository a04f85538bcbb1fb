"""Handlers of the voice calls."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start, started
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.jobs.order import Order
from airflow_provider_suno.simulator.kinds.music.source_lookup import audio_at_address
from airflow_provider_suno.simulator.kinds.voice.job import VoiceJob, VoicePhraseJob
from airflow_provider_suno.simulator.kinds.voice.rules import find_phrase, find_voices
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.plain_jobs import replace_job

_NO_SAMPLE = Order(
    kind="voice_phrase", fail="processing_validate_fail", message="The audio at voiceUrl could not be fetched."
)
_NO_RECORDING = Order(kind="voice", fail="fail", message="The audio at verifyUrl could not be fetched.")


def _choose_phrase(call: Call, context: Context) -> Reply:
    source = audio_at_address(call.text("voiceUrl"), call, context.state, context.now)
    return start(call, context, VoicePhraseJob, order=None if source.exists else _NO_SAMPLE)


def _choose_another(call: Call, context: Context) -> Reply:
    """Start the job of the phrase again, under the same id."""
    state, phrase = context.state, find_phrase(call, context.state, context.now)
    assert phrase is not None  # the rules have made sure of that
    state.rate_limits.submits.add(call.arrived_at)
    again = replace(
        phrase,
        request={**phrase.request, "calBackUrl": call.text("calBackUrl")},
        order=state.orders.take(phrase.kind),
        created_at=context.now,
        create_time=context.now if context.record_time is None else context.record_time,
        attempt=phrase.attempt + 1,
        before=phrase,
        voice_ready_at=None,
    )
    replace_job(state, again)
    return success({"taskId": again.job_id}, job_id=again.job_id)


def _make_voice(call: Call, context: Context) -> Reply:
    state, phrase = context.state, find_phrase(call, context.state, context.now)
    assert phrase is not None  # the rules have made sure of that
    source = audio_at_address(call.text("verifyUrl"), call, state, context.now)
    voice = started(call, context, VoiceJob, order=None if source.exists else _NO_RECORDING)
    if voice.makes_something:
        state.jobs[phrase.job_id] = replace(phrase, voice_ready_at=voice.ends_at)
    return success({"taskId": voice.job_id}, job_id=voice.job_id)


def _check(call: Call, context: Context) -> Reply:
    voices = find_voices(call, context.state, context.now)
    data = {"isAvailable": any(voice.usable(context.now) for voice in voices)}
    return success(data, job_id=call.job_id)


HANDLERS: dict[Endpoint, Handler] = {
    Endpoint.VOICE_PHRASE: _choose_phrase,
    Endpoint.VOICE_PHRASE_AGAIN: _choose_another,
    Endpoint.VOICE_PHRASE_RECORD: read_record,
    Endpoint.VOICE: _make_voice,
    Endpoint.VOICE_RECORD: read_record,
    Endpoint.VOICE_CHECK: _check,
}
