"""A session asks the environment once per host, and adds nothing of its own to requests."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_suno.http.session import BoundedSession

RECORD = "https://api.apikley.ru/api/v1/generate/record-info"


def proxies_for(session: BoundedSession, url: str, proxies: dict[str, str] | None = None) -> dict[str, str]:
    settings = session.merge_environment_settings(url, proxies or {}, True, True, None)
    return dict(settings["proxies"])


@pytest.fixture(autouse=True)
def _proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "files.test")


def test_proxies_of_the_environment_are_chosen_per_host() -> None:
    session = BoundedSession()
    for _ in range(2):
        assert proxies_for(session, RECORD)["https"] == "http://proxy.test:3128"
        assert proxies_for(session, "https://files.test/upload") == {}
        assert proxies_for(session, RECORD, {"https": "http://own.test:1"})["https"] == "http://own.test:1"


def test_the_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    session = BoundedSession()
    proxies_for(session, f"{RECORD}?taskId=1")
    monkeypatch.delenv("https_proxy")
    assert proxies_for(session, f"{RECORD}?taskId=2")["https"] == "http://proxy.test:3128"
    assert "https" not in proxies_for(BoundedSession(), RECORD)


def test_certificates_of_the_environment_are_used_unless_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ours.pem")
    session = BoundedSession()
    for verify, used in ((True, "/etc/ours.pem"), ("/etc/theirs.pem", "/etc/theirs.pem"), (False, False)) * 2:
        assert session.merge_environment_settings(RECORD, {}, True, verify, None)["verify"] == used


def test_a_request_goes_as_it_is() -> None:
    session = BoundedSession()
    session.cookies.set("sticky", "1", domain="api.apikley.ru")
    prepared = session.prepare_request(requests.Request("get", RECORD, params={"taskId": "1"}, headers={"A": "b"}))
    assert (prepared.method, prepared.url) == ("GET", f"{RECORD}?taskId=1")
    assert dict(prepared.headers) == {"A": "b"}
