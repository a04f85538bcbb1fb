"""The base of every request: a checked model that knows its endpoint and its JSON body."""

# Without "from __future__ import annotations": pydantic would evaluate each annotation from its text, again for each
# subclass, and every Dag file would load slower.

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL, with_token
from airflow_provider_suno.api.fields import FREE_TEXT, HttpUrl, problem_with, why_no_json
from airflow_provider_suno.api.profiles import ANY_HOST, APIKLEY, HostProfile
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoConflictError, SunoError, SunoValidationError

ANY_MODEL = "any model"
"""Stands for a model that is not known yet; only what no model takes is refused."""

_PLACEHOLDERS: Mapping[str, Any] = {
    "model": ANY_MODEL,
    "persona_id": "later",
    **dict.fromkeys(("upload_url", "callback_url", "voice_url", "verify_url", "url"), "https://later.invalid/"),
    **dict.fromkeys(("source_music_task_id", "audio_id"), "later"),
    **dict.fromkeys(("style_weight", "weirdness_constraint", "audio_weight"), 0.5),
    "continue_at": 1.0,
    "upload_url_list": ("https://later.invalid/1", "https://later.invalid/2"),
}
"""Placeholders for fields that are not known yet and are not free text."""


TEXT_FILES = (".txt", ".lrc", ".md")
"""The endings of the files that operators read in place of a text."""

_TEXTS_IN_FILES = ("prompt", "lyrics", "full_lyrics", "content", "description")
_FILE_NAME = re.compile(rf"(\S+ +){{0,3}}\S+({'|'.join(map(re.escape, TEXT_FILES))})", re.IGNORECASE)

Later = TypeVar("Later")
"""What a field may be besides its value: an ``XComArg`` for operators, nothing (``Never``) for the hook."""


