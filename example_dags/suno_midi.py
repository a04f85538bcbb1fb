"""Transcribe the separated stems of a track into notes."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_suno.operators.conversions import GenerateMidiOperator

with DAG(
    dag_id="suno_midi",
    schedule=None,
    tags=["suno"],
    params={
        "stems_job_id": Param("", type="string", description="A finished separation of a track into stems"),
    },
    doc_md="""
### Notes of stems

The service transcribes stems, not songs. `stems_job_id` is the id of a finished separation into stems
(`/api/v1/vocal-removal/generate`), for which this provider has no operator yet: take it from the service's own pages.
`midi` returns each instrument with its notes; `count_notes` counts them.
""",
):
    midi = GenerateMidiOperator(task_id="midi", stems_job_id="{{ params.stems_job_id }}", deferrable=True)

    @task
    def count_notes(instruments: list[dict[str, Any]]) -> dict[str, int]:
        """Return the number of notes of each instrument."""
        return {instrument["name"]: len(instrument["notes"]) for instrument in instruments}

    count_notes(midi.output)
