"""The predicates of the rules for music: each says whether there is a certain reason to refuse a submission."""

from __future__ import annotations

from decimal import Decimal

from airflow_provider_suno.simulator.kinds.music import model_limits
from airflow_provider_suno.simulator.kinds.music.modes import is_custom, is_simple
from airflow_provider_suno.simulator.kinds.music.source_lookup import find_source
from airflow_provider_suno.simulator.kinds.voice.job import VoiceJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import count, is_missing, number
from airflow_provider_suno.simulator.state.endpoints import ADDITIONS, Endpoint
from airflow_provider_suno.simulator.state.host_profiles import HostProfile
from airflow_provider_suno.simulator.state.service_state import ServiceState

_MOST_ATTACHMENTS = 10


def models_for(call: Call, profile: HostProfile) -> tuple[str, ...]:
    """Return the models that the reseller offers for a call."""
    if call.endpoint in ADDITIONS:
        return tuple(filter(model_limits.adds_to_audio, profile.models))
    if call.endpoint is Endpoint.SOUNDS:
        return tuple(filter(model_limits.makes_sounds, profile.models))
    return profile.models


def model_not_offered(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the model is one that the reseller does not offer for this call."""
    return "model" in call.fields and call.fields["model"] not in models_for(call, state.profile)


def missing_at_reseller(call: Call, profile: HostProfile) -> list[str]:
    """Return the fields that this reseller needs, unlike another, and that are missing."""
    return [field for field in profile.needed.get(call.endpoint, ()) if is_missing(call, field)]


def vocals_without_lyrics(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether vocals are wanted without lyrics. An extension has vocals unless it says otherwise."""
    instrumental = call.fields.get("instrumental")
    vocals = instrumental is not True if call.endpoint is Endpoint.EXTEND else instrumental is False
    lyrics = call.endpoint in (Endpoint.GENERATE, Endpoint.MASHUP) and not is_missing(call, "lyrics")
    return vocals and is_custom(call) and is_missing(call, "prompt") and not lyrics


def vocals_in_instrumental_extension(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether an extension without vocals has lyrics, or a voice to sing them."""
    return call.fields.get("instrumental") is True and not (
        is_missing(call, "prompt") and is_missing(call, "vocalGender")
    )


def custom_settings_missing(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether a call in custom mode has none of the fields of which it needs at least one."""
    if not is_custom(call):
        return False
    needs = state.profile.custom_needs
    needed = {
        Endpoint.GENERATE: needs,
        Endpoint.MASHUP: tuple(field for field in needs if field != "negativeTags"),
        Endpoint.UPLOAD_EXTEND: ("style", "title", "prompt"),
    }
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


def replaces_nothing(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether neither a track nor an address says where a section is to be replaced."""
    return is_missing(call, "uploadUrl") and (is_missing(call, "taskId") or is_missing(call, "audioId"))


def replaces_two_sources(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether both a track and an address are given."""
    return not is_missing(call, "uploadUrl") and not (is_missing(call, "taskId") and is_missing(call, "audioId"))


def model_missing_for_address(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a section at an address is to be replaced, and no model is given for it."""
    return not is_missing(call, "uploadUrl") and is_missing(call, "model")


def _section(call: Call) -> tuple[Decimal, Decimal]:
    """Return start and end of a section, in seconds."""
    start, end = (number(call.fields.get(field)) or Decimal(0) for field in ("infillStartS", "infillEndS"))
    return start, end


def section_of_wrong_length(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether a section is too short or too long for the reseller, or ends before it begins."""
    (start, end), (shortest, longest) = _section(call), state.profile.section
    return end - start < shortest or (longest is not None and end - start > longest)


def section_beyond_source(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a section would end after the end of a source of known length."""
    length = _source_length(call, state, now)
    return length is not None and _section(call)[1] > length


def section_too_long_for_source(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a section is longer than half of a source of known length."""
    (start, end), length = _section(call), _source_length(call, state, now)
    return length is not None and end - start > length / 2


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
