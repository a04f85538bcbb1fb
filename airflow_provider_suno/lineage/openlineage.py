"""
What a task used and made, for OpenLineage.

Airflow's OpenLineage provider asks a task at its start, at its success and at its failure. A song is the dataset
``music/ID`` and a persona ``personas/ID`` in the namespace ``suno://CONNECTION``; a kept file has the namespace and the
name that OpenLineage gives to files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


def song_uri(suno_conn_id: str, music_task_id: str) -> str:
    """Return the URI of a music task, which stands for its songs."""
    return f"suno://{quote(suno_conn_id, safe='')}/music/{quote(music_task_id)}"


def persona_uri(suno_conn_id: str, persona_id: str) -> str:
    """Return the URI of a persona."""
    return f"suno://{quote(suno_conn_id, safe='')}/personas/{quote(persona_id)}"


class ReportsLineage:
    """A task that tells OpenLineage what it used and made. Costs nothing where OpenLineage is not installed."""

    used: tuple[str, ...] = ()
    """URIs of what this try has used so far."""
    made: tuple[str, ...] = ()
    """URIs of what this try has made so far."""
    described: dict[str, str] | None = None
    """Descriptions of what was made, such as titles, by URI."""

    def add_lineage(
        self, *, used: Iterable[str] = (), made: Iterable[str] = (), described: dict[str, str] | None = None
    ) -> None:
        """Add to what this try has used and made."""
        self.used = tuple(dict.fromkeys((*self.used, *used)))
        self.made = tuple(dict.fromkeys((*self.made, *made)))
        self.described = {**(self.described or {}), **(described or {})}

    def get_openlineage_facets_on_start(self) -> OperatorLineage:
        """Return what is known before the task runs."""
        return self._lineage()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:  # noqa: ARG002
        """Return what the task has used and made."""
        return self._lineage()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage:  # noqa: ARG002
        """Return what the task had used and made when it failed: a job may be paid for."""
        return self._lineage()

    def _lineage(self) -> OperatorLineage:
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage(
            inputs=[self._dataset(uri) for uri in self.used], outputs=[self._dataset(uri) for uri in self.made]
        )

    def _dataset(self, uri: str) -> Any:
        from airflow.providers.common.compat.openlineage.facet import Dataset, DocumentationDatasetFacet

        description = (self.described or {}).get(uri)
        facets = {} if description is None else {"documentation": DocumentationDatasetFacet(description=description)}
        parts = urlsplit(uri)
        if parts.scheme == "file":
            return Dataset(namespace="file", name=unquote(parts.path), facets=facets)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return Dataset(namespace=address, name=unquote(parts.path.lstrip("/")), facets=facets)
