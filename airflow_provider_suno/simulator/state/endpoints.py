"""The calls of the API that the simulator implements, by HTTP method and path."""

from __future__ import annotations

from enum import Enum


class Endpoint(Enum):
    """One call: its HTTP method and its path. Some resellers put a prefix before the path of an upload."""

    GENERATE = ("POST", "/api/v1/generate")
    EXTEND = ("POST", "/api/v1/generate/extend")
    UPLOAD_COVER = ("POST", "/api/v1/generate/upload-cover")
    UPLOAD_EXTEND = ("POST", "/api/v1/generate/upload-extend")
    ADD_INSTRUMENTAL = ("POST", "/api/v1/generate/add-instrumental")
    ADD_VOCALS = ("POST", "/api/v1/generate/add-vocals")
    REPLACE_SECTION = ("POST", "/api/v1/generate/replace-section")
    MASHUP = ("POST", "/api/v1/generate/mashup")
    SOUNDS = ("POST", "/api/v1/generate/sounds")
    RECORD_INFO = ("GET", "/api/v1/generate/record-info")
    GENERATE_PERSONA = ("POST", "/api/v1/generate/generate-persona")
    TIMESTAMPED_LYRICS = ("POST", "/api/v1/generate/get-timestamped-lyrics")
    BOOST_STYLE = ("POST", "/api/v1/style/generate")
    DOWNLOAD_URL = ("POST", "/api/v1/common/download-url")
    WAV = ("POST", "/api/v1/wav/generate")
    WAV_RECORD = ("GET", "/api/v1/wav/record-info")
    STEMS = ("POST", "/api/v1/vocal-removal/generate")
    STEMS_RECORD = ("GET", "/api/v1/vocal-removal/record-info")
    MIDI = ("POST", "/api/v1/midi/generate")
    MIDI_RECORD = ("GET", "/api/v1/midi/record-info")
    LYRICS = ("POST", "/api/v1/lyrics")
    LYRICS_RECORD = ("GET", "/api/v1/lyrics/record-info")
    VIDEO = ("POST", "/api/v1/mp4/generate")
    VIDEO_RECORD = ("GET", "/api/v1/mp4/record-info")
    COVER_ART = ("POST", "/api/v1/suno/cover/generate")
    COVER_ART_RECORD = ("GET", "/api/v1/suno/cover/record-info")
    VOICE_PHRASE = ("POST", "/api/v1/voice/validate")
    VOICE_PHRASE_AGAIN = ("POST", "/api/v1/voice/regenerate")
    VOICE_PHRASE_RECORD = ("GET", "/api/v1/voice/validate-info")
    VOICE = ("POST", "/api/v1/voice/generate")
    VOICE_RECORD = ("GET", "/api/v1/voice/record-info")
    VOICE_CHECK = ("POST", "/api/v1/voice/check-voice")
    RECOVERY = ("POST", "/api/v1/suno/recovery")
    RECOVERY_RECORD = ("GET", "/api/v1/suno/recovery/record-info")
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
ADDITIONS = frozenset({Endpoint.ADD_INSTRUMENTAL, Endpoint.ADD_VOCALS})
FROM_UPLOADS = frozenset({Endpoint.UPLOAD_COVER, Endpoint.UPLOAD_EXTEND}) | ADDITIONS
"""The submissions whose source is always audio at one address."""

WITH_MODES = NEW_SONGS | EXTENSIONS | {Endpoint.MASHUP}
"""The submissions that have a custom mode."""

SUBMISSIONS = WITH_MODES | ADDITIONS | {Endpoint.REPLACE_SECTION, Endpoint.SOUNDS}
"""The submissions of music tasks."""

VOICE_CALLS = frozenset(endpoint for endpoint in Endpoint if endpoint.path.startswith("/api/v1/voice/"))
RECOVERY_CALLS = frozenset({Endpoint.RECOVERY, Endpoint.RECOVERY_RECORD})

PLAIN_RECORDS = frozenset(
    {
        Endpoint.WAV_RECORD,
        Endpoint.STEMS_RECORD,
        Endpoint.MIDI_RECORD,
        Endpoint.LYRICS_RECORD,
        Endpoint.VIDEO_RECORD,
        Endpoint.COVER_ART_RECORD,
        Endpoint.VOICE_PHRASE_RECORD,
        Endpoint.VOICE_RECORD,
        Endpoint.RECOVERY_RECORD,
    }
)
"""The calls that read a job of a kind other than music."""

PLAIN_SUBMISSIONS = frozenset(
    {
        Endpoint.WAV,
        Endpoint.STEMS,
        Endpoint.MIDI,
        Endpoint.LYRICS,
        Endpoint.VIDEO,
        Endpoint.COVER_ART,
        Endpoint.VOICE_PHRASE,
        Endpoint.VOICE_PHRASE_AGAIN,
        Endpoint.VOICE,
        Endpoint.RECOVERY,
    }
)
"""The calls that submit one."""

RECORDS = PLAIN_RECORDS | {Endpoint.RECORD_INFO}
"""The calls that read a job of any kind."""

JOB_SUBMISSIONS = SUBMISSIONS | PLAIN_SUBMISSIONS
"""The calls that submit one."""

UPLOADS = frozenset({Endpoint.UPLOAD_BASE64, Endpoint.UPLOAD_STREAM, Endpoint.UPLOAD_URL})
