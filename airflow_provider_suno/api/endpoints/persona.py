"""Personas: a reusable voice or style made from one finished track (docs.apikley.ru, "generate-persona")."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import AliasChoices, Field, ValidationError

from airflow_provider_suno.api.fields import Id, RequiredText, Seconds, Text
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, Identifier, LooseText, Record
from airflow_provider_suno.api.request import Effect, SunoRequest
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoConflictError, SunoProtocolError

SHORTEST_VOCAL_WINDOW, LONGEST_VOCAL_WINDOW = 10.0, 30.0


if TYPE_CHECKING:
    from typing import Generic, Required

    from airflow_provider_suno.api.request import Later, RequestFields

    class GeneratePersonaFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of :class:`GeneratePersonaRequest` without ``audio_id``."""

        music_task_id: Required[str | Later]
        name: Required[str | Later]
        description: Required[str | Later]
        vocal_start: float | str | Later | None
        vocal_end: float | str | Later | None
        style: str | Later | None


class GeneratePersonaRequest(SunoRequest):
    """
    Make a persona from a finished track: ``POST /api/v1/generate/generate-persona`` (docs.apikley.ru,
    "generate-persona").

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks; a track can have only one persona, ever.
    :param name: the persona's name.
    :param description: its style, for people and for the service.
    :param vocal_start: where the analysed window starts, in seconds (0). Not on every host.
    :param vocal_end: where it ends, in seconds (30); the window is 10 to 30 s long. Not on every host.
    :param style: a style label. Not on every host.
    """

    path: ClassVar[str] = "/api/v1/generate/generate-persona"
    call: ClassVar[str] = "generate_persona"
    effect: ClassVar[Effect] = "persona"
    newer_fields: ClassVar[tuple[str, ...]] = ("vocal_start", "vocal_end", "style")

    music_task_id: Id = Field(serialization_alias="taskId")
    audio_id: Id
    name: RequiredText
    description: RequiredText
    vocal_start: Seconds = None
    vocal_end: Seconds = None
    style: Text = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check the window if either end is given."""
        yield from super().problems(profile)
        if self.vocal_start is None and self.vocal_end is None:
            return
        start = self.vocal_start or 0.0
        window = round((LONGEST_VOCAL_WINDOW if self.vocal_end is None else self.vocal_end) - start, 6)
        if not SHORTEST_VOCAL_WINDOW <= window <= LONGEST_VOCAL_WINDOW:
            yield (
                f"vocal_end: the window from vocal_start to vocal_end is {window:g} s long; "
                f"it must be {SHORTEST_VOCAL_WINDOW:g} to {LONGEST_VOCAL_WINDOW:g} s (without them: 0 to 30)"
            )

    def read(self, data: Any) -> "Persona":
        """Return the persona."""
        return read_persona(data, self.music_task_id, self.audio_id)

    def on_conflict(self, conflict: SunoConflictError) -> SunoConflictError:
        """Return the error for a track that has a persona."""
        message = f"Track {self.audio_id} cannot get a second persona: {conflict.message}"
        return SunoConflictError(message, code=conflict.code, music_task_id=self.music_task_id)


class Persona(Record):
    """
    A reusable voice or style made from one track; the API cannot return it later, so keep ``persona_id``.

    ``music_task_id`` and ``audio_id`` name the source.
    """

    persona_id: Identifier = Field(validation_alias=AliasChoices("personaId", "persona_id"))
    name: LooseText = None
    description: LooseText = None
    music_task_id: LooseText = None
    audio_id: LooseText = None


def read_persona(data: Any, music_task_id: str, audio_id: str) -> Persona:
    """Return the persona from a reply; raise a :class:`SunoProtocolError` when it has no ``personaId``."""
    try:
        return Persona.model_validate({**data, "music_task_id": music_task_id, "audio_id": audio_id})
    except (ValidationError, TypeError) as error:
        raise SunoProtocolError(
            f"The service made a persona of track {audio_id} but sent no personaId: {excerpt(data, SHOWN_CHARACTERS)}.",
            music_task_id=music_task_id,
        ) from error
