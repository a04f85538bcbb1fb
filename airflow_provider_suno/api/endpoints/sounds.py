"""The request for sound effects and loops ("generate-sounds")."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from airflow_provider_suno.api.fields import (
    FREE_TEXT,
    BlankIsNone,
    Number,
    OneString,
    Switch,
    Text,
    not_blank,
)
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.song_fields import BEFORE_V5, model_warnings

_PROMPT_LIMIT = 500

_KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SOUND_KEYS = frozenset({"Any", *_KEYS, *(f"{key}m" for key in _KEYS)})


def _sound_key(value: str | None) -> str | None:
    if value is not None and value not in _SOUND_KEYS:
        raise ValueError(f"must be Any, or one of {', '.join(_KEYS)}, with m after it for minor (no flats: C# for Db)")
    return value


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class GenerateSoundsFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateSoundsRequest`."""

        prompt: str | Later
        model: str | Later | None
        sound_loop: bool | str | Later
        sound_tempo: int | str | Later | None
        sound_key: str | Later | None
        grab_lyrics: bool | str | Later


class GenerateSoundsRequest(JobRequest):
    """
    Make a sound effect or a loop: ``POST /api/v1/generate/sounds``.

    :param prompt: what to hear, up to 500 characters.
    :param model: V5 or later; some hosts require it.
    :param sound_loop: whether it can be looped.
    :param sound_tempo: 1 to 300 beats a minute; ``None`` leaves it to the service.
    :param sound_key: ``C`` to ``B`` with an optional ``#``, and ``m`` for minor; or ``Any``.
    :param grab_lyrics: whether to transcribe words that can be heard.
    """

    path: ClassVar[str] = "/api/v1/generate/sounds"
    call: ClassVar[str] = "generate_sounds"
    kind = "music"

    prompt: Annotated[str, Field(max_length=_PROMPT_LIMIT), AfterValidator(not_blank), OneString, FREE_TEXT]
    model: Text = None
    sound_loop: Switch = False
    sound_tempo: Annotated[Annotated[int, Field(ge=1, le=300)] | None, Number] = None
    sound_key: Annotated[str | None, AfterValidator(_sound_key), BlankIsNone, OneString] = None
    grab_lyrics: Switch = False

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about a model that the host's pages do not list, and about none."""
        yield from super().warnings(profile)
        yield from model_warnings(self.model, profile, BEFORE_V5)
        if self.model is None:
            yield "model: not given, although some hosts require it; sent anyway."
