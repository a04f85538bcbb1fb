"""What the rules look for: each function says whether a call at a time gives that ground to refuse it."""

from __future__ import annotations

import re
from decimal import Decimal

from airflow_provider_suno.simulator.jobs import models
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.source import LONGEST_SOURCE, find_source
from airflow_provider_suno.simulator.rules.call import Call, Endpoint
from airflow_provider_suno.simulator.rules.field_readers import (
    count,
    custom,
    decoded,
    missing,
    number,
    simple,
    vocal_window,
)
from airflow_provider_suno.simulator.state.service_state import PRICE, ServiceState

_MOST_ATTACHMENTS = 10
_LONGEST_SOURCE_OF_MODEL = {"V4_5ALL": 60}


def unknown_key(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the caller shows no key of the account."""
    return not has_valid_key(call.authorization, state)


def has_valid_key(authorization: str, state: ServiceState) -> bool:
    """Tell whether an Authorization header holds a key of the account."""
    scheme, _, key = authorization.partition(" ")
    return scheme.lower() == "bearer" and key.strip() in state.api_keys


def too_many_submits(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the account has asked for enough new music tasks for now."""
    return state.rate_limits.submits.is_full(state.settings.submit_limit, call.arrived_at)


def too_many_reads(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the music task has been looked at often enough for now."""
    return state.rate_limits.reads(call.text("taskId")).is_full(state.settings.read_limit, call.arrived_at)


def too_many_reads_in_all(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the account has looked at enough music tasks for now."""
    return state.rate_limits.all_reads.is_full(state.settings.account_read_limit, call.arrived_at)


def model_not_offered(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether a model is named that the reseller does not sell."""
    return "model" in call.fields and call.fields["model"] not in state.profile.models


def vocals_without_lyrics(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether vocals are asked for without lyrics. An extension has no flag that turns vocals off."""
    sung = call.endpoint is Endpoint.EXTEND or call.fields.get("instrumental") is False
    lyrics = call.endpoint is Endpoint.GENERATE and not missing(call, "lyrics")
    return sung and custom(call) and missing(call, "prompt") and not lyrics


def custom_settings_missing(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether a caller announces settings of its own and brings none of those of which one has to be there."""
    if not custom(call):
        return False
    wanted = {Endpoint.GENERATE: state.profile.custom_needs, Endpoint.UPLOAD_EXTEND: ("style", "title", "prompt")}
    return all(missing(call, field) for field in wanted.get(call.endpoint, ("style", "title")))


def continues_before_the_start(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether the new part would set in at 0 or before."""
    at = number(call.fields.get("continueAt"))
    return at is not None and at <= 0


def continues_after_the_end(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether the new part would set in where a source of known length has ended."""
    at, length = number(call.fields.get("continueAt")), _source_length(call, state, now)
    return at is not None and length is not None and at >= length


def other_model_than_source(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether a track is to be continued by another model."""
    source = find_source(call, state, now)
    return source is not None and source.settings.get("model", call.text("model")) != call.text("model")


def source_too_long(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether a source of known length is longer than any model takes."""
    length = _source_length(call, state, now)
    return length is not None and length > LONGEST_SOURCE


def source_too_long_for_model(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether a source of known length is longer than this model takes."""
    length, model = _source_length(call, state, now), call.text("model")
    return length is not None and length > _LONGEST_SOURCE_OF_MODEL.get(model, length)


def _source_length(call: Call, state: ServiceState, now: float) -> float | None:
    source = find_source(call, state, now)
    return source.length if source else None


def duration_not_for_model(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a length is wished for of a model that takes no such wish."""
    return "duration" in call.fields and not models.takes_duration(call.text("model"))


def voice_not_for_model(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a cloned voice is to sing for a model that takes none."""
    return call.fields.get("personaModel") == "voice_persona" and not models.takes_voice(call.text("model"))


def duration_in_simple_mode(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether a length is wished for in simple mode, where the reseller takes none."""
    return state.profile.duration_needs_custom and simple(call) and "duration" in call.fields


def too_many_attachments(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether more is attached than goes together."""
    return sum(count(call, field) for field in ("imageUrls", "videoUrls", "audioUrls")) > _MOST_ATTACHMENTS


def path_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a file's folder begins or ends with a slash, or leads out of itself."""
    folder = call.text("uploadPath")
    return bool(folder) and any(step in ("", ".", "..") for step in folder.split("/"))


def file_name_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a file's name holds a folder or is none."""
    name = call.text("fileName")
    return "/" in name or name in (".", "..")


def data_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether what should be base64 is not."""
    try:
        decoded(call.text("base64Data"))
    except ValueError:
        return True
    return False


def address_not_http(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a file is to be fetched by another protocol than HTTP."""
    address = call.text("fileUrl")
    return bool(address) and re.match(r"https?://[^\s/]", address, re.IGNORECASE) is None


def unknown_persona(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether a persona is named that nobody made."""
    persona_id = call.text("personaId")
    return bool(persona_id) and persona_id not in state.personas


def credits_short(_call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the balance does not pay for a song."""
    return state.credits < PRICE


def window_before_the_start(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a persona's window begins before the track."""
    return vocal_window(call)[0] < 0


def window_of_wrong_length(call: Call, _state: ServiceState, _now: float) -> bool:
    """Tell whether a persona's window is too short or too long."""
    start, end = vocal_window(call)
    return not Decimal(10) <= end - start <= Decimal(30)


def _named_task(call: Call, state: ServiceState, now: float) -> MusicTask | None:
    return state.find(call.text("taskId"), now)


def unknown_task(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether a music task is named that nobody can see."""
    return _named_task(call, state, now) is None


def music_not_finished(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether the named music task lacks audio."""
    task = _named_task(call, state, now)
    return task is not None and not task.finished(now)


def track_not_in_task(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether the named track belongs to another music task, or to none."""
    task = _named_task(call, state, now)
    return task is not None and call.text("audioId") not in task.audio_ids


def source_model_retired(call: Call, state: ServiceState, now: float) -> bool:
    """Tell whether the named music task was made by a model of which no persona can be made."""
    task = _named_task(call, state, now)
    return task is not None and task.request.get("model") in models.RETIRED


def persona_exists(call: Call, state: ServiceState, _now: float) -> bool:
    """Tell whether the named track has a persona."""
    return state.persona_of(call.text("audioId")) is not None
