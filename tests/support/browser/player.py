"""The player, as the tests use it: by the names that its module lists, and by what a listener sees and hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_suno.links.addresses import LIBRARY_ROUTE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_A_MOMENT = 0.4
"""Seconds of sound that show that it plays."""

_BRIGHTNESS = """
(element) => {
  const { backgroundColor, color } = getComputedStyle(element);
  const painter = new OffscreenCanvas(1, 1).getContext("2d");
  return [backgroundColor, color].map((colour) => {
    painter.fillStyle = colour;
    painter.fillRect(0, 0, 1, 1);
    return painter.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part);
  });
}
"""
_MOVED = "([slider, start]) => Math.abs(Number(slider.value) - start) > %s"


class Player:
    """
    The player on a page.

    :param page: a page.
    :param url: base URL of the Airflow.
    """

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url
        self.list = page.get_by_test_id("suno-list")
        self.rows = page.get_by_test_id("suno-row")
        self.focused_row = page.locator("[data-testid=suno-row]:focus")
        self.bar = page.get_by_test_id("suno-bar")
        self.toggle = page.get_by_test_id("suno-toggle")
        self.slider = page.get_by_test_id("suno-position")
        self.message = page.get_by_test_id("suno-message")
        self.trouble = page.get_by_test_id("suno-trouble")
        self.filter = page.get_by_test_id("suno-filter")
        self.count = page.get_by_test_id("suno-count")
        self.search = page.get_by_test_id("suno-search")
        self.news = page.get_by_test_id("suno-news")
        self.unsorted = page.get_by_test_id("suno-unsorted")
        self.told = page.get_by_test_id("suno-told")

    def open_library(self) -> None:
        """Go to Airflow's first page, and from there to the library by the navigation."""
        self._page.goto(f"{self._url}/")
        self.go_to_library()

    def go_to_library(self) -> None:
        """Go to the library by the navigation, from whichever page is shown."""
        self._page.get_by_role("link", name="Suno music").click()
        self._page.wait_for_url(f"**/plugin/{LIBRARY_ROUTE}")

    def open_tab(self, path: str) -> None:
        """
        Go to the page of a Dag run, and open its tab.

        :param path: path of the page below the base URL.
        """
        self._page.goto(f"{self._url}{path}")
        self._page.get_by_role("link", name="Music", exact=True).click()

    def choose(self, name: str) -> None:
        """Choose what is listed."""
        self._page.get_by_role("group", name="What to list").get_by_role("button", name=name).click()

    def row(self, words: str) -> Locator:
        """Return the row with these words."""
        return self.rows.filter(has_text=words)

    def play(self, row: Locator, track: int = 1) -> None:
        """Press the button of a track in a row."""
        row.get_by_test_id("suno-track").nth(track - 1).click()

    def press(self, name: str) -> None:
        """Press a button of the bar."""
        self.bar.get_by_role("button", name=name, exact=True).click()

    def press_key(self, key: str) -> None:
        """Press a key."""
        self._page.keyboard.press(key)

    def position(self) -> float:
        """Return what has been played, in seconds."""
        return float(self.slider.input_value())

    def wait_until_it_plays(self) -> None:
        """Wait until the position has moved on while nobody touches it."""
        start = self.position()
        self._page.wait_for_function(_MOVED % _A_MOMENT, arg=[self.slider.element_handle(), start])

    def stands_still(self) -> bool:
        """Return whether the position stays where it is for a while."""
        before = self.position()
        self._page.wait_for_timeout(_A_MOMENT * 2000)
        return self.position() == before

    def is_dark(self) -> bool:
        """Return whether the list has bright text on a dark ground."""
        ground, text = self.list.evaluate(_BRIGHTNESS)
        return bool(ground < text)

    def has_waveform(self) -> Locator:
        """Return the bar if a waveform is drawn in it."""
        return self._page.locator("[data-testid=suno-bar].suno-waved")
