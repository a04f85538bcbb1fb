"""What Airflow's processes tell of themselves by StatsD, received on a loopback port."""

from __future__ import annotations

import socket
from collections import Counter
from threading import Thread
from typing import Self

_PREFIX = "airflow"
_AWAKE_EVERY = 0.5
_LONGEST = 65_536


class Metrics:
    """Receive counters and gauges; tags and other kinds of figures are left out."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_AWAKE_EVERY)
        self._over = False
        self._thread = Thread(target=self._receive)
        self.counted: Counter[str] = Counter()
        """How often each counter was raised."""
        self.gauges: dict[str, float] = {}
        """The last value of each gauge."""

    def __enter__(self) -> Self:
        """Begin to receive."""
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Receive no longer."""
        self._over = True
        self._thread.join()
        self._socket.close()

    @property
    def settings(self) -> dict[str, str]:
        """The variables by which Airflow sends them here."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": f"{self._socket.getsockname()[1]}",
            "AIRFLOW__METRICS__STATSD_PREFIX": _PREFIX,
        }

    def forget(self) -> None:
        """Begin anew."""
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
