"""Receive the StatsD metrics of Airflow's processes on a loopback port."""

from __future__ import annotations

import socket
from collections import Counter
from threading import Thread
from typing import Self

_PREFIX = "airflow"
_RECEIVE_TIMEOUT = 0.5
_LONGEST = 65_536


class Metrics:
    """Receive counters and gauges; ignore tags and other kinds of metrics."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_RECEIVE_TIMEOUT)
        self._over = False
        self._thread = Thread(target=self._receive)
        self.counted: Counter[str] = Counter()
        """The sum of each counter."""
        self.gauges: dict[str, float] = {}
        """The last value of each gauge."""

    def __enter__(self) -> Self:
        """Start receiving."""
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop receiving."""
        self._over = True
        self._thread.join()
        self._socket.close()

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that make Airflow send its metrics here."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": f"{self._socket.getsockname()[1]}",
            "AIRFLOW__METRICS__STATSD_PREFIX": _PREFIX,
        }

    def forget(self) -> None:
        """Delete what was received."""
        self.counted.clear()
        self.gauges.clear()

    def _receive(self) -> None:
        while not self._over:
            try:
                received = self._socket.recv(_LONGEST)
            except TimeoutError:
                continue
            for line in received.decode(errors="replace").splitlines():
                self._note(line)

    def _note(self, line: str) -> None:
        name, _, rest = line.partition(":")
        value, _, kind = rest.partition("|")
        name = name.partition(",")[0].removeprefix(f"{_PREFIX}.")
        if kind.startswith("g"):
            self.gauges[name] = float(value)
        elif kind.startswith("c"):
            self.counted[name] += int(float(value))
