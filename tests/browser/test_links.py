"""The links of a task instance lead to what was made."""

from __future__ import annotations

import pytest

from airflow_provider_suno.links.addresses import PREFIX
from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import CHAIN, Deployment
from tests.support.browser.pages import open_links

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "media_type"), [("Audio", "audio/mpeg"), ("Cover", "image/jpeg"), ("Kept file", "audio/mpeg")]
)
def test_a_link_of_the_sensor_opens_what_was_made(
    name: str, media_type: str, watched: Watched, deployment: Deployment
) -> None:
    deployment.finish(CHAIN)
    page = watched.page
    open_links(page, deployment.airflow.url, f"{deployment.path_of(CHAIN)}/tasks/wait")
    link = page.get_by_role("link", name=name, exact=True)
    if name == "Kept file":  # Airflow opens its own addresses in the same tab
        link.click()
        page.wait_for_url(f"{deployment.airflow.url}{PREFIX}/**")
        address = page.url
    else:
        with page.expect_popup() as opened:
            link.click()
        address = opened.value.url
        assert address.startswith(deployment.simulator.url)
    found = page.request.get(address)
    assert found.headers["content-type"] == media_type
    assert found.body()
