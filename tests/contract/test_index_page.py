"""The page at the simulator's own address, and the answer to unknown paths."""

from __future__ import annotations

import json
import shlex
from html.parser import HTMLParser

import pytest
import requests

from airflow_provider_suno.simulator import running_simulator


class _Page(HTMLParser):
    """The texts and the links of a page."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.links, self._tags = {}, [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self._tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        if tag in self._tags:
            self._tags.remove(tag)

    def handle_data(self, data):
        if self._tags:
            self.texts.setdefault(self._tags[-1], []).append(data)


def _page(simulator, **headers):
    response = requests.get(simulator.url, headers=headers, timeout=5)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return _Page(response.text)


@pytest.mark.parametrize(("profile", "key"), [("apikley", "sim-key"), ("kie", "it's <a&b>")])
def test_the_page_says_what_this_is_and_how_to_use_it(profile, key):
    with running_simulator(profile=profile, api_keys=[key, "second"]) as simulator:
        page = _page(simulator)
        assert page.texts["h1"] == ["Simulator of the Suno API"]
        assert "This is a simulator for development and tests. Nothing is paid here" in page.texts["p"][0]
        assert page.texts["code"][:3] == [simulator.url, key, profile]
        name, _, value = shlex.split("".join(page.texts["pre"]))[1].partition("=")
        assert name == "AIRFLOW_CONN_SUNO_DEFAULT"
        assert json.loads(value) == simulator.connection
        for link in page.links:
            assert requests.get(simulator.url + link, timeout=5).status_code == 200
        assert {"/_sim/ledger", "/_sim/docs"} <= set(page.links)


def test_the_page_follows_a_reset_and_the_address_that_it_was_asked_for(caller):
    caller.control("POST", "reset", json={"api_keys": ["other"], "profile": "sunoapi"})
    page = _page(caller.simulator, Host="suno.example:99")
    assert page.texts["code"][:3] == ["http://suno.example:99", "other", "sunoapi"]
    caller.control("POST", "reset", json={"api_keys": []})
    assert "API key: none is accepted at present" in _page(caller.simulator).texts["li"]


def test_the_page_is_not_in_the_ledger(caller):
    _page(caller.simulator)
    assert caller.session.head(caller.simulator.url, timeout=5).status_code == 200
    ledger = caller.ledger()
    assert (ledger["requests"], ledger["downloads"]) == ([], [])


def test_the_documentation_names_the_routes_the_directives_and_the_faults(caller):
    response = caller.session.get(f"{caller.simulator.url}/_sim/docs", timeout=5)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    for text in (
        "``POST /_sim/reset``",
        "``[fail:STATUS]``",
        "``drop_after``",
        ":param visible_after:",
        ":param held:",
    ):
        assert text in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/nothing", "/v1/generate", "/docs", "/openapi.json", "/favicon.ico")),
        *(("POST", path) for path in ("/generate", "/_sim/nothing", "/media/stream/a/b")),
    ],
)
def test_an_unknown_path_is_answered_as_the_service_does(caller, method, path):
    response = caller.session.request(method, caller.simulator.url + path, timeout=5)
    assert response.status_code == 404
    assert response.json() == {"code": 404, "msg": "No such resource", "data": None}
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("DELETE", "/_sim/ledger"), ("POST", "/media/a.mp3")])
def test_a_method_that_a_path_does_not_have_is_answered_as_the_service_does(caller, method, path):
    response = caller.session.request(method, caller.simulator.url + path, timeout=5)
    assert response.status_code == 405
    assert response.json() == {"code": 405, "msg": "Method not allowed", "data": None}
