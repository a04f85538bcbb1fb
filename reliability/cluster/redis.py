"""A private Redis, the broker of Celery."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

from demo.processes import ProcessFailedError, Service, closing_lines
from demo.surroundings import clean_environment, reserve_port

NAME = "redis"
PACKAGE = "redis-server"
PROGRAM = "redis-server"


class RunningRedis(Service):
    """
    Start an empty server on a free port; end it with the block.

    :param home: folder for its data and its log; the caller removes it.
    :param program: the server.
    :param address: where it listens.
    """

    def __init__(self, home: Path, program: Path, address: str) -> None:
        super().__init__(home / "processes")
        self._keeps_data = True
        self.address = address
        self.port = reserve_port()
        self._data = home / "redis"
        self._program = program
        self._env = clean_environment(os.environ, home)

    @property
    def url(self) -> str:
        """The broker's URL."""
        return f"redis://{self.address}:{self.port}/0"

    def lose_data(self) -> None:
        """Let the next restart find nothing, as without persistence; otherwise it finds the append-only file."""
        self._keeps_data = False

    def check(self) -> None:
        """Restart the server if it has died, and wait until it answers."""
        if self.processes.process(NAME) is None:
            if not self._keeps_data:
                shutil.rmtree(self._data)
                self._keeps_data = True
            self._start()

    def _start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": self.address,
            "port": f"{self.port}",
            "dir": f"{self._data}",
            "protected-mode": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
        }
        chosen = [part for name, value in options.items() for part in (f"--{name}", value)]
        log = self.processes.start(NAME, [str(self._program), *chosen], self._env)
        deadline = time.monotonic() + 30
        while not self._answers():
            self.processes.check(NAME)
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"Redis did not start. The end of {log}:\n{closing_lines(log)}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection((self.address, self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False
