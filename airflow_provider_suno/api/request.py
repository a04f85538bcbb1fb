"""What every request is: a checked model that says its endpoint and its JSON body."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypedDict, TypeVar

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from airflow_provider_suno.api.callback import NO_CALLBACK_URL, with_token
from airflow_provider_suno.api.fields import FREE_TEXT, HttpUrl, problem_with
from airflow_provider_suno.api.profiles import ANY_HOST, APIKLEY, HostProfile
from airflow_provider_suno.exceptions import SunoValidationError

ANY_MODEL = "any model"
"""Stands for a model that is not known yet: what the widest model takes is not refused."""

_STAND_INS: Mapping[str, Any] = {
    "model": ANY_MODEL,
    "persona_id": "later",
    "upload_url": "https://later.invalid/",
    "callback_url": "https://later.invalid/",
    "continue_at": 1.0,
}
"""What stands for fields that are not known yet and are no plain text."""


Later = TypeVar("Later")
"""What a field may be besides its value: an ``XComArg`` for an operator, nothing (``Never``) for the hook."""


class RequestFields(TypedDict, Generic[Later], total=False):
    """The fields of every request, as a user gives them: one such class stands beside each model, for type checkers."""

    extra_fields: dict[str, Any] | Later | None


class JobFields(RequestFields[Later], Generic[Later], total=False):
    """The fields of every request that starts a job."""

    callback_url: str | Later | None


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
    newer_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that not every host's pages name."""

    extra_fields: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Return the names of its fields, ``extra_fields`` last."""
        return (*(name for name in cls.model_fields if name != "extra_fields"), "extra_fields")

    @classmethod
    def defaults(cls) -> dict[str, bool | None]:
        """Return what an operator has for each field that is left out: ``False`` for a switch, else ``None``."""
        return {name: False if cls.model_fields[name].default is False else None for name in cls.field_names()}

    @classmethod
    def optional_texts(cls) -> tuple[str, ...]:
        """Return the names of the texts that may be blank, which counts as not given."""
        return tuple(name for name, field in cls.model_fields.items() if FREE_TEXT in field.metadata)

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
            problems = [problem_with(details, cls.field_names()) for details in error.errors(include_url=False)]
        else:
            problems = list(request.problems(profile))
        cls.refuse(problems)
        return request

    @classmethod
    def check_known(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """
        Check what is known of a request before all of it is, such as when a Dag is parsed; whose host is not known yet.

        :param known: the fields that are known, by name.
        :param later: the names of the fields whose values come later.
        :raises SunoValidationError: names every field that is wrong whatever the others turn out to be.
        """
        stand_ins = {name: value for name in later if (value := cls._stand_in(name)) is not None}
        given = {name: value for name, value in known.items() if value is not None} | stand_ins
        try:
            request = cls.model_validate(given)
        except ValidationError as error:
            cls.refuse([problem_with(details, cls.field_names()) for details in error.errors(include_url=False)])
        else:
            if len(stand_ins) == len(later):  # without a flag, say, the mode is not known, and so neither its rules
                blank = {name: None for name in cls.optional_texts() if name in later}
                cls.refuse(_of_both(request, request.model_copy(update=blank)))

    @classmethod
    def _stand_in(cls, name: str) -> Any:
        """Return a value that stands for a field which is given but not known yet; ``None`` where none would do."""
        field = cls.model_fields[name]
        is_text = FREE_TEXT in field.metadata or field.is_required()
        return _STAND_INS.get(name, "later" if is_text else None)

    @classmethod
    def refuse(cls, problems: Sequence[str]) -> None:
        """
        Refuse to send the request when there are problems.

        :raises SunoValidationError: lists them.
        """
        if problems:
            listed = "".join(f"\n  {problem}" for problem in problems)
            raise SunoValidationError(f"{cls.call} is not sent, nothing is charged:{listed}")

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Yield what is wrong with the fields taken together, each as ``field: problem``."""
        del profile
        own = {spelled for name in type(self).model_fields for spelled in (name, self._name_in_body(name))}
        for name in self.extra_fields:
            if name in own:
                yield f"extra_fields: {name!r} is a field of its own; pass it as such"
        try:
            json.dumps(self.extra_fields, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            yield f"extra_fields: cannot be sent as JSON: {error}"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Yield what is odd but may be right."""
        for field in () if profile.names_newer_fields else self.newer_fields:
            if getattr(self, field) is not None:
                yield f"{field}: the pages of {profile.name} do not name it; sent all the same."

    def sent(self) -> dict[str, Any]:
        """Return what is sent by field name: without what is not given, and with what is inferred."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {**given, "extra_fields": self.extra_fields} if self.extra_fields else given

    def body(self) -> dict[str, Any]:
        """Return the JSON body: what is sent, under the API's names."""
        fields = self.sent()
        extra_fields = fields.pop("extra_fields", {})
        return {**{self._name_in_body(name): value for name, value in fields.items()}, **extra_fields}

    @classmethod
    def _name_in_body(cls, name: str) -> str:
        return cls.model_fields[name].serialization_alias or to_camel(name)


class JobRequest(SunoRequest):
    """
    Hold what every request that starts a job takes.

    :param callback_url: where the service posts its progress; required by the API.
    """

    kind: ClassVar[str]
    """The name of the kind of job that it starts."""

    conflict: ClassVar[str] = ""
    """What a refusal means that says that it exists already."""

    callback_url: HttpUrl = Field(default=NO_CALLBACK_URL, serialization_alias="callBackUrl")

    def with_callback_token(self, token: str) -> Self:
        """
        Return the request with a token in the query of its callback URL, by which a callback names its submission.

        :param token: text that needs no quoting in a URL.
        """
        return self.model_copy(update={"callback_url": with_token(self.callback_url, token)})


def _of_both(request: SunoRequest, other: SunoRequest) -> list[str]:
    """Return what is wrong with a field of a request, whether texts that come later are given or blank."""
    of_the_other = {problem.partition(":")[0] for problem in other.problems(ANY_HOST)}
    return [problem for problem in request.problems(ANY_HOST) if problem.partition(":")[0] in of_the_other]
