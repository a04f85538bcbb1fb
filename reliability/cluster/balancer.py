"""A haproxy in front of the API servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from demo.processes import Service
from demo.surroundings import clean_environment, reserve_port

NAME = "haproxy"
PACKAGE = "haproxy"
PROGRAM = "haproxy"

# A server that is gone gets no further request a second later, and a connection that it refuses goes to the other one.
_CONFIG = """
global
  maxconn 2000
defaults
  mode http
  timeout connect 2s
  timeout client 120s
  timeout server 120s
  timeout check 10s
  option redispatch 1
  retries 3
  retry-on conn-failure
listen api
  bind {address}:{port}
  balance roundrobin
  option httpchk GET /api/v2/version
  default-server check inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""


class RunningBalancer(Service):
    """
    Start a haproxy; end it with the block.

    :param home: folder for its configuration and its log; the caller removes it.
    :param program: the server.
    :param address: where it listens.
    :param servers: the API servers, ``address:port`` by name.
    """

    def __init__(self, home: Path, program: Path, address: str, servers: Mapping[str, str]) -> None:
        super().__init__(home / "processes")
        self.address = address
        self.port = reserve_port()
        self._home = home
        self._program = program
        self._servers = servers

    @property
    def url(self) -> str:
        """The base URL of Airflow's API."""
        return f"http://{self.address}:{self.port}"

    def check(self) -> None:
        """Start it again if it has died."""
        if self.processes.process(NAME) is None:
            self._start()

    def _start(self) -> None:
        servers = "\n".join(f"  server {name} {place}" for name, place in self._servers.items())
        config = self._home / "haproxy.cfg"
        config.write_text(_CONFIG.format(address=self.address, port=self.port, servers=servers))
        command = [str(self._program), "-db", "-f", str(config)]
        self.processes.start(NAME, command, clean_environment(os.environ, self._home))
