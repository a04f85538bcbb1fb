"""Airflow's API server as far as callbacks go: the plugin's application, mounted as Airflow mounts it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_suno.api.callback import CallbackToken, with_token
from airflow_provider_suno.plugins.callback_receiver import LazyReceiver

SECRET = "a-secret-for-callbacks"


@dataclass
class Receiver:
    """The receiver's address, below a base path."""

    url: str
    base_path: str

    @property
    def callback_url(self) -> str:
        """The receiver's own URL."""
        return f"{self.url}{self.base_path}/suno/callback"

    def post(self, token: str | None, body: Any = None, **headers: str) -> requests.Response:
        """Send a callback; a body that is no bytes is sent as JSON."""
        url = self.callback_url if token is None else with_token(self.callback_url, token)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(url, content, headers=headers, timeout=30)

    def tell(self, token: CallbackToken, job_id: str, stage: str = "complete") -> requests.Response:
        """Send a callback as the service does."""
        data = {"callbackType": stage, "task_id": job_id, "data": []}
        return self.post(token.signed(SECRET), {"code": 200, "msg": "ok", "data": data})


@contextmanager
def receiver(base_path: str = "") -> Iterator[Receiver]:
    """Run the receiver."""
    app = Starlette(routes=[Mount(f"{base_path}/suno", LazyReceiver())])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}", base_path)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def token_in(url: str) -> str:
    """Return the token in the callback URL of a request."""
    return urlsplit(url).query.partition("suno_submission=")[2]
