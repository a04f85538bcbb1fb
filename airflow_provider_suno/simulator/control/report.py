"""The report of ``GET /_sim/ledger``: what the service received, did and charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.state.credits import plain_number
from airflow_provider_suno.simulator.state.service_state import ServiceState


def report(state: ServiceState, now: float) -> dict[str, Any]:
    """
    Return the ledger's entries and the present state, as JSON.

    :param now: simulated time.
    """
    state.apply_refunds(now)
    return {
        "now": now,
        "credits": plain_number(state.credits),
        "requests": [asdict(entry) for entry in state.ledger.requests],
        "refusals": Counter(entry.rule for entry in state.ledger.requests if entry.rule),
        "downloads": [asdict(entry) for entry in state.ledger.downloads],
        "callbacks": [{**asdict(entry), "taken": entry.taken} for entry in list(state.ledger.callbacks)],
        "charges": [
            {**asdict(entry), "amount": plain_number(entry.amount), "balance": plain_number(entry.balance)}
            for entry in state.ledger.credits
        ],
        "songs": songs(state, now),
        "conversions": conversions(state, now),
        "files": state.uploads.listed(now),
        "personas": [asdict(persona) for persona in list(state.personas.values())],
    }


def songs(state: ServiceState, now: float) -> list[dict[str, Any]]:
    """
    Return every music task: its request, its status, and how often it was charged and refunded.

    :param now: simulated time.
    """
    # Timestamped lyrics are charged under the id of their music task.
    counts = Counter((entry.job_id, entry.kind) for entry in state.ledger.credits if entry.job_kind == MusicTask.kind)
    return [
        {
            **song(task, now),
            "charges": counts[task.music_task_id, "charge"],
            "refunds": counts[task.music_task_id, "refund"],
        }
        for task in list(state.music_tasks.values())
    ]


def conversions(state: ServiceState, now: float) -> list[dict[str, Any]]:
    """
    Return every job that is not music: its request, its progress, and how often it was charged and refunded.

    :param now: simulated time.
    """
    counts = Counter((entry.job_id, entry.kind) for entry in state.ledger.credits)
    return [
        {
            "kind": job.kind,
            "job_id": job.job_id,
            "status": job.flag(now),
            "request": dict(job.request),
            "created_at": job.created_at,
            "charges": counts[job.job_id, "charge"],
            "refunds": counts[job.job_id, "refund"],
        }
        for job in list(state.jobs.values())
    ]


def song(task: MusicTask, now: float) -> dict[str, Any]:
    """
    Return the request and the status of one music task.

    :param now: simulated time.
    """
    return {
        "music_task_id": task.music_task_id,
        "status": task.stage(now).status,
        "audio_ids": list(task.audio_ids),
        "request": dict(task.request),
        "created_at": task.created_at,
    }
