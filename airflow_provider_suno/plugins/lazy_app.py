"""An ASGI application that is made when the first request comes, which only happens in an API server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Message = MutableMapping[str, Any]


class LazyApp:
    """
    Stand for an application in Airflow's list of plugins, which every process loads.

    :param module: the module whose function ``make_app`` makes it.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._app: Any = None

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Handle a request."""
        if self._app is None:
            from importlib import import_module

            self._app = import_module(self._module).make_app()
        await self._app(scope, receive, send)
