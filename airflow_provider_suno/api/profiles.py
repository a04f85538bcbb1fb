"""Host profiles: what differs between the resellers of this API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

APIKLEY_MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")
SIBLINGS_MODELS = (*APIKLEY_MODELS, "V5_5", "V6", "V6_WILD", "V6_MINI")
_NEWER_FIELDS = frozenset(
    {
        "audio_url",
        "duration",
        "instrumental",
        "lyrics",
        "persona_model",
        "split_stem_advanced",
        "stem_name",
        "style",
        "variety",
        "vocal_end",
        "vocal_start",
    }
)
"""Those that kie and sunoapi.org both document."""


class HostProfile(NamedTuple):
    """
    Describe one reseller.

    :param name: the value of the connection's ``profile`` extra.
    :param base_url: where the API is when the connection names no host.
    :param upload_prefix: path prefix of the upload calls at the API's own host.
    :param upload_url: base URL of the upload calls at another host.
    :param credit_path: path of the balance.
    :param models: the models in its documentation; others are sent with a warning.
    :param rate_limit_codes: codes for "rate limit exceeded, send again later".
    :param credit_codes: codes for "no credits".
    :param title_limits: longest titles by model, in characters, where longer than elsewhere.
    :param newer_fields: those of the fields (and values) that not every host documents which this one does.
    :param missing_calls: the beginnings of the paths that it does not have, by all that is known.
    :param unconfirmed_calls: the beginnings of the paths that no page of it confirms; it may have them.
    :param log_page: its page for people that lists the account's jobs; ``None`` if none is known.
    """

    name: str
    base_url: str
    upload_prefix: str = ""
    upload_url: str | None = None
    credit_path: str = "/api/v1/chat/credit"
    models: tuple[str, ...] = APIKLEY_MODELS
    rate_limit_codes: frozenset[int] = frozenset({429, 430})
    credit_codes: frozenset[int] = frozenset({402, 433})
    title_limits: Mapping[str, int] = {}  # a proxy could not be pickled
    newer_fields: frozenset[str] = frozenset()
    missing_calls: tuple[str, ...] = ()
    unconfirmed_calls: tuple[str, ...] = ()
    log_page: str | None = None

    def lacks(self, path: str) -> bool:
        """Return whether it does not have a call, by all that is known."""
        return path.startswith(self.missing_calls)

    def confirms(self, path: str) -> bool:
        """Return whether its pages leave no doubt that it has a call."""
        return not path.startswith(self.missing_calls + self.unconfirmed_calls)

    def upload_base(self, base_url: str) -> str:
        """
        Return the base URL of uploads, without a slash at its end.

        A gateway or a simulator in place of the API takes the uploads too.

        :param base_url: that of the API.
        """
        own = self._is_at(base_url)
        return self.upload_url if own and self.upload_url else base_url + self.upload_prefix

    def log_page_at(self, base_url: str) -> str | None:
        """
        Return the page that lists the account's jobs, if there is one.

        It does not list those of a gateway or a simulator in place of the API.

        :param base_url: that of the API.
        """
        return self.log_page if self._is_at(base_url) else None

    def _is_at(self, base_url: str) -> bool:
        """Return whether a base URL is the host's own."""
        return urlsplit(base_url).hostname == urlsplit(self.base_url).hostname


APIKLEY = HostProfile(
    name="apikley",
    base_url="https://api.apikley.ru",
    upload_prefix="/file-upload",
    missing_calls=("/api/v1/voice/", "/api/v1/suno/recovery"),
    unconfirmed_calls=(
        "/api/v1/common/",
        "/api/v1/generate/add-",
        "/api/v1/generate/get-timestamped-lyrics",
        "/api/v1/generate/mashup",
        "/api/v1/generate/replace-section",
        "/api/v1/generate/sounds",
        "/api/v1/midi/",
        "/api/v1/suno/cover/",
        "/api/v1/vocal-removal/",
        "/api/v1/wav/",
    ),
)
KIE = HostProfile(
    name="kie",
    base_url="https://api.kie.ai",
    upload_url="https://kieai.redpandaai.co",
    log_page="https://kie.ai/logs",
    models=SIBLINGS_MODELS,
    newer_fields=_NEWER_FIELDS,
)
SUNOAPI = HostProfile(
    name="sunoapi",
    base_url="https://api.sunoapi.org",
    upload_url="https://sunoapiorg.redpandaai.co",
    log_page="https://sunoapi.org/logs",
    title_limits=dict.fromkeys(("V4_5", "V4_5PLUS", "V5"), 100),
    credit_path="/api/v1/generate/credit",
    models=SIBLINGS_MODELS,
    newer_fields=_NEWER_FIELDS | {"audio_urls", "image_urls", "upload_url", "video_urls"},
    unconfirmed_calls=("/api/v1/common/",),
    rate_limit_codes=frozenset({405, 430}),
    credit_codes=frozenset({402, 429, 433}),
)

ANY_HOST = HostProfile(
    name="any host",
    base_url="",
    models=SUNOAPI.models,
    title_limits={"any model": 100, **SUNOAPI.title_limits},
)
"""For checks before the connection is read: it has the widest limits of all."""

_OLDER_HOSTS = {"apibox.erweima.ai": SUNOAPI}

PROFILES = {profile.name: profile for profile in (APIKLEY, KIE, SUNOAPI)}


def choose_profile(name: str | None, base_url: str | None) -> HostProfile:
    """
    Return the profile called ``name``, else the one of that base URL's host, else Apikley's.

    :param name: one of ``PROFILES``.
    :param base_url: the connection's.
    """
    if name:
        return PROFILES[name]
    host = urlsplit(base_url or "").hostname
    by_host = {urlsplit(profile.base_url).hostname or "": profile for profile in PROFILES.values()}
    return {**by_host, **_OLDER_HOSTS}.get(host or "", APIKLEY)
