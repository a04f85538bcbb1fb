"""The resellers of this API that the simulator can play, and what each does in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from airflow_provider_suno.simulator.jobs.models import OFFERED
from airflow_provider_suno.simulator.rules.call import UPLOADS, Call, Endpoint


@dataclass(frozen=True)
class Refusal:
    """
    A no in a reseller's own terms.

    :param code: the envelope's code.
    :param msg: the envelope's message.
    :param http_status: HTTP status.
    """

    code: int
    msg: str
    http_status: int = 200


@dataclass(frozen=True)
class Profile:
    """
    One reseller.

    :param name: what it is called on the command line.
    :param models: the models it sells.
    :param credit: where the balance is read.
    :param upload_prefix: what stands before the path of the upload calls. Where the reseller has another host
        for them, the simulator plays that host at its own address.
    :param no_credits: how it refuses a song that the balance does not pay for.
    :param too_fast: how it refuses what comes too often.
    :param too_long: the code by which it refuses a text that is too long.
    :param ignored: fields it does not document, by call. A service takes no notice of fields it does not
        know, so what stands in them is never refused.
    :param upload_folder: what the path of an uploaded file begins with: brand and account.
    :param upload_success: whether the ``data`` of an upload says once more that it succeeded.
    :param custom_needs: fields of which a song in custom mode needs at least one.
    :param duration_needs_custom: whether a length can be wished for in custom mode only.
    :param signs_callbacks: whether a secret for signing callbacks can be set.
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
    signs_callbacks: bool = False

    @cached_property
    def _endpoints(self) -> dict[tuple[str, str], Endpoint]:
        elsewhere = {Endpoint.CREDIT, Endpoint.CREDIT_AT_SUNOAPI} - {self.credit}
        return {(e.method, self.path(e)): e for e in Endpoint if e not in elsewhere}

    def path(self, endpoint: Endpoint) -> str:
        """
        Return where a call is answered.

        :param endpoint: the call.
        """
        return (self.upload_prefix if endpoint in UPLOADS else "") + endpoint.path

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """
        Return what a request calls, or None if there is no such call here.

        :param method: HTTP method.
        :param path: path without the query.
        """
        return self._endpoints.get((method, path))

    def methods(self, path: str) -> set[str]:
        """
        Return the HTTP methods that a path is called with; none if it is unknown.

        :param path: path without the query.
        """
        return {method for method, known in self._endpoints if known == path}

    def read(self, call: Call) -> Call:
        """
        Return a call without the fields that mean nothing here.

        :param call: the call as sent.
        """
        ignored = self.ignored.get(call.endpoint)
        if not ignored:
            return call
        return replace(call, fields={name: value for name, value in call.fields.items() if name not in ignored})


_SUBMITS = (Endpoint.GENERATE, Endpoint.EXTEND, Endpoint.UPLOAD_COVER, Endpoint.UPLOAD_EXTEND)
_ATTACHMENTS = frozenset({"imageUrls", "videoUrls", "audioUrls"})
"""Fields that only sunoapi.org's pages show."""

_SINCE_V6 = dict.fromkeys(_SUBMITS, frozenset({"variety", "personaModel"})) | {
    Endpoint.GENERATE: frozenset({"variety", "personaModel", "duration", "lyrics"}) | _ATTACHMENTS
}
"""Fields that Apikley's pages, which are older than the V6 models, do not show."""

_ACCOUNT = "203117"
_NO_CREDITS = "The current credits are insufficient. Please top up."
_TOO_FAST = "Too many requests in too short a time. Try again later."

APIKLEY = Profile(
    name="apikley",
    models=("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5"),
    credit=Endpoint.CREDIT,
    upload_prefix="/file-upload",
    no_credits=Refusal(402, _NO_CREDITS),
    too_fast=Refusal(429, _TOO_FAST),
    ignored={
        Endpoint.GENERATE_PERSONA: frozenset({"vocalStart", "vocalEnd", "style"}),
        **_SINCE_V6,
    },
    # No page and no recording shows a whole path; its siblings' begin like this.
    upload_folder=f"apikley/{_ACCOUNT}",
)
KIE = Profile(
    name="kie",
    models=OFFERED,
    credit=Endpoint.CREDIT,
    upload_prefix="",
    no_credits=Refusal(402, _NO_CREDITS),
    too_fast=Refusal(429, _TOO_FAST, http_status=429),
    ignored={Endpoint.GENERATE: _ATTACHMENTS},
    upload_folder=f"kieai/{_ACCOUNT}",
    upload_success=True,
    duration_needs_custom=True,
    signs_callbacks=True,
)
SUNOAPI = Profile(
    name="sunoapi",
    models=OFFERED,
    credit=Endpoint.CREDIT_AT_SUNOAPI,
    upload_prefix="",
    no_credits=Refusal(429, _NO_CREDITS),
    too_fast=Refusal(430, "Requests come too frequently. Slow down and try again."),
    ignored={},
    upload_folder=f"sunoapiorg/{_ACCOUNT}",
    custom_needs=("style", "title", "lyrics", "negativeTags"),
    too_long=413,
)

PROFILES = {profile.name: profile for profile in (APIKLEY, KIE, SUNOAPI)}
