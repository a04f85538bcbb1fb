"""The TCP connections of a process, in whatever network namespace it is."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

# Established, or closed by the service alone: a task that waits keeps its connection for the next poll, longer than
# the service does.
_OPEN = frozenset({"01", "08"})
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def is_connected(pid: int, port: int) -> bool:
    """
    Return whether a process has a connection to a port, which the other end may have closed.

    psutil looks into the tables of its own namespace, not into those of the process.
    """
    wanted = connected_sockets(_read(Path(f"/proc/{pid}/net/tcp")), port)
    return bool(wanted) and not wanted.isdisjoint(_sockets(Path(f"/proc/{pid}/fd")))


def connected_sockets(table: str, port: int) -> set[str]:
    """
    Return the inodes of the sockets that are connected to a port.

    :param table: content of a file such as ``/proc/net/tcp``.
    """
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[9] for row in rows if row[3] in _OPEN and row[2].endswith(f":{port:04X}")}


def _sockets(folder: Path) -> set[str]:
    found = set()
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                if match := _SOCKET.fullmatch(os.readlink(entry.path)):
                    found.add(match[1])
    return found


def _read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
