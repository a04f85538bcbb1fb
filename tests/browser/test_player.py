"""The tab of a Dag run and the library play, as a listener who may see everything uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_suno.links.addresses import PREFIX
from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import CHAIN, EMPTY, OTHER, Deployment
from tests.support.browser.player import Player

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

FIRST, SECOND = "A Calm Folk Song", "The Keeper Sings Again"
JINGLE = "marimba"
NARROW = 860
"""Pixels of the list; below it a row has two lines."""

XCOMS = re.compile(r"/xcomEntries\?")
SERVED = re.compile(rf"{PREFIX}/.+/files\?")
VALUES = re.compile(r"/xcomEntries/music_task\?")


@pytest.fixture
def music(deployment: Deployment) -> Deployment:
    deployment.finish(CHAIN, OTHER)
    return deployment


@pytest.fixture
def player(watched: Watched, music: Deployment) -> Player:
    return Player(watched.page, music.airflow.url)


def test_the_tab_plays_what_the_run_has_kept(player: Player, watched: Watched, music: Deployment) -> None:
    from playwright.sync_api import expect

    sent = []
    watched.page.on("response", lambda answer: PREFIX in answer.url and sent.append((answer.url, answer.status)))
    player.open_tab(music.path_of(CHAIN))
    expect(player.rows).to_have_count(2)

    player.play(player.row(FIRST))
    expect(player.toggle).to_have_attribute("aria-label", "Pause")
    player.wait_until_it_plays()
    expect(player.has_waveform()).to_be_visible()
    assert any("/files?" in url and status == 206 for url, status in sent)

    player.press("Pause")
    expect(player.toggle).to_have_attribute("aria-label", "Play")
    assert player.stands_still()
    player.slider.fill("40")
    player.press("Play")
    player.wait_until_it_plays()
    assert 40 < player.position() < 120
    assert watched.complaints == []


def test_next_goes_through_the_tracks_and_on_to_the_next_song(player: Player, music: Deployment) -> None:
    from playwright.sync_api import expect

    player.open_tab(music.path_of(CHAIN))
    player.play(player.row(SECOND))
    expect(player.bar).to_contain_text("track 1 of 2")
    player.press("Next track")
    expect(player.bar).to_contain_text("track 2 of 2")
    player.wait_until_it_plays()
    player.press("Next track")
    expect(player.bar).to_contain_text(FIRST)
    expect(player.bar).to_contain_text("track 1 of 2")
    player.press("Previous track")
    expect(player.bar).to_contain_text(SECOND)
    expect(player.bar).to_contain_text("track 2 of 2")
    player.press("Stop and close the player")
    expect(player.bar).to_have_count(0)


def test_it_is_played_by_keys_alone(player: Player, music: Deployment) -> None:
    from playwright.sync_api import expect

    player.open_tab(music.path_of(CHAIN))
    player.rows.first.focus()
    player.press_key("ArrowDown")
    expect(player.rows.nth(1)).to_be_focused()
    player.press_key("Enter")
    player.wait_until_it_plays()
    expect(player.bar).to_contain_text(FIRST)
    player.press_key("Space")
    expect(player.toggle).to_have_attribute("aria-label", "Play")
    before = player.position()
    player.press_key("ArrowRight")
    expect(player.slider).not_to_have_value(str(before))
    assert player.position() == pytest.approx(before + 5, abs=0.5)
    player.press_key("ArrowLeft")
    player.press_key("Space")
    player.wait_until_it_plays()

    player.bar.get_by_role("button", name="Stop and close the player").focus()
    player.press_key("Enter")
    expect(player.bar).to_have_count(0)
    expect(player.rows.nth(1)).to_be_focused()


def test_it_goes_on_while_the_listener_walks_through_airflow(
    player: Player, watched: Watched, music: Deployment
) -> None:
    from playwright.sync_api import expect

    player.open_library()
    player.play(player.row(FIRST))
    player.wait_until_it_plays()
    watched.page.get_by_role("link", name="Dags", exact=True).click()
    watched.page.wait_for_url("**/dags")
    player.wait_until_it_plays()
    expect(player.bar).to_contain_text(FIRST)
    player.go_to_library()
    expect(player.row(FIRST)).to_have_attribute("aria-current", "true")
    player.row(FIRST).get_by_role("link", name="Task instance wait").click()
    watched.page.wait_for_url(f"**{music.path_of(CHAIN).replace('+', '*').replace(':', '*')}/tasks/wait*")
    player.wait_until_it_plays()


def test_the_library_is_filtered(player: Player) -> None:
    from playwright.sync_api import expect

    player.open_library()
    expect(player.row(JINGLE)).to_have_count(1)
    songs = player.rows.count()
    assert songs >= 3
    player.filter.fill("MARIMBA suno_jingle")
    expect(player.rows).to_have_count(1)
    player.filter.fill("no such song")
    expect(player.message).to_contain_text("Nothing matches")
    player.filter.fill("")
    expect(player.rows).to_have_count(songs)


def test_a_kept_file_is_downloaded(player: Player, watched: Watched, music: Deployment) -> None:
    player.open_tab(music.path_of(CHAIN))
    with watched.page.expect_download() as download:
        player.row(FIRST).get_by_test_id("suno-download").first.click()
    kept = {file.name: sha256(file.read_bytes()).hexdigest() for file in music.kept.rglob("*.mp3")}
    assert kept[download.value.suggested_filename] == sha256(Path(download.value.path()).read_bytes()).hexdigest()


def test_a_file_that_is_gone_is_said_to_be_gone_and_the_service_asked(
    player: Player, watched: Watched, music: Deployment
) -> None:
    from playwright.sync_api import expect

    watched.page.route(SERVED, lambda route: route.fulfill(status=410, json={"detail": "This file is gone."}))
    player.open_tab(music.path_of(CHAIN))
    player.play(player.row(FIRST))
    player.wait_until_it_plays()
    expect(player.has_waveform()).to_have_count(0)
    player.row(FIRST).get_by_test_id("suno-download").first.click()
    expect(player.told).to_contain_text("This file is gone.")
    player.told.get_by_role("button", name="Close").click()
    expect(player.told).to_have_count(0)
    expect(player.row(FIRST)).to_be_focused()


def test_kept_files_are_listed_and_play(player: Player, music: Deployment) -> None:
    from playwright.sync_api import expect

    player.open_tab(music.path_of(CHAIN))
    player.choose("Kept files")
    expect(player.rows.first).to_contain_text("2 audio")
    player.play(player.rows.first, track=2)
    player.wait_until_it_plays()
    expect(player.bar).to_contain_text("track 2 of 2")
    expect(player.has_waveform()).to_be_visible()


def test_what_may_not_be_served_is_played_from_the_service(player: Player, watched: Watched, music: Deployment) -> None:
    from playwright.sync_api import expect

    asked: list[Any] = []
    watched.page.on("request", lambda request: request.url.startswith(music.simulator.url) and asked.append(request))
    player.open_library()
    player.play(player.row(JINGLE))
    player.wait_until_it_plays()
    expect(player.has_waveform()).to_have_count(0)
    player.slider.fill("2")
    player.wait_until_it_plays()
    assert {request.resource_type for request in asked} == {"image", "media"}
    assert {request.method for request in asked} == {"GET"}
    # Browsers name the site for audio, which has no policy of its own; no Dag and no run, and for pictures nothing.
    named = {(request.resource_type, request.headers.get("referer") or None) for request in asked}
    assert named <= {("image", None), ("media", None), ("media", f"{music.airflow.url}/")}
    assert watched.hosts <= {music.airflow.url, music.simulator.url}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 800)])
def test_it_fits_the_window_and_the_viewers_colours(
    scheme: str, width: int, open_page: Callable[..., Watched], music: Deployment
) -> None:
    page = open_page(scheme).page
    page.set_viewport_size({"width": width, "height": 800})
    player = Player(page, music.airflow.url)
    player.open_library()
    player.row(FIRST).wait_for()
    title, tracks = (player.row(FIRST).locator(part).bounding_box() for part in (".suno-title", ".suno-tracks"))
    assert title
    assert tracks
    if width < NARROW:
        assert tracks["y"] >= title["y"] + title["height"]
    else:
        assert tracks["x"] >= title["x"] + title["width"]
    assert tracks["x"] + tracks["width"] <= width
    assert player.is_dark() == (scheme == "dark")


def test_a_run_without_music_says_so(player: Player, music: Deployment) -> None:
    from playwright.sync_api import expect

    player.open_tab(music.path_of(EMPTY))
    expect(player.message).to_contain_text("No music yet")


@pytest.mark.parametrize(
    ("status", "says"),
    [(500, "the database is away"), (401, "Your session has ended"), (404, "There is no such Dag run")],
)
def test_a_list_that_cannot_be_read_can_be_asked_for_again(
    status: int, says: str, player: Player, watched: Watched, music: Deployment
) -> None:
    from playwright.sync_api import expect

    watched.page.route(XCOMS, lambda route: route.fulfill(status=status, json={"detail": "the database is away"}))
    player.open_tab(music.path_of(CHAIN))
    expect(player.message).to_contain_text(says)
    watched.page.unroute(XCOMS)
    player.message.get_by_role("button", name="Try again").click()
    expect(player.rows).to_have_count(2)
    expect(player.filter).to_be_focused()  # as the button is gone, and there was no row yet


def test_no_run_is_said_to_be_missing_where_none_was_asked_for(player: Player, watched: Watched) -> None:
    from playwright.sync_api import expect

    watched.page.route(XCOMS, lambda route: route.fulfill(status=404, json={"detail": "not on this proxy"}))
    player.open_library()
    expect(player.message).to_contain_text("The list cannot be read")
    expect(player.message).to_contain_text("not on this proxy")


def test_what_cannot_be_read_is_asked_for_once(player: Player, watched: Watched, music: Deployment) -> None:
    from playwright.sync_api import expect

    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, json={"detail": "the store is away"})

    watched.page.route(VALUES, refuse)
    player.open_tab(music.path_of(CHAIN))
    expect(player.rows).to_contain_text(["This XCom cannot be read: the store is away"] * 2)
    watched.page.wait_for_timeout(3000)
    assert len(asked) == 2
    expect(player.trouble).to_contain_text("Not all of the list can be read")
    watched.page.unroute(VALUES)
    player.trouble.get_by_role("button", name="Try again").click()
    expect(player.row(FIRST)).to_have_count(1)
    expect(player.trouble).to_have_count(0)
