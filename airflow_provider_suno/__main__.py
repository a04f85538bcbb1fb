"""
Commands of the provider: ``python -m airflow_provider_suno callback-url --conn-id suno_default``.

``callback-url`` prints a callback URL for jobs that are ordered outside of Airflow. When such a song is finished, the
asset ``music("suno_default")`` gets an event, and the Dags that are scheduled on it start. The URL holds no key, but
who has it can make Airflow read the record of a job: treat it as you would a password.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence

from airflow_provider_suno.api.callback import CallbackToken
from airflow_provider_suno.api.callback_url import with_token
from airflow_provider_suno.exceptions import SunoError, SunoValidationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_suno")
    commands = parser.add_subparsers(required=True, dest="command")
    command = commands.add_parser("callback-url", help="print a callback URL for songs ordered outside of Airflow")
    command.add_argument("--conn-id", default="suno_default", help="the Airflow connection (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        print(callback_url(options.conn_id))  # noqa: T201
    except SunoError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def callback_url(suno_conn_id: str) -> str:
    """
    Return a callback URL for music that is ordered outside of Airflow.

    :param suno_conn_id: the connection whose account the music is ordered with.
    :raises SunoValidationError: when the connection lacks the callback URL or the secret.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_suno.hooks.connection import no_connection
    from airflow_provider_suno.hooks.suno import SunoHook

    try:
        callbacks = SunoHook(suno_conn_id).settings.callbacks
    except AirflowNotFoundException as missing:
        raise SunoValidationError(no_connection(suno_conn_id, missing)) from missing
    if not callbacks.secrets:
        raise SunoValidationError(
            f"Connection {suno_conn_id!r} needs the extras callback_url (this Airflow's public address) and "
            "callback_secret (a long random text)."
        )
    return with_token(callbacks.url, callbacks.sign(CallbackToken(suno_conn_id, "music", secrets.token_urlsafe(12))))


if __name__ == "__main__":
    sys.exit(main())
