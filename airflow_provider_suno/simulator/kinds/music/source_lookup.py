"""Find the source of a submission: a track of this service, an uploaded file, or audio at another address."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from airflow_provider_suno.simulator.jobs.melody import melody_of_length
from airflow_provider_suno.simulator.kinds.music.model_limits import LONGEST_SOURCE
from airflow_provider_suno.simulator.kinds.music.source import Source
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import outside
from airflow_provider_suno.simulator.state.endpoints import FROM_UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

_MISSING = Source(exists=False)
_TIMES = {
    Endpoint.UPLOAD_EXTEND: ("continueAt", LONGEST_SOURCE - 0.01),
    Endpoint.REPLACE_SECTION: ("infillEndS", LONGEST_SOURCE),
}
"""The fields that name a time in the source, and the latest time that any source has."""


def source_addresses(call: Call) -> tuple[str, ...]:
    """Return the addresses of the audio that a submission is made from. None at all if it names no address."""
    if call.endpoint is Endpoint.MASHUP:
        addresses = call.fields.get("uploadUrlList")
        return tuple(url for url in addresses if isinstance(url, str)) if isinstance(addresses, list) else ()
    if call.endpoint in FROM_UPLOADS:
        return (call.text("uploadUrl"),)
    address = call.text("uploadUrl") if call.endpoint is Endpoint.REPLACE_SECTION else ""
    return (address,) if address else ()


def find_source(call: Call, state: ServiceState, now: float) -> Source | None:
    """
    Return the source of a submission, or None if it has none.

    :param now: simulated time.
    """
    addresses = source_addresses(call)
    if addresses:
        return _audio_of(addresses, call, state, now)
    if call.endpoint is Endpoint.EXTEND:
        return _track(call.text("audioId"), state, now)
    if call.endpoint is Endpoint.REPLACE_SECTION:
        task = state.find(call.text("taskId"), now)
        named = task is not None and call.text("audioId") in task.audio_ids
        return _track(call.text("audioId"), state, now) if named else _MISSING
    return None


def _audio_of(addresses: tuple[str, ...], call: Call, state: ServiceState, now: float) -> Source:
    # No audio is long enough for these: a time after its end cannot be refused if its length is not known.
    field, latest = _TIMES.get(call.endpoint, ("", LONGEST_SOURCE))
    ends_early = outside(call.fields.get(field), highest=latest)
    if call.source_missing or ends_early:
        return _MISSING
    sources = [_audio_at(address.strip(), call.host, state, now) for address in addresses]
    if not all(source.exists for source in sources):
        return _MISSING
    # A mashup is as long as the longer of its sources.
    longest = max(sources, key=lambda source: source.length or 0)
    return longest if all(source.melody for source in sources) else Source()


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
