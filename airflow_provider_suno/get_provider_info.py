"""The provider's metadata for Airflow's discovery. Imports nothing of Airflow."""

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
        "description": "Which host it is: hosts differ in models, limits and codes.",
        "schema": {
            "type": ["string", "null"],
            "enum": ["apikley", "kie", "sunoapi", None],
            "values_display": {"apikley": "Apikley", "kie": "kie.ai", "sunoapi": "sunoapi.org", "null": "by base URL"},
            "default": None,
        },
    },
    "upload_url": {
        "label": "Upload URL",
        "description": "Where files are uploaded to. Empty: the profile's address.",
        "schema": {"type": ["string", "null"], "format": "url"},
    },
    "callback_url": {
        "label": "Callback URL",
        "description": "This Airflow's public address, with a callback secret; or your own. Empty: posts go nowhere.",
        "schema": {"type": ["string", "null"], "format": "url"},
    },
    "callback_secret": {
        "label": "Callback secret",
        "description": "Signs callback URLs, if the callback URL is this Airflow's address. Commas separate several.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "webhook_hmac_secret": {
        "label": "Webhook key (kie.ai)",
        "description": "Checks kie.ai's own signature of callbacks, too.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "poll_limit": {
        "label": "Poll limit (polls per 10 s)",
        "description": "Polls that one triggerer may make in 10 s. With several triggerers, give each its share.",
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
        # For an object the form would show an editor that changes the input.
        "schema": {"type": ["string", "null"]},
    },
    "allow_private_media": {
        "label": "Allow private media hosts",
        "description": "true fetches finished files from private addresses too, as from a simulator or your gateway.",
        "schema": {"type": ["string", "null"], "default": "false"},
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the metadata of the provider."""
    return {
        "package-name": "airflow-provider-suno",
        "name": "Suno",
        "description": "Submit paid music jobs to the Suno API, wait for them without holding workers, make personas.",
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
                    f"{_PACKAGE}.operators.{module}"
                    for module in ("conversions", "files", "lyrics", "music", "persona", "style", "voice")
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Suno",
                "python-modules": [f"{_PACKAGE}.sensors.{module}" for module in ("credits", "job", "music_task")],
            }
        ],
        "triggers": [
            {
                "integration-name": "Suno",
                "python-modules": [f"{_PACKAGE}.triggers.job", f"{_PACKAGE}.triggers.music_task"],
            }
        ],
        "extra-links": [f"{_PACKAGE}.links.suno.{name}Link" for name in ("Log", "Audio", "Video", "Cover", "KeptFile")],
        "asset-uris": [
            {
                "schemes": ["suno"],
                "handler": f"{_PACKAGE}.assets.suno.sanitize_uri",
                "factory": f"{_PACKAGE}.assets.suno.create_asset",
                "to_openlineage_converter": f"{_PACKAGE}.assets.suno.convert_asset_to_openlineage",
            }
        ],
        "config": {
            "suno": {
                "description": "Settings of the Suno provider.",
                "options": {
                    "player_roots": {
                        "description": (
                            "Folders whose audio files the music player may serve, separated by commas: local paths, "
                            "or URLs such as s3://aws_default@bucket/songs. The API server reads the files. "
                            "Empty: none are served."
                        ),
                        "version_added": "0.3.0",
                        "type": "string",
                        "example": "/data/songs, s3://aws_default@bucket/songs",
                        "default": "",
                    },
                },
            },
        },
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
