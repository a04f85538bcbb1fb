"""A connection is made, tested and mended by the form of the UI."""

from __future__ import annotations

import json

import pytest

from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import Deployment
from tests.support.browser.pages import Connections

pytestmark = pytest.mark.browser

CONN_ID = "suno_form"
EXTRAS = {"callback_url": "https://airflow.example.org", "callback_secret": "a secret", "allow_private_media": "true"}


def test_a_wrong_key_is_named_and_the_right_one_works(watched: Watched, deployment: Deployment) -> None:
    simulator = deployment.simulator
    connections = Connections(watched.page, deployment.airflow.url)
    fields = {"Base URL": simulator.url, "Port": str(simulator.port), "API key": "not-the-key"}
    connections.add(CONN_ID, fields, EXTRAS, {"Host profile": "Apikley"})

    said = connections.test(CONN_ID, "Test Connection Failed")
    assert "The API key was refused" in said
    assert "'API key' in its form" in said

    connections.edit(CONN_ID, {"API key": simulator.api_key})
    said = connections.test(CONN_ID, "Test Connection Successful")
    assert "The API key works; the account has" in said
    assert watched.complaints == []


def test_the_fields_of_the_form_are_stored(watched: Watched, deployment: Deployment) -> None:
    connections = Connections(watched.page, deployment.airflow.url)
    connections.add("suno_stored", {"API key": "a key"}, EXTRAS, {"Host profile": "kie.ai"})
    stored = watched.page.request.get(f"{deployment.airflow.url}/api/v2/connections/suno_stored").json()
    assert stored["conn_type"] == "suno"
    assert "a key" not in json.dumps(stored)
    extra = json.loads(stored["extra"])
    assert extra["callback_secret"] == "***"  # Airflow's mask
    given = {name: extra[name] for name in ("callback_url", "allow_private_media", "profile")}
    assert given == {"callback_url": EXTRAS["callback_url"], "allow_private_media": "true", "profile": "kie"}
