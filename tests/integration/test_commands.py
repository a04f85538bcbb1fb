"""The command line of the provider."""

from __future__ import annotations

import json

import pytest

from airflow_provider_suno.__main__ import main
from airflow_provider_suno.api.callback import UnverifiedToken
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.receiver import token_in


def test_it_prints_a_callback_url(
    sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"callback_url": "https://airflow.example/base", "callback_secret": "new,old"}
    monkeypatch.setenv("AIRFLOW_CONN_STUDIO", json.dumps({**sim.connection, "extra": extra}))
    urls = []
    for _ in range(2):
        assert main(["callback-url", "--conn-id", "studio"]) == 0
        urls.append(capsys.readouterr().out.strip().splitlines()[-1])
    assert urls[0] != urls[1]
    assert urls[0].startswith("https://airflow.example/base/suno/callback?suno_token=")
    token = UnverifiedToken.read(token_in(urls[0])).verified(["new"])
    assert token is not None
    assert (token.suno_conn_id, token.kind, token.dag_id, token.waits) == ("studio", "music", None, False)


@pytest.mark.parametrize(
    ("conn_id", "said"),
    [("suno_default", "needs the extras callback_url"), ("nope", "There is no connection 'nope'")],
)
def test_it_says_what_is_missing(
    conn_id: str, said: str, sim: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["callback-url", "--conn-id", conn_id]) == 1
    assert said in capsys.readouterr().err
