"""What viewers with few rights see and hear of it, in an Airflow under a path."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_suno.links.addresses import PREFIX, kept_file_path
from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import CHAIN, OTHER, PATH, ApiServerWithRoles, Deployment
from tests.support.browser.pages import log_in
from tests.support.browser.player import Player
from tests.support.browser.viewers import LISTENER, STRANGER, WITHOUT_PLUGINS, WITHOUT_XCOMS, Viewer

pytestmark = pytest.mark.browser

LogIn = Callable[[Viewer], tuple[Player, Watched]]


@pytest.fixture
def logged_in(open_page: Callable[[], Watched], server_with_roles: ApiServerWithRoles, deployment: Deployment) -> LogIn:
    deployment.finish(CHAIN, OTHER)

    def log_in_as(viewer: Viewer) -> tuple[Player, Watched]:
        watched = open_page()
        log_in(watched.page, server_with_roles.url, viewer.name, viewer.password)
        return Player(watched.page, server_with_roles.url), watched

    return log_in_as


def status_of_kept_file(watched: Watched, server: ApiServerWithRoles, deployment: Deployment) -> int:
    """Return what the viewer of a page gets for a kept file of the chain."""
    path = kept_file_path(CHAIN, deployment.run_of(CHAIN), "wait")
    return watched.page.request.get(f"{server.url}{path}").status


def test_who_may_read_one_dag_hears_that_one(
    logged_in: LogIn, server_with_roles: ApiServerWithRoles, deployment: Deployment
) -> None:
    from playwright.sync_api import expect

    player, watched = logged_in(LISTENER)
    sent = []
    watched.page.on("response", lambda answer: "/files?" in answer.url and sent.append((answer.url, answer.status)))
    player.go_to_library()
    expect(player.rows).to_have_count(2)
    expect(player.row(OTHER)).to_have_count(0)
    player.play(player.rows.first)
    player.wait_until_it_plays()
    expect(player.has_waveform()).to_be_visible()
    assert (f"{server_with_roles.url}{PREFIX}/", 206) in {(url.partition("dags/")[0], status) for url, status in sent}
    player.rows.first.get_by_role("link", name="Task instance").click()
    watched.page.wait_for_url(f"**{PATH}/dags/{CHAIN}/runs/*/tasks/*")
    player.wait_until_it_plays()
    assert status_of_kept_file(watched, server_with_roles, deployment) == 200


def test_who_may_not_read_xcoms_is_told_so(
    logged_in: LogIn, server_with_roles: ApiServerWithRoles, deployment: Deployment
) -> None:
    from playwright.sync_api import expect

    player, watched = logged_in(WITHOUT_XCOMS)
    player.go_to_library()
    expect(player.message).to_contain_text("You may not read these XComs")
    player.open_tab(deployment.path_of(CHAIN))
    expect(player.message).to_contain_text("You may not read these XComs")
    assert player.rows.count() == 0
    assert status_of_kept_file(watched, server_with_roles, deployment) == 403


def test_who_may_not_read_a_dag_sees_nothing_of_it(
    logged_in: LogIn, server_with_roles: ApiServerWithRoles, deployment: Deployment
) -> None:
    from playwright.sync_api import expect

    player, watched = logged_in(STRANGER)
    player.go_to_library()
    expect(player.rows).to_have_count(1)
    expect(player.row(OTHER)).to_have_count(1)
    assert CHAIN not in watched.page.get_by_test_id("suno-page").inner_text()
    assert status_of_kept_file(watched, server_with_roles, deployment) == 403


def test_who_may_not_see_plugins_is_told_so_at_the_players_address(
    logged_in: LogIn, server_with_roles: ApiServerWithRoles, deployment: Deployment
) -> None:
    from playwright.sync_api import expect

    page = logged_in(WITHOUT_PLUGINS)[1].page
    page.goto(f"{server_with_roles.url}{deployment.path_of(CHAIN)}")
    expect(page.get_by_role("link", name="Task Instances")).to_be_visible()
    assert page.get_by_role("link", name="Suno music").count() == 0
    assert page.get_by_role("link", name="Music", exact=True).count() == 0
    page.goto(f"{server_with_roles.url}{PREFIX}/")
    expect(page.get_by_text("Your role may not see plugins")).to_be_visible()
