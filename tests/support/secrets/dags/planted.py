"""The control: a Dag that leaves a key wherever one can be left, which the sweep has to find."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import DAG, BaseHook, BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

KEY = os.environ["SWEEP_PLANTED"]


class TellingTrigger(BaseTrigger):
    """Take the key along, print it, and hand it back."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("planted.TellingTrigger", {"key": self.key})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        print(f"printed in the triggerer: {self.key}")
        self.log.warning("logged in the triggerer: %s", self.key)
        await asyncio.sleep(8)
        yield TriggerEvent({"key": self.key})


class LeavingOperator(BaseOperator):
    """Leave the key everywhere."""

    template_fields = ("text",)

    def __init__(self, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text

    def execute(self, context: Any) -> None:
        key = BaseHook.get_connection("suno_planted").password
        assert key == KEY, "Airflow masks what it knows to be a secret, unless it is told not to"
        print(f"printed: {key}")
        self.log.warning("logged: %s", key)
        context["task_state_store"].set("planted", {"key": key})
        context["ti"].xcom_push(key="raw", value={"key": key})
        context["ti"].xcom_push(key="base64", value=base64.b64encode(f"Bearer {key}".encode()).decode())
        subprocess.run([sys.executable, "-c", "import time; time.sleep(5)", key], check=True)
        self.defer(trigger=TellingTrigger(key), method_name="execute_complete")

    def execute_complete(self, context: Any, event: Any = None) -> None:
        raise RuntimeError(f"raised: {event['key']}")


with DAG("planted", schedule=None, doc_md=f"It is {KEY}."):
    LeavingOperator(task_id="leave", text="{{ dag_run.conf['key'] }}")
