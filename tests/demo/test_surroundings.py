"""The user's settings do not affect the demo, and no other program gets its ports."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from demo.simulator_process import address, exported
from demo.surroundings import airflow_settings, clean_environment, reserve_port


@pytest.mark.parametrize(
    "name",
    [
        "AIRFLOW_HOME",
        "AIRFLOW_CONFIG",
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW_CONN_SUNO_DEFAULT",
        "PYTHONPATH",
        "PYTHONHOME",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "VIRTUAL_ENV",
    ],
)
def test_settings_of_the_user_are_left_out(name: str) -> None:
    assert name not in clean_environment({name: "/theirs", "PATH": "/bin"}, Path("/demo"))


def test_what_every_program_needs_is_kept() -> None:
    env = clean_environment({"PATH": "/bin", "LANG": "de_DE.UTF-8", "USER": "ada", "HOME": "/home/ada"}, Path("/demo"))
    assert env["PATH"].split(os.pathsep)[-1] == "/bin"
    assert (env["LANG"], env["USER"], env["LOGNAME"]) == ("de_DE.UTF-8", "ada", "ada")
    assert (env["HOME"], env["TMPDIR"], env["NO_PROXY"]) == ("/demo", "/demo", "*")


def test_a_user_without_a_name_gets_one() -> None:
    env = clean_environment({}, Path("/demo"))
    assert (env["USER"], env["LOGNAME"]) == ("suno-demo", "suno-demo")
    assert os.defpath in env["PATH"]


def test_this_airflow_uses_its_own_home_and_port() -> None:
    settings = airflow_settings(Path("/demo"), Path("/dags"), 4711)
    assert settings["AIRFLOW_HOME"] == "/demo"
    assert settings["AIRFLOW__CORE__DAGS_FOLDER"] == "/dags"
    assert settings["AIRFLOW__API__PORT"] == "4711"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:4711/execution/"


def test_two_airflows_share_no_secret() -> None:
    one, other = (airflow_settings(Path("/demo"), Path("/dags"), 1) for _ in range(2))
    secrets = ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY")
    assert all(one[name] != other[name] for name in secrets)


def test_a_reserved_port_is_given_to_no_other_program() -> None:
    port = reserve_port()
    assert port not in {reserve_port() for _ in range(50)}
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_simulators_output_is_read_as_a_shell_would() -> None:
    greeting = (
        "Simulator of the Suno music API at http://127.0.0.1:5 (ledger: http://127.0.0.1:5/_sim/ledger).\n"
        """export AIRFLOW_CONN_SUNO_DEFAULT='{"conn_type": "suno"}'\n"""
    )
    assert exported(greeting) == {"AIRFLOW_CONN_SUNO_DEFAULT": '{"conn_type": "suno"}'}
    assert address(greeting) == "http://127.0.0.1:5"


def test_an_unfinished_line_is_not_read() -> None:
    assert exported("export AIRFLOW_CONN_SUNO_DEFAULT='{\"conn_ty") == {}
