"""Lists of several pages, by XComs that exist in the browser only: what is read of them, found in them and said."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.browser.chromium import Watched
from tests.support.browser.deployment import CHAIN, Deployment
from tests.support.browser.made_up_xcoms import MadeUpXComs
from tests.support.browser.player import Player

pytestmark = pytest.mark.browser

SONGS = 250
MADE_INTO_PERSONA = 180
DRAWN = re.compile(r"^data:image/svg\+xml,")
PERSONA = "The Lighthouse Keeper"


def at(minute: int) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def song(number: int) -> dict[str, Any]:
    track = {"audio_id": f"audio-{number}", "title": f"Song {number}", "duration": 60.0, "tags": "calm"}
    return {"music_task_id": f"task-{number}", "status": "SUCCESS", "tracks": [track]}


@pytest.fixture
def xcoms(watched: Watched) -> MadeUpXComs:
    xcoms = MadeUpXComs()
    xcoms.answer(watched.page)
    return xcoms


@pytest.fixture
def player(watched: Watched, deployment: Deployment) -> Player:
    return Player(watched.page, deployment.airflow.url)


@pytest.fixture
def library(xcoms: MadeUpXComs, player: Player) -> Player:
    """A library whose lists are in the order of the Dags, as those of Airflow 3.1 are."""
    for number in range(SONGS):
        of = {"dag_id": f"dag_{number % 2}", "run_id": f"run-{number}", "timestamp": at(number)}
        xcoms.push(song(number), task_id="wait", key="music_task", **of)
    xcoms.entries.sort(key=lambda entry: entry["dag_id"])
    persona = {"persona_id": "persona-1", "name": PERSONA, "audio_id": f"audio-{MADE_INTO_PERSONA}"}
    of = {"dag_id": "dag_0", "run_id": f"run-{MADE_INTO_PERSONA}", "timestamp": at(SONGS)}
    xcoms.push(persona, task_id="persona", key="persona", **of)
    player.open_library()
    return player


def test_all_of_a_long_list_is_read_and_searched(library: Player, xcoms: MadeUpXComs) -> None:
    from playwright.sync_api import expect

    expect(library.unsorted).to_contain_text("the order is that of the Dags")
    expect(library.count).to_have_text(f"{SONGS} music tasks")
    library.rows.first.focus()
    library.press_key("End")
    expect(library.row("Song 249")).to_be_focused()
    expect(library.row("Song 249").locator("img")).to_have_attribute("src", DRAWN)

    library.filter.fill("keeper lighthouse")
    expect(library.search).to_contain_text(f"of {SONGS}")
    expect(library.search).to_contain_text("0 found in the")
    xcoms.hold()
    library.search.get_by_role("button", name="Search all").click()
    expect(library.search.get_by_role("progressbar")).to_be_visible()
    library.search.get_by_role("button", name="Stop").click()
    xcoms.release()
    again = library.search.get_by_role("button", name="Search all")
    expect(again).to_be_focused()
    assert len(xcoms.asked) < SONGS
    again.click()
    expect(library.search).to_have_text(f"1 found in all {SONGS}.")
    expect(library.rows).to_have_count(1)
    expect(library.rows).to_contain_text(f"Made into {PERSONA}")
    assert len(xcoms.asked) == len(set(xcoms.asked)) == SONGS + 1


def test_the_personas_are_listed(library: Player) -> None:
    from playwright.sync_api import expect

    library.choose("Personas")
    expect(library.count).to_have_text("1 persona")
    expect(library.rows).to_contain_text([PERSONA])


def test_what_is_new_is_told_while_something_is_filtered(library: Player, xcoms: MadeUpXComs, watched: Watched) -> None:
    from playwright.sync_api import expect

    library.filter.fill("song")
    expect(library.search).to_be_visible()
    newest = {"dag_id": "dag_0", "run_id": "newest", "task_id": "wait", "key": "music_task", "timestamp": at(SONGS + 1)}
    xcoms.push(song(SONGS), **newest)
    xcoms.entries.insert(0, xcoms.entries.pop())
    watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # instead of waiting for 15 seconds
    expect(library.news).to_contain_text("There is something new")
    library.news.get_by_role("button", name="Show it").click()
    expect(library.rows.first).to_contain_text(f"Song {SONGS}")
    expect(library.focused_row).to_have_count(1)  # as the button is gone


def test_a_song_of_a_long_mapped_run_has_its_kept_file(
    xcoms: MadeUpXComs, player: Player, deployment: Deployment
) -> None:
    from playwright.sync_api import expect

    run = {"dag_id": CHAIN, "run_id": deployment.run_of(CHAIN), "task_id": "wait", "timestamp": at(0)}
    for number in range(SONGS):
        xcoms.push(song(number), key="music_task", map_index=number, **run)
        file = {"uri": f"file:///kept/song-{number}.mp3", "media_type": "audio/mpeg", "audio_id": f"audio-{number}"}
        xcoms.push([file], key="files", map_index=number, **run)
    player.open_tab(deployment.path_of(CHAIN))
    player.rows.first.focus()
    player.press_key("End")
    link = player.row("Song 249").get_by_role("link", name="Download song-249.mp3")
    expect(link).to_have_attribute("href", re.compile("map_index=249&index=0"))
