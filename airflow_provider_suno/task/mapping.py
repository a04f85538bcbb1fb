"""Say in our words why a task cannot be mapped over a named XCom, where Airflow only says that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator

_HINT = (
    "Airflow maps over what a task returns, not over a named key. A MusicTaskSensor returns the list of audio_ids: "
    ".expand(audio_id=wait.output). A mapped task returns one value for each: .expand(music_task_id=songs.output)."
)


class MappableOperator(BaseOperator):
    """Be mapped as other operators are, with a hint where that is refused."""

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Return what ``expand`` is called on."""
        return _Partial(super().partial(**kwargs))


class _Partial:
    """What Airflow's ``partial`` returned."""

    def __init__(self, partial: Any) -> None:
        self._partial = partial

    def __getattr__(self, name: str) -> Any:
        """Be what Airflow's own is in all else."""
        return getattr(self._partial, name)

    def expand(self, **arguments: Any) -> MappedOperator:
        """
        Map the task.

        :raises ValueError: when Airflow cannot; with a hint where the reason is a named XCom.
        """
        try:
            mapped: MappedOperator = self._partial.expand(**arguments)
        except ValueError as refused:
            if "custom key" not in str(refused):
                raise
            raise ValueError(f"{refused}. {_HINT}") from None
        return mapped
