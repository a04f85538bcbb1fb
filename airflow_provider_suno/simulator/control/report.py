"""The ledger as JSON: what a test reads to learn what the service saw, did and charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.wire.api import plain_number


def report(state: ServiceState, now: float) -> dict[str, Any]:
    """
    Return everything that happened and everything there is.

    :param state: the state.
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
        "files": state.uploads.listed(now),
        "personas": [asdict(persona) for persona in list(state.personas.values())],
    }


def songs(state: ServiceState, now: float) -> list[dict[str, Any]]:
    """
    Return every music task with what was asked, where it stands, and how often it was charged and refunded.

    :param state: the state.
    :param now: simulated time.
    """
    moves = Counter((entry.music_task_id, entry.kind) for entry in state.ledger.credits)
    return [
        {
            **song(task, now),
            "charges": moves[task.music_task_id, "charge"],
            "refunds": moves[task.music_task_id, "refund"],
        }
        for task in list(state.music_tasks.values())
    ]


def song(task: MusicTask, now: float) -> dict[str, Any]:
    """
    Return what was asked of one music task and where it stands.

    :param task: the music task.
    :param now: simulated time.
    """
    return {
        "music_task_id": task.music_task_id,
        "status": task.stage(now).status,
        "audio_ids": list(task.audio_ids),
        "request": dict(task.request),
        "created_at": task.created_at,
    }
