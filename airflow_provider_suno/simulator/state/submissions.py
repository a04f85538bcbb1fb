"""Add music tasks to the state: those that a caller submits, and those that a test puts there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.kinds.music.callback import callbacks_of_music
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.kinds.music.lifecycle import (
    CREATE_TASK_FAILED,
    SONG_PACE,
    SOUND_PACE,
    lifecycle_of,
)
from airflow_provider_suno.simulator.kinds.music.prompt_directives import (
    Directives,
    Failure,
    directives_of,
    read_audio_defect,
)
from airflow_provider_suno.simulator.kinds.music.source import Source
from airflow_provider_suno.simulator.state.credits import MUSIC_PRICE
from airflow_provider_suno.simulator.state.service_state import ServiceState


def submit_music(
    state: ServiceState,
    request: Mapping[str, Any],
    *,
    now: float,
    record_time: float | None = None,
    operation: str = "generate",
    source: Source | None = None,
    price: Decimal = MUSIC_PRICE,
    base_url: str = "",
) -> MusicTask:
    """
    Start a music task, charge for it, and schedule its callbacks.

    :param request: the submitted fields.
    :param now: simulated time.
    :param record_time: time of creation to show on the record; ``now`` if not given.
    :param operation: which call it is, such as generate, extend or add_vocals.
    :param source: the audio it is made from.
    :param price: credits to charge.
    :param base_url: the simulator's address as the caller used it.
    """
    directives = directives_of(request)
    if source and not source.exists and directives.failure is None:
        directives = replace(directives, failure=Failure(CREATE_TASK_FAILED, ("531",)))
    task = replace(
        _new_music_task(state, request, directives, operation, now=now),
        create_time=now if record_time is None else record_time,
        price=price,
        source=source,
        base_url=base_url,
    )
    state.add_music_task(task)
    state.callback_queue.schedule(callbacks_of_music(task))
    state.charge(task, now=now)
    return task


def seed_music(state: ServiceState, request: Mapping[str, Any], status: str, *, now: float) -> MusicTask:
    """
    Add a music task that has just reached a status, free of charge. A running one continues from there.

    :param request: the fields that it shows as submitted.
    :param status: a status of a normal lifecycle, or the one that it failed with.
    :param now: simulated time.
    """
    directives = replace(directives_of(request), middle_status=None)
    if lifecycle_of("", Directives()).start_of(status) is not None:
        directives = replace(directives, failure=None)
    elif directives.failure is None or directives.failure.name != status:
        directives = replace(directives, failure=Failure(status))
    task = _new_music_task(state, request, directives, "generate", now=now)
    age = task.lifecycle.start_of(status) or 0
    task = replace(
        task,
        created_at=task.created_at - age,
        visible_at=task.visible_at - age,
        create_time=task.create_time - age,
    )
    state.add_music_task(task)
    return task


def _new_music_task(
    state: ServiceState, request: Mapping[str, Any], directives: Directives, operation: str, *, now: float
) -> MusicTask:
    music_task_id = state.ids.job()
    settings = state.settings
    directives = replace(directives, audio=directives.audio or read_audio_defect(settings.audio))
    hidden_for = settings.visible_after if directives.hidden_for is None else directives.hidden_for
    return MusicTask(
        music_task_id=music_task_id,
        request=dict(request),
        audio_ids=tuple(state.ids.track() for _ in range(directives.tracks or settings.tracks)),
        lifecycle=lifecycle_of(music_task_id, directives, SOUND_PACE if operation == "sounds" else SONG_PACE),
        created_at=now,
        visible_at=now + hidden_for,
        create_time=now,
        price=Decimal(0),
        operation=operation,
        seconds=directives.seconds,
    )
