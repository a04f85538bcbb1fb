"""The simulator in its own process, started as a user would."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from demo.processes import ProcessFailedError, Service, closing_lines
from demo.surroundings import clean_environment

_NAME = "simulator"
_EXPORT = "export "


class RunningSimulatorProcess(Service):
    """
    Start the simulator on a free port and end it on the way out.

    :param home: folder for its log; the caller removes it.
    :param speed: simulated seconds per real second.
    :param start_timeout: seconds until it must listen.
    :param options: further options of its command line.
    """

    def __init__(self, home: Path, speed: float, start_timeout: float = 60.0, options: Sequence[str] = ()) -> None:
        super().__init__(home / "processes")
        self.connection_env: dict[str, str] = {}
        self.url = ""
        self._home = home
        self._speed = speed
        self._start_timeout = start_timeout
        self._options = options
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "airflow-provider-suno demo"

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection to it."""
        connection: dict[str, Any] = json.loads(next(iter(self.connection_env.values())))
        return connection

    @property
    def api_key(self) -> str:
        """The key that it accepts."""
        return str(self.connection["password"])

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    def check(self) -> None:
        """
        Make sure that it is running.

        :raises ProcessFailedError: it is not.
        """
        self.processes.check(_NAME)

    def ledger(self) -> dict[str, Any]:
        """
        Return the simulator's ledger: its requests, songs and charges.

        :raises ProcessFailedError: it does not answer.
        """
        try:
            reply = self._session.get(f"{self.url}/_sim/ledger", timeout=10)
            reply.raise_for_status()
            ledger: dict[str, Any] = reply.json()
        except (requests.RequestException, ValueError) as error:
            self.check()
            raise ProcessFailedError(f"the simulator's ledger cannot be read: {error}") from error
        return ledger

    def set_speed(self, speed: float) -> None:
        """Set the simulated seconds per real second."""
        reply = self._session.post(f"{self.url}/_sim/clock", json={"speed": speed}, timeout=30)
        reply.raise_for_status()

    def order_fault(self, **fault: Any) -> None:
        """Add a fault, with the fields of ``POST /_sim/faults``."""
        reply = self._session.post(f"{self.url}/_sim/faults", json=fault, timeout=10)
        reply.raise_for_status()

    def media_type(self, url: str) -> str:
        """
        Fetch a track and return its media type.

        :param url: the track's ``audio_url``.
        :return: the media type, or the reason why there is none.
        """
        try:
            reply = self._session.get(url, timeout=10)
        except requests.RequestException as error:
            return str(error)
        return reply.headers.get("Content-Type", "unknown") if reply.ok else f"HTTP {reply.status_code}"

    def _start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "airflow_provider_suno.simulator",
            "--port",
            "0",
            "--speed",
            f"{self._speed}",
            *self._options,
        ]
        log = self.processes.start(_NAME, command, clean_environment(os.environ, self._home))
        deadline = time.monotonic() + self._start_timeout
        while not self.connection_env:
            self.connection_env = exported(log.read_text())
            self.check()
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"the simulator did not start. The end of {log}:\n{closing_lines(log)}")
            time.sleep(0.1)
        self.url = address(log.read_text())


def exported(output: str) -> dict[str, str]:
    """
    Read the ``export NAME=value`` lines that a program printed, as a shell would.

    :param output: what it printed so far; an unfinished last line does not count.
    """
    lines = [line for line in output.splitlines(keepends=True) if line.endswith("\n")]
    words = [word for line in lines if line.startswith(_EXPORT) for word in shlex.split(line[len(_EXPORT) :])]
    return dict(word.split("=", 1) for word in words if "=" in word)


def address(output: str) -> str:
    """
    Return the base URL in the simulator's output.

    :param output: its output, with at least one URL in it.
    """
    found = next(word for word in output.split() if word.startswith("http://"))
    return found.rstrip(".,/")
