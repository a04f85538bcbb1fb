"""What Airflow sees of the package."""

from __future__ import annotations

import subprocess
import sys

from airflow_provider_suno.get_provider_info import get_provider_info
from airflow_provider_suno.hooks.connection import ConnectionExtras


def loaded_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(printed.stdout.split())


def test_the_metadata_loads_nothing_of_airflow() -> None:
    code = "from airflow_provider_suno.get_provider_info import get_provider_info; get_provider_info()"
    assert not {name for name in loaded_after(code) if name.split(".")[0] in ("airflow", "requests", "pydantic")}


def test_importing_the_public_modules_loads_nothing_heavy() -> None:
    public = ("hooks.suno", "operators.music", "operators.persona", "operators.files")
    waiting = ("sensors.music_task", "triggers.music_task")
    code = "; ".join(f"import airflow_provider_suno.{module}" for module in (*public, *waiting))
    airflows_own = (
        "from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseSensorOperator, conf; "
        "import airflow.triggers.base"
    )
    loaded, without_us = loaded_after(f"{airflows_own}; {code}"), loaded_after(airflows_own)
    assert "airflow_provider_suno.triggers.music_task" in loaded
    heavy = {"requests", "urllib3", "aiohttp", "httpx", "fastapi", "uvicorn"}
    needed_later = {"airflow.sdk.definitions.retry_policy"} | {
        f"airflow_provider_suno.{module}" for module in ("api.endpoints.wav", "api.media_types", "polling.outcome")
    }
    assert not (loaded - without_us) & (heavy | needed_later)


def test_the_form_has_a_field_for_each_extra() -> None:
    (connection_type,) = get_provider_info()["connection-types"]
    assert set(connection_type["conn-fields"]) == set(ConnectionExtras.model_fields)


def test_what_the_providers_page_shows_is_plain_text() -> None:
    description = get_provider_info()["description"]
    assert not set(description) & set("[]()<>`*_")


def test_airflow_finds_the_provider() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "airflow-provider-suno" in manager.providers
    hook = manager.hooks["suno"]
    assert hook is not None
    assert hook.hook_class_name == "airflow_provider_suno.hooks.suno.SunoHook"
    assert hook.connection_id_attribute_name == "suno_conn_id"
