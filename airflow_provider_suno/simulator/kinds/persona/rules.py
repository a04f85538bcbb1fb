"""The rules of the persona call."""

from __future__ import annotations

from decimal import Decimal

from airflow_provider_suno.simulator.jobs.models import RETIRED
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import number
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Rule, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState


def _vocal_window(call: Call) -> tuple[Decimal, Decimal]:
    """Return the part of the track that a persona is made from: its start and end in seconds."""
    start = number(call.fields.get("vocalStart"))
    end = number(call.fields.get("vocalEnd"))
    return Decimal(0) if start is None else start, Decimal(30) if end is None else end


def _window_before_the_start(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a persona's window begins before the track."""
    return _vocal_window(call)[0] < 0


def _window_of_wrong_length(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a persona's window is too short or too long."""
    start, end = _vocal_window(call)
    return not Decimal(10) <= end - start <= Decimal(30)


def _named_task(call: Call, state: ServiceState, now: float) -> MusicTask | None:
    return state.find(call.text("taskId"), now)


def _music_task_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task does not exist, or is not visible yet."""
    return _named_task(call, state, now) is None


def _music_not_finished(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task lacks audio."""
    task = _named_task(call, state, now)
    return task is not None and not task.finished(now)


def _track_not_in_task(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the track does not belong to the music task."""
    task = _named_task(call, state, now)
    return task is not None and call.text("audioId") not in task.audio_ids


def _source_model_retired(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task was made by a model of which no persona can be made."""
    task = _named_task(call, state, now)
    return task is not None and task.request.get("model") in RETIRED


def _persona_exists(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the track has a persona already."""
    return state.persona_of(call.text("audioId")) is not None


_PERSONA = frozenset({Endpoint.GENERATE_PERSONA})
_FIELDS: Fields = {
    "taskId": "text",
    "audioId": "text",
    "name": "text",
    "description": "text",
    "vocalStart": "number",
    "vocalEnd": "number",
    "style": "text",
}

RULES: tuple[Rule, ...] = (
    unreadable(_PERSONA),
    typed(_PERSONA, _FIELDS, null_is_absent=("taskId", "audioId", "name", "description")),
    needed("taskId", _PERSONA),
    needed("audioId", _PERSONA),
    needed("name", _PERSONA),
    needed("description", _PERSONA),
    Rule(
        "vocalStart_negative",
        _PERSONA,
        422,
        "vocalStart cannot be negative",
        _window_before_the_start,
    ),
    Rule(
        "vocal_window_length",
        _PERSONA,
        422,
        "vocalStart and vocalEnd must lie 10 to 30 seconds apart",
        _window_of_wrong_length,
    ),
    Rule(
        "music_task_unknown",
        _PERSONA,
        404,
        "taskId names no music task of this account",
        _music_task_unknown,
    ),
    Rule(
        "music_unfinished",
        _PERSONA,
        422,
        "The music task has not finished: a persona needs the whole audio",
        _music_not_finished,
    ),
    Rule("track_unknown", _PERSONA, 404, "audioId names no track of this music task", _track_not_in_task),
    Rule(
        "source_model_retired",
        _PERSONA,
        422,
        "The track was made by v3_5 or older, of which no persona can be made",
        _source_model_retired,
    ),
    Rule(
        "persona_exists",
        _PERSONA,
        409,
        "A persona has already been made of this audioId",
        _persona_exists,
    ),
)
