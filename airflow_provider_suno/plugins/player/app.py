"""The player's own routes: its module with what belongs to it, kept files, and a page that says where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from airflow_provider_suno import __version__
from airflow_provider_suno.links.addresses import LIBRARY_ROUTE
from airflow_provider_suno.links.base_path import base_path
from airflow_provider_suno.plugins.player import kept_files

_STATIC = Path(__file__).parent / "static"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Suno music</title><body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto">
<h1>Suno music</h1><p>{why}</p></body></html>"""

_NO_PLUGINS = (
    "Your role may not see plugins, so Airflow shows neither the tab <em>Music</em> of a Dag run nor the library "
    "<em>Suno music</em>. Ask an administrator to give your role the permission <strong>can read</strong> on "
    "<strong>Plugins</strong>."
)
_TOO_OLD = "The player needs Airflow 3.1 or later. Airflow 3.0 has no place for it."


class _Static(StaticFiles):
    """The player's files, which browsers ask for again after an upgrade."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, FileResponse) and str(response.path).endswith(".js"):
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"  # whatever this machine maps it to
        return response


def make_app() -> FastAPI:
    """Return the player's routes as an application."""
    app = FastAPI(title="Suno player", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", _Static(directory=_STATIC), name="static")
    app.include_router(kept_files.router)
    kept_files.warn_of_wrong_roots()

    @app.get("/about")
    def tell_what_is_served(_user: GetUserDep) -> dict[str, Any]:
        """Tell the player whether kept files can be played at all."""
        return {"version": __version__, "kept_files": bool(kept_files.player_roots())}

    if not hasattr(AirflowPlugin, "react_apps"):
        # Nobody is asked for: Airflow 3.0 logs browsers in for its own pages only.
        @app.get("/")
        def say_that_there_is_none() -> Response:
            return HTMLResponse(_PAGE.format(why=_TOO_OLD), status_code=404)

        return app

    @app.get("/")
    def show_the_way(user: GetUserDep) -> Response:
        """Lead to the library, or say why there is none."""
        if not get_auth_manager().is_authorized_view(access_view=AccessView.PLUGINS, user=user):
            return HTMLResponse(_PAGE.format(why=_NO_PLUGINS), status_code=403)
        return RedirectResponse(f"{base_path()}/plugin/{LIBRARY_ROUTE}", status_code=302)

    return app
