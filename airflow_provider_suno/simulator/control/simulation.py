"""The pieces of one running simulator, together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from airflow_provider_suno.simulator.control.fault_plan import FaultPlan
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, Profile
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.state.settings import Callbacks, Settings


class Simulation:
    """
    One simulated service: its state, its time, and what shall go wrong.

    :param ids: source of new ids.
    :param clock: the service's time.
    :param credits: balance of a new state.
    :param api_keys: keys of a new state.
    :param profile: the reseller that is played.
    :param settings: those of a new state.
    :param callbacks: where callbacks may go: only to this machine, or anywhere.
    """

    def __init__(
        self,
        ids: IdSource,
        clock: Clock,
        *,
        credits: Decimal,
        api_keys: Iterable[str],
        profile: Profile = APIKLEY,
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
        profile: Profile | None = None,
    ) -> None:
        """
        Begin anew with an empty state and no faults. The clock goes on.

        Ids go on too: whoever still asks for something of the old state must not meet something of the new.

        :param credits: balance; that of the start if not given.
        :param api_keys: keys; those of the start if not given.
        :param profile: the reseller to play; that of the start if not given.
        """
        self.state.uploads.clear()
        self.state = self._new_state(credits, api_keys, profile)
        self.faults.clear()

    def end(self) -> None:
        """Delete what lies on the disk."""
        self.state.uploads.clear()

    def _new_state(
        self, credits: Decimal | None, api_keys: Iterable[str] | None, profile: Profile | None
    ) -> ServiceState:
        return ServiceState(
            self._ids,
            credits=self._credits if credits is None else credits,
            api_keys=frozenset(self._api_keys if api_keys is None else api_keys),
            settings=self._settings,
            profile=profile or self._profile,
        )