if TYPE_CHECKING:
    from typing import Generic, TypedDict

    class RequestFields(TypedDict, Generic[Later], total=False):
        """The fields of every request, as a user gives them; there is one such class per model, for type checkers."""

        extra_fields: dict[str, Any] | Later | None

    class JobFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of every request that starts a job."""

        callback_url: str | Later | None


Effect = Literal["submit", "persona", "read"]
"""What a request does: costs credits, makes a persona, or changes nothing, so that it may be sent again."""


class SunoRequest(BaseModel):
    """
    The base of the request models.

    :param extra_fields: further fields under the API's own names, sent unchecked.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ignored_types=(str, tuple),  # class attributes that are no fields
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )

    if TYPE_CHECKING:  # at run time, pydantic would evaluate these annotations again for each subclass
        path: ClassVar[str]
        call: ClassVar[str]
        effect: ClassVar[Effect]
        conflict: ClassVar[str]
        newer_fields: ClassVar[tuple[str, ...]]

    effect = "submit"
    conflict = ""
    """What it means if the service answers that the result exists already, and what to do."""

    newer_fields = ()
    """Fields that not every host documents."""

    extra_fields: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Return the names of the fields, ``extra_fields`` last."""
        return (*(name for name in cls.model_fields if name != "extra_fields"), "extra_fields")

    @classmethod
    def defaults(cls) -> dict[str, bool | None]:
        """Return the defaults of an operator's parameters: ``False`` for a switch, else ``None``."""
        return {name: False if cls.model_fields[name].default is False else None for name in cls.field_names()}

    @classmethod
    def optional_texts(cls) -> tuple[str, ...]:
        """Return the names of the free texts, which count as not given when they are blank."""
        return tuple(name for name, field in cls.model_fields.items() if FREE_TEXT in field.metadata)

    @classmethod
    def build(cls, fields: Mapping[str, Any], *, profile: HostProfile = APIKLEY) -> Self:
        """
        Return the checked request.

        :param fields: its fields by name; ``None`` counts as not given. Numbers and flags may be text, as templates
            render them.
        :param profile: the host whose model list and limits apply.
        :raises SunoValidationError: names every wrong field, its problem and the limit.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            request = cls.model_validate(given)
        except ValidationError as error:
            problems = [problem_with(details, cls.field_names()) for details in error.errors(include_url=False)]
        else:
            problems = list(request.problems(profile))
        cls.refuse(problems)
        return request

    @classmethod
    def check_known(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """
        Check a request of which some fields and the host are not known yet, as when a Dag is parsed.

        :param known: the known fields, by name.
        :param later: the names of the fields whose values come later.
        :raises SunoValidationError: names every field that is wrong whatever the values of the others.
        """
        placeholders = {name: value for name in later if (value := cls._placeholder(name)) is not None}
        given = {name: value for name, value in known.items() if value is not None} | placeholders
        try:
            request = cls.model_validate(given)
        except ValidationError as error:
            cls.refuse([problem_with(details, cls.field_names()) for details in error.errors(include_url=False)])
        else:
            if len(placeholders) < len(later):
                return  # an unknown flag, say, decides which rules apply
            without_texts = request.model_copy(update={name: None for name in cls.optional_texts() if name in later})
            wrong_in_both = {problem.partition(":")[0] for problem in without_texts.problems(ANY_HOST)}
            cls.refuse([text for text in request.problems(ANY_HOST) if text.partition(":")[0] in wrong_in_both])

    @classmethod
    def _placeholder(cls, name: str) -> Any:
        """Return a valid value for a field that is not known yet; ``None`` if the rules depend on the real one."""
        field = cls.model_fields[name]
        is_text = FREE_TEXT in field.metadata or field.is_required()
        return _PLACEHOLDERS.get(name, "later" if is_text else None)

    @classmethod
    def refuse(cls, problems: Sequence[str]) -> None:
        """Raise a :class:`SunoValidationError` that lists the problems, if there are any."""
        if problems:
            listed = "".join(f"\n  {problem}" for problem in problems)
            raise SunoValidationError(f"{cls.call} was not sent, nothing is charged:{listed}")

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Yield the problems of the fields taken together, each as ``field: problem``."""
        del profile
        # Newer fields were sent this way before they were parameters.
        parameters = [name for name in type(self).model_fields if name not in self._newer_not_given()]
        own = {spelled for name in parameters for spelled in (name, self._name_in_body(name))}
        for name in self.extra_fields:
            if name in own:
                yield f"extra_fields: {name!r} is a parameter; pass it as such"
        if (why := why_no_json(self.extra_fields)) is not None:
            yield f"extra_fields: {why}"
        for name in _TEXTS_IN_FILES:
            text = getattr(self, name, None) or ""
            if _FILE_NAME.fullmatch(text.strip()):
                yield (
                    f"{name}: {excerpt(text)} looks like the name of a file, and would be taken literally. Operators "
                    "read a file if the Dag holds its name as a literal that ends in .txt, .lrc or .md"
                )

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Yield warnings about what is unusual but may be right."""
        if profile.lacks(self.path):
            yield f"the pages of {profile.name} do not name {self.path}; sent anyway, since a refusal costs nothing."
            return
        for field in self.newer_fields:
            if field not in profile.newer_fields and getattr(self, field) is not None:
                yield f"{field}: the pages of {profile.name} do not name it; sent anyway."

    def _newer_not_given(self) -> set[str]:
        return {name for name in self.newer_fields if getattr(self, name) is None}

    def read(self, data: Any) -> Any:
        """
        Return what the reply to it holds.

        :raises SunoProtocolError: when that is missing.
        """
        raise NotImplementedError

    def existing(self, refusal: SunoError) -> Any | None:
        """Return what the reply would hold, if a refusal says that it exists already and names it."""
        del refusal
        return None

    def on_conflict(self, conflict: SunoConflictError) -> SunoConflictError:
        """Return the error for a result that exists already: what it means and what to do."""
        return SunoConflictError(f"{self.conflict} {conflict.message}".strip(), code=conflict.code)

    def sent(self) -> dict[str, Any]:
        """Return the fields that are sent, by name: those that are given and those that are inferred."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {**given, "extra_fields": self.extra_fields} if self.extra_fields else given

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with the API's names."""
        fields = self.sent()
        extra_fields = fields.pop("extra_fields", {})
        return {**{self._name_in_body(name): value for name, value in fields.items()}, **extra_fields}

    @classmethod
    def _name_in_body(cls, name: str) -> str:
        return cls.model_fields[name].serialization_alias or to_camel(name)


class ExistingJobId(str):
    """The id of a job that made the result before: nothing was submitted or charged."""


class JobRequest(SunoRequest):
    """
    The base of the requests that start a job.

    :param callback_url: the URL to which the service posts progress; the API requires one.
    """

    if TYPE_CHECKING:
        kind: ClassVar[str]
    """The name of the kind of job."""

    exists: ClassVar[frozenset[int]] = frozenset()
    """The codes by which the service refuses a second request, if it makes the result only once."""

    callback_url: HttpUrl = Field(default=NO_CALLBACK_URL, serialization_alias="callBackUrl")

    def read(self, data: Any) -> str:
        """Return the id of the job."""
        from airflow_provider_suno.api.record import read_job_id

        return read_job_id(data)

    def existing(self, refusal: SunoError) -> ExistingJobId | None:
        """Return the id of the job that made the result before, if the refusal of a second request names it."""
        from airflow_provider_suno.api.record import job_id_in, unpacked

        if refusal.code not in self.exists:
            return None
        job_id = job_id_in(unpacked(refusal.data))
        asked_for = (None, getattr(self, "music_task_id", None))
        return None if job_id in asked_for else ExistingJobId(job_id)

    def with_callback_token(self, token: str) -> Self:
        """Return the request with a URL-safe token in its callback URL, by which a callback names its submission."""
        return self.model_copy(update={"callback_url": with_token(self.callback_url, token)})
