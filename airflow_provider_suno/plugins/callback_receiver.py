"""
The plugin that lets Airflow's API server receive the service's callbacks at ``/suno/callback``.

Every Airflow process loads plugins, so nothing is imported here but what plugins need. The web application is made
when the first request comes, which only happens in an API server.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_suno.plugins.lazy_app import LazyApp


class SunoCallbackPlugin(AirflowPlugin):
    """Receive callbacks in Airflow's API server."""

    name = "suno_callbacks"
    fastapi_apps: list[Any] = [  # noqa: RUF012  # Airflow's own attribute
        {
            "app": LazyApp("airflow_provider_suno.plugins.callback_app"),
            "url_prefix": "/suno",
            "name": "Suno callbacks",
        }
    ]
