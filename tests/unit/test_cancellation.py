"""A request to stop ends pauses and breaks off what is registered."""

from __future__ import annotations

import time

import pytest

from airflow_provider_suno.http.cancellation import Cancellation


def test_a_pause_sleeps_in_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    Cancellation().pause(2.5)
    assert slept == [1.0, 1.0, 0.5]


def test_a_request_ends_a_pause_after_the_nap(monkeypatch: pytest.MonkeyPatch) -> None:
    cancellation = Cancellation()
    slept: list[float] = []

    def interrupted(seconds: float) -> None:
        slept.append(seconds)
        cancellation.request()

    monkeypatch.setattr(time, "sleep", interrupted)
    cancellation.pause(60)
    cancellation.pause(60)
    assert slept == [1.0]


def test_a_request_breaks_off_only_what_is_running() -> None:
    cancellation = Cancellation()
    broken_off: list[str] = []
    with cancellation.breaking_off(lambda: broken_off.append("earlier")):
        pass
    with cancellation.breaking_off(lambda: broken_off.append("running")):
        cancellation.request()
    assert broken_off == ["running"]
    assert cancellation.requested
