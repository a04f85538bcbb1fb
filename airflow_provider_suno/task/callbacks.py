"""What ties a submission to its callbacks: the signed token in the callback URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator

from airflow_provider_suno.api.callback import CallbackToken
from airflow_provider_suno.task.waiting import WaitingTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.hooks.connection import CallbackSettings
    from airflow_provider_suno.hooks.suno import SunoHook


def a_sensor_follows(task: Any) -> bool:
    """Return whether a sensor of this provider after a task waits for its job, as far as the Dag tells."""
    return any(
        issubclass(kind, BaseSensorOperator) and _takes_its_id_from(task, following, kind)
        for following in task.get_flat_relatives(upstream=False)
        if isinstance(kind := getattr(following, "operator_class", type(following)), type)
        and issubclass(kind, WaitingTask)
    )


def _takes_its_id_from(task: Any, sensor: Any, kind: Any) -> bool:
    """Return whether a sensor's id comes from a task, or from one after it that may hand it on."""
    name = kind.id_parameter
    expanded = getattr(getattr(sensor, "expand_input", None), "value", None)
    given = expanded.get(name) if isinstance(expanded, Mapping) else expanded
    if given is None:
        given = getattr(sensor, "partial_kwargs", vars(sensor)).get(name)
    if hasattr(given, "iter_references"):
        sources = {source.task_id for source, _ in given.iter_references()}
        others = {
            each.task_id
            for each in task.get_flat_relatives(upstream=False)
            if not issubclass(getattr(each, "operator_class", type(each)), WaitingTask)
        }
        return bool(sources & {task.task_id, *others})
    return given is None or task.task_id in str(given) or "{{" in str(given)


@dataclass(frozen=True)
class CallbackSigner:
    """
    Sign the token of one task instance's submission.

    :param token: the token, but for its random part.
    :param settings: those of the connection, with the secret.
    """

    token: CallbackToken
    settings: CallbackSettings

    @classmethod
    def of(cls, context: Context, hook: SunoHook, request: JobRequest, *, waits: bool) -> CallbackSigner | None:
        """
        Return the signer; ``None`` if the callback URL does not lead to this Airflow, or the connection has no secret.

        :param waits: whether the task, or a sensor after it, waits for the job.
        """
        settings = hook.settings.callbacks
        if not settings.secrets or request.callback_url != settings.url:
            return None
        ti = context["ti"]
        token = CallbackToken(
            suno_conn_id=hook.suno_conn_id,
            kind=request.kind,
            nonce="",
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None else ti.map_index,
            waits=waits,
        )
        return cls(token, settings)

    def signed(self, nonce: str) -> str:
        """Return the token of the submission whose entry has this random part."""
        return self.settings.sign(replace(self.token, nonce=nonce))
