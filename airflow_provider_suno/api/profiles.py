"""Host profiles: what differs between the resellers of this API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

APIKLEY_MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")


@dataclass(frozen=True)
class HostProfile:
    """
    What one reseller does in its own way.

    :param name: the value of the connection's ``profile`` extra.
    :param base_url: where the API lives when the connection names no host.
    :param upload_prefix: path before the upload calls, when they are at the API's own host.
    :param upload_url: where the upload calls are, when that is another host.
    :param credit_path: where the balance is read.
    :param models: the model names its pages list; others pass with a warning.
    :param rate_limit_codes: codes that mean "too fast, send again later".
    :param credit_codes: codes that mean "no credits", whatever their text says.
    :param title_limits: models whose titles may be longer here than elsewhere, in characters.
    :param names_newer_fields: whether its pages name the fields that came last (a persona's window, ``persona_model``).
    """

    name: str
    base_url: str
    upload_prefix: str = ""
    upload_url: str | None = None
    credit_path: str = "/api/v1/chat/credit"
    models: tuple[str, ...] = APIKLEY_MODELS
    rate_limit_codes: frozenset[int] = frozenset({429, 430})
    credit_codes: frozenset[int] = frozenset({402, 433})
    title_limits: Mapping[str, int] = field(default_factory=dict)
    names_newer_fields: bool = True

    def upload_base(self, base_url: str) -> str:
        """
        Return where files are uploaded to, without a slash at its end.

        A stand-in for the API, such as a gateway or a simulator, takes the uploads too.

        :param base_url: where the API is reached.
        """
        own = urlsplit(base_url).hostname == urlsplit(self.base_url).hostname
        return self.upload_url if own and self.upload_url else base_url + self.upload_prefix


APIKLEY = HostProfile(
    name="apikley",
    base_url="https://api.apikley.ru",
    upload_prefix="/file-upload",
    names_newer_fields=False,
)
KIE = HostProfile(
    name="kie",
    base_url="https://api.kie.ai",
    upload_url="https://kieai.redpandaai.co",
    models=(*APIKLEY_MODELS, "V5_5"),
)
SUNOAPI = HostProfile(
    name="sunoapi",
    base_url="https://api.sunoapi.org",
    upload_url="https://sunoapiorg.redpandaai.co",
    title_limits=dict.fromkeys(("V4_5", "V4_5PLUS", "V5"), 100),
    credit_path="/api/v1/generate/credit",
    models=(*APIKLEY_MODELS, "V5_5", "V6", "V6_WILD", "V6_MINI"),
    rate_limit_codes=frozenset({405, 430}),
    credit_codes=frozenset({402, 429, 433}),
)

ANY_HOST = HostProfile(
    name="any host",
    base_url="",
    models=SUNOAPI.models,
    title_limits={"any model": 100, **SUNOAPI.title_limits},
)
"""Stands for the host of a connection that is not read yet: with the widest limits of all."""

_OLDER_HOSTS = {"apibox.erweima.ai": SUNOAPI}

PROFILES = {profile.name: profile for profile in (APIKLEY, KIE, SUNOAPI)}


def choose_profile(name: str | None, base_url: str | None) -> HostProfile:
    """
    Return the profile called ``name``, else the one of that base URL's host, else Apikley's.

    :param name: one of ``PROFILES``, or ``None``.
    :param base_url: the connection's base URL, when it names one.
    """
    if name:
        return PROFILES[name]
    host = urlsplit(base_url or "").hostname
    by_host = {urlsplit(profile.base_url).hostname or "": profile for profile in PROFILES.values()}
    return {**by_host, **_OLDER_HOSTS}.get(host or "", APIKLEY)
