"""The parts of one running simulator: the service's state, the clock, and the planned faults."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from airflow_provider_suno.simulator.control.fault_plan import FaultPlan
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, HostProfile
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.state.settings import Callbacks, Settings


class Simulation:
    """
    One simulated service.

    :param ids: makes new ids.
    :param clock: the simulated time.
    :param credits: the balance at the start.
    :param api_keys: the account's keys at the start.
    :param profile: the reseller that is simulated.
    :param settings: the settings at the start.
    :param callbacks: where callbacks are sent: to this machine only, or to any address.
    """

    def __init__(
        self,
        ids: IdSource,
        clock: Clock,
        *,
        credits: Decimal,
        api_keys: Iterable[str],
        profile: HostProfile = APIKLEY,
        settings: Settings | None = None,
        callbacks: Callbacks = "loopback",
    ) -> None:
        self._ids = ids
        self._credits = credits
        self._api_keys = tuple(api_keys)
        self._profile = profile
        self._settings = settings or Settings()
        self.clock = clock
        self.callbacks: Callbacks = callbacks
        self.faults = FaultPlan()
        self.state = self._new_state(None, None, None)

    def reset(
        self,
        *,
        credits: Decimal | None = None,
        api_keys: Iterable[str] | None = None,
        profile: HostProfile | None = None,
    ) -> None:
        """
        Start again with an empty state and no faults. The clock keeps its time.

        Ids are not repeated, so that a caller who still polls an old job does not get a new one.

        :param credits: the balance; that of the start if not given.
        :param api_keys: the keys; those of the start if not given.
        :param profile: the reseller to simulate; that of the start if not given.
        """
        self.state.uploads.clear()
        self.state = self._new_state(credits, api_keys, profile)
        self.faults.clear()

    def end(self) -> None:
        """Delete the uploaded files from disk."""
        self.state.uploads.clear()

    def _new_state(
        self, credits: Decimal | None, api_keys: Iterable[str] | None, profile: HostProfile | None
    ) -> ServiceState:
        return ServiceState(
            self._ids,
            credits=self._credits if credits is None else credits,
            api_keys=self._api_keys if api_keys is None else tuple(api_keys),
            settings=self._settings,
            profile=profile or self._profile,
        )
