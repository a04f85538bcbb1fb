"""
The simulated service's state and how it changes.

Nothing here reads a clock or a socket: time comes in as ``now`` (simulated epoch seconds), ids from a
seedable source. What the service allows is not decided here but in ``rules.py``.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.audio import Melody, melody_of
from airflow_provider_suno.simulator.ids import IdSource
from airflow_provider_suno.simulator.ledger import CreditEntry, Ledger
from airflow_provider_suno.simulator.life import (
    ALL_TRACKS,
    CREATE_TASK_FAILED,
    Life,
    Stage,
    Wishes,
    life_of,
    read_markers,
)
from airflow_provider_suno.simulator.origin import Origin
from airflow_provider_suno.simulator.profiles import APIKLEY, Profile
from airflow_provider_suno.simulator.rates import Rates
from airflow_provider_suno.simulator.shelf import Shelf

DEFAULT_CREDITS = Decimal("500.25")
DEFAULT_API_KEY = "sim-key"
PRICE = Decimal(12)
"""Credits for one submission; a persona is free."""


@dataclass(frozen=True)
class Settings:
    """
    How new music tasks come into the world, and how often one may ask.

    :param tracks: tracks per music task.
    :param visible_after: simulated seconds during which record-info does not know a new task.
    :param submit_limit: new music tasks that the account may ask for in 10 seconds; None for any number.
    :param read_limit: times that one music task may be looked at in a second; None for any number.
    :param account_read_limit: times that the account may look at music tasks in 10 seconds. No page names such
        a limit, but callers reckon with one.
    """

    tracks: int = 2
    visible_after: float = 0
    submit_limit: int | None = 20
    read_limit: int | None = 3
    account_read_limit: int | None = None


@dataclass(frozen=True)
class MusicTask:
    """
    One submitted job.

    :param music_task_id: its id.
    :param request: the submitted fields.
    :param audio_ids: ids of its tracks, known to callers only from the text stage on.
    :param life: which status it shows at which age.
    :param created_at: simulated time of the submission.
    :param visible_at: simulated time from which record-info knows it.
    :param stamp: time of creation as printed on the record, in epoch seconds.
    :param price: credits charged.
    :param operation: which call submitted it: generate, extend, upload_cover, upload_extend.
    :param origin: what it builds on, if anything.
    """

    music_task_id: str
    request: Mapping[str, Any]
    audio_ids: tuple[str, ...]
    life: Life
    created_at: float
    visible_at: float
    stamp: float
    price: Decimal
    operation: str = "generate"
    origin: Origin | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The fields that shape its tracks: those submitted, or the source's where the caller wanted those."""
        if self.request.get("defaultParamFlag") is not False:
            return self.request
        if self.origin and self.origin.settings:
            return self.origin.settings
        return {name: value for name, value in self.request.items() if name not in ("style", "title")}

    def melody(self, audio_id: str) -> Melody:
        """Return how a track sounds."""
        if self.origin is None:
            return melody_of(audio_id)
        if self.operation == "upload_cover":
            return self.origin.sung_anew(audio_id)
        return self.origin.continued(audio_id, self.request.get("continueAt"))

    def age(self, now: float) -> float:
        """Return the simulated seconds since the submission; epoch seconds hold no more than ms."""
        return round(now - self.created_at, 3)

    def stage(self, now: float) -> Stage:
        """Return what the record shows."""
        return self.life.at(self.age(now))

    def finished(self, now: float) -> bool:
        """Return whether the service is done with it and every track has its audio."""
        return self.stage(now).rendered >= ALL_TRACKS

    def audio_age(self, audio_id: str, now: float) -> float | None:
        """Return for how many simulated seconds a track has had its audio, or None if it never gets any."""
        ready = self.life.rendered_at(self.audio_ids.index(audio_id))
        return None if ready is None else self.age(now) - ready


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
    """

    ids: IdSource
    credits: Decimal = DEFAULT_CREDITS
    api_keys: frozenset[str] = frozenset({DEFAULT_API_KEY})
    settings: Settings = Settings()
    profile: Profile = APIKLEY
    shelf: Shelf = field(default_factory=Shelf)
    rates: Rates = field(default_factory=Rates)
    music_tasks: dict[str, MusicTask] = field(default_factory=dict)
    personas: dict[str, Persona] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    _owners: dict[str, str] = field(default_factory=dict)
    _refunds_due: list[tuple[float, str]] = field(default_factory=list)

    def submit(
        self,
        request: Mapping[str, Any],
        *,
        now: float,
        stamp: float | None = None,
        operation: str = "generate",
        origin: Origin | None = None,
    ) -> MusicTask:
        """
        Take a job on and charge for it.

        :param request: the fields as sent.
        :param now: simulated time.
        :param stamp: time to print on the record; ``now`` if not given.
        :param operation: which call it is.
        :param origin: what the job builds on.
        """
        wishes = _wishes(request)
        if origin and not origin.alive and wishes.failure is None:
            wishes = replace(wishes, failure=(CREATE_TASK_FAILED, "531"))
        stamp = now if stamp is None else stamp
        task = self._born(request, wishes, born_at=now, stamp=stamp, price=PRICE, operation=operation, origin=origin)
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
        normal = life_of("", Wishes()).begins(status) is not None
        wishes = replace(_wishes(request), middle_status=None, failure=None if normal else (status, None))
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
    ) -> MusicTask:
        music_task_id = self.ids.music_task()
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
            stamp=stamp,
            price=price,
            operation=operation,
            origin=origin,
        )
        self.music_tasks[music_task_id] = task
        self._owners.update(dict.fromkeys(task.audio_ids, music_task_id))
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


def _wishes(request: Mapping[str, Any]) -> Wishes:
    prompt = request.get("prompt")
    return read_markers(prompt) if isinstance(prompt, str) else Wishes()
