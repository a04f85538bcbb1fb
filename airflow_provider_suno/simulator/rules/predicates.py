"""The predicates of the rules: each says whether there is a certain reason to refuse a call."""

from __future__ import annotations

import re
from decimal import Decimal

from airflow_provider_suno.simulator.jobs.models import RETIRED
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.rules import model_limits
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import (
    count,
    decode_base64,
    is_custom,
    is_missing,
    is_simple,
    number,
    vocal_window,
)
from airflow_provider_suno.simulator.rules.source_lookup import find_source
from airflow_provider_suno.simulator.state.credits import price_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

_MOST_ATTACHMENTS = 10


def key_unknown(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the caller has no key of the account."""
    return not has_valid_key(call.authorization, state)


def has_valid_key(authorization: str, state: ServiceState) -> bool:
    """Return whether an Authorization header holds a key of the account."""
    scheme, _, key = authorization.partition(" ")
    return scheme.lower() == "bearer" and key.strip() in state.api_keys


def too_many_submissions(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the account has reached its limit of submissions."""
    limits, settings, at = state.rate_limits, state.settings, call.arrived_at
    polls = limits.all_reads.count(at) if settings.polls_count_as_submissions else 0
    return settings.submit_limit is not None and limits.submits.count(at) + polls >= settings.submit_limit


def too_many_polls(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the limit of polls of this job is reached."""
    return state.rate_limits.reads(call.text("taskId")).is_full(state.settings.read_limit, call.arrived_at)


def too_many_polls_of_account(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the account has reached its limit of polls, or the one that it shares with submissions."""
    if state.settings.polls_count_as_submissions and too_many_submissions(call, state, now):
        return True
    return state.rate_limits.all_reads.is_full(state.settings.account_read_limit, call.arrived_at)


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


def path_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a file's folder has empty parts, or parts that are dots."""
    folder = call.text("uploadPath")
    return bool(folder) and any(part in ("", ".", "..") for part in folder.split("/"))


def file_name_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a file's name holds a folder or is only dots."""
    name = call.text("fileName")
    return "/" in name or name in (".", "..")


def data_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether the file is not valid base64."""
    try:
        decode_base64(call.text("base64Data"))
    except ValueError:
        return True
    return False


def address_not_http(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether the address of a file is no HTTP address."""
    address = call.text("fileUrl")
    return bool(address) and re.match(r"https?://[^\s/]", address, re.IGNORECASE) is None


def persona_unknown(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the persona does not exist."""
    persona_id = call.text("personaId")
    return bool(persona_id) and persona_id not in state.personas


def credits_short(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the balance is lower than the price of what is submitted."""
    return state.credits < price_of(call.endpoint, call.fields)


def window_before_the_start(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a persona's window begins before the track."""
    return vocal_window(call)[0] < 0


def window_of_wrong_length(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a persona's window is too short or too long."""
    start, end = vocal_window(call)
    return not Decimal(10) <= end - start <= Decimal(30)


def _named_task(call: Call, state: ServiceState, now: float) -> MusicTask | None:
    return state.find(call.text("taskId"), now)


def music_task_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task does not exist, or is not visible yet."""
    return _named_task(call, state, now) is None


def music_not_finished(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task lacks audio."""
    task = _named_task(call, state, now)
    return task is not None and not task.finished(now)


def track_not_in_task(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the track does not belong to the music task."""
    task = _named_task(call, state, now)
    return task is not None and call.text("audioId") not in task.audio_ids


def source_model_retired(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task was made by a model of which no persona can be made."""
    task = _named_task(call, state, now)
    return task is not None and task.request.get("model") in RETIRED


def persona_exists(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the track has a persona already."""
    return state.persona_of(call.text("audioId")) is not None
