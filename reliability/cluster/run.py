"""What a run of the cluster test does: rounds of songs with kills, then scenarios."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess
from reliability.cluster.confinement import confined
from reliability.cluster.deployment import RunningCluster
from reliability.cluster.memory import pss
from reliability.cluster.network import Loopback, Namespaces, Network
from reliability.cluster.programs import programs
from reliability.cluster.scenarios import SCENARIOS, chosen
from reliability.cluster.targets import ClusterTargets, Kind, plan
from reliability.cluster.testbed import SONG_SPEED, Row, Testbed
from reliability.killing import Killer
from reliability.round import SLOW_REPLY, Round, reattached
from reliability.verdict import Verdict

DAG_ID = "sixty_songs"
SONGS = 60
_OPTIONS = ("--credits", "1000000")
_TRIES = 3
"""How often a round is run until a kill met a submission and another one a wait."""
_FEWEST_KILLS = 10
"""In each round: the songs may end before all twelve planned kills, and then the next round begins with the rest."""


@dataclass
class Results:
    """
    What a run showed.

    :param killed: how often each kind was killed.
    :param total: the rounds' figures.
    :param rounds: how many rounds were run.
    :param reattached: how often a task re-attached to its job in the rounds.
    :param rows: one row per scenario.
    :param skipped: scenarios that cannot be run here.
    :param seconds_up: seconds until the cluster was up.
    :param memory: memory of all its processes then, in MiB; what several share counts once.
    """

    killed: Counter[str] = field(default_factory=Counter)
    total: Verdict = field(default_factory=Verdict)
    rounds: int = 0
    reattached: int = 0
    rows: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds_up: float = 0.0
    memory: float = 0.0

    @property
    def violations(self) -> list[str]:
        """One sentence per failed check."""
        nothing = ["none of it can be run here"] if self.skipped and not self.rows and not self.rounds else []
        of_rows = [f"{row.name}: {violation}" for row in self.rows for violation in row.verdict.violations]
        return [*nothing, *self.total.violations, *of_rows]


def run(home: Path, arguments: argparse.Namespace, results: Results) -> None:
    """
    Run what was asked for.

    :param home: folder for everything that is written.
    :param arguments: those of the command line.
    :param results: gets the results, one by one.
    """
    with ExitStack() as services:
        progress = services.enter_context(Progress(silence=20))
        network: Network = Namespaces() if confined() else Loopback()
        # Callbacks go to addresses of the namespaces alone: no way leads out of them.
        options = (*_OPTIONS, "--host", network.service(), *(("--callbacks", "any") if network.isolated else ()))
        simulator = services.enter_context(RunningSimulatorProcess(home / "simulator", SONG_SPEED, options=options))
        simulator.order_fault(path="/api/v1/generate", method="POST", kind="slow", seconds=SLOW_REPLY, times=None)
        found = {package: program for package, program in programs(print).items() if program}
        began = time.monotonic()
        cluster = services.enter_context(
            RunningCluster(home / "cluster", network, found, simulator.connection_env, partial(progress.say, "airflow"))
        )
        cluster.wait_for_dags(DAG_ID)
        results.seconds_up = time.monotonic() - began
        results.memory = sum(map(pss, cluster.all_processes()))
        progress.say("airflow", f"up after {results.seconds_up:.0f} s, {results.memory:.0f} MiB")
        targets = ClusterTargets(cluster, simulator.port)
        testbed = Testbed(cluster, simulator, targets, progress.say, arguments.timeout)
        services.callback(testbed.keep_ledger, home)
        if not arguments.scenario:
            _run_rounds(testbed, arguments, results)
        for name in chosen(arguments.scenario):
            testbed.name = name
            if SCENARIOS[name].cuts and not network.isolated:
                results.skipped.append(name)
                continue
            testbed.restore()
            row = SCENARIOS[name].run(testbed)
            row.name = name
            testbed.say(" | ".join(row.cells()))
            results.rows.append(row)


def _run_rounds(testbed: Testbed, arguments: argparse.Namespace, results: Results) -> None:
    home = testbed.cluster.home
    killer = Killer(testbed.targets, random.Random(arguments.seed))
    results.killed = killer.killed
    for number in range(1, arguments.rounds + 1):
        for _ in range(_TRIES):
            testbed.name = f"round {number}"
            killer.plan(plan(number))
            killed, found_again = killer.killed.total(), reattached(home)
            verdict = Round(testbed.cluster, testbed.simulator, killer, testbed.say, arguments.timeout, DAG_ID).run()
            killed, found_again = killer.killed.total() - killed, reattached(home) - found_again
            results.reattached += found_again
            results.rounds += 1
            results.total.add(verdict)
            testbed.say(
                f"over: {killed} kills, {verdict.lost_replies} lost replies, {found_again} re-attached, "
                f"{len(verdict.violations)} checks failed"
            )
            if verdict.lost_replies and found_again:
                break
        else:
            results.total.missing.append(f"round {number}: no lost reply or no re-attachment in {_TRIES} tries")
    fewest = _FEWEST_KILLS * arguments.rounds
    if killer.killed.total() < fewest:
        results.total.missing.append(f"only {killer.killed.total()} kills in {arguments.rounds} rounds, not {fewest}")
    if never := [kind for kind in Kind if not killer.killed[kind] and arguments.rounds > 2]:
        results.total.missing.append(f"never killed: {', '.join(never)}")
    if results.total.songs != SONGS * results.rounds:
        results.total.missing.append(f"{results.total.songs} songs and not {SONGS * results.rounds}")
