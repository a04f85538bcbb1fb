"""What every request is: a checked model that says its endpoint and its JSON body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.api.request_fields import FREE_TEXT, problem_with
from airflow_provider_suno.exceptions import SunoValidationError


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
        sent = {self._name_in_body(name) for name in type(self).model_fields}
        for name in self.extra_fields:
            if name in sent:
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
