"""The exit code is right, and the logs are kept only after a failure or on request."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import demo.__main__ as demo_main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _handlers_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _demo_that(monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    def demonstrate(home: Path, _speed: float) -> None:
        (home / "a.log").write_text("something")
        if error is not None:
            raise error

    monkeypatch.setattr(demo_main, "_demonstrate", demonstrate)


def test_success(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    _demo_that(monkeypatch)
    assert demo_main.main([]) == 0
    assert not list(folder.iterdir())


def test_the_logs_are_kept_on_request(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _demo_that(monkeypatch)
    assert demo_main.main(["--keep"]) == 0
    [home] = folder.iterdir()
    assert capsys.readouterr().out == f"Logs and database are in {home}\n"


def test_failure(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _demo_that(monkeypatch, demo_main.DemoFailedError("credits: nothing was charged"))
    assert demo_main.main([]) == 1
    [home] = folder.iterdir()
    assert (home / "a.log").exists()
    printed = capsys.readouterr().err
    more = "what a task's own log lacks is in processes/scheduler.log"
    assert printed == f"\nThe demo FAILED: credits: nothing was charged\n\nLogs are kept in {home}; {more}\n"


def test_a_bug_is_a_failure_too(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _demo_that(monkeypatch, ZeroDivisionError("oh"))
    with pytest.raises(ZeroDivisionError):
        demo_main.main([])
    [home] = folder.iterdir()
    assert f"Logs are kept in {home}" in capsys.readouterr().err


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    def demonstrate(_home: Path, _speed: float) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(demo_main, "_demonstrate", demonstrate)
    assert demo_main.main([]) == 128 + number
    assert not list(folder.iterdir())
    assert f"Ended by {number.name}; nothing is left running." in capsys.readouterr().out
