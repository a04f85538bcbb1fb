"""
The simulated service's state and how it changes.

Nothing here reads a clock or a socket: time comes in as ``now`` (simulated epoch seconds), ids from a
seedable source; only uploaded files lie on the disk. What the service allows is not decided here but in
``rules.py``.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.jobs.lifecycle import CREATE_TASK_FAILED, lifecycle_of
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.prompt_directives import Directives, Failure, directives_of, read_audio_defect
from airflow_provider_suno.simulator.jobs.source import Source
from airflow_provider_suno.simulator.state.callback_queue import CallbackQueue
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, Profile
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.ledger import CreditEntry, Ledger
from airflow_provider_suno.simulator.state.rate_limits import RateLimits
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.upload_store import UploadStore

DEFAULT_CREDITS = Decimal("500.25")
DEFAULT_API_KEY = "sim-key"
PRICE = Decimal(12)
"""Credits for one submission; a persona is free."""


@dataclass(frozen=True)
class Persona:
    """A voice made from one track."""

    persona_id: str
    music_task_id: str
    audio_id: str
    name: str
    description: str
    created_at: float


@dataclass
class ServiceState:
    """
    Everything the service remembers.

    :param ids: source of new ids.
    :param credits: the account's balance.
    :param api_keys: keys that open the account.
    :param settings: how new music tasks come into the state, and how often one may ask.
    :param profile: the reseller that is played.
    :param uploads: the uploaded files.
    :param rate_limits: what was asked lately.
    :param callback_queue: the callbacks to send.
    """

    ids: IdSource
    credits: Decimal = DEFAULT_CREDITS
    api_keys: frozenset[str] = frozenset({DEFAULT_API_KEY})
    settings: Settings = field(default_factory=Settings)
    profile: Profile = APIKLEY
    uploads: UploadStore = field(default_factory=UploadStore)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    callback_queue: CallbackQueue = field(default_factory=CallbackQueue)
    music_tasks: dict[str, MusicTask] = field(default_factory=dict)
    personas: dict[str, Persona] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    _owners: dict[str, str] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)
    _refunds_due: list[tuple[float, str]] = field(default_factory=list)

    def submit(
        self,
        request: Mapping[str, Any],
        *,
        now: float,
        record_time: float | None = None,
        operation: str = "generate",
        source: Source | None = None,
        base_url: str = "",
    ) -> MusicTask:
        """
        Take a job on and charge for it.

        :param request: the fields as sent.
        :param now: simulated time.
        :param record_time: time to print on the record; ``now`` if not given.
        :param operation: which call it is.
        :param source: what the job builds on.
        :param base_url: where the caller reached the service.
        """
        directives = directives_of(request)
        if source and not source.exists and directives.failure is None:
            directives = replace(directives, failure=Failure(CREATE_TASK_FAILED, ("531",)))
        record_time = now if record_time is None else record_time
        task = self._new_music_task(
            request,
            directives,
            born_at=now,
            record_time=record_time,
            price=PRICE,
            operation=operation,
            source=source,
            base_url=base_url,
        )
        self.callback_queue.schedule(task)
        self._move_credits("charge", task, now)
        refund_after = task.lifecycle.refund_after
        if refund_after is not None:
            heapq.heappush(self._refunds_due, (now + refund_after, task.music_task_id))
        return task

    def seed(self, request: Mapping[str, Any], status: str, *, now: float) -> MusicTask:
        """
        Put a music task into the state that has just reached a status, without charging for it.

        Running tasks go on from there.

        :param request: the fields it pretends to have been submitted with.
        :param status: a status of the normal course, or the one it failed with.
        :param now: simulated time.
        """
        directives = replace(directives_of(request), middle_status=None)
        if lifecycle_of("", Directives()).begins(status) is not None:
            directives = replace(directives, failure=None)
        elif directives.failure is None or directives.failure.name != status:
            directives = replace(directives, failure=Failure(status))
        return self._new_music_task(request, directives, born_at=now, record_time=now, price=Decimal(0), reached=status)

    def _new_music_task(
        self,
        request: Mapping[str, Any],
        directives: Directives,
        *,
        born_at: float,
        record_time: float,
        price: Decimal,
        reached: str | None = None,
        operation: str = "generate",
        source: Source | None = None,
        base_url: str = "",
    ) -> MusicTask:
        music_task_id = self.ids.music_task()
        directives = replace(directives, audio=directives.audio or read_audio_defect(self.settings.audio))
        lifecycle = lifecycle_of(music_task_id, directives)
        age = (lifecycle.begins(reached) or 0) if reached else 0
        hidden_for = self.settings.visible_after if directives.hidden_for is None else directives.hidden_for
        task = MusicTask(
            music_task_id=music_task_id,
            request=dict(request),
            audio_ids=tuple(self.ids.track() for _ in range(directives.tracks or self.settings.tracks)),
            lifecycle=lifecycle,
            created_at=born_at - age,
            visible_at=born_at - age + hidden_for,
            create_time=record_time - age,
            price=price,
            operation=operation,
            source=source,
            base_url=base_url,
        )
        self.music_tasks[music_task_id] = task
        self._owners.update(dict.fromkeys(task.audio_ids, music_task_id))
        self._files.update(task.files())
        return task

    def apply_refunds(self, now: float) -> None:
        """
        Give back the credits of every job that has failed by now.

        :param now: simulated time.
        """
        while self._refunds_due and self._refunds_due[0][0] <= now:
            failed_at, music_task_id = heapq.heappop(self._refunds_due)
            self._move_credits("refund", self.music_tasks[music_task_id], failed_at)

    def _move_credits(self, kind: str, task: MusicTask, at: float) -> None:
        self.credits += task.price if kind == "refund" else -task.price
        entry = CreditEntry(
            at=at,
            kind="refund" if kind == "refund" else "charge",
            music_task_id=task.music_task_id,
            amount=task.price,
            balance=self.credits,
        )
        self.ledger.credits.append(entry)

    def callback_failed(self, music_task_id: str, *, now: float) -> None:
        """
        Give up telling of a music task, and let its record say so if that is wanted.

        :param music_task_id: its id.
        :param now: simulated time.
        """
        if self.settings.callback_exception:
            task = self.music_tasks[music_task_id]
            self.music_tasks[music_task_id] = replace(
                task, lifecycle=task.lifecycle.with_callback_exception(task.age(now))
            )

    def find(self, music_task_id: str, now: float) -> MusicTask | None:
        """
        Return a music task if callers can see it.

        :param music_task_id: its id.
        :param now: simulated time.
        """
        task = self.music_tasks.get(music_task_id)
        return task if task is not None and task.visible_at <= now else None

    def owner(self, audio_id: str) -> MusicTask | None:
        """
        Return the music task that a track belongs to.

        :param audio_id: the track's id.
        """
        return self.music_tasks.get(self._owners.get(audio_id, ""))

    def track_of(self, file_name: str) -> str | None:
        """
        Return the track that a file belongs to.

        :param file_name: the file's name.
        """
        return self._files.get(file_name)

    def make_persona(self, music_task_id: str, audio_id: str, name: str, description: str, *, now: float) -> Persona:
        """
        Make a persona of a track.

        :param music_task_id: the music task.
        :param audio_id: its track.
        :param name: the persona's name.
        :param description: its description.
        :param now: simulated time.
        """
        persona = Persona(self.ids.persona(), music_task_id, audio_id, name, description, now)
        self.personas[persona.persona_id] = persona
        return persona

    def persona_of(self, audio_id: str) -> Persona | None:
        """
        Return the persona made of a track, if there is one.

        :param audio_id: the track's id.
        """
        return next((persona for persona in self.personas.values() if persona.audio_id == audio_id), None)
