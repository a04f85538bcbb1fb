"""One browser and one Airflow for all tests of this folder. What a failed test saw is kept in ``build/browser``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser.chromium import Scheme, Watched, new_context, running_chromium
from tests.support.browser.deployment import ApiServerWithRoles, Deployment, music_in_airflow
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

KEPT = PROJECT / "build" / "browser"
_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember whether a test failed, for what ends after it."""
    report: Any = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with music_in_airflow(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def server_with_roles(deployment: Deployment) -> Iterator[ApiServerWithRoles]:
    with ApiServerWithRoles(deployment) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Watched]]:
    """Return what opens a page in a browser of its own; it ends with the test."""
    opened: list[Watched] = []

    def open_one(scheme: Scheme = "light") -> Watched:
        opened.append(Watched(new_context(browser, scheme).new_page()))
        return opened[-1]

    folder = KEPT / re.sub(r"\W+", "-", request.node.name).strip("-")
    shutil.rmtree(folder, ignore_errors=True)
    yield open_one
    for number, watched in enumerate(opened, start=1):
        if request.node.stash.get(_failed, False):
            watched.keep(folder / str(number))
            print(f"What the page showed is kept in {folder / str(number)}")
        watched.page.context.close()


@pytest.fixture
def watched(open_page: Callable[..., Watched]) -> Watched:
    return open_page()
