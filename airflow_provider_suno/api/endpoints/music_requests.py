"""Requests for music: one model per endpoint, checked before any money is spent.

A field has the API's name in snake_case. Its type holds its bounds; :meth:`SunoRequest.problems` checks what depends on
the model or the mode.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from airflow_provider_suno.api.fields import (
    BlankIsNone,
    Flag,
    HttpUrl,
    Id,
    Number,
    OptionalId,
    PositiveSeconds,
    RequiredText,
    Switch,
    Text,
    Urls,
    Weight,
)
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.request import ANY_MODEL, JobRequest
from airflow_provider_suno.api.song_fields import (
    BEFORE_V5,
    LONG_TITLE_LIMIT,
    MOST_ATTACHMENTS,
    PROMPT_LIMIT,
    PROMPT_LIMITS,
    SHORT_TITLE_MODELS,
    SIMPLE_PROMPT_LIMIT,
    SIMPLE_PROMPT_LIMITS,
    STYLE_LIMIT,
    STYLE_LIMITS,
    TAKE_DURATION,
    TITLE_LIMIT,
    WIDEST,
    Lyrics,
    PersonaModel,
    Tags,
    model_warnings,
)
from airflow_provider_suno.api.text import printable

if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class SongFields(JobFields[Later], Generic[Later], total=False):
        """
        The fields of every request that yields a music task, but for sounds.

        Numbers and flags may be text, as templates render them. ``model`` is optional, since ``default_args`` may give
        it.
        """

        model: str | Later | None
        negative_tags: str | Later | None
        vocal_gender: Literal["m", "f"] | Later | None
        style_weight: float | str | Later | None
        weirdness_constraint: float | str | Later | None
        audio_weight: float | str | Later | None
        variety: int | str | Later | None

    class MusicFields(SongFields[Later], Generic[Later], total=False):
        """The fields of every request that makes a song of words and style."""

        prompt: str | Later | None
        style: str | Later | None
        title: str | Later | None
        persona_id: str | Later | None
        persona_model: Literal["style_persona", "voice_persona"] | Later | None

    class CustomModeFields(MusicFields[Later], Generic[Later], total=False):
        """The fields of the requests with a simple and a custom mode."""

        custom_mode: bool | str | Later | None
        instrumental: bool | str | Later

    class FreeFormFields(CustomModeFields[Later], Generic[Later], total=False):
        """The fields of the requests whose songs may have a length and words of their own."""

        duration: int | str | Later | None
        lyrics: str | Later | None

    class GenerateMusicFields(FreeFormFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateMusicRequest`."""

        image_urls: Sequence[str] | Later | None
        video_urls: Sequence[str] | Later | None
        audio_urls: Sequence[str] | Later | None

    class UploadAndCoverAudioFields(CustomModeFields[Later], Generic[Later], total=False):
        """The fields of :class:`UploadAndCoverAudioRequest`."""

        upload_url: str | Later

    class ExtendMusicFields(MusicFields[Later], Generic[Later], total=False):
        """The fields of :class:`ExtendMusicRequest`; the source's record can supply ``audio_id`` and ``model``."""

        audio_id: str | Later | None
        continue_at: float | str | Later | None
        default_param_flag: bool | str | Later | None
        instrumental: bool | str | Later | None

    class UploadAndExtendAudioFields(MusicFields[Later], Generic[Later], total=False):
        """The fields of :class:`UploadAndExtendAudioRequest`."""

        upload_url: str | Later
        continue_at: float | str | Later
        default_param_flag: bool | str | Later | None
        instrumental: bool | str | Later


class SongRequest(JobRequest):
    """
    The base of the requests that yield a music task, but for sounds.

    :param model: for example ``V5``; a name that the host's profile does not list passes with a warning.
    :param negative_tags: what to avoid; up to 1000 characters.
    :param vocal_gender: ``m`` or ``f``; a hint, not a guarantee.
    :param style_weight: 0 to 1, two decimals; so are ``weirdness_constraint`` and ``audio_weight``.
    :param variety: how much the tracks differ, 0 to 4; for the V6 models, not on every host.
    """

    kind = "music"
    newer_fields: ClassVar[tuple[str, ...]] = ("variety",)
    too_old: ClassVar[frozenset[str]] = frozenset()
    """Models that the pages do not name for this call."""

    v6_fields: ClassVar[tuple[str, ...]] = ("variety",)
    """Fields that the pages name for the V6 models only."""

    model: Text = None
    negative_tags: Tags = None
    vocal_gender: Annotated[Literal["m", "f"] | None, BlankIsNone] = None
    style_weight: Weight = None
    weirdness_constraint: Weight = None
    audio_weight: Weight = None
    variety: Annotated[Annotated[int, Field(ge=0, le=4)] | None, Number] = None

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about a model that the host's pages do not list, and about fields that the model may not take."""
        yield from super().warnings(profile)
        yield from model_warnings(self.model, profile, self.too_old)
        if self.model not in WIDEST and (given := self._given(*self.v6_fields)):
            yield f"{', '.join(given)}: the pages name it for the V6 models only; sent anyway."

    def _given(self, *fields: str) -> list[str]:
        return [field for field in fields if getattr(self, field) is not None]


