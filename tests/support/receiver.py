"""Airflow's API server as far as callbacks go: the plugin's application, mounted as Airflow mounts it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_suno.api.callback import CallbackToken
from airflow_provider_suno.api.callback_url import with_token
from airflow_provider_suno.plugins.lazy_app import LazyApp

SECRET = "a-secret-for-callbacks"


@dataclass
class Receiver:
    """The receiver's address, below a base path."""

    url: str
    base_path: str
    certificate: Path | None = None
    """What a sender must trust, where the receiver speaks HTTPS."""

    @property
    def callback_url(self) -> str:
        """The receiver's own URL."""
        return f"{self.url}{self.base_path}/suno/callback"

    def post(self, token: str | None, body: Any = None, **headers: str) -> requests.Response:
        """Send a callback; a body that is no bytes is sent as JSON."""
        url = self.callback_url if token is None else with_token(self.callback_url, token)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(url, content, headers=headers, timeout=30, verify=self.certificate or True)

    def tell(self, token: CallbackToken, job_id: str, stage: str = "complete") -> requests.Response:
        """Send a callback as the service does."""
        data = {"callbackType": stage, "task_id": job_id, "data": []}
        return self.post(token.signed(SECRET), {"code": 200, "msg": "ok", "data": data})


@contextmanager
def receiver(base_path: str = "", certificate: Path | None = None) -> Iterator[Receiver]:
    """Run the receiver; with HTTPS where a certificate (and its key) is given."""
    app = Starlette(routes=[Mount(f"{base_path}/suno", LazyApp("airflow_provider_suno.plugins.callback_app"))])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", ssl_certfile=certificate)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        scheme = "https" if certificate else "http"
        yield Receiver(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", base_path, certificate)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def token_in(url: str) -> str:
    """Return the token in the callback URL of a request."""
    return urlsplit(url).query.partition("suno_token=")[2]


def self_signed(folder: Path) -> Path:
    """Write a certificate for this machine, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "receiver.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem))
    return path
