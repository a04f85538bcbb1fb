"""Host profiles: the resellers of this API that the simulator can imitate, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from airflow_provider_suno.simulator.jobs.models import OFFERED
from airflow_provider_suno.simulator.kinds.stems.job import SEPARATE_VOCAL, SEPARATION_TYPES, SPLIT_STEM
from airflow_provider_suno.simulator.state.endpoints import (
    ADDITIONS,
    RECOVERY_CALLS,
    SUBMISSIONS,
    UPLOADS,
    VOICE_CALLS,
    Endpoint,
)


@dataclass(frozen=True)
class Refusal:
    """
    The answer to a call that is refused.

    :param code: the envelope's code.
    :param msg: the envelope's message.
    :param http_status: HTTP status.
    """

    code: int
    msg: str
    http_status: int = 200


@dataclass(frozen=True)
class HostProfile:
    """
    What differs between resellers.

    :param name: its name on the command line.
    :param models: the models it offers.
    :param credit: the call that reads the balance.
    :param upload_prefix: prefix of the path of the upload calls. A reseller may have another host for
        uploads; the simulator answers for that host at its own address.
    :param no_credits: its answer when the balance is too low.
    :param too_fast: its answer when calls come too fast.
    :param too_long: its code for a text that is too long.
    :param ignored: fields it does not document, by call. A service ignores fields that it does not know, so their
        values are never refused.
    :param upload_folder: how the path of an uploaded file begins: brand and account.
    :param upload_success: whether the ``data`` of an upload has a ``success`` field too.
    :param custom_needs: fields of which a song in custom mode needs at least one.
    :param duration_needs_custom: whether a duration is allowed in custom mode only.
    :param needed: fields that a call needs at this reseller, and not at all of them.
    :param section: shortest and longest section of a track that can be replaced, in seconds; None for no limit.
    :param style_success: ``successFlag`` of a style that was enlarged.
    :param style_error: the field of that answer that holds the error's message.
    :param signs_callbacks: whether callbacks can be signed.
    :param absent: the calls that it does not have, beside the balance of the others.
    :param separation_types: what it separates a track into.
    :param most_lyrics_words: the longest prompt for lyrics, in words; None if it counts characters.
    :param cover_art_exists: its answer when a music task has cover art already. One of code 400 names that job.
    :param stems_field: the field of a callback that lists the stems.
    """

    name: str
    models: tuple[str, ...]
    credit: Endpoint
    upload_prefix: str
    no_credits: Refusal
    too_fast: Refusal
    ignored: Mapping[Endpoint, frozenset[str]]
    upload_folder: str
    upload_success: bool = False
    custom_needs: tuple[str, ...] = ("style", "title")
    duration_needs_custom: bool = False
    too_long: int = 422
    needed: Mapping[Endpoint, tuple[str, ...]] = field(default_factory=dict)
    section: tuple[int, int | None] = (6, 60)
    style_success: str = "1"
    style_error: str = "errorMessage"
    signs_callbacks: bool = False
    stems_field: str = "vocal_separation_info"
    absent: frozenset[Endpoint] = frozenset()
    separation_types: tuple[str, ...] = SEPARATION_TYPES
    most_lyrics_words: int | None = None
    cover_art_exists: Refusal = Refusal(400, "The cover art of this music task exists already")

    @cached_property
    def _endpoints(self) -> dict[tuple[str, str], Endpoint]:
        elsewhere = ({Endpoint.CREDIT, Endpoint.CREDIT_AT_SUNOAPI} - {self.credit}) | self.absent
        return {(e.method, self.path(e)): e for e in Endpoint if e not in elsewhere}

    def path(self, endpoint: Endpoint) -> str:
        """Return the path of a call, with its prefix."""
        return (self.upload_prefix if endpoint in UPLOADS else "") + endpoint.path

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """
        Return which call a request is, or None if this reseller has no such call.

        :param path: path without the query.
        """
        return self._endpoints.get((method, path))

    def methods(self, path: str) -> set[str]:
        """
        Return the HTTP methods of a path. None at all if the path is unknown.

        :param path: path without the query.
        """
        return {method for method, known in self._endpoints if known == path}


_ATTACHMENTS = frozenset({"imageUrls", "videoUrls", "audioUrls"})
"""Fields that only sunoapi.org documents."""

_SOURCE_AT_ADDRESS = frozenset({"uploadUrl", "model"})
"""Fields with which only sunoapi.org replaces a section of audio that was not made here."""

_OF_MOST = frozenset({"variety", "personaModel"})
_SINCE_V6 = {
    **dict.fromkeys(SUBMISSIONS - {Endpoint.SOUNDS}, _OF_MOST),
    **dict.fromkeys(ADDITIONS, frozenset({"variety"})),
    Endpoint.GENERATE: _OF_MOST | {"duration", "lyrics"} | _ATTACHMENTS,
    Endpoint.EXTEND: _OF_MOST | {"instrumental"},
    Endpoint.MASHUP: _OF_MOST | {"duration", "lyrics"},
    Endpoint.REPLACE_SECTION: _OF_MOST | {"lyrics"} | _SOURCE_AT_ADDRESS,
}
"""Fields that Apikley does not document: its pages are older than the V6 models."""

_SINCE_JUNE: Mapping[Endpoint, tuple[str, ...]] = {
    Endpoint.REPLACE_SECTION: ("fullLyrics",),
    Endpoint.SOUNDS: ("model",),
}
"""Fields that are optional on older pages only, which Apikley's resemble."""

