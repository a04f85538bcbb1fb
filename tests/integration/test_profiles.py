"""Each reseller of the API, as the simulator plays it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.exceptions import SunoInsufficientCreditsError, SunoRateLimitError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.sounds import write_wav

SONG = {"model": "V5", "prompt": "rain"}


@pytest.fixture(params=["apikley", "kie", "sunoapi"], scope="module")
def reseller(request: pytest.FixtureRequest) -> Iterator[RunningSimulator]:
    with running_simulator(speed=10_000, profile=request.param) as simulator:
        yield simulator


@pytest.fixture
def hook(reseller: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> SunoHook:
    reseller.simulation.reset()
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", reseller.connection_json)
    hook = SunoHook()
    monkeypatch.setattr(hook.client.cancellation, "pause", lambda seconds: None)
    return hook


def test_the_balance(hook: SunoHook, reseller: RunningSimulator) -> None:
    assert hook.get_credits() == Decimal(str(reseller.ledger()["credits"]))
    assert hook.test_connection()[0]


def test_no_credits(hook: SunoHook, reseller: RunningSimulator) -> None:
    reseller.simulation.reset(credits=Decimal(1))
    with pytest.raises(SunoInsufficientCreditsError, match="top up the account of connection 'suno_default'"):
        hook.generate_music(**SONG)


@pytest.fixture
def by_hand(reseller: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    """Return a simulator of the same reseller whose time, and with it its rate limit, is moved by hand."""
    with running_simulator(manual_clock=True, profile=reseller.state.profile.name, credits=10_000) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", simulator.connection_json)
        yield simulator


def test_too_fast_is_waited_out(by_hand: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = SunoHook()
    monkeypatch.setattr(hook.client.cancellation, "pause", by_hand.clock.advance)
    ids = {hook.generate_music(**SONG) for _ in range(45)}
    assert len(ids) == 45
    assert [song["charges"] for song in by_hand.ledger()["songs"]] == [1] * 45


def test_too_fast_for_too_long_may_be_retried(by_hand: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = SunoHook()
    monkeypatch.setattr(hook.client.cancellation, "pause", lambda seconds: None)
    for _ in range(20):
        hook.generate_music(**SONG)
    with pytest.raises(SunoRateLimitError) as caught:
        hook.generate_music(**SONG)
    assert not caught.value.fatal
    assert len(by_hand.ledger()["songs"]) == 20


def test_an_upload_and_a_cover(hook: SunoHook, tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "hum.wav", seconds=10)
    url = hook.upload_file(sound)
    assert requests.get(url, headers={"User-Agent": "tests"}, timeout=10).content == sound.read_bytes()
    assert hook.upload_and_cover_audio(model="V5", upload_url=url, prompt="as a waltz")


def test_a_personas_further_fields(hook: SunoHook, reseller: RunningSimulator) -> None:
    music_task_id = hook.generate_music(**SONG)
    reseller.clock.advance(300)
    task = hook.get_music_task(music_task_id)
    assert task is not None
    persona = hook.generate_persona(
        music_task_id=music_task_id,
        audio_id=task.audio_ids[0],
        name="n",
        description="d",
        vocal_start=2,
        vocal_end=20,
        style="soul",
    )
    assert persona.persona_id


@pytest.mark.parametrize(
    ("profile", "model", "warned"),
    [
        ("apikley", "V5_5", True),
        ("kie", "V5_5", False),
        ("sunoapi", "V6", False),
        ("kie", "V6", False),
        ("apikley", "V6", True),
    ],
)
def test_models_that_a_reseller_does_not_list(
    profile: str, model: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_SUNO_DEFAULT", f'{{"conn_type":"suno","password":"key","extra":{{"profile":"{profile}"}}}}'
    )

    hook = SunoHook()
    request = hook.build(GenerateMusicRequest, {"model": model, "prompt": "rain"})
    lines = request.warnings(hook.settings.client.profile)
    assert any(f"model {model!r} is not among those {profile} lists" in line for line in lines) is warned
