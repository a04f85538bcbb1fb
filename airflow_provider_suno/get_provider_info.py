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
        "description": "Whose dialect of the API it is.",
        "schema": {
            "type": ["string", "null"],
            "enum": ["apikley", "kie", "sunoapi", None],
            "values_display": {"apikley": "Apikley", "kie": "kie.ai", "sunoapi": "sunoapi.org", "null": "by base URL"},
            "default": None,
        },
    },
    "upload_url": {
        "label": "Upload URL",
        "description": "Where files are uploaded to, if not where the profile says.",
        "schema": {"type": ["string", "null"], "format": "url"},
    },
    "callback_url": {
        "label": "Callback URL",
        "description": "Where the service posts its progress. Empty: a name that resolves nowhere.",
        "schema": {"type": ["string", "null"], "format": "url"},
    },
    "callback_secret": {
        "label": "Callback secret",
        "description": "Will authenticate the service's posts; not used in this version.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "poll_limit": {
        "label": "Poll limit (reads per 10 s)",
        "description": "Looks at music tasks in 10 s that one triggerer may make; with several, each one's share.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "default": 100},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "true, false, or the path of a CA bundle.",
        "schema": {"type": ["string", "null"], "default": "true"},
    },
    "proxies": {
        "label": "Proxies",
        "description": 'One proxy URL, or one for each scheme: {"https": "http://proxy:3128"}.',
        # An object would get an editor that changes what one types.
        "schema": {"type": ["string", "null"]},
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the metadata of the provider."""
    return {
        "package-name": "airflow-provider-suno",
        "name": "Suno",
        "description": "Paid music jobs and personas of the Suno API, and waiting for them without holding workers.",
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
                "python-modules": [
                    f"{_PACKAGE}.operators.{module}" for module in ("conversions", "files", "music", "persona")
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Suno",
                "python-modules": [f"{_PACKAGE}.sensors.job", f"{_PACKAGE}.sensors.music_task"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Suno",
                "python-modules": [f"{_PACKAGE}.triggers.job", f"{_PACKAGE}.triggers.music_task"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "suno",
                "hook-class-name": f"{_PACKAGE}.hooks.suno.SunoHook",
                "hook-name": "Suno",
                "ui-field-behaviour": {
                    # The port stays: the Test button of Airflow 3.3.2 fails for connections stored without one.
                    "hidden-fields": ["schema", "login"],
                    "relabeling": {"password": "API key", "host": "Base URL"},
                    "placeholders": {
                        "host": "https://api.apikley.ru",
                        "password": "from app.apikley.ru/keys",
                        "port": "443",
                    },
                },
                "conn-fields": _CONNECTION_FIELDS,
            }
        ],
    }