class MusicRequest(SongRequest):
    """
    The base of the requests that make a song of words and style.

    :param model: for example ``V5``; a name that the host's profile does not list passes with a warning.
    :param prompt: the idea (simple mode, up to 500 characters) or the lyrics, sung literally (custom mode, up to
        3000 for V4, 5000 otherwise).
    :param style: genre, mood, instruments; up to 200 characters for V4, 1000 otherwise.
    :param title: up to 80 characters; other calls than ``generate`` take 100 for V4_5, V4_5PLUS, V5 and V5_5.
    :param persona_id: the persona to apply; only in custom mode.
    :param persona_model: ``style_persona`` (the service's default) or ``voice_persona`` (V5 and later).
    """

    newer_fields: ClassVar[tuple[str, ...]] = ("persona_model", "variety")
    title_limits: ClassVar[Mapping[str, int]] = SHORT_TITLE_MODELS
    title_limit: ClassVar[int] = LONG_TITLE_LIMIT

    model: RequiredText
    prompt: Text = None
    style: Text = None
    title: Text = None
    persona_id: OptionalId = None
    persona_model: PersonaModel = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check the lengths that depend on the model, and the persona fields."""
        yield from super().problems(profile)
        yield from self._too_long("style", STYLE_LIMITS.get(self.model, STYLE_LIMIT))
        title_limit = self.title_limits.get(self.model, self.title_limit)
        yield from self._too_long("title", max(title_limit, profile.title_limits.get(self.model, 0)))
        if self.persona_model and not self.persona_id:
            yield "persona_model: has no effect without persona_id"
        if self.persona_model == "voice_persona" and self.model in BEFORE_V5:
            yield f"persona_model: voice_persona needs model V5 or later, not {self.model}"

    def _too_long(self, field: str, limit: int, mode: str = "") -> Iterator[str]:
        value = getattr(self, field)
        if value is not None and len(value) > limit:
            who = ANY_MODEL if self.model == ANY_MODEL else f"model {printable(self.model, 50)}"
            yield f"{field}: {len(value)} characters; {who} takes at most {limit}{mode}"

    def _missing(self, *fields: str) -> list[str]:
        return [field for field in fields if getattr(self, field) is None]

    def _only(self, rule: str, *fields: str) -> Iterator[str]:
        for field in self._given(*fields):
            yield f"{field}: {rule}"

    def _switched_on_by(self, flag: str, *fields: str) -> str:
        return f" (switched on by {', '.join(self._given(*fields))})" if getattr(self, flag) is None else ""

    def _needed(self, mode: str, *fields: str) -> Iterator[str]:
        for field in self._missing(*fields):
            yield f"{field}: needed {mode}"

    def _sent_without(self, missing: Sequence[str], mode: str) -> Iterator[str]:
        if missing:
            yield (
                f"{', '.join(missing)}: not given, although the pages require it {mode}. Sent anyway, since some hosts "
                "accept that; if this one refuses it, nothing is charged."
            )


class CustomModeRequest(MusicRequest):
    """
    The base of the requests with a simple and a custom mode.

    Simple mode uses only ``prompt``; ``negative_tags`` and ``vocal_gender`` are sent with a warning. Custom mode needs
    ``style`` and ``title``, and ``prompt`` when there are vocals; with only one of ``style`` and ``title`` it is sent
    with a warning, as some hosts accept that.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    custom_only: ClassVar[tuple[str, ...]] = ("style", "title", "persona_id")
    maybe_custom_only: ClassVar[tuple[str, ...]] = ("negative_tags", "vocal_gender")

    custom_mode: Flag = None
    instrumental: Switch = False

    @property
    def custom(self) -> bool:
        """Whether the request is in custom mode, as given or inferred."""
        return bool(self._given(*self.custom_only)) if self.custom_mode is None else self.custom_mode

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check what each mode needs and forbids."""
        yield from super().problems(profile)
        if self.custom:
            switch = self._switched_on_by("custom_mode", *self.custom_only)
            mode = f"{self._custom_mode}{switch}"
            if self.model in WIDEST:
                if not any((self.style, self.negative_tags, self.prompt, self._lyrics)):
                    yield f"style: {self.model} needs at least one of style, negative_tags, prompt and lyrics {mode}"
            elif len(self._missing("style", "title")) != 1:
                yield from self._needed(mode, *self._usual_fields)
            yield from self._too_long("prompt", PROMPT_LIMITS.get(self.model, PROMPT_LIMIT), " in custom mode")
            return
        yield from self._needed("in simple mode", "prompt")
        limit = SIMPLE_PROMPT_LIMITS.get(self.model, SIMPLE_PROMPT_LIMIT)
        yield from self._too_long("prompt", limit, " in simple mode (custom mode takes more)")
        yield from self._only(
            "works only in custom mode, but custom_mode is False: leave one of the two out",
            *self.custom_only,
        )

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about what the pages rule out in a mode, but some hosts accept."""
        yield from super().warnings(profile)
        if not self.custom:
            if given := self._given(*self.maybe_custom_only):
                yield (
                    f"{', '.join(given)}: the pages name it for custom mode only. Sent anyway in simple mode, where "
                    "the service may ignore it."
                )
        elif self.model not in WIDEST:
            yield from self._sent_without(self._missing(*self._usual_fields), self._custom_mode)

    @property
    def _lyrics(self) -> Any:
        """The words of a request for a V6 model."""
        return getattr(self, "lyrics", None) or self.extra_fields.get("lyrics")

    @property
    def _custom_mode(self) -> str:
        return "in custom mode" if self.instrumental else "in custom mode with vocals"

    @property
    def _usual_fields(self) -> tuple[str, ...]:
        """The fields that the pages require in custom mode."""
        return ("style", "title") if self.instrumental else ("style", "title", "prompt")

    def sent(self) -> dict[str, Any]:
        """Return the fields that are sent, always with the mode: the API refuses a missing flag."""
        return {**super().sent(), "custom_mode": self.custom}


