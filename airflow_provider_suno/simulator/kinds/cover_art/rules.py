"""The rules of the cover art calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.cover_art.job import CoverArtJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.named_tracks import task_unfinished, task_unknown
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD, record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

_NAMES_THE_JOB = 400


def _existing(call: Call, state: ServiceState, now: float) -> CoverArtJob | None:
    """Return the cover art of the music task, other than a failed one."""
    jobs = (job for job in list(state.jobs.values()) if isinstance(job, CoverArtJob) and not job.failed(now))
    return next((job for job in jobs if job.music_task_id == call.text("taskId")), None)


def _exists(call: Call, state: ServiceState, now: float) -> bool:
    return _existing(call, state, now) is not None


def _id_of_the_existing(call: Call, state: ServiceState, now: float) -> dict[str, str] | None:
    existing = _existing(call, state, now)
    if existing is None or state.profile.cover_art_exists.code != _NAMES_THE_JOB:
        return None
    return {"taskId": existing.job_id}


_COVER_ART = frozenset({Endpoint.COVER_ART})
_FIELDS: Fields = {"taskId": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_COVER_ART, 400),
    typed(_COVER_ART, _FIELDS, null_is_absent=_FIELDS),
    callback_needed(_COVER_ART),
    needed("taskId", _COVER_ART),
    Rule("source_unknown", _COVER_ART, 422, NO_SUCH_RECORD, task_unknown),
    Rule("source_unfinished", _COVER_ART, 422, "The music task has not finished", task_unfinished),
    Rule(
        "cover_art_exists",
        _COVER_ART,
        400,
        "The cover art of this music task exists already",
        _exists,
        by_profile=lambda profile: profile.cover_art_exists,
        data=_id_of_the_existing,
    ),
    *record_rules(Endpoint.COVER_ART_RECORD, CoverArtJob),
)
