"""The provider's metadata, as Airflow's discovery reads it; imports nothing of Airflow."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_suno"

_CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "timeout": {
        "label": "Timeout (s)",
        "description": "Seconds without a byte before a reply counts as lost.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 600, "default": 30},
    },
    "profile": {
        "label": "Host profile",
        "description": "Whose dialect of the API it is. Leave it empty to go by the base URL.",
        "schema": {"type": ["string", "null"], "enum": ["apikley", "kie", "sunoapi", None], "default": None},
    },
    "callback_url": {
        "label": "Callback URL",
        "description": "Where the service posts its progress. Empty: a name that resolves nowhere.",
        "schema": {"type": ["string", "null"], "format": "url"},
    },
    "callback_secret": {
        "label": "Callback secret",
        "description": "Authenticates the service's posts.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "poll_limit": {
        "label": "Poll limit (reads per 10 s)",
        "description": "Record reads per 10 s and triggerer process.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "default": 100},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "true, false, or the path of a CA bundle.",
        "schema": {"type": ["string", "null"], "default": "true"},
    },
    "proxies": {
        "label": "Proxies",
        "description": 'Proxy URL by scheme, such as {"https": "http://proxy:3128"}.',
        "schema": {"type": ["object", "null"]},
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the metadata of the provider."""
    return {
        "package-name": "airflow-provider-suno",
        "name": "Suno",
        "description": "Music jobs and personas of the [Suno API](https://docs.apikley.ru/).",
        "integrations": [
            {
                "integration-name": "Suno",
                "external-doc-url": "https://docs.apikley.ru/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "Suno", "python-modules": [f"{_PACKAGE}.hooks.suno"]}],
        "operators": [
            {
                "integration-name": "Suno",
                "python-modules": [f"{_PACKAGE}.operators.music", f"{_PACKAGE}.operators.persona"],
            }
        ],
        "sensors": [{"integration-name": "Suno", "python-modules": [f"{_PACKAGE}.sensors.music_task"]}],
        "triggers": [{"integration-name": "Suno", "python-modules": [f"{_PACKAGE}.triggers.music_task"]}],
        "connection-types": [
            {
                "connection-type": "suno",
                "hook-class-name": f"{_PACKAGE}.hooks.suno.SunoHook",
                "hook-name": "Suno",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port", "login"],
                    "relabeling": {"password": "API key", "host": "Base URL"},
                    "placeholders": {"host": "https://api.apikley.ru", "password": "from app.apikley.ru/keys"},
                },
                "conn-fields": _CONNECTION_FIELDS,
            }
        ],
    }
