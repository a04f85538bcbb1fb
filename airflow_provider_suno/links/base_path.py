"""The path at which Airflow's UI is, such as ``/airflow`` behind a proxy."""

from __future__ import annotations

from urllib.parse import urlsplit


def base_path() -> str:
    """Return the path of ``[api] base_url`` without a slash at its end; empty at the root."""
    from airflow.configuration import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
