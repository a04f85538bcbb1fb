"""The kind midi: the notes of a track's stems. Its ``successFlag`` is a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.jobs.melody import Melody
from airflow_provider_suno.simulator.jobs.order import OrderedKind
from airflow_provider_suno.simulator.jobs.plain_job import Flag
from airflow_provider_suno.simulator.kinds.stems.job import Stem

_VELOCITY = 0.8


@dataclass(frozen=True, kw_only=True)
class MidiJob(Conversion):
    """
    A transcription of stems into notes: those that are heard in the stem.

    :param stems: the stems: all of a separation, or the one that was asked for.
    """

    kind: ClassVar[OrderedKind] = "midi"
    takes: ClassVar[tuple[float, float]] = (3, 6)
    running: ClassVar[Flag] = 0
    succeeded: ClassVar[Flag] = 1
    shows_callback_exception: ClassVar[bool] = False

    stems: tuple[Stem, ...]

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a transcription costs. No page states a price; this is that of a WAV file."""
        return Decimal("0.4")

    def error_code(self) -> str | None:
        """Return the ``errorCode`` that it shows if it fails: a text, unlike that of the other kinds."""
        return None if self.order.code is None else str(self.order.code)

    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return the stem that was asked for, and the notes once there are any."""
        midi_data = {"state": "complete", "instruments": self._instruments()} if finished else None
        return {"recordTaskId": None, "audioId": self.request.get("audioId"), "midiData": midi_data}

    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback. Some times in it are texts, as the service sends them."""
        if self.fails:
            return {"taskId": self.job_id}
        return {"taskId": self.job_id, "state": "complete", "instruments": self._instruments(texts=True)}

    def _instruments(self, *, texts: bool = False) -> list[dict[str, Any]]:
        stems = self.stems if self.makes_something else ()
        return [{"name": stem.group, "notes": list(_notes(stem.melody, texts=texts))} for stem in stems]


def _notes(melody: Melody, *, texts: bool) -> Iterator[dict[str, Any]]:
    """
    Yield the notes of a melody.

    :param texts: whether some of the times are texts.
    """
    elapsed = 0
    for number, note in enumerate(melody.notes):
        start, end = elapsed / 100, (elapsed + note.hundredths) / 100
        elapsed += note.hundredths
        if note.pitch is not None:
            yield {
                "pitch": note.pitch,
                "start": str(start) if texts and number % 3 else start,
                "end": str(end) if texts and number % 5 else end,
                "velocity": _VELOCITY,
            }
