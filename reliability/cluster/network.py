"""Where the parts of the cluster listen: network namespaces on one bridge, or ports of the loopback interface."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Protocol

_BRIDGE = "hub"
_SERVICES = "10.99.0"
_MACHINES = "10.99.1"
_NOBODY = "02:00:00:00:00:01"
"""A hardware address that nobody has."""


class Network(Protocol):
    """The addresses of the parts, and what can be done to the connections between them."""

    isolated: bool
    """Whether one part can be cut off from another."""

    def service(self) -> str:
        """Return a further address for something that all parts reach, such as a database."""

    def machine(self, name: str) -> str:
        """Return the address of a part of Airflow."""

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs a program on a machine."""

    def cut(self, machine: str, address: str) -> None:
        """Let everything vanish that a machine sends to an address."""

    def mend(self) -> None:
        """Undo all cuts."""


class Loopback:
    """All parts on one address."""

    isolated = False

    def service(self) -> str:
        """Return the loopback address."""
        return "127.0.0.1"

    def machine(self, name: str) -> str:  # noqa: ARG002 - as Network has it
        """Return the loopback address."""
        return "127.0.0.1"

    def command(self, machine: str, command: Sequence[str]) -> list[str]:  # noqa: ARG002 - as Network has it
        """Return the command as it is."""
        return list(command)

    def cut(self, machine: str, address: str) -> None:
        """Refuse: there is nothing to cut."""
        raise NotImplementedError(f"{machine} cannot be cut off from {address} without namespaces")

    def mend(self) -> None:
        """Do nothing: nothing was cut."""


class Namespaces:
    """
    A network namespace for each machine, and a bridge between them, which has the services' addresses.

    Must run in a network namespace of its own, with which all of this ends.
    """

    isolated = True

    def __init__(self) -> None:
        self._services = 0
        self._machines: dict[str, str] = {}
        self._cuts: list[tuple[str, str]] = []
        _ip("link", "add", "name", _BRIDGE, "type", "bridge")
        _ip("link", "set", _BRIDGE, "up")

    def service(self) -> str:
        """Return a further address of the bridge."""
        self._services += 1
        address = f"{_SERVICES}.{self._services}"
        _ip("addr", "add", f"{address}/16", "dev", _BRIDGE)
        return address

    def machine(self, name: str) -> str:
        """Return the address of a machine; make the machine at the first call."""
        if name not in self._machines:
            number = len(self._machines) + 1
            address = f"{_MACHINES}.{number}"
            link = f"v{number}"
            _ip("netns", "add", name)
            _ip("link", "add", "name", link, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", link, "master", _BRIDGE, "up")
            for command in (
                ("link", "set", "lo", "up"),
                ("addr", "add", f"{address}/16", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
            ):
                _ip("-netns", name, *command)
            self._machines[name] = address
        return self._machines[name]

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs a program in a machine's namespace, as the same process."""
        self.machine(machine)
        return ["ip", "netns", "exec", machine, *command]

    def cut(self, machine: str, address: str) -> None:
        """Send what the machine has for an address to a hardware address that nobody has: it vanishes silently."""
        _ip("-netns", machine, "neigh", "replace", address, "lladdr", _NOBODY, "nud", "permanent", "dev", "eth0")
        self._cuts.append((machine, address))

    def mend(self) -> None:
        """Let each machine find out the true hardware addresses again."""
        while self._cuts:
            machine, address = self._cuts.pop()
            _ip("-netns", machine, "neigh", "del", address, "dev", "eth0")


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True)
