"""Find the server programs that the tests need, or install Debian's packages that have them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

Find = Callable[[], Path | None]

_STEPS = (("apt-get", "update"), ("apt-get", "install", "--yes", "--no-install-recommends"))
_ADMINISTRATORS = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Folders of programs that a user's path may lack."""

_POLICY = Path("/usr/sbin/policy-rc.d")
"""The program that Debian's packages ask whether they may start their services. 101 is its answer no."""


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
        with _without_services(), suppress(subprocess.TimeoutExpired):
            for step in (update, (*install, *missing)):
                subprocess.run(step, env=quiet, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=180)
    return {package: find() for package, find in wanted.items()}


@contextmanager
def _without_services() -> Iterator[None]:
    """Keep packages that are installed meanwhile from starting their services, unless the machine has a policy."""
    try:
        policy = _POLICY.open("x")
    except FileExistsError:
        yield
        return
    try:
        with policy:
            policy.write("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
