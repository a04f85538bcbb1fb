"""Find the server programs that the tests need, or install Debian's packages that have them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

Find = Callable[[], Path | None]

_STEPS = (("apt-get", "update"), ("apt-get", "install", "--yes", "--no-install-recommends"))
_ADMINISTRATORS = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Folders of programs that a user's path may lack."""


def on_path(program: str) -> Path | None:
    """Return where a program is, None if it is not installed."""
    found = shutil.which(program) or shutil.which(program, path=_ADMINISTRATORS)
    return Path(found) if found else None


def found_or_installed(wanted: Mapping[str, Find], say: Callable[[str], None]) -> dict[str, Path | None]:
    """
    Find programs, or install the packages of those that are missing (root only).

    :param wanted: by the name of the package, what finds its program.
    :param say: called with a line before packages are installed.
    :return: what was found, by package; None where it cannot be found or installed.
    """
    missing = [package for package, find in wanted.items() if find() is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing Debian's {', '.join(missing)}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        update, install = _STEPS
        with suppress(subprocess.TimeoutExpired):
            for step in (update, (*install, *missing)):
                subprocess.run(step, env=quiet, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=180)
    return {package: find() for package, find in wanted.items()}
