"""Host profiles: what differs between the resellers of this API."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

APIKLEY_MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")


@dataclass(frozen=True)
class HostProfile:
    """
    What one reseller does in its own way.

    :param name: the value of the connection's ``profile`` extra.
    :param base_url: where the API lives when the connection names no host.
    :param credit_path: where the balance is read.
    :param models: the model names its pages list; others pass with a warning.
    :param rate_limit_codes: codes that mean "too fast, send again later".
    :param credit_codes: codes that mean "no credits", whatever their text says.
    """

    name: str
    base_url: str
    credit_path: str = "/api/v1/chat/credit"
    models: tuple[str, ...] = APIKLEY_MODELS
    rate_limit_codes: frozenset[int] = frozenset({429, 430})
    credit_codes: frozenset[int] = frozenset({402, 433})


APIKLEY = HostProfile(name="apikley", base_url="https://api.apikley.ru")
KIE = HostProfile(name="kie", base_url="https://api.kie.ai", models=(*APIKLEY_MODELS, "V5_5"))
SUNOAPI = HostProfile(
    name="sunoapi",
    base_url="https://api.sunoapi.org",
    credit_path="/api/v1/generate/credit",
    models=(*APIKLEY_MODELS, "V5_5", "V6", "V6_WILD", "V6_MINI"),
    rate_limit_codes=frozenset({405, 430}),
    credit_codes=frozenset({402, 429, 433}),
)

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
    by_host = {urlsplit(profile.base_url).hostname: profile for profile in PROFILES.values()}
    return by_host.get(host, APIKLEY)
