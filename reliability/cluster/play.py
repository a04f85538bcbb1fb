"""Rounds of songs on the cluster, with kills."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess
from reliability.cluster.confinement import confined
from reliability.cluster.deployment import RunningCluster
from reliability.cluster.network import Loopback, Namespaces, Network
from reliability.cluster.programs import programs
from reliability.cluster.targets import ClusterTargets, plan
from reliability.killing import Killer
from reliability.round import Round
from reliability.verdict import Verdict

_SONG_SPEED = 6.0
_OPTIONS = ("--credits", "1000000")
_SLOW_REPLY = 0.7
"""Seconds until the service answers a submission, so that kills meet submissions."""
_REATTACHED = "re-attached to music task"


def play(home: Path, arguments: argparse.Namespace) -> list[str]:
    """Run what was asked for, and return the failed checks."""
    with ExitStack() as services:
        progress = services.enter_context(Progress(silence=20))
        network: Network = Namespaces() if confined() else Loopback()
        options = (*_OPTIONS, "--host", network.service())
        simulator = services.enter_context(RunningSimulatorProcess(home / "simulator", _SONG_SPEED, options=options))
        simulator.order_fault(path="/api/v1/generate", method="POST", kind="slow", seconds=_SLOW_REPLY, times=None)
        found = {package: program for package, program in programs(print).items() if program}
        began = time.monotonic()
        cluster = services.enter_context(
            RunningCluster(home / "cluster", network, found, simulator.connection_env, partial(progress.say, "airflow"))
        )
        cluster.wait_for_dags("sixty_songs")
        progress.say("airflow", f"up after {time.monotonic() - began:.0f} s")
        killer = Killer(ClusterTargets(cluster, simulator.port), random.Random(arguments.seed))
        total = Verdict()
        for number in range(1, arguments.rounds + 1):
            name = f"round {number}"
            killer.plan(plan(number))
            verdict = Round(
                cluster, simulator, killer, partial(progress.say, name), arguments.timeout, "sixty_songs"
            ).play()
            progress.say(name, f"over: {killer.killed}, {verdict}")
            total.add(verdict)
            (home / "ledger.json").write_text(json.dumps(simulator.ledger(), indent=1))
    return total.violations
