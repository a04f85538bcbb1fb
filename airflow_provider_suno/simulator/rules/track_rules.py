"""The rules of the calls that make something of a finished track, such as a WAV file."""

from __future__ import annotations

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.named_tracks import track_unfinished, track_unknown
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD
from airflow_provider_suno.simulator.rules.rule import Endpoints, Refuses, Rule
from airflow_provider_suno.simulator.state.service_state import ServiceState

UNFINISHED = "What is to be converted has not finished"


def track_rules(endpoints: Endpoints) -> tuple[Rule, Rule]:
    """
    Return the rules that the track which a call names exists and has its audio.

    :param endpoints: the calls they apply to.
    """
    return (
        Rule("source_unknown", endpoints, 422, NO_SUCH_RECORD, track_unknown),
        Rule("source_unfinished", endpoints, 422, UNFINISHED, track_unfinished),
    )


def already_made(kind: type[Conversion]) -> Refuses:
    """Return the predicate whether the track has a conversion of this kind already, other than a failed one."""

    def exists(call: Call, state: ServiceState, now: float) -> bool:
        return any(
            isinstance(job, kind) and job.track.audio_id == call.text("audioId") and not job.failed(now)
            for job in list(state.jobs.values())
        )

    return exists
