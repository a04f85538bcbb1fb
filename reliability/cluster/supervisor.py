"""Restart what has died, in a thread of its own, so that a slow restart does not stop those who watch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from demo.processes import ProcessFailedError
from reliability.cluster.redis import NAME as REDIS

if TYPE_CHECKING:
    from reliability.cluster.deployment import RunningCluster

_INTERVAL = 0.5


class Supervisor:
    """
    A service manager for the cluster.

    :param cluster: what it keeps running.
    """

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self.resting: set[str] = set()
        """What stays down until it is removed from here: components, or the broker."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_started(self) -> bool:
        """Return whether it has been started."""
        return self._thread.ident is not None

    def check(self) -> None:
        """
        Make sure that it works.

        :raises ProcessFailedError: a restart failed.
        """
        if self._failure is not None:
            raise ProcessFailedError(f"a restart failed: {self._failure}") from self._failure

    def _watch(self) -> None:
        try:
            while not self._over.wait(_INTERVAL):
                self._restart_the_dead()
        except Exception as error:  # noqa: BLE001 - for check(), which runs in another thread
            self._failure = error

    def _restart_the_dead(self) -> None:
        cluster = self._cluster
        cluster.postgres.check()
        if REDIS not in self.resting:
            cluster.redis.check()
        cluster.balancer.check()
        for name in cluster.components:
            if name not in self.resting and cluster.processes.process(name) is None:
                cluster.start_component(name)
