"""The kind stems: a track taken apart, into the voice and the rest or into single instruments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.jobs.derived import uuid_from
from airflow_provider_suno.simulator.jobs.melody import Melody
from airflow_provider_suno.simulator.jobs.mp3 import mp3_of
from airflow_provider_suno.simulator.jobs.order import OrderedKind

_FIELDS = {
    "Vocals": "vocalUrl",
    "Instrumental": "instrumentalUrl",
    "Backing Vocals": "backingVocalsUrl",
    "Drums": "drumsUrl",
    "Bass": "bassUrl",
    "Guitar": "guitarUrl",
    "Piano": "pianoUrl",
    "Keyboard": "keyboardUrl",
    "Percussion": "percussionUrl",
    "Strings": "stringsUrl",
    "Synth": "synthUrl",
    "FX": "fxUrl",
    "Brass": "brassUrl",
    "Woodwinds": "woodwindsUrl",
}
"""The field of the record that holds a stem's address, by the stem's group."""

SEPARATE_VOCAL, SPLIT_STEM, ONE_STEM = "separate_vocal", "split_stem", "split_stem_advanced"
SEPARATION_TYPES = (SEPARATE_VOCAL, SPLIT_STEM, ONE_STEM)
"""What a request may ask for by ``type``; the first is the default."""

_PRICES = {SEPARATE_VOCAL: Decimal(10), SPLIT_STEM: Decimal(50), ONE_STEM: Decimal(20)}
_INSTRUMENTS = tuple(group for group in _FIELDS if group not in ("Instrumental", "Piano"))


@dataclass(frozen=True)
class Stem:
    """
    One part of a track. All stems of a separation, played together, sound like the track.

    :param stem_id: its id, by which MIDI can be asked for.
    :param group: what it is, such as ``Vocals``.
    :param melody: its audio: some notes of the track.
    """

    stem_id: str
    group: str
    melody: Melody

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"{self.stem_id}_{re.sub(r'[^A-Za-z0-9-]+', '_', self.group)}.mp3"


@dataclass(frozen=True, kw_only=True)
class StemsJob(Conversion):
    """
    A separation into stems. Every one is charged, also of a track that has stems already.

    :param stems_field: the name under which a callback lists the stems; resellers differ.
    """

    kind: ClassVar[OrderedKind] = "stems"
    takes: ClassVar[tuple[float, float]] = (60, 105)

    stems_field: str

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:
        """Return the credits that a separation costs."""
        return _PRICES[_type_of(request)]

    @property
    def stems(self) -> tuple[Stem, ...]:
        """The stems, in the order of the record. None at all if there is no result."""
        groups, melody = _groups_of(self.request) if self.makes_something else (), self.track.melody
        return tuple(
            Stem(uuid_from("stem", self.job_id, group), group, melody.part(number, len(groups)))
            for number, group in enumerate(groups)
        )

    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:
        """Return the track, and the stems once there are any."""
        response = {
            "id": None,
            "originUrl": None,
            "originData": self._origin_data(base_url),
            **self._addresses(base_url),
        }
        track = {"musicId": self.track.audio_id, "musicIndex": self.track.index}
        return {**track, "response": response if finished else None}

    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback."""
        addresses = {"originUrl": None, **self._addresses(self.base_url)}
        stems = {_snake_case(field): address for field, address in addresses.items()}
        return {"task_id": self.job_id, self.stems_field: None if self.fails else stems}

    def files(self) -> tuple[str, ...]:
        """Return the names of the stems' files."""
        return tuple(stem.file_name for stem in self.stems)

    def content_of(self, file_name: str) -> tuple[bytes, str]:
        """Return the file of a stem."""
        stem = next(stem for stem in self.stems if stem.file_name == file_name)
        return mp3_of(stem.melody), "audio/mpeg"

    def _origin_data(self, base_url: str) -> list[dict[str, Any]]:
        return [
            {
                "id": stem.stem_id,
                "duration": self.track.melody.duration,
                "audio_url": f"{base_url}/media/{stem.file_name}",
                "stem_type_group_name": stem.group,
            }
            for stem in self.stems
        ]

    def _addresses(self, base_url: str) -> dict[str, str | None]:
        """Return the address of every stem that there can be; None for those that were not made."""
        made = {_FIELDS.get(stem.group): f"{base_url}/media/{stem.file_name}" for stem in self.stems}
        return {field: made.get(field) for field in _FIELDS.values()}


def _type_of(request: Mapping[str, Any]) -> str:
    """Return the type of a separation; the default if the request has none that is known."""
    wanted = request.get("type")
    return wanted if wanted in SEPARATION_TYPES else SEPARATE_VOCAL


def _groups_of(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the groups that a separation makes."""
    if _type_of(request) == ONE_STEM:
        # No page says what the rest is called.
        return (str(request.get("stemName")).strip(), "Other")
    return _INSTRUMENTS if _type_of(request) == SPLIT_STEM else ("Vocals", "Instrumental")


def _snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
