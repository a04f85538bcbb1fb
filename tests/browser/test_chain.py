"""The chain by clicks alone."""

from __future__ import annotations

import pytest

from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import CLICKED, Deployment
from tests.support.browser.pages import DagPage, state_badge

pytestmark = pytest.mark.browser

RUN_TIMEOUT = 180_000
"""Milliseconds."""


def test_the_chain_is_started_and_watched_in_the_ui(watched: Watched, deployment: Deployment) -> None:
    from playwright.sync_api import expect

    dag = DagPage(watched.page, deployment.airflow.url, CLICKED)
    dag.unpause()
    dag.trigger()
    expect(state_badge(watched.page, "Success")).to_be_visible(timeout=RUN_TIMEOUT)
    rows = watched.page.get_by_test_id("main-content").get_by_role("row")
    expect(rows.filter(has_text="Success")).to_have_count(5)
