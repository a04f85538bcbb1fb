"""Find the source of a submission: a track of this service, an uploaded file, or audio at another address."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from airflow_provider_suno.simulator.jobs.melody import melody_of_length
from airflow_provider_suno.simulator.kinds.music.model_limits import LONGEST_SOURCE
from airflow_provider_suno.simulator.kinds.music.source import Source
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import number
from airflow_provider_suno.simulator.state.endpoints import FROM_UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

_MISSING = Source(exists=False)


def find_source(call: Call, state: ServiceState, now: float) -> Source | None:
    """
    Return the source of a submission, or None if it has none.

    :param now: simulated time.
    """
    if call.endpoint is Endpoint.EXTEND:
        return _track(call.text("audioId"), state, now)
    if call.endpoint is Endpoint.UPLOAD_EXTEND and (number(call.fields.get("continueAt")) or 0) >= LONGEST_SOURCE:
        return _MISSING
    if call.endpoint in FROM_UPLOADS:
        return audio_at_address(call.text("uploadUrl"), call, state, now)
    return None


def _track(audio_id: str, state: ServiceState, now: float) -> Source:
    task = state.task_of_track(audio_id)
    age = task.audio_age(audio_id, now) if task else None
    if task is None or age is None or age < 0:
        return _MISSING
    return Source(melody=task.melody(audio_id), settings=task.settings, audio_id=audio_id)


def _track_at_path(path: str, state: ServiceState) -> str | None:
    """Return the track whose file or stream is at a path of this service, or None."""
    if path.startswith("/media/stream/"):
        audio_id = path.removeprefix("/media/stream/")
        return audio_id if state.task_of_track(audio_id) else None
    name = path.removeprefix("/media/")
    return state.track_of_file(name) if name.endswith(".mp3") else None


def audio_at_address(address: str, call: Call, state: ServiceState, now: float) -> Source:
    """
    Return the audio at an address: a track of this service, an uploaded file, or audio on another machine.

    :param address: an address that the call names.
    :param now: simulated time.
    """
    return _MISSING if call.source_missing else _audio_at(address, call.host, state, now)


def _audio_at(address: str, host: str, state: ServiceState, now: float) -> Source:
    try:
        parts = urlsplit(address)
    except ValueError:
        return _MISSING
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.hostname.endswith(".invalid"):
        return _MISSING
    audio_id = _track_at_path(parts.path, state)
    if audio_id:
        track = _track(audio_id, state, now)
        return Source(exists=track.exists, melody=track.melody)
    file = state.uploads.find(unquote(parts.path).removeprefix("/files/"), now)
    if file is not None:
        # A melody that is just too long is enough for the rule that refuses it.
        length = min(file.seconds, LONGEST_SOURCE + 1) if file.seconds else None
        return Source(melody=melody_of_length(file.path, length) if length else None)
    if parts.netloc == host:
        return _MISSING
    # Audio on another machine is taken to exist: a job must not depend on the network.
    return Source()
