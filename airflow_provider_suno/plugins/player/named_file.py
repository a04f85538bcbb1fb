"""Which file an XCom of a task instance names, as Airflow's own API reads it: from the database."""

from __future__ import annotations

import json
from typing import Any

FILES_KEY = "files"
"""The XCom that lists kept files."""


class NotNamedError(Exception):
    """No XCom names such a file; the message says why."""


def named_uri(dag_id: str, run_id: str, task_id: str, map_index: int, index: int) -> str:
    """
    Return the URI of a kept file. Who asks must be allowed to read the XComs of this Dag.

    :param index: its number in the XCom ``files``, counted from 0.
    :raises NotNamedError: when there is no such XCom, or it has no such file.
    """
    value = _unpacked(_stored_value(dag_id, run_id, task_id, map_index))
    if value is None:
        raise NotNamedError(f"this task instance has no XCom {FILES_KEY!r}")
    if not isinstance(value, list):
        raise NotNamedError(f"the XCom {FILES_KEY!r} is no list in Airflow's database; an XCom backend may keep it")
    if not 0 <= index < len(value):
        raise NotNamedError(f"the XCom {FILES_KEY!r} has {len(value)} files, and none with the number {index}")
    uri = value[index].get("uri") if isinstance(value[index], dict) else None
    if not isinstance(uri, str):
        raise NotNamedError(f"number {index} of the XCom {FILES_KEY!r} has no uri")
    return uri


def _stored_value(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = select(XComModel.value).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.task_id == task_id,
        XComModel.map_index == map_index,
        XComModel.key == FILES_KEY,
    )
    with create_session() as session:
        return session.execute(query).scalars().first()


def _unpacked(value: Any) -> Any:
    """Return a value that was stored as the text of its JSON, as values set within Airflow are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
