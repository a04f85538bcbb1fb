"""A network of bytes: what is sent goes nowhere, and what a test lays out comes back, through the real HTTP stack."""

from __future__ import annotations

import io
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from airflow_provider_suno.client import SunoClient
from airflow_provider_suno.sessions import BoundedSession
from airflow_provider_suno.transport import BearerAuth, ClientSettings

BASE_URL = "http://api.example"


class _Socket:
    def __init__(self, reply: bytes) -> None:
        self._reply = reply

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._reply))  # type: ignore[arg-type]

    def ignore(self, *_: Any) -> None:
        pass

    sendall = settimeout = close = shutdown = ignore


def client_that_receives(reply: bytes, auth: BearerAuth) -> SunoClient:
    """Return a client to which the service answers with these bytes, status line and headers included."""

    class Connection(HTTPConnection):
        is_connected = False

        def _new_conn(self) -> Any:
            return _Socket(reply)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    def new_session() -> requests.Session:
        session = BoundedSession()
        session.trust_env = False
        adapter = HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = {"http": Pool}
        session.mount("http://", adapter)
        return session

    settings = ClientSettings(auth=auth, base_url=BASE_URL)
    return SunoClient(settings, sleep=lambda _: None, draw=lambda: 0.5, new_session=new_session)