_ACCOUNT = "203117"
_NO_CREDITS = "The current credits are insufficient. Please top up."
_TOO_FAST = "Too many requests in too short a time. Try again later."

APIKLEY = HostProfile(
    name="apikley",
    models=("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5"),
    credit=Endpoint.CREDIT,
    upload_prefix="/file-upload",
    no_credits=Refusal(402, _NO_CREDITS),
    too_fast=Refusal(429, _TOO_FAST),
    ignored={
        Endpoint.GENERATE_PERSONA: frozenset({"vocalStart", "vocalEnd", "style"}),
        Endpoint.STEMS: frozenset({"stemName", "audioUrl"}),
        **_SINCE_V6,
    },
    needed={Endpoint.MASHUP: ("customMode",)},
    # No page and no recording shows a whole path of Apikley. Those of the other resellers begin like this.
    upload_folder=f"apikley/{_ACCOUNT}",
    absent=VOICE_CALLS | RECOVERY_CALLS,
    separation_types=(SEPARATE_VOCAL, SPLIT_STEM),
)
KIE = HostProfile(
    name="kie",
    models=OFFERED,
    credit=Endpoint.CREDIT,
    upload_prefix="",
    no_credits=Refusal(402, _NO_CREDITS),
    too_fast=Refusal(429, _TOO_FAST, http_status=429),
    ignored={Endpoint.GENERATE: _ATTACHMENTS, Endpoint.REPLACE_SECTION: _SOURCE_AT_ADDRESS},
    needed={Endpoint.MASHUP: ("customMode",), **_SINCE_JUNE},
    # Recordings show a word where the pages have a number, and another field for the error.
    style_success="成功",
    style_error="errorMsg",
    upload_folder=f"kieai/{_ACCOUNT}",
    upload_success=True,
    duration_needs_custom=True,
    signs_callbacks=True,
)
SUNOAPI = HostProfile(
    name="sunoapi",
    models=OFFERED,
    credit=Endpoint.CREDIT_AT_SUNOAPI,
    upload_prefix="",
    no_credits=Refusal(429, _NO_CREDITS),
    too_fast=Refusal(430, "Requests come too frequently. Slow down and try again."),
    ignored={},
    upload_folder=f"sunoapiorg/{_ACCOUNT}",
    custom_needs=("style", "title", "lyrics", "negativeTags"),
    needed=_SINCE_JUNE,
    section=(10, None),
    too_long=413,
    stems_field="vocal_removal_info",
    most_lyrics_words=200,
    cover_art_exists=Refusal(409, "The cover art of this music task exists already"),
)

PROFILES = {profile.name: profile for profile in (APIKLEY, KIE, SUNOAPI)}
"""The host profiles, by name."""
