"""Run a simulator as an Airflow connection: what a test reads and changes of it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from airflow_provider_suno.simulator.control.fault_plan import Kind
    from airflow_provider_suno.simulator.embedding import RunningSimulator
    from airflow_provider_suno.simulator.jobs.order import OrderedKind

Json = dict[str, Any]

_SPEED = 1000.0


class SunoSimulator:
    """
    A simulator that is running, and the connection that leads to it.

    :param running: the simulator itself, with all that it can do: its clock, faults, orders and state.
    :param conn_id: the connection's id.
    """

    def __init__(self, running: RunningSimulator, conn_id: str) -> None:
        self.running = running
        self.conn_id = conn_id

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return self.running.url

    @property
    def connection_json(self) -> str:
        """The connection as JSON: the value of an ``AIRFLOW_CONN_...`` variable, for another process."""
        return self.running.connection_json

    @property
    def balance(self) -> Decimal:
        """The account's credits; a test may set them."""
        self.running.state.apply_refunds(self.running.clock.now())
        return self.running.state.credits

    @balance.setter
    def balance(self, credits: Decimal | float | str) -> None:
        self.running.state.apply_refunds(self.running.clock.now())
        self.running.state.credits = Decimal(str(credits))

    def ledger(self) -> Json:
        """Return all that the service received, did and charged, as ``GET /_sim/ledger`` answers it."""
        return self.running.ledger()

    @property
    def requests(self) -> list[Json]:
        """All requests to the API: ``method``, ``path``, ``http_status``, ``code``, ``accepted``, ``job_id``, …."""
        return self._entries("requests")

    @property
    def charges(self) -> list[Json]:
        """What was charged: ``job_id``, ``job_kind``, ``amount``, ``balance``, ``at``. Refunds are in the ledger."""
        return [entry for entry in self._entries("charges") if entry["kind"] == "charge"]

    @property
    def songs(self) -> list[Json]:
        """All music tasks: ``music_task_id``, ``status``, ``audio_ids``, ``request``, ``charges``, ``refunds``."""
        return self._entries("songs")

    @property
    def jobs(self) -> list[Json]:
        """All other jobs: ``kind``, ``job_id``, ``status``, ``request``, ``charges``, ``refunds``."""
        return self._entries("conversions")

    @property
    def personas(self) -> list[Json]:
        """All personas: ``persona_id``, ``music_task_id``, ``audio_id``, ``name``, ``description``, …."""
        return self._entries("personas")

    def fail(self, path: str = "*", kind: Kind = "status", *, times: int | None = 1, **how: Any) -> None:
        """
        Let the next requests fail.

        :param path: of the requests, such as ``/api/v1/generate``; ``*`` and ``?`` are wildcards.
        :param kind: what goes wrong: see :class:`~airflow_provider_suno.simulator.control.fault_plan.Fault`.
        :param times: how many requests fail; ``None`` for all.
        :param how: the other fields of a ``Fault``, such as ``http_status``, ``code``, ``msg``, ``retry_after``.
        """
        from airflow_provider_suno.simulator.control.fault_plan import Fault

        self.running.faults.add(Fault(path=path, kind=kind, times=times, **how))

    def order(self, kind: OrderedKind, **how: Any) -> None:
        """
        Say how the next job of a kind ends. That of a song is said by its prompt, such as ``[fail:531]``.

        :param kind: wav, stems, midi, lyrics, video, cover_art, voice_phrase, voice or recovery.
        :param how: the other fields of an :class:`~airflow_provider_suno.simulator.jobs.order.Order`, such as ``fail``,
            ``stuck``, ``empty``, ``seconds``.
        """
        from airflow_provider_suno.simulator.jobs.order import Order

        self.running.orders.add(Order(kind=kind, **how))

    def add_song(self, *, status: str = "SUCCESS", **request: Any) -> str:
        """
        Add a music task that has just reached a status, free of charge, and return its ``music_task_id``.

        :param status: that status; one that is not part of a normal lifecycle is a failure.
        :param request: the request that it shows: ``model``, ``prompt``, ``title``, ``style``, ``instrumental``.
        """
        from airflow_provider_suno.simulator.control.request_bodies import TaskRequest
        from airflow_provider_suno.simulator.state.submissions import seed_music

        fields = TaskRequest(status=status, **request).model_dump(exclude={"status"})
        now = self.running.clock.now()
        return seed_music(self.running.state, {**fields, "customMode": True}, status, now=now).music_task_id

    def advance(self, seconds: float) -> None:
        """Advance the simulated time."""
        self.running.clock.advance(seconds)

    def reset(self) -> None:
        """Forget everything: all jobs, charges, faults and orders."""
        self.running.simulation.reset()

    def _entries(self, name: str) -> list[Json]:
        entries: list[Json] = self.ledger()[name]
        return entries


@contextmanager
def simulated_suno(
    *,
    conn_id: str = "suno_default",
    profile: Literal["apikley", "kie", "sunoapi"] = "apikley",
    hurry: bool = True,
    speed: float = _SPEED,
    submit_limit: int | None = None,
    read_limit: int | None = None,
    **options: Any,
) -> Generator[SunoSimulator, None, None]:
    """
    Run a simulator in this process, as an Airflow connection, until the ``with`` block ends.

    :param conn_id: the id of the connection, which is set by an environment variable.
    :param profile: the reseller to simulate.
    :param hurry: shorten the provider's own waiting in this process to fractions of a second, so that ``dag.test()``
        takes seconds. A worker or a triggerer in another process waits as usual.
    :param speed: simulated seconds per real second; a song takes about two simulated minutes.
    :param submit_limit: submissions that are accepted in 10 seconds; without a limit, since hosts differ in theirs.
    :param read_limit: polls of one job that are accepted in a second.
    :param options: those of :func:`~airflow_provider_suno.simulator.running_simulator`, such as ``credits``.
    :raises RuntimeError: when another connection of this id takes precedence; nothing has been sent to it.
    """
    from airflow_provider_suno.simulator import running_simulator
    from airflow_provider_suno.testing.pace import hurried

    options |= {"profile": profile, "speed": speed, "submit_limit": submit_limit, "read_limit": read_limit}
    with running_simulator(**options) as running:
        simulator = SunoSimulator(running, conn_id)
        with _environment({f"AIRFLOW_CONN_{conn_id.upper()}": simulator.connection_json}):
            _refuse_another_connection(simulator)
            if not hurry:
                yield simulator
                return
            with hurried():
                yield simulator


def _refuse_another_connection(simulator: SunoSimulator) -> None:
    """Raise if a secrets backend has a connection of this id: its account would be charged by the test."""
    from airflow_provider_suno.hooks.suno import SunoHook

    found = SunoHook(simulator.conn_id).settings.client.base_url
    if found != simulator.url:
        raise RuntimeError(
            f"The connection {simulator.conn_id!r} leads to {found}, not to the simulator: Airflow's secrets backend "
            "has one of this id, which takes precedence. Nothing was sent. Unset AIRFLOW__SECRETS__BACKEND in "
            "tests, or use another conn_id."
        )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables until the block ends; unlike ``patch.dict``, leave what a test does to the others."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
