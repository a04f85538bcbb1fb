"""The limits, the models and the field types that the requests for music share."""

# Without "from __future__ import annotations", as in :mod:`airflow_provider_suno.api.request`.

from collections.abc import Collection, Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_provider_suno.api.fields import FREE_TEXT, BlankIsNone, OneString, nearest, not_blank
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.request import ANY_MODEL
from airflow_provider_suno.api.text import excerpt

V6_FAMILY = ("V6", "V6_WILD", "V6_MINI")
WIDEST = (*V6_FAMILY, ANY_MODEL)
PROMPT_LIMITS = {"V4": 3000}
PROMPT_LIMIT = 5000
SIMPLE_PROMPT_LIMITS = dict.fromkeys(WIDEST, 3000)
SIMPLE_PROMPT_LIMIT = 500
STYLE_LIMITS = {"V4": 200}
STYLE_LIMIT = 1000
TITLE_LIMIT = 80
LONG_TITLE_LIMIT = 100
SHORT_TITLE_MODELS = dict.fromkeys(("V4", "V4_5ALL", *V6_FAMILY), TITLE_LIMIT)
TAGS_LIMIT = 1000
LYRICS_LIMIT = 5000
MOST_ATTACHMENTS = 10
TAKE_DURATION = ("V5_5", *WIDEST)
BEFORE_V5 = frozenset({"V4", "V4_5", "V4_5PLUS", "V4_5ALL"})

RequiredTags = Annotated[str, Field(max_length=TAGS_LIMIT), AfterValidator(not_blank), OneString, FREE_TEXT]
RequiredTitle = Annotated[str, Field(max_length=LONG_TITLE_LIMIT), AfterValidator(not_blank), OneString, FREE_TEXT]
RequiredLyrics = Annotated[str, Field(max_length=LYRICS_LIMIT), AfterValidator(not_blank), OneString, FREE_TEXT]
Tags = Annotated[Annotated[str, Field(max_length=TAGS_LIMIT)] | None, BlankIsNone, OneString, FREE_TEXT]
Lyrics = Annotated[Annotated[str, Field(max_length=LYRICS_LIMIT)] | None, BlankIsNone, OneString, FREE_TEXT]
PersonaModel = Annotated[Literal["style_persona", "voice_persona"] | None, BlankIsNone]


def model_warnings(model: str | None, profile: HostProfile, too_old: Collection[str] = frozenset()) -> Iterator[str]:
    """
    Yield a warning about a model name that the host's pages do not list, or not for this call.

    :param too_old: the models that the call is not named for.
    """
    if model in too_old:
        yield f"model: the pages name later ones than {model} for this call; sent anyway."
    if model is not None and model not in profile.models:
        known = ", ".join(profile.models)
        names = nearest(model.upper(), profile.models)
        hint = f" Did you mean {names[0]}?" if names else ""
        yield f"model {excerpt(model)} is not among those {profile.name} lists ({known}); sent as it is.{hint}"
