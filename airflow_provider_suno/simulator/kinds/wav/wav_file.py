"""Write a melody as a WAV file."""

from __future__ import annotations

import io
import wave

from airflow_provider_suno.simulator.jobs.melody import Melody
from airflow_provider_suno.simulator.jobs.tone import SAMPLE_RATE, tone

_BYTES_PER_SAMPLE = 2


def wav_of(melody: Melody) -> bytes:
    """Return a melody as a WAV file: one channel, 48 kHz, 16 bits. It is exactly as long as the melody."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(_BYTES_PER_SAMPLE)
        sound.setframerate(SAMPLE_RATE)
        for note in melody.notes:
            size = note.hundredths * SAMPLE_RATE // 100 * _BYTES_PER_SAMPLE
            samples = b"" if note.pitch is None else tone(note.pitch)[:size]
            sound.writeframes(samples.ljust(size, b"\0"))
    return file.getvalue()