class FreeFormRequest(CustomModeRequest):
    """
    The base of the requests whose songs may have a length and words of their own.

    :param duration: the length to aim at, 10 to 360 seconds; V5_5 and V6 in custom mode, not on every host.
    :param lyrics: the words to sing, up to 5000 characters, instead of those in ``prompt``; V6, not on every host.
    """

    newer_fields: ClassVar[tuple[str, ...]] = ("persona_model", "variety", "duration", "lyrics")
    v6_fields: ClassVar[tuple[str, ...]] = ("variety", "lyrics")
    title_limit: ClassVar[int] = TITLE_LIMIT

    duration: Annotated[Annotated[int, Field(ge=10, le=360)] | None, Number] = None
    lyrics: Lyrics = None

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about a duration that the pages rule out."""
        yield from super().warnings(profile)
        if self.duration is not None and (self.model not in TAKE_DURATION or not self.custom):
            yield "duration: the pages name it for V5_5 and V6 in custom mode only; sent anyway."


class GenerateMusicRequest(FreeFormRequest):
    """
    Generate songs from text: ``POST /api/v1/generate`` (docs.apikley.ru, "generate-music").

    :param image_urls: up to 5 pictures to make the song of; V6 in simple mode, not on every host. Together with
        ``video_urls`` and ``audio_urls`` at most 10.
    :param video_urls: a video to make the song of; in the same cases.
    :param audio_urls: audio to make the song of; in the same cases.
    """

    path: ClassVar[str] = "/api/v1/generate"
    call: ClassVar[str] = "generate_music"
    newer_fields: ClassVar[tuple[str, ...]] = (*FreeFormRequest.newer_fields, "image_urls", "video_urls", "audio_urls")
    v6_fields: ClassVar[tuple[str, ...]] = (*FreeFormRequest.v6_fields, "image_urls", "video_urls", "audio_urls")

    image_urls: Annotated[Urls, Field(max_length=5)] | None = None
    video_urls: Annotated[Urls, Field(max_length=1)] | None = None
    audio_urls: Urls | None = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check the number of URLs."""
        yield from super().problems(profile)
        given = self._given("image_urls", "video_urls", "audio_urls")
        if sum(len(getattr(self, name)) for name in given) > MOST_ATTACHMENTS:
            yield f"{given[0]}: at most {MOST_ATTACHMENTS} URLs together with {', '.join(given[1:]) or 'the others'}"


class UploadAndCoverAudioRequest(CustomModeRequest):
    """
    Cover your audio in another style, with its melody: ``POST /api/v1/generate/upload-cover`` (docs.apikley.ru,
    "upload-and-cover-audio").

    :param upload_url: the URL from which the service fetches the audio, up to 8 minutes long.
    """

    path: ClassVar[str] = "/api/v1/generate/upload-cover"
    call: ClassVar[str] = "upload_and_cover_audio"

    upload_url: HttpUrl


