"""Unit tests use no socket and no sleep: what waits or connects fails."""

from __future__ import annotations

import socket
import time

import pytest

from airflow_provider_suno.journal import store as store_module


@pytest.fixture(autouse=True)
def _no_socket_and_no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a unit test neither sleeps nor connects")

    monkeypatch.setattr(time, "sleep", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def any_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the journal's writes before Airflow 3.3 too, which has no retention."""
    monkeypatch.setattr(store_module, "never_expire", lambda: None)
