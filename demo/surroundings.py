"""The environment variables and the ports of the demo's processes."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_KEPT = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "LD_LIBRARY_PATH"})
_LOOPBACK = "127.0.0.1"


def clean_environment(outer: Mapping[str, str], home: Path) -> dict[str, str]:
    """
    Return a clean environment for a child process.

    It has none of the user's Airflow settings (``AIRFLOW_HOME``, ``AIRFLOW__*``, connections), Python settings and
    proxies: the demo talks to its own loopback ports only.

    :param outer: the environment that the demo was started in.
    :param home: folder to use as ``HOME`` and for temporary files.
    :return: the variables, ready for :class:`subprocess.Popen`.
    """
    kept = {name: value for name, value in outer.items() if name in _KEPT}
    programs = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join(filter(None, (programs, kept.get("PATH", os.defpath)))),
        # Airflow asks for the user's name, and a container's user may have none.
        "USER": kept.get("USER") or "suno-demo",
        "LOGNAME": kept.get("LOGNAME") or kept.get("USER") or "suno-demo",
        "HOME": str(home),
        "TMPDIR": str(home),
        "NO_PROXY": "*",
        "no_proxy": "*",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
    }


def airflow_settings(home: Path, dags_folder: Path, port: int) -> dict[str, str]:
    """
    Return the variables that configure a self-contained Airflow.

    :param home: its ``AIRFLOW_HOME``: database and task logs go there.
    :param dags_folder: where its Dag files are.
    :param port: port of its API server on the loopback interface.
    """
    url = f"http://{_LOOPBACK}:{port}"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # The default asks the name service, which may take long where there is no network.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        # A busy machine answers late; by default a task then fails within seconds, without a word in its log.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__API__HOST": _LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # Given rather than generated, so that no component waits for another one to write airflow.cfg.
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def reserve_port() -> int:
    """
    Return a free loopback port that the system gives to no other program for about a minute.

    A port that was only seen to be free may be taken by another program before ours listens on it. After a
    connection that the listening side closed, the system gives the port only to a program that asks for its number.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, 0))
        listener.listen(1)
        address = listener.getsockname()
        with socket.create_connection(address):
            accepted, _ = listener.accept()
            accepted.close()
    return int(address[1])
