"""The request that replaces a section of a song ("replace-section")."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from airflow_provider_suno.api.endpoints.music_requests import SongRequest
from airflow_provider_suno.api.fields import (
    OptionalId,
    OptionalUrl,
    Position,
    Text,
)
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.song_fields import Lyrics, PersonaModel, RequiredLyrics, RequiredTags, RequiredTitle

_SHORTEST, _LONGEST = 6.0, 60.0
"""Seconds of a section that every host takes."""


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.endpoints.music_requests import SongFields
    from airflow_provider_suno.api.request import Later

    class ReplaceSectionFields(SongFields[Later], Generic[Later], total=False):
        """The fields of :class:`ReplaceSectionRequest`; the source's record can supply ``audio_id``."""

        source_music_task_id: str | Later | None
        audio_id: str | Later | None
        upload_url: str | Later | None
        prompt: str | Later
        tags: str | Later
        title: str | Later
        infill_start_s: float | str | Later
        infill_end_s: float | str | Later
        full_lyrics: str | Later | None
        lyrics: str | Later | None
        persona_id: str | Later | None
        persona_model: Literal["style_persona", "voice_persona"] | Later | None


class ReplaceSectionRequest(SongRequest):
    """
    Replace a section of a song: ``POST /api/v1/generate/replace-section``.

    The song is a track of a music task (``source_music_task_id`` and ``audio_id``) or, on some hosts, your audio
    (``upload_url`` and ``model``).

    :param source_music_task_id: the finished music task of the track.
    :param audio_id: the track.
    :param upload_url: the URL of your audio instead; not on every host.
    :param prompt: the words of the new section.
    :param tags: its style.
    :param title: the songs' title, up to 100 characters.
    :param infill_start_s: where the section begins, in seconds, two decimals.
    :param infill_end_s: where it ends; usually 6 to 60 s later, and at most half of the track.
    :param full_lyrics: all words of the song after the change; some hosts require it.
    :param lyrics: the words to sing, instead of those in ``prompt``; V6, not on every host.
    """

    path: ClassVar[str] = "/api/v1/generate/replace-section"
    call: ClassVar[str] = "replace_section"
    newer_fields: ClassVar[tuple[str, ...]] = ("variety", "lyrics", "upload_url", "persona_model")
    v6_fields: ClassVar[tuple[str, ...]] = ("variety", "lyrics", "upload_url")

    source_music_task_id: OptionalId = Field(default=None, serialization_alias="taskId")
    audio_id: OptionalId = None
    upload_url: OptionalUrl = None
    prompt: RequiredLyrics
    tags: RequiredTags
    title: RequiredTitle
    infill_start_s: Position
    infill_end_s: Position
    full_lyrics: Text = None
    lyrics: Lyrics = None
    persona_id: OptionalId = None
    persona_model: PersonaModel = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check that one song is named, and that the section has a length."""
        yield from super().problems(profile)
        if self.upload_url is not None:
            for field in self._given("source_music_task_id", "audio_id"):
                yield f"{field}: names another song beside upload_url; leave one of the two out"
            if self.model is None:
                yield "model: needed with upload_url"
        else:
            for field in ("source_music_task_id", "audio_id"):
                if getattr(self, field) is None:
                    yield f"{field}: needed, unless upload_url is given"
        if self.infill_end_s <= self.infill_start_s:
            yield f"infill_end_s: {self.infill_end_s:g} is not after infill_start_s, {self.infill_start_s:g}"
        if self.persona_model and not self.persona_id:
            yield "persona_model: has no effect without persona_id"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about a section that some hosts refuse."""
        yield from super().warnings(profile)
        seconds = round(self.infill_end_s - self.infill_start_s, 2)
        if not _SHORTEST <= seconds <= _LONGEST:
            yield (
                f"infill_end_s: the section is {seconds:g} s long; every host takes {_SHORTEST:g} to {_LONGEST:g} s, "
                "some take others. Sent anyway."
            )
        if self.full_lyrics is None:
            yield "full_lyrics: not given, although some hosts require it; sent anyway."

    def check_source(self, duration: float | None) -> None:
        """Check the section against the track's length in seconds, if known; raise when it lies beyond it."""
        problems = []
        if duration is not None and self.infill_end_s > duration:
            problems.append(f"infill_end_s: {self.infill_end_s:g} is after the track's end, at {duration:g} s")
        self.refuse(problems)

    def source_warnings(self, duration: float | None) -> Iterator[str]:
        """Warn about a section that some hosts refuse in a track of this length in seconds, if known."""
        seconds = round(self.infill_end_s - self.infill_start_s, 2)
        if duration is not None and seconds > duration / 2:
            yield (
                f"infill_end_s: the section is {seconds:g} s long, more than half of the track ({duration:g} s), which "
                "some hosts refuse. Sent anyway."
            )

    @classmethod
    def _placeholder(cls, name: str) -> Any:
        # The widest section, so that a known end is not taken for one before an unknown beginning.
        return {"infill_start_s": 0.0, "infill_end_s": 1e9}.get(name, super()._placeholder(name))
