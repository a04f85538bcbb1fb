"""Put what a task made into the events of the assets in its ``outlets``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.sdk import Asset
from airflow.sdk.definitions.asset import AssetRef


def add_to_outlet_events(context: Any, extra: Mapping[str, Any], log: Any) -> None:
    """
    Add to the ``extra`` of the events of a task's outlets; trouble is logged, since what was made is made.

    An alias has no event of its own, and other outlets have none at all.
    """
    for outlet in getattr(context.get("task"), "outlets", ()):
        if not isinstance(outlet, (Asset, AssetRef)):
            continue
        try:
            context["outlet_events"][outlet].extra |= extra
        except Exception as problem:  # noqa: BLE001
            log.warning("the event of the outlet %s does not carry what was made: %r", outlet, problem)
