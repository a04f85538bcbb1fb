"""The calls of the API that the simulator implements, by HTTP method and path."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.jobs.midi import MidiJob
from airflow_provider_suno.simulator.jobs.stems import StemsJob
from airflow_provider_suno.simulator.jobs.wav import WavJob


class Endpoint(Enum):
    """One call: its HTTP method and its path. Some resellers put a prefix before the path of an upload."""

    GENERATE = ("POST", "/api/v1/generate")
    EXTEND = ("POST", "/api/v1/generate/extend")
    UPLOAD_COVER = ("POST", "/api/v1/generate/upload-cover")
    UPLOAD_EXTEND = ("POST", "/api/v1/generate/upload-extend")
    RECORD_INFO = ("GET", "/api/v1/generate/record-info")
    GENERATE_PERSONA = ("POST", "/api/v1/generate/generate-persona")
    WAV = ("POST", "/api/v1/wav/generate")
    WAV_RECORD = ("GET", "/api/v1/wav/record-info")
    STEMS = ("POST", "/api/v1/vocal-removal/generate")
    STEMS_RECORD = ("GET", "/api/v1/vocal-removal/record-info")
    MIDI = ("POST", "/api/v1/midi/generate")
    MIDI_RECORD = ("GET", "/api/v1/midi/record-info")
    CREDIT = ("GET", "/api/v1/chat/credit")
    CREDIT_AT_SUNOAPI = ("GET", "/api/v1/generate/credit")
    UPLOAD_BASE64 = ("POST", "/api/file-base64-upload")
    UPLOAD_STREAM = ("POST", "/api/file-stream-upload")
    UPLOAD_URL = ("POST", "/api/file-url-upload")

    @property
    def method(self) -> str:
        """HTTP method."""
        return self.value[0]

    @property
    def path(self) -> str:
        """Path, without a prefix."""
        return self.value[1]


NEW_SONGS = frozenset({Endpoint.GENERATE, Endpoint.UPLOAD_COVER})
EXTENSIONS = frozenset({Endpoint.EXTEND, Endpoint.UPLOAD_EXTEND})
FROM_UPLOADS = frozenset({Endpoint.UPLOAD_COVER, Endpoint.UPLOAD_EXTEND})
"""The submissions whose source is audio at an address."""

SUBMISSIONS = NEW_SONGS | EXTENSIONS
"""The submissions of music tasks."""

CONVERSION_KINDS: Mapping[Endpoint, type[Conversion]] = {
    Endpoint.WAV: WavJob,
    Endpoint.WAV_RECORD: WavJob,
    Endpoint.STEMS: StemsJob,
    Endpoint.STEMS_RECORD: StemsJob,
    Endpoint.MIDI: MidiJob,
    Endpoint.MIDI_RECORD: MidiJob,
}
"""The kind of conversion that a call starts or reads."""

CONVERSIONS = frozenset(endpoint for endpoint in CONVERSION_KINDS if endpoint.method == "POST")
CONVERSION_RECORDS = frozenset(CONVERSION_KINDS) - CONVERSIONS
OF_TRACKS = CONVERSIONS - {Endpoint.MIDI}
"""The conversions that name a track. MIDI names a separation into stems."""

UPLOADS = frozenset({Endpoint.UPLOAD_BASE64, Endpoint.UPLOAD_STREAM, Endpoint.UPLOAD_URL})
