"""
Find a Chromium for the browser tests, and install Debian's if there is none. Run by the Makefile.

Uses only the standard library. Prints the path of the browser, and everything else on standard error.

Exit codes: 0 its path was printed, or there is none and nothing is printed; 1 there is none on a build server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Chromium itself has no fonts, and shows boxes for letters where the system has none either.
_PACKAGES = ("chromium", "fonts-liberation")
# Another program may be installing something.
_WAIT = ("-o", "DPkg::Lock::Timeout=300")
_ADVICE = (
    "Chromium is needed. Install it, on Debian by `apt-get install chromium fonts-liberation`, or say where it is: "
    "SUNO_CHROMIUM=/path/to/chromium"
)


def find(environment: Mapping[str, str]) -> str | None:
    """
    Return the path of a Chromium.

    :param environment: its ``SUNO_CHROMIUM`` names another one than that on its ``PATH``.
    """
    if named := environment.get("SUNO_CHROMIUM"):
        return shutil.which(named)
    found = (shutil.which(name, path=environment.get("PATH")) for name in NAMES)
    return next(filter(None, found), None)


def may_install(environment: Mapping[str, str]) -> bool:
    """Return whether this user can install Debian's packages, and has not named a browser."""
    return "SUNO_CHROMIUM" not in environment and os.geteuid() == 0 and shutil.which("apt-get") is not None


def without(environment: Mapping[str, str]) -> int:
    """Say that there is none, and return the exit code for it."""
    on_a_build_server = bool(environment.get("CI"))
    print(_ADVICE if on_a_build_server else f"SKIPPED: {_ADVICE}", file=sys.stderr)
    return 1 if on_a_build_server else 0


def _install() -> None:
    """Install Debian's Chromium. A step that fails is printed; whether there is a browser is looked at afterwards."""
    print("Installing Debian's Chromium (once; about a minute)", file=sys.stderr, flush=True)
    options = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *_PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-q", *_WAIT, *step],
            env=options,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        if done.returncode:
            print(f"apt-get {' '.join(step)}:\n{done.stdout}{done.stderr}", file=sys.stderr)


def main() -> int:
    """Print the path of a Chromium."""
    found = find(os.environ)
    if not found and may_install(os.environ):
        _install()
        found = find(os.environ)
    if not found:
        return without(os.environ)
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
