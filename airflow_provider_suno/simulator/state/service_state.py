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

from airflow_provider_suno.simulator.jobs.lifecycle import CREATE_TASK_FAILED, life_of
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.prompt_directives import Failure, Wishes, audio_trouble, wishes_of
from airflow_provider_suno.simulator.jobs.source import Origin
from airflow_provider_suno.simulator.state.callback_queue import Outbox
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, Profile
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.ledger import CreditEntry, Ledger
from airflow_provider_suno.simulator.state.rate_limits import Rates
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.upload_store import Shelf

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
class World:
    """
    Everything the service remembers.

    :param ids: source of new ids.
    :param credits: the account's balance.
    :param api_keys: keys that open the account.
    :param settings: how new music tasks come into the world, and how often one may ask.
    :param profile: the reseller that is played.
    :param shelf: the uploaded files.
    :param rates: what was asked lately.
    :param outbox: the callbacks to send.
    """

    ids: IdSource
    credits: Decimal = DEFAULT_CREDITS
    api_keys: frozenset[str] = frozenset({DEFAULT_API_KEY})
    settings: Settings = field(default_factory=Settings)
    profile: Profile = APIKLEY
    shelf: Shelf = field(default_factory=Shelf)
    rates: Rates = field(default_factory=Rates)
    outbox: Outbox = field(default_factory=Outbox)
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
        stamp: float | None = None,
        operation: str = "generate",
        origin: Origin | None = None,
        base_url: str = "",
    ) -> MusicTask:
        """
        Take a job on and charge for it.

        :param request: the fields as sent.
        :param now: simulated time.
        :param stamp: time to print on the record; ``now`` if not given.
        :param operation: which call it is.
        :param origin: what the job builds on.
        :param base_url: where the caller reached the service.
        """
        wishes = wishes_of(request)
        if origin and not origin.alive and wishes.failure is None:
            wishes = replace(wishes, failure=Failure(CREATE_TASK_FAILED, ("531",)))
        stamp = now if stamp is None else stamp
        task = self._born(
            request,
            wishes,
            born_at=now,
            stamp=stamp,
            price=PRICE,
            operation=operation,
            origin=origin,
            base_url=base_url,
        )
        self.outbox.plan(task)
        self._move("charge", task, now)
        refund_after = task.life.refund_after
        if refund_after is not None:
            heapq.heappush(self._refunds_due, (now + refund_after, task.music_task_id))
        return task

    def seed(self, request: Mapping[str, Any], status: str, *, now: float) -> MusicTask:
        """
        Put a music task into the world that has just reached a status, without charging for it.

        Running tasks go on from there.

        :param request: the fields it pretends to have been submitted with.
        :param status: a status of the normal course, or the one it failed with.
        :param now: simulated time.
        """
        wishes = replace(wishes_of(request), middle_status=None)
        if life_of("", Wishes()).begins(status) is not None:
            wishes = replace(wishes, failure=None)
        elif wishes.failure is None or wishes.failure.name != status:
            wishes = replace(wishes, failure=Failure(status))
        return self._born(request, wishes, born_at=now, stamp=now, price=Decimal(0), reached=status)

    def _born(
        self,
        request: Mapping[str, Any],
        wishes: Wishes,
        *,
        born_at: float,
        stamp: float,
        price: Decimal,
        reached: str | None = None,
        operation: str = "generate",
        origin: Origin | None = None,
        base_url: str = "",
    ) -> MusicTask:
        music_task_id = self.ids.music_task()
        wishes = replace(wishes, audio=wishes.audio or audio_trouble(self.settings.audio))
        life = life_of(music_task_id, wishes)
        age = (life.begins(reached) or 0) if reached else 0
        hidden_for = self.settings.visible_after if wishes.hidden_for is None else wishes.hidden_for
        task = MusicTask(
            music_task_id=music_task_id,
            request=dict(request),
            audio_ids=tuple(self.ids.track() for _ in range(wishes.tracks or self.settings.tracks)),
            life=life,
            created_at=born_at - age,
            visible_at=born_at - age + hidden_for,
            stamp=stamp - age,
            price=price,
            operation=operation,
            origin=origin,
            base_url=base_url,
        )
        self.music_tasks[music_task_id] = task
        self._owners.update(dict.fromkeys(task.audio_ids, music_task_id))
        self._files.update(task.files())
        return task

    def settle(self, now: float) -> None:
        """
        Give back the credits of every job that has failed by now.

        :param now: simulated time.
        """
        while self._refunds_due and self._refunds_due[0][0] <= now:
            failed_at, music_task_id = heapq.heappop(self._refunds_due)
            self._move("refund", self.music_tasks[music_task_id], failed_at)

    def _move(self, kind: str, task: MusicTask, at: float) -> None:
        self.credits += task.price if kind == "refund" else -task.price
        entry = CreditEntry(
            at=at,
            kind="refund" if kind == "refund" else "charge",
            music_task_id=task.music_task_id,
            amount=task.price,
            balance=self.credits,
        )
        self.ledger.credits.append(entry)

    def not_taken(self, music_task_id: str, *, now: float) -> None:
        """
        Give up telling of a music task, and let its record say so if that is wanted.

        :param music_task_id: its id.
        :param now: simulated time.
        """
        if self.settings.callback_exception:
            task = self.music_tasks[music_task_id]
            self.music_tasks[music_task_id] = replace(task, life=task.life.not_told(task.age(now)))

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
