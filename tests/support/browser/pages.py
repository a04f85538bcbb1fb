"""Pages of Airflow's own UI, as the tests use them: by the names that a person reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Locator, Page


class Connections:
    """
    The list of connections and its form.

    :param page: a page.
    :param url: base URL of the Airflow.
    """

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self.form = page.get_by_role("dialog")
        page.goto(f"{url}/connections")

    def add(
        self, conn_id: str, fields: Mapping[str, str], extras: Mapping[str, str], chosen: Mapping[str, str]
    ) -> None:
        """
        Fill in the form for a new connection of the type Suno, and save it.

        :param fields: texts by the label of their standard field.
        :param extras: texts by the name of their extra field: the labels of these are no labels for the browser.
        :param chosen: options by the label of their extra field.
        """
        self.open_form(conn_id)
        for label, text in fields.items():
            self.form.get_by_label(label).fill(text)
        self.open_extras()
        for name, text in extras.items():
            self.form.locator(f"[name=element_{name}]").fill(text)
        for label, option in chosen.items():
            self._choose(label, option)
        self.save()

    def open_form(self, conn_id: str) -> None:
        """Open the form for a new connection of the type Suno."""
        self._page.get_by_role("button", name="Add Connection").click()
        self.form.get_by_label("Connection ID").fill(conn_id)
        self._choose("Connection Type", "Suno")

    def open_extras(self) -> None:
        """Open the part of the form with the fields of the type."""
        self.form.get_by_role("button", name="Extra Fields", exact=True).click()

    def edit(self, conn_id: str, fields: Mapping[str, str]) -> None:
        """Change fields of a connection by the form, and save it."""
        self.row(conn_id).get_by_role("button", name="Edit Connection").click()
        for label, text in fields.items():
            self.form.get_by_label(label).fill(text)
        self.save()

    def test(self, conn_id: str, verdict: str) -> str:
        """
        Press the button that tests a connection, and return what the message says.

        :param verdict: the title that the message has to have.
        """
        self.row(conn_id).get_by_role("button", name="Test Connection").click()
        message = self._page.locator("[data-scope=toast][data-part=root]").filter(has_text=verdict)
        return message.locator("[data-part=description]").inner_text()

    def row(self, conn_id: str) -> Locator:
        """Return a connection's row of the list."""
        return self._page.get_by_role("row", name=re.compile(rf"\b{conn_id}\b"))

    def save(self) -> None:
        """Save what is in the form."""
        self.form.get_by_role("button", name="Save").click()
        self.form.wait_for(state="detached")

    def _choose(self, label: str, option: str) -> None:
        self.form.get_by_label(label).fill(option)
        self._page.get_by_role("option", name=option, exact=True).click()


class DagPage:
    """
    The page of a Dag.

    :param page: a page.
    :param url: base URL of the Airflow.
    :param dag_id: the Dag.
    """

    def __init__(self, page: Page, url: str, dag_id: str) -> None:
        self._page = page
        page.goto(f"{url}/dags/{dag_id}")

    def unpause(self) -> None:
        """Let the Dag run, by the switch."""
        self._page.get_by_test_id("toggle-pause").first.click()

    def trigger(self) -> None:
        """Start a run with the params as they are, and go to its page."""
        self._page.get_by_role("button", name="Trigger Dag").first.click()
        self._page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
        self._page.wait_for_url("**/runs/manual*")


def state_badge(page: Page, state: str) -> Locator:
    """Return the state beside the heading of a run's or task instance's page, if it is this one."""
    heading = page.get_by_test_id("main-content").locator("h2").first.locator("xpath=..")
    return heading.get_by_text(state, exact=True)


def open_links(page: Page, url: str, task_instance: str) -> None:
    """
    Go to the page of a task instance, and to the part of it that has its links.

    :param task_instance: path of the page below the base URL.
    """
    page.goto(f"{url}{task_instance}")
    page.get_by_role("link", name="Details", exact=True).click()


def log_in(page: Page, url: str, name: str, password: str) -> None:
    """Log in by the form of FAB's auth manager."""
    page.goto(f"{url}/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url(f"{url}/")
