"""Add the tables, roles and users of FAB's auth manager to a database. Run in Airflow's environment."""

from __future__ import annotations

from tests.support.browser.deployment import CHAIN, OTHER
from tests.support.browser.viewers import VIEWERS, Viewer

_OF_EVERYBODY = [("can_read", "Website")]
_OF_PLUGINS = [("can_read", "Plugins")]
_OF_A_RUN = [("can_read", name) for name in ("DAG Runs", "Task Instances", "DAG Code", "DAG Versions", "Task Logs")]


def main() -> None:
    """Make the tables, roles and users."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.providers.fab.auth_manager.models.db import FABDBManager
    from airflow.utils.session import create_session

    with create_session() as session:
        FABDBManager(session).initdb()
    with get_application_builder() as builder:
        manager = builder.sm
        for viewer in VIEWERS:
            role = manager.add_role(viewer.name)
            for action, resource in _permissions(viewer):
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
            names = {"first_name": viewer.name, "last_name": "viewer", "email": f"{viewer.name}@example.org"}
            assert manager.add_user(viewer.name, **names, role=role, password=viewer.password)


def _permissions(viewer: Viewer) -> list[tuple[str, str]]:
    dags = [("can_read", f"DAG:{dag_id}") for dag_id in (CHAIN, OTHER) if dag_id in viewer.dags]
    xcoms = [("can_read", "XComs")] if viewer.reads_xcoms else []
    plugins = _OF_PLUGINS if viewer.sees_plugins else []
    return [*_OF_EVERYBODY, *_OF_A_RUN, *dags, *xcoms, *plugins]


if __name__ == "__main__":
    main()
