"""
The plugin that adds the player to Airflow's UI, and its routes to the API server.

Every Airflow process loads plugins, so nothing is imported here but what plugins need. Airflow 3.0 knows no
``react_apps`` and shows no player.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_suno.links.addresses import LIBRARY_ROUTE, PREFIX, RUN_ROUTE
from airflow_provider_suno.plugins.lazy_app import LazyApp


class SunoPlayerPlugin(AirflowPlugin):
    """Play music in Airflow's UI."""

    name = "suno_player"
    fastapi_apps: list[Any] = [  # noqa: RUF012  # Airflow's own attribute
        {"app": LazyApp("airflow_provider_suno.plugins.player.app"), "url_prefix": PREFIX, "name": "Suno player"}
    ]

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # which only the API server asks for
        """The tab and the library, which are one module."""
        from airflow_provider_suno import __version__
        from airflow_provider_suno.links.base_path import base_path

        # Airflow 3.1 and 3.2 import the address as it is, so it has to begin with the base path.
        static = f"{base_path()}{PREFIX}/static"
        module = f"{static}/player.js?v={__version__}"
        icons = {"icon": f"{static}/icon.svg", "icon_dark_mode": f"{static}/icon_dark.svg"}
        return [
            {"name": "Music", "bundle_url": module, "destination": "dag_run", "url_route": RUN_ROUTE, **icons},
            {"name": "Suno music", "bundle_url": module, "destination": "nav", "url_route": LIBRARY_ROUTE, **icons},
        ]
