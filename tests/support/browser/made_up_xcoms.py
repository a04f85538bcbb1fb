"""XComs that exist for one page only, whose browser gets them in the place of Airflow's answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

LISTS = re.compile(r"/xcomEntries\?")
VALUES = re.compile(r"/xcomEntries/(?:music_task|files|persona)\?")

_PATH = re.compile(
    r"/dags/(?P<dag_id>[^/]+)/dagRuns/(?P<run_id>[^/]+)/taskInstances/(?P<task_id>[^/]+)/xcomEntries(?:/(?P<key>[^/]+))?"
)
_ALL = "~"


@dataclass
class MadeUpXComs:
    """
    What the browser of a page gets when it asks Airflow for XComs.

    :param asked: the path and the query of each request for values.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _held: list[Route] | None = None

    def push(self, value: object, **entry: object) -> None:
        """Add an XCom; lists have them in this order."""
        self.entries.append({"dag_display_name": entry["dag_id"], "map_index": -1, "value": value, **entry})

    def answer(self, page: Page) -> None:
        """Answer the requests of a page."""
        page.route(LISTS, self._list)
        page.route(VALUES, self._value)

    def hold(self) -> None:
        """Leave requests for values without an answer from now on."""
        self._held = []

    def release(self) -> None:
        """Answer those that were held, and all that come."""
        held, self._held = self._held or [], None
        for route in held:
            self._value(route)

    def _list(self, route: Route) -> None:
        wanted, query = _read(route.request.url)
        wanted["key"] = query["xcom_key"]
        if "map_index" in query:
            wanted["map_index"] = int(query["map_index"])
        found = [entry for entry in self.entries if _has(entry, wanted)]
        first = int(query["offset"])
        page = found[first : first + int(query["limit"])]
        listed = [{name: value for name, value in entry.items() if name != "value"} for entry in page]
        route.fulfill(json={"xcom_entries": listed, "total_entries": len(found)})

    def _value(self, route: Route) -> None:
        if self._held is not None:
            self._held.append(route)
            return
        self.asked.append(route.request.url)
        wanted, query = _read(route.request.url)
        (entry,) = (entry for entry in self.entries if _has(entry, {**wanted, "map_index": int(query["map_index"])}))
        route.fulfill(json=entry)


def _read(url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return which entries a request asks for, and its query."""
    parts = urlsplit(url)
    found = _PATH.search(parts.path)
    assert found, url
    named = {name: unquote(value) for name, value in found.groupdict().items() if value}
    return named, {name: values[0] for name, values in parse_qs(parts.query).items()}


def _has(entry: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(entry[name] == value for name, value in wanted.items() if value != _ALL)
