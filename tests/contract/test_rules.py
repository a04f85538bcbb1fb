"""The table of rules: every row is needed at every endpoint that it names, and the order matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_suno.simulator.calls.refusals import refusal
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.jobs.conversion import Conversion, SourceTrack
from airflow_provider_suno.simulator.jobs.melody import melody_of_length
from airflow_provider_suno.simulator.jobs.models import OFFERED
from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.kinds.cover_art.job import CoverArtJob
from airflow_provider_suno.simulator.kinds.lyrics.job import LyricsJob
from airflow_provider_suno.simulator.kinds.midi.job import MidiJob
from airflow_provider_suno.simulator.kinds.music.source import Source
from airflow_provider_suno.simulator.kinds.recovery.job import RecoveryJob
from airflow_provider_suno.simulator.kinds.rule_table import RULES
from airflow_provider_suno.simulator.kinds.stems.job import StemsJob
from airflow_provider_suno.simulator.kinds.video.job import VideoJob
from airflow_provider_suno.simulator.kinds.voice.job import VoiceJob, VoicePhraseJob
from airflow_provider_suno.simulator.kinds.wav.job import WavJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.credits import price_of
from airflow_provider_suno.simulator.state.endpoints import UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.host_profiles import KIE, PROFILES
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.plain_jobs import submit_job
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.submissions import seed_music, submit_music
from airflow_provider_suno.simulator.wire.dispatch import answer

NOW = 1_000_000.0
# A reseller with every field and every model, so that every rule applies.
ALL = replace(KIE, models=OFFERED, ignored={})
GENERATE, EXTEND, UPLOAD_COVER, UPLOAD_EXTEND = (
    Endpoint.GENERATE,
    Endpoint.EXTEND,
    Endpoint.UPLOAD_COVER,
    Endpoint.UPLOAD_EXTEND,
)
BASE64, STREAM, URL = Endpoint.UPLOAD_BASE64, Endpoint.UPLOAD_STREAM, Endpoint.UPLOAD_URL
RECORD_INFO, PERSONA, CREDIT = Endpoint.RECORD_INFO, Endpoint.GENERATE_PERSONA, Endpoint.CREDIT
WAV, STEMS, MIDI = Endpoint.WAV, Endpoint.STEMS, Endpoint.MIDI
LYRICS, VIDEO, COVER_ART, RECOVERY = Endpoint.LYRICS, Endpoint.VIDEO, Endpoint.COVER_ART, Endpoint.RECOVERY
PHRASE, AGAIN, VOICE, CHECK = (
    Endpoint.VOICE_PHRASE,
    Endpoint.VOICE_PHRASE_AGAIN,
    Endpoint.VOICE,
    Endpoint.VOICE_CHECK,
)
OF_TRACKS, CONVERSIONS = (WAV, STEMS, VIDEO), (WAV, STEMS, MIDI, VIDEO)
WITH_CALLBACK = (*CONVERSIONS, LYRICS, COVER_ART, RECOVERY)
FREE = (COVER_ART, PHRASE, AGAIN, VOICE, RECOVERY)
PLAIN = (*CONVERSIONS, LYRICS, *FREE)
RECORDS = (
    *(Endpoint.WAV_RECORD, Endpoint.STEMS_RECORD, Endpoint.MIDI_RECORD, Endpoint.LYRICS_RECORD),
    *(Endpoint.VIDEO_RECORD, Endpoint.COVER_ART_RECORD, Endpoint.VOICE_PHRASE_RECORD, Endpoint.VOICE_RECORD),
)
RECOVERY_RECORD = Endpoint.RECOVERY_RECORD
SUBMITS = (GENERATE, EXTEND, UPLOAD_COVER, UPLOAD_EXTEND)
NEW_SONGS, CONTINUING, FROM_UPLOADS = (
    (GENERATE, UPLOAD_COVER),
    (EXTEND, UPLOAD_EXTEND),
    (UPLOAD_COVER, UPLOAD_EXTEND),
)
INSTRUMENTAL, VOCALS = Endpoint.ADD_INSTRUMENTAL, Endpoint.ADD_VOCALS
SECTION, MASHUP, SOUNDS = Endpoint.REPLACE_SECTION, Endpoint.MASHUP, Endpoint.SOUNDS
ADDING = (INSTRUMENTAL, VOCALS)
TUNED, SUNG_BY_PERSONAS = (*SUBMITS, MASHUP, *ADDING, SECTION), (*SUBMITS, MASHUP, SECTION)
MUSIC = (*TUNED, SOUNDS)
TIMESTAMPS, STYLE, LINK = Endpoint.TIMESTAMPED_LYRICS, Endpoint.BOOST_STYLE, Endpoint.DOWNLOAD_URL
ANSWERED_AT_ONCE = (TIMESTAMPS, STYLE, LINK)
WEIGHTS = ("styleWeight", "weirdnessConstraint", "audioWeight")
ABSENT = object()


class Stage:
    """A state with one of everything, and calls to it that are accepted unless changed."""

    def __init__(self) -> None:
        self.state = ServiceState(IdSource(1), profile=ALL)
        self.done = seed_music(self.state, {"model": "V5"}, "SUCCESS", now=NOW)
        self.running = seed_music(self.state, {"model": "V5"}, "TEXT_SUCCESS", now=NOW)
        self.retired = seed_music(self.state, {"model": "V3_5"}, "SUCCESS", now=NOW)
        self.wav = self.converted(WavJob, NOW - 1000)
        self.separation = self.converted(StemsJob, NOW - 1000, stems_field="vocal_separation_info")
        self.midi = self.converted(MidiJob, NOW - 1000, stems=())
        self.video = self.converted(VideoJob, NOW - 1000)
        self.lyrics = self.submitted(LyricsJob)
        self.art = self.submitted(CoverArtJob, {"taskId": self.retired.music_task_id})
        self.phrase = self.submitted(VoicePhraseJob)
        self.voice = self.submitted(VoiceJob, {"taskId": self.phrase.job_id})
        self.recovery = self.submitted(RecoveryJob, tracks=())

    def submitted(
        self, kind: type[PlainJob], request: dict[str, Any] | None = None, at: float = NOW - 1000, **own: Any
    ) -> PlainJob:
        return submit_job(self.state, kind, request or {}, now=at, **own)

    def converted(self, kind: type[Conversion], at: float, **own: Any) -> Conversion:
        audio_id = self.done.audio_ids[1]
        track = SourceTrack(audio_id, 1, self.done.melody(audio_id))
        return submit_job(self.state, kind, {}, now=at, track=track, **own)

    def call(
        self,
        endpoint: Endpoint,
        base: dict[str, Any] | None = None,
        *,
        user_agent: str = "tests/1",
        authorization: str = "Bearer sim-key",
        readable: bool = True,
        **changes: Any,
    ) -> Call:
        fields = {**(self.fields(endpoint) if base is None else base), **changes}
        fields = {name: value for name, value in fields.items() if value is not ABSENT}
        return Call(endpoint, user_agent, authorization, fields if readable else {}, readable, host="sim")

    def fields(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            GENERATE: self.simple,
            EXTEND: {
                "defaultParamFlag": False,
                "audioId": self.done.audio_ids[0],
                "model": "V5",
                "callBackUrl": "http://x.invalid",
            },
            UPLOAD_COVER: self.simple | self.upload,
            UPLOAD_EXTEND: {
                "defaultParamFlag": False,
                "instrumental": False,
                "continueAt": 5,
                "model": "V4",
                "callBackUrl": "http://x.invalid",
            }
            | self.upload,
            RECORD_INFO: {"taskId": self.done.music_task_id},
            PERSONA: {
                "taskId": self.done.music_task_id,
                "audioId": self.done.audio_ids[0],
                "name": "N",
                "description": "D",
            },
            CREDIT: {},
            Endpoint.CREDIT_AT_SUNOAPI: {},
            WAV: self.track,
            STEMS: self.track,
            MIDI: {"taskId": self.separation.job_id, "callBackUrl": "http://x.invalid"},
            INSTRUMENTAL: {"title": "Rain", "tags": "folk", "negativeTags": "drums", **self.address},
            VOCALS: {"title": "Rain", "style": "folk", "prompt": "La", "negativeTags": "drums", **self.address},
            SECTION: {
                "taskId": "unheard-of",
                "audioId": "unheard-of",
                "prompt": "La",
                "tags": "folk",
                "title": "Rain",
                "infillStartS": 5,
                "infillEndS": 15,
                "fullLyrics": "La",
            },
            MASHUP: self.simple | {"uploadUrlList": ["http://files.example/a.wav", "http://files.example/b.wav"]},
            SOUNDS: {"prompt": "Rain", "model": "V5"},
            TIMESTAMPS: {"taskId": self.done.music_task_id, "audioId": self.done.audio_ids[0]},
            STYLE: {"content": "folk"},
            LINK: {"url": f"http://sim/media/{self.done.audio_file(self.done.audio_ids[0])}"},
            LYRICS: {"prompt": "Rain", "callBackUrl": "http://x.invalid"},
            VIDEO: self.track,
            COVER_ART: {"taskId": self.done.music_task_id, "callBackUrl": "http://x.invalid"},
            PHRASE: {"voiceUrl": "http://files.example/a.wav", "vocalStartS": 0, "vocalEndS": 9},
            AGAIN: {"taskId": self.phrase.job_id, "calBackUrl": "http://x.invalid"},
            VOICE: {"taskId": self.phrase.job_id, "verifyUrl": "http://files.example/a.wav"},
            CHECK: {"task_id": self.voice.job_id},
            RECOVERY: {"sunoTaskId": self.done.music_task_id, "callBackUrl": "http://x.invalid"},
            Endpoint.LYRICS_RECORD: {"taskId": self.lyrics.job_id},
            Endpoint.VIDEO_RECORD: {"taskId": self.video.job_id},
            Endpoint.COVER_ART_RECORD: {"taskId": self.art.job_id},
            Endpoint.VOICE_PHRASE_RECORD: {"taskId": self.phrase.job_id},
            Endpoint.VOICE_RECORD: {"taskId": self.voice.job_id},
            RECOVERY_RECORD: {"task_id": self.recovery.job_id},
            Endpoint.WAV_RECORD: {"taskId": self.wav.job_id},
            Endpoint.STEMS_RECORD: {"taskId": self.separation.job_id},
            Endpoint.MIDI_RECORD: {"taskId": self.midi.job_id},
            BASE64: {"base64Data": "aGVsbG8=", "uploadPath": "a"},
            STREAM: {"file": "a.wav", "uploadPath": "a"},
            URL: {"fileUrl": "http://files.example/a.wav", "uploadPath": "a"},
        }[endpoint]

    @property
    def simple(self) -> dict[str, Any]:
        return {
            "customMode": False,
            "instrumental": False,
            "prompt": "Rain",
            "model": "V4",
            "callBackUrl": "http://x.invalid",
        }

    @property
    def track(self) -> dict[str, Any]:
        return {
            "taskId": self.done.music_task_id,
            "audioId": self.done.audio_ids[0],
            "callBackUrl": "http://x.invalid",
        }

    @property
    def upload(self) -> dict[str, Any]:
        return {"uploadUrl": "http://files.example/a.wav"}

    @property
    def address(self) -> dict[str, Any]:
        return {**self.upload, "callBackUrl": "http://x.invalid"}

    def section_of(self, seconds: float, start: float, end: float, **changes: Any) -> Call:
        """Return a call that replaces a section of a track that lasts so long."""
        audio_id = self.state.track_of_file(self.track_lasting(seconds).rpartition("/")[2])
        task = self.state.task_of_track(audio_id)
        return self.call(
            SECTION, taskId=task.music_task_id, audioId=audio_id, infillStartS=start, infillEndS=end, **changes
        )

    def section_at_address(self, **changes: Any) -> Call:
        return self.call(SECTION, **{"taskId": ABSENT, "audioId": ABSENT, "model": "V5", **self.upload, **changes})

    def custom(self, endpoint: Endpoint = GENERATE, **changes: Any) -> Call:
        """Return a call with settings of its own, and with vocals."""
        flag = "defaultParamFlag" if endpoint in CONTINUING else "customMode"
        own = {flag: True, "style": "folk", "title": "Rain", "prompt": "La la"}
        own = {} if endpoint in (*ADDING, SECTION) else own
        own |= {"continueAt": 5} if endpoint in CONTINUING else {}
        return self.call(endpoint, self.fields(endpoint) | own, **changes)

    def track_lasting(self, seconds: float, model: str = "V5") -> str:
        """Return the address of a track that lasts at least so long."""
        source = Source(melody=melody_of_length("a", seconds))
        task = submit_music(self.state, {"model": model}, now=NOW - 1000, operation="upload_cover", source=source)
        return f"http://sim/media/{task.audio_file(task.audio_ids[0])}"

    def persona_id(self) -> str:
        return self.state.make_persona("t", "a", "N", "D", now=NOW).persona_id

    def poor(self, endpoint: Endpoint = GENERATE) -> Call:
        call = self.call(endpoint)
        self.state.credits = price_of(endpoint, call.fields) - Decimal("0.01")
        return call

    def hasty(self, endpoint: Endpoint) -> Call:
        for _ in range(20):
            self.state.rate_limits.submits.add(0)
        return self.call(endpoint)

    def curious(self, endpoint: Endpoint = RECORD_INFO) -> Call:
        call = self.call(endpoint)
        for _ in range(3):
            self.state.rate_limits.reads(call.job_id).add(0)
        return call

    def curious_in_all(self, endpoint: Endpoint) -> Call:
        self.state.settings = Settings(account_read_limit=5)
        for _ in range(5):
            self.state.rate_limits.all_reads.add(0)
        return self.call(endpoint)

    def at_address(self, address: str) -> Call:
        return self.call(STEMS, taskId=ABSENT, audioId=ABSENT, audioUrl=address)

    def large_upload(self) -> Call:
        location = self.state.uploads.new_location()
        with location.open("wb") as file:
            file.truncate(20 * 1024 * 1024 + 1)
        self.state.uploads.add(location, "kieai/1/large.wav", "audio/wav", now=NOW)
        return self.at_address("http://sim/files/kieai/1/large.wav")

    def second_persona(self) -> Call:
        self.state.make_persona(self.done.music_task_id, self.done.audio_ids[0], "N", "D", now=NOW)
        return self.call(PERSONA)


Build = Callable[[Stage], Call]


def at(endpoints: tuple[Endpoint, ...], rule: str, build: Callable[[Stage, Endpoint], Call]) -> dict[Any, Build]:
    """Check a rule by the same change at several endpoints."""
    return {(rule, endpoint): lambda s, e=endpoint: build(s, e) for endpoint in endpoints}


# One call for every rule at every endpoint it applies to, refused by that rule and by no other.
CHECKS: dict[tuple[str, Endpoint], Build] = {
    **{
        ("bare_user_agent", endpoint): lambda s, e=endpoint: s.call(e, user_agent="Python-urllib/3.11")
        for endpoint in Endpoint
    },
    **{("key_unknown", endpoint): lambda s, e=endpoint: s.call(e, authorization="Bearer no") for endpoint in Endpoint},
    **at((*MUSIC, *PLAIN), "submits_too_fast", lambda s, e: s.hasty(e)),
    **at((RECORD_INFO, *RECORDS, RECOVERY_RECORD), "reads_too_fast", lambda s, e: s.curious(e)),
    **at((RECORD_INFO, *RECORDS, RECOVERY_RECORD), "account_reads_too_fast", lambda s, e: s.curious_in_all(e)),
    **at((*PLAIN, CHECK), "body_unreadable", lambda s, e: s.call(e, readable=False)),
    **at((*WITH_CALLBACK, PHRASE, VOICE), "field_of_wrong_type", lambda s, e: s.call(e, callBackUrl=5)),
    ("field_of_wrong_type", AGAIN): lambda s: s.call(AGAIN, calBackUrl=5),
    ("field_of_wrong_type", CHECK): lambda s: s.call(CHECK, task_id=5),
    **at(WITH_CALLBACK, "callBackUrl_missing", lambda s, e: s.call(e, callBackUrl=ABSENT)),
    ("calBackUrl_missing", AGAIN): lambda s: s.call(AGAIN, calBackUrl=" ", callBackUrl="http://x.invalid"),
    **at((*CONVERSIONS, *RECORDS, COVER_ART, AGAIN, VOICE), "taskId_missing", lambda s, e: s.call(e, taskId=ABSENT)),
    **at((RECOVERY_RECORD, CHECK), "task_id_missing", lambda s, e: s.call(e, task_id=ABSENT)),
    ("sunoTaskId_missing", RECOVERY): lambda s: s.call(RECOVERY, sunoTaskId=ABSENT),
    **at(OF_TRACKS, "audioId_missing", lambda s, e: s.call(e, audioId=None)),
    **at(RECORDS, "record_unknown", lambda s, e: s.call(e, taskId=s.done.music_task_id)),
    ("record_unknown", RECOVERY_RECORD): lambda s: s.call(RECOVERY_RECORD, task_id=s.done.music_task_id),
    ("sources_too_many", STEMS): lambda s: s.call(STEMS, audioUrl="http://files.example/a.wav"),
    ("audioUrl_not_http", STEMS): lambda s: s.at_address("files.example/a.wav"),
    ("audio_too_large", STEMS): lambda s: s.large_upload(),
    ("stemName_missing", STEMS): lambda s: s.call(STEMS, type="split_stem_advanced", stemName=" "),
    ("prompt_missing", LYRICS): lambda s: s.call(LYRICS, prompt=ABSENT),
    ("prompt_too_long", LYRICS): lambda s: s.call(LYRICS, prompt="x" * 201),
    ("author_too_long", VIDEO): lambda s: s.call(VIDEO, author="x" * 51),
    ("domainName_too_long", VIDEO): lambda s: s.call(VIDEO, domainName="x" * 51),
    ("video_exists", VIDEO): lambda s: s.call(VIDEO, audioId=s.done.audio_ids[1]),
    ("source_unknown", VIDEO): lambda s: s.call(VIDEO, audioId="nothing"),
    ("source_unknown", COVER_ART): lambda s: s.call(COVER_ART, taskId=s.wav.job_id),
    ("source_unfinished", COVER_ART): lambda s: s.call(COVER_ART, taskId=s.running.music_task_id),
    ("cover_art_exists", COVER_ART): lambda s: s.call(COVER_ART, taskId=s.retired.music_task_id),
    ("voiceUrl_missing", PHRASE): lambda s: s.call(PHRASE, voiceUrl=ABSENT),
    ("voiceUrl_not_http", PHRASE): lambda s: s.call(PHRASE, voiceUrl="ftp://files.example/a.wav"),
    ("vocalStartS_missing", PHRASE): lambda s: s.call(PHRASE, vocalStartS=ABSENT),
    ("vocalEndS_missing", PHRASE): lambda s: s.call(PHRASE, vocalEndS=None),
    ("vocalStartS_negative", PHRASE): lambda s: s.call(PHRASE, vocalStartS=-0.1),
    ("vocalEndS_not_after_start", PHRASE): lambda s: s.call(PHRASE, vocalStartS=9),
    ("language_unknown", PHRASE): lambda s: s.call(PHRASE, language="EN"),
    **at((AGAIN, VOICE), "source_unknown", lambda s, e: s.call(e, taskId=s.voice.job_id)),
    ("phrase_running", AGAIN): lambda s: s.call(AGAIN, taskId=s.submitted(VoicePhraseJob, at=NOW).job_id),
    ("verifyUrl_missing", VOICE): lambda s: s.call(VOICE, verifyUrl=ABSENT),
    ("verifyUrl_not_http", VOICE): lambda s: s.call(VOICE, verifyUrl="files"),
    ("singerSkillLevel_unknown", VOICE): lambda s: s.call(VOICE, singerSkillLevel="star"),
    ("phrase_not_ready", VOICE): lambda s: s.call(VOICE, taskId=s.submitted(VoicePhraseJob, at=NOW).job_id),
    ("source_unknown", CHECK): lambda s: s.call(CHECK, task_id=s.wav.job_id),
    ("source_unknown", RECOVERY): lambda s: s.call(RECOVERY, sunoTaskId=s.wav.job_id),
    ("type_unknown", STEMS): lambda s: s.call(STEMS, type="everything"),
    ("source_unknown", WAV): lambda s: s.call(WAV, audioId=s.retired.audio_ids[0]),
    ("source_unknown", STEMS): lambda s: s.call(STEMS, taskId="nothing"),
    ("source_unknown", MIDI): lambda s: s.call(MIDI, taskId=s.wav.job_id),
    **at(
        OF_TRACKS,
        "source_unfinished",
        lambda s, e: s.call(e, taskId=s.running.music_task_id, audioId=s.running.audio_ids[0]),
    ),
    ("source_unfinished", MIDI): lambda s: s.call(
        MIDI, taskId=s.converted(StemsJob, NOW, stems_field="vocal_separation_info").job_id
    ),
    ("stem_unknown", MIDI): lambda s: s.call(MIDI, audioId=s.done.audio_ids[1]),
    ("wav_exists", WAV): lambda s: s.call(WAV, audioId=s.done.audio_ids[1]),
    **at((*CONVERSIONS, LYRICS), "credits_short", lambda s, e: s.poor(e)),
    **at((*MUSIC, PERSONA, *ANSWERED_AT_ONCE), "body_unreadable", lambda s, e: s.call(e, readable=False)),
    **at(TUNED, "field_of_wrong_type", lambda s, e: s.call(e, styleWeight="0.5")),
    ("field_of_wrong_type", SOUNDS): lambda s: s.call(SOUNDS, soundLoop="yes"),
    ("field_of_wrong_type", TIMESTAMPS): lambda s: s.call(TIMESTAMPS, taskId=7),
    ("field_of_wrong_type", STYLE): lambda s: s.call(STYLE, content=["folk"]),
    ("field_of_wrong_type", LINK): lambda s: s.call(LINK, url=7),
    ("field_of_wrong_type", PERSONA): lambda s: s.call(PERSONA, style=["folk"]),
    **at((*SUBMITS, MASHUP, *ADDING), "callBackUrl_missing", lambda s, e: s.call(e, callBackUrl=ABSENT)),
    **at((*FROM_UPLOADS, *ADDING), "uploadUrl_missing", lambda s, e: s.call(e, uploadUrl=" ")),
    ("audioId_missing", EXTEND): lambda s: s.call(EXTEND, audioId=None),
    **at(NEW_SONGS, "customMode_missing", lambda s, e: s.custom(e, customMode=None, style=ABSENT, title=ABSENT)),
    **at(CONTINUING, "defaultParamFlag_missing", lambda s, e: s.call(e, defaultParamFlag=ABSENT)),
    **at((GENERATE, *FROM_UPLOADS), "instrumental_missing", lambda s, e: s.call(e, instrumental=None)),
    **at((GENERATE, *FROM_UPLOADS, MASHUP), "model_missing", lambda s, e: s.call(e, model=ABSENT)),
    ("model_missing", EXTEND): lambda s: s.call(EXTEND, model=ABSENT, audioId="unheard-of"),
    **at((GENERATE, *FROM_UPLOADS, MASHUP), "model_unknown", lambda s, e: s.call(e, model="V3_5")),
    **at(ADDING, "model_unknown", lambda s, e: s.call(e, model="V4_5")),
    ("model_unknown", SECTION): lambda s: s.section_at_address(model="V3_5"),
    ("model_unknown", SOUNDS): lambda s: s.call(SOUNDS, model="V4_5PLUS"),
    ("model_unknown", EXTEND): lambda s: s.call(EXTEND, model="V3_5", audioId=s.retired.audio_ids[0]),
    ("continueAt_missing", UPLOAD_EXTEND): lambda s: s.call(UPLOAD_EXTEND, continueAt=ABSENT),
    ("continueAt_missing_in_custom_mode", EXTEND): lambda s: s.custom(EXTEND, continueAt=ABSENT),
    **at((*NEW_SONGS, MASHUP), "prompt_missing_in_simple_mode", lambda s, e: s.call(e, prompt=" ")),
    **at((*NEW_SONGS, MASHUP), "style_in_simple_mode", lambda s, e: s.call(e, style="folk")),
    **at((*NEW_SONGS, MASHUP), "title_in_simple_mode", lambda s, e: s.call(e, title="Rain")),
    ("vocals_in_instrumental_extension", EXTEND): lambda s: s.call(EXTEND, instrumental=True, vocalGender="f"),
    **at((*SUBMITS, MASHUP), "personaId_in_simple_mode", lambda s, e: s.call(e, personaId=s.persona_id())),
    **at((*SUBMITS[:3], MASHUP), "own_settings_missing", lambda s, e: s.custom(e, style=ABSENT, title="")),
    ("own_settings_missing", UPLOAD_EXTEND): lambda s: s.custom(
        UPLOAD_EXTEND, style=ABSENT, title=" ", prompt=ABSENT, instrumental=True
    ),
    **at((*SUBMITS, MASHUP), "prompt_missing_for_vocals", lambda s, e: s.custom(e, prompt=ABSENT)),
    **at((*NEW_SONGS, MASHUP), "prompt_too_long_in_simple_mode", lambda s, e: s.call(e, prompt="x" * 501)),
    **at((*SUBMITS, MASHUP), "prompt_too_long_in_custom_mode", lambda s, e: s.custom(e, prompt="x" * 5001)),
    **at((*SUBMITS, MASHUP, VOCALS), "style_too_long", lambda s, e: s.custom(e, style="x" * 1001)),
    **at(TUNED, "title_too_long", lambda s, e: s.custom(e, title="x" * 101)),
    **at((*SUBMITS, SECTION), "negativeTags_too_long", lambda s, e: s.custom(e, negativeTags="x" * 1001)),
    **at(ADDING, "negativeTags_too_long", lambda s, e: s.call(e, negativeTags="x" * 201)),
    **at((VOCALS, SECTION), "prompt_too_long", lambda s, e: s.call(e, prompt="x" * 5001)),
    ("prompt_too_long", SOUNDS): lambda s: s.call(SOUNDS, prompt="x" * 501),
    ("tags_too_long", INSTRUMENTAL): lambda s: s.call(INSTRUMENTAL, tags="x" * 1001),
    **at((GENERATE, MASHUP, SECTION), "lyrics_too_long", lambda s, e: s.call(e, lyrics="x" * 5001)),
    **at((GENERATE, MASHUP), "duration_out_of_range", lambda s, e: s.custom(e, duration=9, model="V6")),
    **at((GENERATE, MASHUP), "duration_not_for_model", lambda s, e: s.custom(e, duration=10, model="V5")),
    **at((GENERATE, MASHUP), "duration_in_simple_mode", lambda s, e: s.call(e, duration=10, model="V6")),
    **at((*ADDING, SECTION), "title_missing", lambda s, e: s.call(e, title=" ")),
    **at((INSTRUMENTAL, SECTION), "tags_missing", lambda s, e: s.call(e, tags=ABSENT)),
    **at((VOCALS, SECTION, SOUNDS), "prompt_missing", lambda s, e: s.call(e, prompt=None)),
    ("style_missing", VOCALS): lambda s: s.call(VOCALS, style=""),
    **at(ADDING, "negativeTags_missing", lambda s, e: s.call(e, negativeTags=ABSENT)),
    ("infillStartS_missing", SECTION): lambda s: s.call(SECTION, infillStartS=ABSENT),
    ("infillEndS_missing", SECTION): lambda s: s.call(SECTION, infillEndS=None),
    ("missing_at_reseller", SECTION): lambda s: s.call(SECTION, fullLyrics=" "),
    ("missing_at_reseller", SOUNDS): lambda s: s.call(SOUNDS, model=ABSENT),
    ("missing_at_reseller", MASHUP): lambda s: s.custom(MASHUP, customMode=ABSENT),
    ("source_missing", SECTION): lambda s: s.call(SECTION, audioId=ABSENT),
    ("two_sources", SECTION): lambda s: s.section_at_address(taskId="unheard-of"),
    ("model_missing_for_address", SECTION): lambda s: s.section_at_address(model=ABSENT),
    ("infillStartS_negative", SECTION): lambda s: s.call(SECTION, infillStartS=-0.01),
    ("infillStartS_too_fine", SECTION): lambda s: s.call(SECTION, infillStartS=5.001),
    ("infillEndS_too_fine", SECTION): lambda s: s.call(SECTION, infillEndS=15.001),
    ("section_length", SECTION): lambda s: s.call(SECTION, infillEndS=10.99),
    ("section_beyond_source", SECTION): lambda s: s.section_of(60, 50, 60.01),
    ("section_too_long_for_source", SECTION): lambda s: s.section_of(60, 10, 40.01),
    ("uploadUrlList_missing", MASHUP): lambda s: s.call(MASHUP, uploadUrlList=None),
    ("uploadUrlList_not_two", MASHUP): lambda s: s.call(MASHUP, uploadUrlList=["http://files.example/a.wav"]),
    ("soundTempo_out_of_range", SOUNDS): lambda s: s.call(SOUNDS, soundTempo=301),
    ("soundKey_unknown", SOUNDS): lambda s: s.call(SOUNDS, soundKey="H"),
    ("taskId_missing", TIMESTAMPS): lambda s: s.call(TIMESTAMPS, taskId=None),
    ("audioId_missing", TIMESTAMPS): lambda s: s.call(TIMESTAMPS, audioId=ABSENT),
    ("source_unknown", TIMESTAMPS): lambda s: s.call(TIMESTAMPS, audioId=s.retired.audio_ids[0]),
    ("source_unfinished", TIMESTAMPS): lambda s: s.call(
        TIMESTAMPS, taskId=s.running.music_task_id, audioId=s.running.audio_ids[0]
    ),
    ("content_missing", STYLE): lambda s: s.call(STYLE, content=" "),
    ("url_missing", LINK): lambda s: s.call(LINK, url=" "),
    ("url_foreign", LINK): lambda s: s.call(LINK, url="http://files.example/a.mp3"),
    **at((TIMESTAMPS, STYLE), "credits_short", lambda s, e: s.poor(e)),
    **at(TUNED, "variety_out_of_range", lambda s, e: s.call(e, variety=5)),
    ("imageUrls_too_many", GENERATE): lambda s: s.call(GENERATE, imageUrls=["x"] * 6),
    ("videoUrls_too_many", GENERATE): lambda s: s.call(GENERATE, videoUrls=["x"] * 2),
    ("attachments_too_many", GENERATE): lambda s: s.call(GENERATE, imageUrls=["x"] * 5, audioUrls=["x"] * 6),
    **at(TUNED, "vocalGender_unknown", lambda s, e: s.custom(e, vocalGender="female")),
    **at(SUNG_BY_PERSONAS, "personaModel_unknown", lambda s, e: s.custom(e, personaModel="persona")),
    **at(
        (GENERATE, *FROM_UPLOADS, MASHUP),
        "voice_not_for_model",
        lambda s, e: s.custom(e, personaModel="voice_persona", model="V4_5ALL"),
    ),
    ("voice_not_for_model", SECTION): lambda s: s.section_at_address(personaModel="voice_persona", model="V4"),
    ("voice_not_for_model", EXTEND): lambda s: s.custom(
        EXTEND, personaModel="voice_persona", model="V4_5", audioId="unheard-of"
    ),
    **{
        (f"{field}_out_of_range", endpoint): lambda s, e=endpoint, f=field: s.custom(e, **{f: 1.01})
        for field in WEIGHTS
        for endpoint in TUNED
    },
    **{
        (f"{field}_too_fine", endpoint): lambda s, e=endpoint, f=field: s.custom(e, **{f: 0.123})
        for field in WEIGHTS
        for endpoint in TUNED
    },
    **at(CONTINUING, "continueAt_not_positive", lambda s, e: s.call(e, continueAt=0)),
    ("continueAt_beyond_source", EXTEND): lambda s: s.call(
        EXTEND, continueAt=s.done.melody(s.done.audio_ids[0]).duration
    ),
    ("continueAt_beyond_source", UPLOAD_EXTEND): lambda s: s.call(
        UPLOAD_EXTEND, uploadUrl=s.track_lasting(20), continueAt=20
    ),
    ("model_differs_from_source", EXTEND): lambda s: s.call(EXTEND, model="V4"),
    **at((*FROM_UPLOADS, *ADDING), "source_too_long", lambda s, e: s.call(e, uploadUrl=s.track_lasting(480.01))),
    ("source_too_long", SECTION): lambda s: s.section_at_address(uploadUrl=s.track_lasting(480.01)),
    ("source_too_long", MASHUP): lambda s: s.call(MASHUP, uploadUrlList=[s.track_lasting(5), s.track_lasting(480.01)]),
    ("source_too_long_for_model", UPLOAD_EXTEND): lambda s: s.call(
        UPLOAD_EXTEND, uploadUrl=s.track_lasting(60.01), model="V4_5ALL"
    ),
    **at(SUNG_BY_PERSONAS, "persona_unknown", lambda s, e: s.custom(e, personaId="nobody")),
    **at(MUSIC, "credits_short", lambda s, e: s.poor(e)),
    ("taskId_missing", RECORD_INFO): lambda s: s.call(RECORD_INFO, taskId=ABSENT),
    ("taskId_missing", PERSONA): lambda s: s.call(PERSONA, taskId=""),
    ("audioId_missing", PERSONA): lambda s: s.call(PERSONA, audioId=None),
    ("name_missing", PERSONA): lambda s: s.call(PERSONA, name=" "),
    ("description_missing", PERSONA): lambda s: s.call(PERSONA, description=ABSENT),
    ("vocalStart_negative", PERSONA): lambda s: s.call(PERSONA, vocalStart=-1, vocalEnd=20),
    ("vocal_window_length", PERSONA): lambda s: s.call(PERSONA, vocalStart=21),
    ("music_task_unknown", PERSONA): lambda s: s.call(PERSONA, taskId="nothing"),
    ("music_unfinished", PERSONA): lambda s: s.call(
        PERSONA, taskId=s.running.music_task_id, audioId=s.running.audio_ids[0]
    ),
    ("track_unknown", PERSONA): lambda s: s.call(PERSONA, audioId=s.retired.audio_ids[0]),
    ("source_model_retired", PERSONA): lambda s: s.call(
        PERSONA, taskId=s.retired.music_task_id, audioId=s.retired.audio_ids[0]
    ),
    ("persona_exists", PERSONA): lambda s: s.second_persona(),
    **at((BASE64, STREAM, URL), "upload_unreadable", lambda s, e: s.call(e, readable=False)),
    **at((BASE64, STREAM, URL), "field_of_wrong_type", lambda s, e: s.call(e, fileName=5)),
    ("base64Data_missing", BASE64): lambda s: s.call(BASE64, base64Data=" "),
    ("file_missing", STREAM): lambda s: s.call(STREAM, file=ABSENT),
    ("fileUrl_missing", URL): lambda s: s.call(URL, fileUrl=ABSENT),
    **at((BASE64, STREAM, URL), "uploadPath_missing", lambda s, e: s.call(e, uploadPath=ABSENT)),
    **at((BASE64, STREAM, URL), "uploadPath_malformed", lambda s, e: s.call(e, uploadPath="a/")),
    **at((BASE64, STREAM, URL), "fileName_malformed", lambda s, e: s.call(e, fileName="a/b.wav")),
    ("base64Data_malformed", BASE64): lambda s: s.call(BASE64, base64Data="aGVsbG8"),
    ("fileUrl_not_http", URL): lambda s: s.call(URL, fileUrl="ftp://files.example/a.wav"),
}

# Without these, a later rule still refuses, with another message.
STILL_REFUSED = {
    **{("body_unreadable", endpoint): "callBackUrl_missing" for endpoint in (*SUBMITS, MASHUP, *ADDING)},
    ("body_unreadable", SECTION): "source_missing",
    ("body_unreadable", SOUNDS): "prompt_missing",
    ("body_unreadable", TIMESTAMPS): "taskId_missing",
    ("body_unreadable", STYLE): "content_missing",
    ("body_unreadable", LINK): "url_missing",
    ("field_of_wrong_type", TIMESTAMPS): "source_unknown",
    ("field_of_wrong_type", LINK): "url_foreign",
    ("infillEndS_missing", SECTION): "section_length",
    ("uploadUrlList_missing", MASHUP): "uploadUrlList_not_two",
    ("taskId_missing", TIMESTAMPS): "source_unknown",
    ("audioId_missing", TIMESTAMPS): "source_unknown",
    ("source_unknown", TIMESTAMPS): "source_unfinished",
    ("url_missing", LINK): "url_foreign",
    ("body_unreadable", PERSONA): "taskId_missing",
    ("upload_unreadable", BASE64): "base64Data_missing",
    ("upload_unreadable", STREAM): "file_missing",
    ("upload_unreadable", URL): "fileUrl_missing",
    ("taskId_missing", PERSONA): "music_task_unknown",
    ("audioId_missing", PERSONA): "track_unknown",
    **{("body_unreadable", endpoint): "callBackUrl_missing" for endpoint in WITH_CALLBACK},
    ("body_unreadable", PHRASE): "voiceUrl_missing",
    ("body_unreadable", AGAIN): "calBackUrl_missing",
    ("body_unreadable", VOICE): "taskId_missing",
    ("body_unreadable", CHECK): "task_id_missing",
    **{("taskId_missing", endpoint): "source_unknown" for endpoint in (*CONVERSIONS, COVER_ART, AGAIN, VOICE)},
    ("task_id_missing", CHECK): "source_unknown",
    ("task_id_missing", RECOVERY_RECORD): "record_unknown",
    ("sunoTaskId_missing", RECOVERY): "source_unknown",
    ("source_unknown", COVER_ART): "source_unfinished",
    ("source_unknown", AGAIN): "phrase_running",
    ("source_unknown", VOICE): "phrase_not_ready",
    ("field_of_wrong_type", CHECK): "source_unknown",
    **{("taskId_missing", endpoint): "record_unknown" for endpoint in RECORDS},
    **{("audioId_missing", endpoint): "source_unknown" for endpoint in OF_TRACKS},
    **{("source_unknown", endpoint): "source_unfinished" for endpoint in CONVERSIONS},
}

CELLS = [(rule.name, endpoint) for rule in RULES for endpoint in sorted(rule.endpoints, key=str)]
EACH_CELL = pytest.mark.parametrize(("name", "endpoint"), CELLS, ids=lambda v: v if isinstance(v, str) else v.name)


def _without(name: str, endpoint: Endpoint) -> Reply | None:
    """Return the answer to a call when one rule is missing; None if it concerns a file, and gets through."""
    stage = Stage()
    call = CHECKS[name, endpoint](stage)
    rules = [rule for rule in RULES if rule.name != name or endpoint not in rule.endpoints]
    return (refusal if endpoint in {*UPLOADS, LINK} else answer)(call, stage.state, now=NOW, rules=rules)


def test_every_rule_has_a_check_at_every_endpoint():
    assert set(CHECKS) == set(CELLS)
    assert len(CELLS) == len(set(CELLS))


@EACH_CELL
def test_the_rule_refuses(name, endpoint):
    stage = Stage()
    call = CHECKS[name, endpoint](stage)
    balance, songs, personas = stage.state.credits, len(stage.state.music_tasks), len(stage.state.personas)
    conversions = len(stage.state.jobs)
    reply = answer(call, stage.state, now=NOW)
    rule = next(rule for rule in RULES if rule.name == name and endpoint in rule.endpoints)
    assert (reply.rule, reply.accepted, reply.code) == (name, False, rule.code)
    if rule.code is None:
        assert (reply.http_status, reply.content) == (403, "error code: 1010")
    elif name.endswith("_too_fast"):
        assert reply.http_status == ALL.too_fast.http_status == 429
    else:
        assert reply.http_status == (
            400 if endpoint in UPLOADS and rule.code != 401 else 401 if endpoint in UPLOADS else 200
        )
        assert "{" not in reply.content["msg"]
        assert reply.content["data"] == ({"taskId": stage.art.job_id} if name == "cover_art_exists" else None)
    assert (stage.state.credits, len(stage.state.music_tasks), len(stage.state.personas)) == (
        balance,
        songs,
        personas,
    )
    assert len(stage.state.jobs) == conversions


@EACH_CELL
def test_without_the_rule_the_call_is_not_refused_by_it(name, endpoint):
    reply = _without(name, endpoint)
    if reply is None:
        assert (name, endpoint) not in STILL_REFUSED
        return
    assert reply.rule == STILL_REFUSED.get((name, endpoint))
    assert reply.accepted is ((name, endpoint) not in STILL_REFUSED)


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_a_call_without_violations_is_accepted(endpoint):
    stage = Stage()
    assert refusal(stage.call(endpoint), stage.state, now=NOW) is None


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("endpoint", SUBMITS)
def test_each_reseller_refuses_in_its_own_way(profile, endpoint):
    stage = Stage()
    stage.state.profile = profile
    reply = answer(stage.poor(endpoint), stage.state, now=NOW)
    no = profile.no_credits
    assert (reply.http_status, reply.code, reply.content["msg"]) == (no.http_status, no.code, no.msg)
    reply = answer(stage.custom(endpoint, title="x" * 101), stage.state, now=NOW)
    assert (reply.rule, reply.code, reply.http_status) == ("title_too_long", profile.too_long, 200)
    assert "title cannot exceed" in reply.content["msg"]
    for hasty in (stage.hasty(endpoint), stage.curious()):
        reply, no = answer(hasty, stage.state, now=NOW), profile.too_fast
        assert (reply.http_status, reply.code, reply.content["msg"]) == (no.http_status, no.code, no.msg)
    stage = Stage()
    stage.state.profile = profile
    reply = answer(stage.call(endpoint, model="V9"), stage.state, now=NOW)
    assert reply.content["msg"] == f"model must be one of {', '.join(profile.models)}"


@pytest.mark.parametrize("endpoint", SUBMITS)
@pytest.mark.parametrize(("model", "prompt", "style", "title"), [("V4", 3000, 200, 80), ("V4_5", 5000, 1000, 100)])
def test_vocals_are_accepted_at_every_limit(endpoint, model, prompt, style, title):
    stage = Stage()
    fields = {
        "prompt": "x" * prompt,
        "style": "x" * style,
        "title": "x" * title,
        "negativeTags": "x" * 1000,
        "styleWeight": 1,
        "weirdnessConstraint": 0,
        "audioWeight": 0.29,
        "personaId": stage.persona_id(),
        "model": model,
    } | ({"audioId": "unheard-of"} if endpoint is EXTEND else {})
    assert answer(stage.custom(endpoint, **fields), stage.state, now=NOW).accepted
    for field in ("prompt", "style", "title"):
        reply = answer(stage.custom(endpoint, **fields | {field: fields[field] + "x"}), stage.state, now=NOW)
        assert reply.code == 422
        assert f"{field} cannot exceed {len(fields[field])} characters for model {model}" in reply.content["msg"]


# Rules about the source: what is sent, and the rule that refuses it.
SOURCES: list[tuple[Build, str | None]] = [
    (lambda s: s.call(EXTEND, continueAt=s.done.melody(s.done.audio_ids[0]).duration - 0.01), None),
    (lambda s: s.call(EXTEND, continueAt=0.01), None),
    (lambda s: s.call(EXTEND, audioId="unheard-of", continueAt=10**6, model="V4"), None),
    (lambda s: s.call(EXTEND, audioId=s.running.audio_ids[0], continueAt=10**6, model="V4"), None),
    (lambda s: s.custom(EXTEND, continueAt=0), "continueAt_not_positive"),
    (lambda s: s.custom(EXTEND, instrumental=False, prompt=ABSENT), "prompt_missing_for_vocals"),
    (lambda s: s.custom(EXTEND, instrumental=True, prompt=ABSENT), None),
    (lambda s: s.custom(EXTEND, instrumental=True), "vocals_in_instrumental_extension"),
    (lambda s: s.section_of(60, 0, 30), None),
    (lambda s: s.section_of(60, 54, 60), None),
    (lambda s: s.section_of(200, 10, 70.01), "section_length"),
    (lambda s: s.section_of(60, 30, 20), "section_length"),
    (lambda s: s.section_at_address(infillStartS=400, infillEndS=460), None),
    (lambda s: s.section_at_address(uploadUrl=s.track_lasting(20)), None),
    (lambda s: s.section_at_address(uploadUrl=s.track_lasting(19.99)), "section_too_long_for_source"),
    (lambda s: s.call(MASHUP, uploadUrlList=[s.track_lasting(480)] * 2), None),
    (lambda s: s.call(MASHUP, uploadUrlList=["http://files.example/a.wav", " "]), "uploadUrlList_not_two"),
    (lambda s: s.call(SOUNDS, soundTempo=None, soundKey="F#m", grabLyrics=True), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl=s.track_lasting(20), continueAt=19.99), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl=s.track_lasting(480), continueAt=479), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl=s.track_lasting(60), model="V4_5ALL"), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl=s.track_lasting(61), model="V4_5"), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl=s.track_lasting(61, "V5"), model="V4"), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl="http://files.invalid/a.wav"), None),
    (lambda s: s.call(UPLOAD_EXTEND, uploadUrl="http://[", continueAt=10**9), None),
    (lambda s: s.custom(UPLOAD_EXTEND, instrumental=True, prompt=ABSENT), None),
    (lambda s: s.call(UPLOAD_COVER, uploadUrl=s.track_lasting(480)), None),
    (lambda s: s.call(UPLOAD_COVER, uploadUrl=s.track_lasting(61), model="V4_5ALL"), None),
    (lambda s: s.custom(UPLOAD_COVER, instrumental=True, prompt=ABSENT), None),
]


@pytest.mark.parametrize(("build", "rule"), SOURCES)
def test_what_a_source_allows(build, rule):
    stage = Stage()
    reply = answer(build(stage), stage.state, now=NOW)
    assert (reply.rule, reply.accepted) == (rule, rule is None)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("endpoint", NEW_SONGS)
@pytest.mark.parametrize(
    "fields",
    [
        {"title": ABSENT},
        {"style": ABSENT},
        {"customMode": False, "style": ABSENT, "title": ABSENT, "vocalGender": "f", "negativeTags": "drums"},
    ],
)
def test_what_every_reseller_accepts_beyond_its_pages(profile, endpoint, fields):
    stage = Stage()
    stage.state.profile = PROFILES[profile]
    assert answer(stage.custom(endpoint, **fields), stage.state, now=NOW).accepted


@pytest.mark.parametrize("profile", PROFILES)
def test_an_upload_is_continued_with_own_settings_that_are_a_prompt_alone(profile):
    stage = Stage()
    stage.state.profile = PROFILES[profile]
    call = stage.custom(UPLOAD_EXTEND, style=ABSENT, title=ABSENT)
    assert answer(call, stage.state, now=NOW).accepted


# What a song may be asked for by fields that not every page shows: at which resellers it is accepted.
NEWER = [
    ({"duration": 30, "model": "V6"}, {"kie", "sunoapi"}),
    ({"duration": 30, "model": "V5_5"}, {"kie", "sunoapi"}),
    ({"duration": 30, "model": "V5"}, {"apikley"}),
    ({"duration": 30, "model": "V6", "customMode": False, "style": ABSENT, "title": ABSENT}, {"sunoapi"}),
    ({"variety": 4}, {"apikley", "kie", "sunoapi"}),
    ({"variety": 5}, {"apikley"}),
    ({"personaModel": "voice_persona"}, {"apikley"}),
    ({"personaModel": "voice_persona", "model": "V5"}, {"apikley", "kie", "sunoapi"}),
    ({"personaModel": "style_persona"}, {"apikley", "kie", "sunoapi"}),
    ({"personaModel": "persona"}, {"apikley"}),
    ({"lyrics": "La", "prompt": ABSENT}, {"kie", "sunoapi"}),
    ({"lyrics": "x" * 5001}, {"apikley"}),
    ({"lyrics": "La", "style": ABSENT, "title": ABSENT}, {"sunoapi"}),
    ({"negativeTags": "drums", "style": ABSENT, "title": ABSENT}, {"sunoapi"}),
    ({"style": ABSENT, "title": ABSENT}, set()),
    ({"imageUrls": ["x"] * 6}, {"apikley", "kie"}),
    ({"model": "V6_MINI"}, {"kie", "sunoapi"}),
]
OF_OTHER_CALLS: list[tuple[Build, set[str]]] = [
    (lambda s: s.custom(EXTEND, model="V4", audioId="a", instrumental=True, prompt=ABSENT), {"kie", "sunoapi"}),
    (lambda s: s.custom(EXTEND, model="V4", audioId="a", instrumental=True), {"apikley"}),
    (lambda s: s.call(SECTION, fullLyrics=ABSENT), {"apikley"}),
    (lambda s: s.call(SECTION, infillEndS=11), {"apikley", "kie"}),
    (lambda s: s.call(SECTION, infillEndS=90), {"sunoapi"}),
    (lambda s: s.section_at_address(), {"sunoapi"}),
    (lambda s: s.call(SECTION, **s.upload), {"apikley", "kie"}),
    (lambda s: s.call(SECTION, model="V9"), {"apikley", "kie"}),
    (lambda s: s.call(SOUNDS, model=ABSENT), {"apikley"}),
    (lambda s: s.call(SOUNDS, model="V5_5"), {"kie", "sunoapi"}),
    (lambda s: s.call(INSTRUMENTAL, model="V6_WILD"), {"kie", "sunoapi"}),
    (lambda s: s.call(INSTRUMENTAL, model="V4_5PLUS"), {"apikley", "kie", "sunoapi"}),
    (lambda s: s.call(VOCALS, variety=5), {"apikley"}),
    (lambda s: s.custom(MASHUP, customMode=ABSENT), {"sunoapi"}),
    (lambda s: s.custom(MASHUP, title=ABSENT), {"apikley", "kie", "sunoapi"}),
    (lambda s: s.custom(MASHUP, title=ABSENT, style=ABSENT, lyrics="La"), {"sunoapi"}),
    (lambda s: s.custom(MASHUP, duration=30, model="V6"), {"kie", "sunoapi"}),
]


@pytest.mark.parametrize(
    ("build", "hosts"), [*((lambda s, f=fields: s.custom(**f), hosts) for fields, hosts in NEWER), *OF_OTHER_CALLS]
)
def test_newer_fields_by_reseller(build, hosts):
    accepted = set()
    for name, profile in PROFILES.items():
        stage = Stage()
        stage.state.profile = profile
        if answer(build(stage), stage.state, now=NOW).accepted:
            accepted.add(name)
    assert accepted == hosts


@pytest.mark.parametrize(
    ("first", "build"),
    [
        ("bare_user_agent", lambda s: s.call(GENERATE, user_agent="Python-urllib/3", authorization="")),
        ("key_unknown", lambda s: s.call(GENERATE, authorization="", readable=False)),
        ("key_unknown", lambda s: s.call(RECORD_INFO, authorization="", taskId=ABSENT)),
        ("key_unknown", lambda s: (s.hasty(GENERATE), s.call(GENERATE, authorization=""))[1]),
        ("submits_too_fast", lambda s: (s.hasty(GENERATE), s.call(GENERATE, readable=False))[1]),
        ("body_unreadable", lambda s: s.call(GENERATE, readable=False)),
        ("field_of_wrong_type", lambda s: s.call(GENERATE, callBackUrl=ABSENT, prompt=5)),
        ("callBackUrl_missing", lambda s: s.call(GENERATE, callBackUrl="", prompt="x" * 9999)),
        ("callBackUrl_missing", lambda s: s.call(GENERATE, callBackUrl="", customMode=None, model="V9")),
        ("customMode_missing", lambda s: s.call(GENERATE, customMode=None, instrumental=None)),
        ("instrumental_missing", lambda s: s.call(GENERATE, instrumental=None, model=None)),
        ("model_unknown", lambda s: s.call(GENERATE, model="V9", prompt="")),
        ("style_in_simple_mode", lambda s: s.call(GENERATE, style="x" * 9999)),
        ("personaId_in_simple_mode", lambda s: s.call(GENERATE, personaId="nobody")),
        ("own_settings_missing", lambda s: s.custom(title="", style="", prompt="x" * 9999)),
        ("title_too_long", lambda s: (s.poor(), s.custom(title="x" * 81))[1]),
        ("callBackUrl_missing", lambda s: s.call(UPLOAD_COVER, callBackUrl="", uploadUrl="")),
        ("continueAt_not_positive", lambda s: s.call(EXTEND, continueAt=-1, model="V4")),
        ("continueAt_beyond_source", lambda s: s.call(EXTEND, continueAt=99, model="V4")),
        ("taskId_missing", lambda s: s.call(PERSONA, taskId="", audioId="")),
        ("name_missing", lambda s: s.call(PERSONA, taskId="nothing", name="")),
        ("music_task_unknown", lambda s: s.call(PERSONA, taskId="nothing", audioId="nothing")),
        ("music_unfinished", lambda s: s.call(PERSONA, taskId=s.running.music_task_id, audioId="nothing")),
    ],
)
def test_of_two_reasons_the_first_answers(first, build):
    stage = Stage()
    assert answer(build(stage), stage.state, now=NOW).rule == first


@pytest.mark.parametrize("key", ["Bearer sim-key", "bearer sim-key", "Bearer  sim-key "])
def test_ways_to_write_a_good_key(key):
    stage = Stage()
    assert answer(stage.call(CREDIT, authorization=key), stage.state, now=NOW).accepted


@pytest.mark.parametrize("key", ["", "sim-key", "Basic sim-key", "Bearer", "Bearer sim-key-2", "Bearer SIM-KEY"])
def test_ways_to_write_a_bad_key(key):
    stage = Stage()
    assert answer(stage.call(CREDIT, authorization=key), stage.state, now=NOW).code == 401
