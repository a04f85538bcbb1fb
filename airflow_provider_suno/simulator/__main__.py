"""Run the simulator from a shell: ``python -m airflow_provider_suno.simulator``."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import get_args

from airflow_provider_suno.simulator.embedding import RunningSimulator, running_simulator
from airflow_provider_suno.simulator.state.credits import DEFAULT_CREDITS
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, PROFILES
from airflow_provider_suno.simulator.state.service_state import DEFAULT_API_KEY
from airflow_provider_suno.simulator.state.settings import Callbacks


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run until SIGINT or SIGTERM.

    :param argv: arguments; those of the process if not given.
    :return: exit code: 0, or 1 if the simulator cannot listen on the address.
    """
    arguments = _parser().parse_args(argv)
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda _number, _frame: stop.set())
    try:
        with running_simulator(
            host=arguments.host,
            port=arguments.port,
            speed=arguments.speed,
            credits=arguments.credits,
            api_keys=arguments.api_key or (DEFAULT_API_KEY,),
            seed=arguments.seed,
            profile=arguments.profile,
            submit_limit=arguments.submit_limit,
            read_limit=arguments.read_limit,
            account_read_limit=arguments.account_read_limit,
            callbacks=arguments.callbacks,
        ) as simulator:
            print(_greeting(simulator), flush=True)
            stop.wait()
    except OSError as error:
        print(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_suno.simulator",
        description="A simulator of the Suno music API. Nothing is paid, and --speed sets how long songs take.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8321, help="port; 0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        help="simulated seconds per real second (default: %(default)s)",
    )
    parser.add_argument(
        "--credits",
        type=_credits,
        default=DEFAULT_CREDITS,
        help="balance of the account (default: %(default)s)",
    )
    parser.add_argument(
        "--api-key", action="append", help=f"key of the account; may be repeated (default: {DEFAULT_API_KEY})"
    )
    parser.add_argument(
        "--profile", choices=list(PROFILES), default=APIKLEY.name, help="reseller to simulate (default: %(default)s)"
    )
    for option, default, counted in (
        ("--submit-limit", 20, "submissions in 10 seconds"),
        ("--read-limit", 3, "polls of one job in a second"),
        ("--account-read-limit", None, "polls of all jobs in 10 seconds"),
    ):
        text = f"{counted}; off for no limit (default: {'off' if default is None else default})"
        parser.add_argument(option, type=_limit, default=default, metavar="N", help=text)
    parser.add_argument(
        "--callbacks",
        choices=get_args(Callbacks),
        default="loopback",
        help="where callbacks are sent: loopback to addresses of this machine only, any to any address;"
        " the ledger also lists those that are not sent (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, help="makes the ids repeatable")
    return parser


def _limit(text: str) -> int | None:
    if text == "off":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, or off")
    return int(text)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError("must be above 0")
    return speed


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must lie between 0 and 65535")
    return port


def _credits(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError("must be a number") from None
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return amount


def _greeting(simulator: RunningSimulator) -> str:
    return (
        f"Simulator of the Suno music API at {simulator.url} (ledger: {simulator.url}/_sim/ledger).\n"
        "To use it in Airflow, set its connection:\n"
        f"export AIRFLOW_CONN_SUNO_DEFAULT={shlex.quote(simulator.connection_json)}\n"
        "Ctrl-C stops it."
    )


if __name__ == "__main__":
    sys.exit(main())
