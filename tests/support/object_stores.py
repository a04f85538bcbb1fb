"""Servers that stand in for object stores, and ``s3://`` or ``gs://`` that leads to them for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from airflow.sdk.io import attach
from airflow.sdk.io.store import _STORE_CACHE


@contextmanager
def attached(scheme: str, files: Any) -> Iterator[None]:
    """Let addresses of this scheme lead to this filesystem; Airflow itself would keep to the first one."""
    before = _STORE_CACHE.pop(scheme, None)
    attach(scheme, fs=files)
    try:
        yield
    finally:
        del _STORE_CACHE[scheme]
        if before:
            _STORE_CACHE[scheme] = before


@contextmanager
def s3_server(bucket: str) -> Iterator[tuple[Any, str]]:
    """Run a server with one bucket that ``s3://`` leads to; yield the filesystem that reaches it, and its address."""
    s3fs = pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    files = s3fs.S3FileSystem(
        key="key", secret="secret", client_kwargs={"endpoint_url": address, "region_name": "eu-west-1"}
    )
    try:
        files.mkdir(bucket, region_name="eu-west-1")
        with attached("s3", files):
            yield files, address
    finally:
        requests.post(f"{address}/moto-api/reset", timeout=10)
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()  # else other tests get this server's filesystem for s3://
