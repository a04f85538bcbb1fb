"""The server programs of the cluster: found, or installed from Debian's packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from reliability import postgres
from reliability.cluster import balancer, redis
from reliability.debian import found_or_installed, on_path


def programs(say: Callable[[str], None]) -> dict[str, Path | None]:
    """
    Find the programs.

    :param say: called with a line before packages are installed.
    :return: by package; None where it cannot be found or installed.
    """
    return found_or_installed(
        {
            postgres.PACKAGE: postgres.installed,
            redis.PACKAGE: partial(on_path, redis.PROGRAM),
            balancer.PACKAGE: partial(on_path, balancer.PROGRAM),
        },
        say,
    )
