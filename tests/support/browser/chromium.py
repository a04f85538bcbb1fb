"""Chromium under Playwright, and what is kept of a page when a test fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from demo.chromium import find

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Scheme = Literal["light", "dark"]

PATIENCE = 60.0
"""Seconds until an element must be there: an Airflow that runs tasks at the same time answers slowly."""

WINDOW = (1280, 800)
_GIVEN_UP = "net::ERR_ABORTED"
_OPTIONS = (
    # Chromium refuses to run as root with its sandbox, as in a container.
    "--no-sandbox",
    # The memory that containers give to /dev/shm is too small.
    "--disable-dev-shm-usage",
)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window; end it with the block."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(os.environ), args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, scheme: Scheme = "light") -> BrowserContext:
    """
    Return what a new browser would be: without cookies, with an empty cache.

    :param scheme: which colours the viewer prefers.
    """
    width, height = WINDOW
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE * 1000)
    return context


@dataclass
class Watched:
    """
    A page, and what its browser complained of.

    :param page: the page.
    :param complaints: errors of scripts, answers of 400 and above, and requests that failed; not those that the page
        itself gave up, as players do with each file that they do not read to its end.
    :param hosts: every host that something was asked of.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("requestfailed", lambda request: self._note_failure(request.url, request.failure))
        self.page.on(
            "response",
            lambda answer: answer.status >= 400 and self.complaints.append(f"HTTP {answer.status}: {answer.url}"),
        )

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            self.hosts.add(f"{parts.scheme}://{parts.netloc}")

    def _note_failure(self, url: str, why: str | None) -> None:
        if why != _GIVEN_UP:
            self.complaints.append(f"{why}: {url}")

    def keep(self, folder: Path) -> None:
        """Keep a screenshot of the page, its HTML and the complaints in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / "page.png")
        (folder / "page.html").write_text(self.page.content())
        (folder / "complaints.txt").write_text("\n".join([self.page.url, *self.complaints]) + "\n")
