"""The Airflow connection to a simulator."""

from __future__ import annotations

from typing import Any

from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, HostProfile


def airflow_connection(url: str, api_key: str, profile: HostProfile) -> dict[str, Any]:
    """
    Return an Airflow connection. As JSON it is the value of an ``AIRFLOW_CONN_...`` variable.

    :param url: the simulator's base URL.
    :param api_key: a key of the account.
    """
    extra: dict[str, Any] = {"allow_private_media": True}  # its files are on this machine, like itself
    if profile is not APIKLEY:
        extra["profile"] = profile.name
    return {"conn_type": "suno", "host": url, "password": api_key, "extra": extra}
