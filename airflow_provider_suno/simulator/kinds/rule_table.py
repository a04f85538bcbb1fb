"""
The rule table: everything that the service refuses. The first rule that refuses a call gives the answer.

The order is the real service's: the caller and the rate limits first, then the rules of the call's own kind.
"""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.cover_art import rules as cover_art
from airflow_provider_suno.simulator.kinds.download_url import rules as download_url
from airflow_provider_suno.simulator.kinds.lyrics import rules as lyrics
from airflow_provider_suno.simulator.kinds.midi import rules as midi
from airflow_provider_suno.simulator.kinds.music import rules as music
from airflow_provider_suno.simulator.kinds.persona import rules as persona
from airflow_provider_suno.simulator.kinds.recovery import rules as recovery
from airflow_provider_suno.simulator.kinds.stems import rules as stems
from airflow_provider_suno.simulator.kinds.style import rules as style
from airflow_provider_suno.simulator.kinds.timestamps import rules as timestamps
from airflow_provider_suno.simulator.kinds.uploads import rules as uploads
from airflow_provider_suno.simulator.kinds.video import rules as video
from airflow_provider_suno.simulator.kinds.voice import rules as voice
from airflow_provider_suno.simulator.kinds.wav import rules as wav
from airflow_provider_suno.simulator.rules.caller_rules import CALLER_RULES
from airflow_provider_suno.simulator.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *CALLER_RULES,
    *music.RULES,
    *persona.RULES,
    *wav.RULES,
    *stems.RULES,
    *midi.RULES,
    *lyrics.RULES,
    *video.RULES,
    *cover_art.RULES,
    *voice.RULES,
    *recovery.RULES,
    *timestamps.RULES,
    *style.RULES,
    *download_url.RULES,
    *uploads.RULES,
)
