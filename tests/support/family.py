"""A host that has every call, what the calls are made of, and what each is given and returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http import retry
from airflow_provider_suno.operators.conversions import (
    ConvertToWavOperator,
    CreateMusicVideoOperator,
    GenerateCoverArtOperator,
    GenerateMidiOperator,
    SeparateVocalsOperator,
)
from airflow_provider_suno.operators.lyrics import GenerateLyricsOperator
from airflow_provider_suno.operators.music import (
    AddInstrumentalOperator,
    AddVocalsOperator,
    GenerateMashupOperator,
    GenerateSoundsOperator,
    RecoverMusicOperator,
)
from airflow_provider_suno.operators.voice import (
    GenerateVoiceOperator,
    RegenerateVoicePhraseOperator,
    ValidateVoiceOperator,
)
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.sounds import write_wav


@pytest.fixture(scope="module")
def _kie() -> Iterator[RunningSimulator]:
    limits: dict[str, Any] = {"submit_limit": None, "read_limit": None, "credits": 100_000}
    with running_simulator(speed=10_000, profile="kie", **limits) as simulator:
        yield simulator


@pytest.fixture
def kie(_kie: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> RunningSimulator:
    """Return a simulator of a host that has every call."""
    _kie.simulation.reset()
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", _kie.connection_json)
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, resubmit_gap=0.05))
    return _kie


@dataclass(frozen=True)
class Sources:
    """What the calls are made of."""

    track: dict[str, str]
    upload: str
    other: str
    stems: str
    phrase: str
    voice: str


@pytest.fixture
def sources(kie: RunningSimulator, tmp_path: Path) -> Sources:
    hook = SunoHook()
    music_task_id = hook.generate_music(
        model="V5", custom_mode=True, style="folk", title="Rain", prompt="[Verse]\nRain falls down\nOn the town"
    )
    kie.clock.advance(300)
    record = hook.get_music_task(music_task_id)
    assert record is not None
    track = {"music_task_id": music_task_id, "audio_id": record.audio_ids[0]}
    upload = hook.upload_file(write_wav(tmp_path / "hum.wav", seconds=40))
    other = hook.upload_file(write_wav(tmp_path / "drum.wav", seconds=20))
    stems = hook.separate_vocals(**track)
    phrase = hook.validate_voice(voice_url=upload, vocal_start_s=0, vocal_end_s=5)
    kie.clock.advance(300)
    voice = hook.generate_voice(phrase_job_id=phrase, verify_url=upload)
    kie.clock.advance(300)
    return Sources(track, upload, other, stems, phrase, voice)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) > 20


def is_file(start: bytes, at: int = 0) -> Callable[[Any], bool]:
    """Return what tells whether a URL leads to a file that has these bytes at an offset."""

    def leads(url: Any) -> bool:
        content = requests.get(url, headers={"User-Agent": "tests"}, timeout=10).content
        return content[at : at + len(start)] == start

    return leads


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def are(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: bool(values) and all(map(check, values))


Arguments = Callable[[Sources], dict[str, Any]]
PART = {"title": "Rain", "negative_tags": "noise"}

MUSIC: dict[str, tuple[type[Any], Arguments]] = {
    "add_instrumental": (AddInstrumentalOperator, lambda s: {"upload_url": s.upload, "tags": "folk", **PART}),
    "add_vocals": (AddVocalsOperator, lambda s: {"upload_url": s.upload, "prompt": "la", "style": "folk", **PART}),
    "generate_mashup": (
        GenerateMashupOperator,
        lambda s: {"upload_url_list": [s.upload, s.other], "model": "V5", "prompt": "both"},
    ),
    "generate_sounds": (GenerateSoundsOperator, lambda s: {"prompt": "a bell", "model": "V5", "sound_key": "C#m"}),
}
JOBS: dict[str, tuple[type[Any], Arguments, str, Callable[[Any], bool]]] = {
    "generate_lyrics": (GenerateLyricsOperator, lambda s: {"prompt": "rain"}, "lyrics", are(is_text)),
    "convert_to_wav": (ConvertToWavOperator, lambda s: s.track, "wav", is_file(b"RIFF")),
    "separate_vocals": (
        SeparateVocalsOperator,
        lambda s: {**s.track, "type": "split_stem"},
        "stems",
        lambda stems: ("drums" in stems and all(map(is_file(b"ID3"), stems.values()))) or bool(stems),
    ),
    "generate_midi": (GenerateMidiOperator, lambda s: {"stems_job_id": s.stems}, "midi", bool),
    "create_music_video": (CreateMusicVideoOperator, lambda s: s.track, "video", is_file(b"ftyp", 4)),
    "generate_cover_art": (
        GenerateCoverArtOperator,
        lambda s: {"music_task_id": s.track["music_task_id"]},
        "cover_art",
        lambda urls: len(urls) == 2 and all(is_file(b"\x89PNG")(u) or is_file(b"\xff\xd8")(u) for u in urls),
    ),
    "validate_voice": (
        ValidateVoiceOperator,
        lambda s: {"voice_url": s.upload, "vocal_start_s": 0, "vocal_end_s": "4.5", "language": "en"},
        "voice_phrase",
        is_text,
    ),
    "regenerate_voice_phrase": (
        RegenerateVoicePhraseOperator,
        lambda s: {"phrase_job_id": s.phrase},
        "voice_phrase",
        is_text,
    ),
    "generate_voice": (
        GenerateVoiceOperator,
        lambda s: {"phrase_job_id": s.phrase, "verify_url": s.upload, "voice_name": "Me"},
        "voice",
        is_text,
    ),
    "recover_music": (
        RecoverMusicOperator,
        lambda s: {"music_task_id": s.track["music_task_id"]},
        "recovery",
        are(is_file(b"ftyp", 4)),
    ),
}
FILES = ("convert_to_wav", "separate_vocals", "create_music_video", "generate_cover_art", "recover_music")


def paths(sim: RunningSimulator, path: str) -> int:
    """Return how often a path was posted to."""
    return sum(entry["path"] == path for entry in sim.ledger()["requests"])
