"""The browser tests find a Chromium, or say what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.chromium import find, without


def program(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return str(file)


def test_the_browser_that_is_named_comes_first(tmp_path: Path) -> None:
    named, found = program(tmp_path / "elsewhere", "browser"), program(tmp_path / "bin", "google-chrome")
    path = {"PATH": str(tmp_path / "bin")}
    assert find({**path, "SUNO_CHROMIUM": named}) == named
    assert find(path) == found
    assert find({"PATH": str(tmp_path / "elsewhere")}) is None


def test_a_named_browser_that_is_missing_is_not_replaced(tmp_path: Path) -> None:
    program(tmp_path, "chromium")
    assert find({"PATH": str(tmp_path), "SUNO_CHROMIUM": str(tmp_path / "none")}) is None


@pytest.mark.parametrize(("environment", "code"), [({}, 0), ({"CI": "true"}, 1)])
def test_without_a_browser_only_a_build_server_fails(
    environment: dict[str, str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert without(environment) == code
    said = capsys.readouterr().err
    assert said.startswith("SKIPPED: ") == (code == 0)
    assert "apt-get install chromium" in said
