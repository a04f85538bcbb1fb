"""The rules of the calls that read the record of a job other than music."""

from __future__ import annotations

from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.rule import Rule, needed
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

NO_SUCH_RECORD = "Record does not exist"


def record_rules(endpoint: Endpoint, kind: type[PlainJob], field: str = "taskId") -> tuple[Rule, ...]:
    """
    Return the rules of a call that reads a record: it names a job of the kind that is visible already.

    :param endpoint: the call.
    :param kind: the class of its kind.
    :param field: the field that names the job.
    """

    def unknown(call: Call, state: ServiceState, now: float) -> bool:
        return not isinstance(state.find_job(call.text(field), now), kind)

    only = frozenset({endpoint})
    return (needed(field, only), Rule("record_unknown", only, 422, NO_SUCH_RECORD, unknown))