class ContinuationRequest(MusicRequest):
    """
    The base of the requests that extend music.

    :param default_param_flag: use the fields given here (``True``) or the settings of the source (``False``); ``None``
        infers it from whether any of ``inferred_from`` is given.
    :param continue_at: where the new part begins, in seconds: above 0, below the source's length.
    """

    inferred_from: ClassVar[tuple[str, ...]] = ("prompt", "style", "title")
    own_only: ClassVar[tuple[str, ...]] = ("style", "title", "vocal_gender", "persona_id")

    default_param_flag: Flag = None

    @property
    def own_settings(self) -> bool:
        """Whether the fields given here are used, not the settings of the source."""
        inferred = bool(self._given(*self.inferred_from))
        return inferred if self.default_param_flag is None else self.default_param_flag

    def needed_fields(self) -> tuple[str, ...]:
        """Return the fields that the pages require with ``default_param_flag=True``."""
        raise NotImplementedError

    def required_fields(self) -> tuple[str, ...]:
        """Return those of the needed fields without which the request is refused here."""
        return self.needed_fields()

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check what each value of the flag needs and forbids."""
        yield from super().problems(profile)
        yield from self._too_long("prompt", PROMPT_LIMITS.get(self.model, PROMPT_LIMIT))
        if self.own_settings:
            switch = self._switched_on_by("default_param_flag", *self.inferred_from)
            if self._missing(*self.required_fields()):
                yield from self._needed(f"with default_param_flag=True{switch}", *self.needed_fields())
        else:
            needs = ", ".join(self.needed_fields())
            yield from self._only(f"works only with default_param_flag=True, which needs {needs}", *self.own_only)

    def sent(self) -> dict[str, Any]:
        """Return the fields that are sent, always with the flag: the API refuses a missing one."""
        return {**super().sent(), "default_param_flag": self.own_settings}


class ExtendMusicRequest(ContinuationRequest):
    """
    Extend a track that the service made: ``POST /api/v1/generate/extend`` ("extend-music" in the docs of the siblings).

    :param audio_id: the track.
    :param model: must be the source's.
    :param prompt: the lyrics of the new part.
    :param instrumental: no vocals in the new part; not on every host.
    """

    path: ClassVar[str] = "/api/v1/generate/extend"
    call: ClassVar[str] = "extend_music"
    inferred_from: ClassVar[tuple[str, ...]] = ("prompt", "style", "title", "continue_at")
    newer_fields: ClassVar[tuple[str, ...]] = (*ContinuationRequest.newer_fields, "instrumental")

    audio_id: Id
    continue_at: PositiveSeconds | None = None
    instrumental: Flag = None

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about words for a part without vocals."""
        yield from super().warnings(profile)
        if self.instrumental and (given := self._given("prompt", "vocal_gender")):
            yield f"{', '.join(given)}: some hosts refuse it with instrumental=True; sent anyway."

    def needed_fields(self) -> tuple[str, ...]:
        """Return the fields that the pages require with ``default_param_flag=True``."""
        words = () if self.instrumental else ("prompt",)
        return (*words, "style", "title", "continue_at")

    def check_source(self, model: str | None, duration: float | None) -> None:
        """Check the request against the source's model and duration (s), if known; raise when it cannot extend it."""
        problems = []
        if model is not None and model != self.model:
            ours, theirs = printable(self.model, 50), printable(model, 50)
            problems.append(f"model: {ours} is not that of the source, {theirs}; an extension needs the same model")
        if duration is not None and self.continue_at is not None and self.continue_at >= duration:
            problems.append(f"continue_at: {self.continue_at:g} is not before the track's end, at {duration:g} s")
        self.refuse(problems)


class UploadAndExtendAudioRequest(ContinuationRequest):
    """
    Extend your audio: ``POST /api/v1/generate/upload-extend`` (docs.apikley.ru, "upload-and-extend-audio").

    ``continue_at`` is always needed, so it does not switch ``default_param_flag`` on.

    :param upload_url: the URL from which the service fetches the audio, up to 8 minutes long (V4_5ALL: 1 minute).
    :param instrumental: no vocals.
    """

    path: ClassVar[str] = "/api/v1/generate/upload-extend"
    call: ClassVar[str] = "upload_and_extend_audio"

    upload_url: HttpUrl
    continue_at: PositiveSeconds
    instrumental: Switch = False

    def needed_fields(self) -> tuple[str, ...]:
        """Return the fields that the pages require with ``default_param_flag=True``."""
        return ("style", "title") if self.instrumental else ("style", "title", "prompt")

    def required_fields(self) -> tuple[str, ...]:
        """Return the needed fields, none if there is a prompt: hosts accept a prompt alone."""
        return () if self.prompt is not None else self.needed_fields()

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about missing fields that the pages require."""
        yield from super().warnings(profile)
        if self.own_settings:
            yield from self._sent_without(self._missing(*self.needed_fields()), "with default_param_flag=True")
