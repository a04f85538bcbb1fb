"""The predicates of the rules for music: each says whether there is a certain reason to refuse a submission."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.music import model_limits
from airflow_provider_suno.simulator.kinds.music.modes import is_custom, is_simple
from airflow_provider_suno.simulator.kinds.music.source_lookup import find_source
from airflow_provider_suno.simulator.kinds.voice.job import VoiceJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import count, is_missing, number
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

_MOST_ATTACHMENTS = 10


def model_not_offered(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the model is one that the reseller does not offer."""
    return "model" in call.fields and call.fields["model"] not in state.profile.models


def vocals_without_lyrics(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether vocals are wanted without lyrics. An extension has no flag that turns vocals off."""
    vocals = call.endpoint is Endpoint.EXTEND or call.fields.get("instrumental") is False
    lyrics = call.endpoint is Endpoint.GENERATE and not is_missing(call, "lyrics")
    return vocals and is_custom(call) and is_missing(call, "prompt") and not lyrics


def custom_settings_missing(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether a call in custom mode has none of the fields of which it needs at least one."""
    if not is_custom(call):
        return False
    needed = {Endpoint.GENERATE: state.profile.custom_needs, Endpoint.UPLOAD_EXTEND: ("style", "title", "prompt")}
    return all(is_missing(call, field) for field in needed.get(call.endpoint, ("style", "title")))


def continues_before_the_start(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether the new part would begin at 0 or before."""
    at = number(call.fields.get("continueAt"))
    return at is not None and at <= 0


def continues_after_the_end(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the new part would begin after the end of a source of known length."""
    at, length = number(call.fields.get("continueAt")), _source_length(call, state, now)
    return at is not None and length is not None and at >= length


def other_model_than_source(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a track is to be extended by another model than its own."""
    source = find_source(call, state, now)
    return source is not None and source.settings.get("model", call.text("model")) != call.text("model")


def source_too_long(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a source of known length is too long for every model."""
    length = _source_length(call, state, now)
    return length is not None and length > model_limits.LONGEST_SOURCE


def source_too_long_for_model(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a source of known length is too long for this model to extend."""
    length = _source_length(call, state, now)
    return length is not None and length > model_limits.longest_source_to_extend(call.text("model"))


def _source_length(call: Call, state: ServiceState, now: float) -> float | None:
    source = find_source(call, state, now)
    return source.length if source else None


def duration_not_for_model(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether there is a duration, and the model takes none."""
    return "duration" in call.fields and not model_limits.takes_duration(call.text("model"))


def voice_not_for_model(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether there is a cloned voice, and the model takes none."""
    return call.fields.get("personaModel") == "voice_persona" and not model_limits.takes_voice(call.text("model"))


def duration_in_simple_mode(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether there is a duration in simple mode, and the reseller takes none there."""
    return state.profile.duration_needs_custom and is_simple(call) and "duration" in call.fields


def too_many_attachments(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether there are too many attachments of all kinds together."""
    return sum(count(call, field) for field in ("imageUrls", "videoUrls", "audioUrls")) > _MOST_ATTACHMENTS


def persona_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether there is no such persona, and no such voice."""
    persona_id = call.text("personaId")
    return bool(persona_id) and persona_id not in state.personas and not _is_voice(call, persona_id, state, now)


def _is_voice(call: Call, voice_id: str, state: ServiceState, now: float) -> bool:
    """Return whether an id is that of a cloned voice, and is used as one."""
    if call.fields.get("personaModel") != "voice_persona":
        return False
    voices = (job for job in list(state.jobs.values()) if isinstance(job, VoiceJob))
    return any(voice.result() == voice_id and voice.usable(now) for voice in voices)
