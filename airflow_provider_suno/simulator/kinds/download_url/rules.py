"""The rules of the call that makes a temporary link to a file, and how they find the file."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from airflow_provider_suno.simulator.kinds.music.job import source_audio
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.rule import Rule, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.made_files import file_exists
from airflow_provider_suno.simulator.state.service_state import ServiceState

_LINK = frozenset({Endpoint.DOWNLOAD_URL})


def file_named(call: Call, state: ServiceState, now: float) -> str | None:
    """
    Return the name of the file at the address that a call names. None if this service has made no such file.

    :param now: simulated time.
    """
    try:
        parts = urlsplit(call.text("url"))
    except ValueError:
        return None
    folder, _, name = unquote(parts.path).rpartition("/")
    if folder == "/media/stream":
        folder, name = "/media", source_audio(name)
    here = parts.scheme in ("http", "https") and parts.netloc == call.host and folder == "/media"
    return name if here and file_exists(name, state, now) else None


def _foreign(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether there is no such file of this service."""
    return file_named(call, state, now) is None


RULES: tuple[Rule, ...] = (
    unreadable(_LINK),
    typed(_LINK, {"url": "text"}, null_is_absent=("url",)),
    needed("url", _LINK),
    Rule("url_foreign", _LINK, 422, "url is wrong", _foreign),
)
