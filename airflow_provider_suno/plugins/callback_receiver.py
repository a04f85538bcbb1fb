"""
The plugin that lets Airflow's API server receive the service's callbacks at ``/suno/callback``.

Every Airflow process loads plugins, so nothing is imported here but what plugins need. The web application is made
when the first request comes, which only happens in an API server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

_Message = MutableMapping[str, Any]


class LazyReceiver:
    """The receiver as an ASGI application that is made when it is needed."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Handle a request."""
        if self._app is None:
            from airflow_provider_suno.plugins.callback_app import make_app

            self._app = make_app()
        await self._app(scope, receive, send)


class SunoCallbackPlugin(AirflowPlugin):
    """Receive callbacks in Airflow's API server."""

    name = "suno_callbacks"
    fastapi_apps: list[Any] = [  # noqa: RUF012  # Airflow's own attribute
        {"app": LazyReceiver(), "url_prefix": "/suno", "name": "Suno callbacks"}
    ]
