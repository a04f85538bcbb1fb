"""What can be asked of the API: one model per endpoint, checked before any money is spent.

A field's name is the snake_case of the API's; its bounds stand in its type, what depends on the model or the mode in
:meth:`SunoRequest.problems`. A new endpoint is one new model.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.exceptions import SunoValidationError

NO_CALLBACK_URL = "https://no-callback.invalid/"
"""The API demands a callback URL; results must not leak to a stranger's host, so it names one that cannot exist."""

PROMPT_LIMITS = {"V4": 3000}
PROMPT_LIMIT = 5000
SIMPLE_PROMPT_LIMIT = 500
STYLE_LIMITS = {"V4": 200}
STYLE_LIMIT = 1000
TITLE_LIMIT = 80
NEGATIVE_TAGS_LIMIT = 1000
VOICE_PERSONA_TOO_OLD = frozenset({"V4", "V4_5", "V4_5PLUS", "V4_5ALL"})
SHORTEST_VOCAL_WINDOW, LONGEST_VOCAL_WINDOW = 10.0, 30.0


def _one_string(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    several = "" if isinstance(value, (int, float)) else "; for several, map the task over them with expand()"
    raise ValueError(f"must be one string, not {type(value).__name__}{several}")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def blank_is_none(value: Any) -> Any:
    """Count a text of blanks as not given, as templates and forms produce it."""
    return None if isinstance(value, str) and not value.strip() else value


def _two_decimals(value: float) -> float:
    if Decimal(str(value)).normalize().as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(f"takes at most two decimals, such as {round(value, 2)}")
    return value


def _http_url(value: str) -> str:
    if not re.match(r"https?://[^\s/]+", value):
        raise ValueError("must be an http or https URL")
    return value


Text = Annotated[str | None, BeforeValidator(blank_is_none), BeforeValidator(_one_string)]
RequiredText = Annotated[str, AfterValidator(_not_blank), BeforeValidator(_one_string)]
Flag = Annotated[bool | None, BeforeValidator(blank_is_none)]
Weight = Annotated[float, Field(ge=0, le=1), AfterValidator(_two_decimals)] | None
Seconds = Annotated[float, Field(ge=0)] | None
HttpUrl = Annotated[str, AfterValidator(_http_url), BeforeValidator(_one_string)]


class SunoRequest(BaseModel):
    """
    Be the root of the request models.

    :param extra_fields: fields that no model knows, under the API's own names; they are sent unchecked.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )

    path: ClassVar[str]
    call: ClassVar[str]

    extra_fields: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Return the names of its fields, ``extra_fields`` last."""
        return (*(name for name in cls.model_fields if name != "extra_fields"), "extra_fields")

    @classmethod
    def build(cls, fields: Mapping[str, Any], *, profile: HostProfile = APIKLEY) -> Self:
        """
        Return the checked request; a field that is ``None`` counts as not given.

        :param fields: its fields by name. Numbers and flags may come as text, as templates render them.
        :param profile: whose model list and limits apply.
        :raises SunoValidationError: names every field that is wrong, its problem and the limit.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            request = cls.model_validate(given)
        except ValidationError as error:
            problems = [_problem(cls, details) for details in error.errors(include_url=False)]
        else:
            problems = list(request.problems(profile))
        if problems:
            listed = "".join(f"\n  {problem}" for problem in problems)
            raise SunoValidationError(f"{cls.call} is not sent, nothing is charged:{listed}")
        return request

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Yield what is wrong with the fields taken together, each as ``field: problem``."""
        del profile
        sent = {to_camel(name) for name in type(self).model_fields} | {"callBackUrl"}
        for name in self.extra_fields:
            if name in sent:
                yield f"extra_fields: {name!r} is a field of its own; pass it as such"
        try:
            json.dumps(self.extra_fields, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            yield f"extra_fields: cannot be sent as JSON: {error}"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Yield what is odd but may be right."""
        del profile
        yield from ()

    def body(self) -> dict[str, Any]:
        """Return the JSON body: the API's names, without what is not given."""
        return {**self.model_dump(mode="json", by_alias=True, exclude_none=True), **self.extra_fields}


class MusicRequest(SunoRequest):
    """
    Hold what every request that makes music takes.

    :param model: for example ``V5``; what each host lists is in its profile, another name passes with a warning.
    :param prompt: the idea (simple mode, up to 500 characters) or the lyrics, sung literally (custom mode, up to
        3000 for V4, 5000 otherwise).
    :param style: genre, mood, instruments; up to 200 characters for V4, 1000 otherwise.
    :param title: up to 80 characters.
    :param persona_id: the persona to apply; only in custom mode.
    :param persona_model: ``style_persona`` (the service's default) or ``voice_persona`` (V5 and later).
    :param negative_tags: what to keep out; up to 1000 characters.
    :param vocal_gender: ``m`` or ``f``; a hint, no guarantee.
    :param style_weight: 0 to 1, two decimals; so are ``weirdness_constraint`` and ``audio_weight``.
    :param callback_url: where the service posts its progress; required by the API.
    """

    title_limits: ClassVar[Mapping[str, int]] = {}
    title_limit: ClassVar[int] = TITLE_LIMIT

    model: RequiredText
    prompt: Text = None
    style: Text = None
    title: Text = None
    persona_id: Text = None
    persona_model: Annotated[Literal["style_persona", "voice_persona"] | None, BeforeValidator(blank_is_none)] = None
    negative_tags: Annotated[
        Annotated[str, Field(max_length=NEGATIVE_TAGS_LIMIT)] | None,
        BeforeValidator(blank_is_none),
        BeforeValidator(_one_string),
    ] = None
    vocal_gender: Annotated[Literal["m", "f"] | None, BeforeValidator(blank_is_none)] = None
    style_weight: Weight = None
    weirdness_constraint: Weight = None
    audio_weight: Weight = None
    callback_url: HttpUrl = Field(default=NO_CALLBACK_URL, serialization_alias="callBackUrl")

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check the lengths that depend on the model, and the persona fields."""
        yield from super().problems(profile)
        yield from self._too_long("style", STYLE_LIMITS.get(self.model, STYLE_LIMIT))
        yield from self._too_long("title", self.title_limits.get(self.model, self.title_limit))
        if self.persona_model and not self.persona_id:
            yield "persona_model: means nothing without persona_id"
        if self.persona_model == "voice_persona" and self.model in VOICE_PERSONA_TOO_OLD:
            yield f"persona_model: voice_persona needs model V5 or later, not {self.model}"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn of a model name that the host's pages do not list."""
        yield from super().warnings(profile)
        if self.model not in profile.models:
            known = ", ".join(profile.models)
            nearest = difflib.get_close_matches(self.model.upper(), profile.models, n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            yield f"model {self.model!r} is not among those {profile.name} lists ({known}); sent as it is.{hint}"

    def _too_long(self, field: str, limit: int, mode: str = "") -> Iterator[str]:
        value = getattr(self, field)
        if value is not None and len(value) > limit:
            yield f"{field}: {len(value)} characters; model {self.model} takes at most {limit}{mode}"

    def _needed(self, mode: str, *fields: str) -> Iterator[str]:
        for field in fields:
            if getattr(self, field) is None:
                yield f"{field}: needed in {mode}"


class GenerateMusicRequest(MusicRequest):
    """
    Ask for songs from text: ``POST /api/v1/generate`` (docs.apikley.ru, "generate-music").

    In simple mode only ``prompt`` counts. Custom mode needs ``style`` and ``title``, and ``prompt`` when there are
    vocals.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    path: ClassVar[str] = "/api/v1/generate"
    call: ClassVar[str] = "generate_music"
    custom_only: ClassVar[tuple[str, ...]] = ("style", "title", "negative_tags", "vocal_gender", "persona_id")

    custom_mode: Flag = None
    instrumental: bool = False

    @property
    def custom(self) -> bool:
        """Whether the request is in custom mode, given or inferred."""
        inferred = any(value is not None for value in (self.style, self.title, self.persona_id))
        return inferred if self.custom_mode is None else self.custom_mode

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check what each mode needs and forbids."""
        yield from super().problems(profile)
        if self.custom:
            mode = "custom mode" if self.instrumental else "custom mode with vocals"
            yield from self._needed(mode, "style", "title", *(() if self.instrumental else ("prompt",)))
            yield from self._too_long("prompt", PROMPT_LIMITS.get(self.model, PROMPT_LIMIT), " in custom mode")
            return
        yield from self._needed("simple mode", "prompt")
        yield from self._too_long("prompt", SIMPLE_PROMPT_LIMIT, " in simple mode (custom mode takes more)")
        for field in self.custom_only:
            if getattr(self, field) is not None:
                yield f"{field}: works only in custom mode, which needs style and title"

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with the mode said outright: the API refuses a missing flag."""
        return {**super().body(), "customMode": self.custom}


class GeneratePersonaRequest(SunoRequest):
    """
    Ask for a persona of a finished track: ``POST /api/v1/generate/generate-persona`` (docs.apikley.ru,
    "generate-persona").

    :param music_task_id: the finished music task.
    :param audio_id: the track of it; one persona per track, ever.
    :param name: what to call it.
    :param description: its style, for people and for the service.
    :param vocal_start: where the window that is analysed starts, in seconds (0). Not on every host.
    :param vocal_end: where it ends (30); the window is 10 to 30 s long. Not on every host.
    :param style: a style label. Not on every host.
    """

    path: ClassVar[str] = "/api/v1/generate/generate-persona"
    call: ClassVar[str] = "generate_persona"

    music_task_id: RequiredText = Field(serialization_alias="taskId")
    audio_id: RequiredText
    name: RequiredText
    description: RequiredText
    vocal_start: Seconds = None
    vocal_end: Seconds = None
    style: Text = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check the window when any of its ends is given."""
        yield from super().problems(profile)
        if self.vocal_start is None and self.vocal_end is None:
            return
        start = self.vocal_start or 0.0
        window = (LONGEST_VOCAL_WINDOW if self.vocal_end is None else self.vocal_end) - start
        if not SHORTEST_VOCAL_WINDOW <= window <= LONGEST_VOCAL_WINDOW:
            yield (
                f"vocal_end: the window from vocal_start to vocal_end is {window:g} s long; "
                f"it takes {SHORTEST_VOCAL_WINDOW:g} to {LONGEST_VOCAL_WINDOW:g} s (without them: 0 to 30)"
            )


def _problem(request: type[SunoRequest], details: Mapping[str, Any]) -> str:
    """Say in one line what pydantic found wrong with a field."""
    field = str(details["loc"][0]) if details["loc"] else "fields"
    kind = details["type"]
    if kind == "extra_forbidden":
        nearest = difflib.get_close_matches(_snake(field), request.field_names(), n=2)
        hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        return f"{field}: no such field; {hint}(what the API takes beyond these goes into extra_fields)"
    if kind == "missing":
        return f"{field}: required"
    if kind == "string_too_long":
        return f"{field}: {len(details['input'])} characters; at most {details['ctx']['max_length']}"
    message = str(details["msg"]).removeprefix("Value error, ")
    return f"{field}: {message[:1].lower()}{message[1:]}, got {details['input']!r:.80}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
