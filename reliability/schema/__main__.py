"""
Send requests that schemathesis generates from the contract file to the simulator of each reseller.

Exit codes: 0 every reply was as the contract says; 1 one was not, or a call was never accepted; 2 the test could not
run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airflow_provider_suno.simulator import RunningSimulator, running_simulator
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from reliability.schema.reseller_contract import contract_of

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT_FILE = PROJECT / "docs" / "suno-openapi.yaml"
HOSTS = ("apikley", "kie", "sunoapi")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "what_the_schema_forbids_is_refused",
)
_SPEED = 1000.0
_ENOUGH = 10**9


@dataclass(frozen=True)
class Result:
    """
    What became of the requests to one reseller.

    :param cases: the requests that schemathesis generated and checked.
    :param failures: replies that are not as the contract says, as counted by schemathesis.
    :param errors: cases that could not be run.
    :param accepted: requests that were accepted.
    :param never_accepted: calls of the reseller of which no request was.
    :param failed: whether the run failed, for whatever reason.
    :param seconds: how long it took.
    """

    cases: int
    failures: int
    errors: int
    accepted: int
    never_accepted: tuple[str, ...]
    failed: bool
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """
    Run the test.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m reliability.schema", description="Hold the simulator against its contract, by schemathesis."
    )
    parser.add_argument("--schemathesis", type=Path, required=True, help="path of its command")
    parser.add_argument("--per-call", type=int, default=10, help="random requests per call, beside those of edge cases")
    parser.add_argument("--host", choices=HOSTS, action="append", help="one reseller only; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="makes the choice of requests repeatable")
    arguments = parser.parse_args(argv)
    document = yaml.safe_load(CONTRACT_FILE.read_text())
    results = {}
    for host in arguments.host or HOSTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                results[host] = _try_host(document, host, Path(folder), arguments)
            except (OSError, ValueError) as error:
                print(f"schemathesis did not run for {host}: {error}", file=sys.stderr)
                return 2
    _print_results(results)
    return int(any(result.failed for result in results.values()))


def _print_results(results: Mapping[str, Result]) -> None:
    columns = "{:10} {:>7} {:>9} {:>11} {:>7} {:>8}"
    print(columns.format("reseller", "cases", "accepted", "violations", "errors", "seconds"))
    for host, result in results.items():
        seconds = round(result.seconds)
        print(columns.format(host, result.cases, result.accepted, result.failures, result.errors, seconds))
        if result.never_accepted:
            print(f"  never accepted: {', '.join(result.never_accepted)}")
    print(f"{sum(result.cases for result in results.values())} cases in all")


def _try_host(document: dict[str, Any], host: str, folder: Path, arguments: argparse.Namespace) -> Result:
    contract, report, accepted_file = (folder / f"{name}.json" for name in ("contract", "report", "accepted"))
    contract.write_text(json.dumps(contract_of(document, host)))
    started = time.monotonic()
    with running_simulator(
        profile=host, speed=_SPEED, credits=_ENOUGH, submit_limit=None, read_limit=None, seed=arguments.seed
    ) as simulator:
        command = [
            *(str(arguments.schemathesis), "run", str(contract), "--url", simulator.url),
            *("--header", f"Authorization: Bearer {simulator.api_key}", "--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.per_call)),
            *("--seed", str(arguments.seed), "--continue-on-failure", "--no-shrink", "--no-color"),
            *("--generation-database", "none", "--request-timeout", "30", "--warnings", "off"),
            *("--report", "json", "--report-json-path", str(report)),
        ]
        environment = _environment(host, contract, accepted_file, simulator, arguments)
        print(f"--- {host}", flush=True)
        run = subprocess.run(command, cwd=folder, env=environment, check=False)
        expected = {f"{endpoint.method} {simulator.state.profile.path(endpoint)}" for endpoint in _endpoints(simulator)}
    accepted = Counter(json.loads(accepted_file.read_text()))
    counts = json.loads(report.read_text())["test_cases"]
    never_accepted = tuple(sorted(expected - accepted.keys()))
    return Result(
        cases=counts["generated"],
        failures=counts["unique_failures"],
        errors=counts["errored"],
        accepted=accepted.total(),
        never_accepted=never_accepted,
        failed=run.returncode != 0 or bool(never_accepted),
        seconds=time.monotonic() - started,
    )


def _environment(
    host: str, contract: Path, accepted: Path, simulator: RunningSimulator, arguments: argparse.Namespace
) -> dict[str, str]:
    return {
        **os.environ,
        "NO_PROXY": simulator.host,
        "PYTHONPATH": str(Path(__file__).parent),
        "SCHEMATHESIS_HOOKS": "hooks",
        "SUNO_ACCEPTED": str(accepted),
        "SUNO_CONTRACT": str(contract),
        "SUNO_HOST": host,
        "SUNO_KEY": simulator.api_key,
        "SUNO_SEED": str(arguments.seed),
        "SUNO_SIMULATOR": simulator.url,
    }


def _endpoints(simulator: RunningSimulator) -> list[Endpoint]:
    """Return the calls that the reseller has."""
    profile = simulator.state.profile
    return [endpoint for endpoint in Endpoint if profile.endpoint(endpoint.method, profile.path(endpoint)) is endpoint]


if __name__ == "__main__":
    sys.exit(main())
