"""A private PostgreSQL server, which can be killed and restarted, and is removed at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from demo.processes import ProcessFailedError, Service, closing_lines
from demo.surroundings import clean_environment, reserve_port
from reliability.debian import found_or_installed

NAME = "postgres"
PACKAGE = "postgresql"
_USER = "postgres"
_DEBIAN = Path("/usr/lib/postgresql")


def programs(say: Callable[[str], None]) -> Path | None:
    """
    Find PostgreSQL's server programs, or install Debian's package (root only).

    :param say: called with a line before the package is installed.
    :return: their folder; None if they cannot be found or installed.
    """
    return found_or_installed({PACKAGE: installed}, say)[PACKAGE]


def installed() -> Path | None:
    """Return the folder of PostgreSQL's server programs, None if there are none."""
    # Debian has one folder per version, which is not on the path.
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class RunningPostgres(Service):
    """
    Start an empty server on a free port; end it with the block.

    PostgreSQL refuses to run as root, so root runs it as the user ``postgres``.

    :param home: folder for its data and its log, which every user may enter; the caller removes it.
    :param programs: folder of its programs.
    :param start_timeout: seconds until it must answer.
    :param address: where it listens. Whoever reaches that address may connect, without a password.
    """

    def __init__(self, home: Path, programs: Path, start_timeout: float = 60.0, address: str = "127.0.0.1") -> None:
        super().__init__(home / "processes")
        self.address = address
        self.port = reserve_port()
        self._data = home / "postgres"
        self._programs = programs
        self._start_timeout = start_timeout
        self._env = clean_environment(os.environ, home)

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that make Airflow use this server."""
        return {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{self.place}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{self.place}",
        }

    @property
    def place(self) -> str:
        """User, address and name of its database, as the end of a URL."""
        return f"{_USER}@{self.address}:{self.port}/postgres"

    def check(self) -> None:
        """Restart the server if it has died, and wait until its recovery is done."""
        if self.processes.process(NAME) is None:
            self._serve()

    def _start(self) -> None:
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self._data, _USER)
        self._run("initdb", "--pgdata", str(self._data), "--username", _USER, "--auth", "trust", "--encoding", "UTF8")
        with (self._data / "pg_hba.conf").open("a") as allowed:
            allowed.write("host all all samenet trust\n")
        self._serve()

    def _serve(self) -> None:
        options = {
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            # A killed scheduler's workers keep its connections open, and with them its transaction's locks.
            "idle_in_transaction_session_timeout": "20s",
        }
        chosen = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = self.processes.start(NAME, self._command("postgres", "-D", str(self._data), *chosen), self._env)
        deadline = time.monotonic() + self._start_timeout
        while not self._answers():
            self.processes.check(NAME)
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"PostgreSQL did not start. The end of {log}:\n{closing_lines(log)}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        asked = subprocess.run(
            [self._programs / "pg_isready", "--quiet", "--host", self.address, "--port", str(self.port)],
            check=False,
            env=self._env,
        )
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), check=False, capture_output=True, text=True, env=self._env, cwd="/"
        )
        if done.returncode:
            raise ProcessFailedError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []
        return [*as_user, str(self._programs / program), *arguments]
