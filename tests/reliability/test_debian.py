"""Debian's packages are installed without their services, and nothing of that is left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability import debian
from reliability.debian import found_or_installed

Install = Callable[[str], Path | None]


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "_POLICY", policy)
    return policy


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, policy: Path) -> Install:
    """Install a package by a program in apt-get's place, given its last line; return what was found afterwards."""
    (folder := tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def install(line: str) -> Path | None:
        apt_get = folder / "apt-get"
        apt_get.write_text(f'#!/bin/sh\n{policy}\necho "$* $?" >>{tmp_path}/steps\n{line}\n')
        apt_get.chmod(0o755)
        server = tmp_path / "server"
        return found_or_installed({"some-server": lambda: server if server.exists() else None}, print)["some-server"]

    return install


def steps(tmp_path: Path) -> list[str]:
    return (tmp_path / "steps").read_text().splitlines()


def test_packages_start_no_services(install: Install, policy: Path, tmp_path: Path) -> None:
    assert install(f"touch {tmp_path}/server") == tmp_path / "server"
    assert steps(tmp_path) == ["update 101", "install --yes --no-install-recommends some-server 101"]
    assert not policy.exists()


def test_the_policy_goes_also_when_apt_get_fails(install: Install, policy: Path, tmp_path: Path) -> None:
    assert install("exit 100") is None
    assert len(steps(tmp_path)) == 2
    assert not policy.exists()


def test_the_policy_goes_also_when_it_is_interrupted(
    install: Install, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert policy.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(debian.subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install("")
    assert not policy.exists()


def test_a_policy_of_the_machine_is_kept(install: Install, policy: Path, tmp_path: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 7\n")
    policy.chmod(0o755)
    install("")
    assert [step.rpartition(" ")[2] for step in steps(tmp_path)] == ["7", "7"]
    assert policy.read_text() == "#!/bin/sh\nexit 7\n"


def test_nothing_is_installed_that_is_there(install: Install, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "server").touch()
    assert install("") == tmp_path / "server"
    assert not (tmp_path / "steps").exists()
