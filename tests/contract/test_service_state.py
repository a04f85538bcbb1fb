"""The service's state, with the time passed in: no clock, no socket, no sleep."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from airflow_provider_suno.simulator.kinds.music.lifecycle import lifecycle_of
from airflow_provider_suno.simulator.kinds.music.prompt_directives import AudioDefect, read_directives
from airflow_provider_suno.simulator.kinds.music.record import record_of, title_of
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.submissions import seed_music, submit_music

NOW = 1_700_000_000.0


@pytest.fixture
def state():
    return ServiceState(IdSource(7), credits=Decimal("30.5"))


def _life(prompt, music_task_id="t"):
    return lifecycle_of(music_task_id, read_directives(prompt))


def _statuses(prompt):
    return [stage.status for stage in _life(prompt).stages]


def test_songs_take_different_times():
    lives = [_life("", str(number)) for number in range(300)]
    for low, high, status in [(15, 25, "TEXT_SUCCESS"), (51, 60, "FIRST_SUCCESS"), (62, 130, "SUCCESS")]:
        begins = [life.start_of(status) for life in lives]
        assert low <= min(begins) < low + (high - low) / 5
        assert high - (high - low) / 5 < max(begins) <= high
    assert _life("", "5") == lives[5]


@pytest.mark.parametrize(
    ("prompt", "statuses"),
    [
        ("Rain", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("[Verse] la [Chorus: loud]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("[fail]", ["PENDING", "TEXT_SUCCESS", "GENERATE_AUDIO_FAILED"]),
        ("[fail:CREATE_TASK_FAILED]", ["PENDING", "CREATE_TASK_FAILED"]),
        ("[fail:SENSITIVE_WORD_ERROR]", ["PENDING", "SENSITIVE_WORD_ERROR"]),
        ("[fail:GENERATE_MUSIC_FAILED]", ["PENDING", "TEXT_SUCCESS", "GENERATE_MUSIC_FAILED"]),
        ("[fail:CALLBACK_EXCEPTION]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "CALLBACK_EXCEPTION"]),
        ("[fail:CALLBACK_EXCEPTION:no-audio]", ["PENDING", "TEXT_SUCCESS", "CALLBACK_EXCEPTION"]),
        (
            "[fail:CALLBACK_EXCEPTION:late]",
            ["PENDING", "TEXT_SUCCESS", "CALLBACK_EXCEPTION", "CALLBACK_EXCEPTION"],
        ),
        ("[fail:531:one-track]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "GENERATE_AUDIO_FAILED"]),
        ("[audio:null]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("[audio:null:late]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS", "SUCCESS"]),
        ("[audio:null:late] [fail]", ["PENDING", "TEXT_SUCCESS", "GENERATE_AUDIO_FAILED"]),
        ("[stuck]", ["PENDING", "TEXT_SUCCESS"]),
        ("[stuck:PENDING]", ["PENDING"]),
        ("[stuck:FIRST_SUCCESS]", ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS"]),
        ("[status:MIXING]", ["PENDING", "MIXING", "MIXING", "SUCCESS"]),
        ("[stuck] [status:MIXING]", ["PENDING", "MIXING"]),
    ],
)
def test_the_statuses_of_a_lifecycle(prompt, statuses):
    assert _statuses(prompt) == statuses


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("[fail:GENERATE_AUDIO_FAILED]", 501),
        ("[fail:SENSITIVE_WORD_ERROR]", 400),
        ("[fail:CREATE_TASK_FAILED]", 500),
        ("[fail:413]", 413),
        ("[fail:GENERATE_AUDIO_FAILED:400]", 400),
        ("[fail:SENSITIVE_WORD_ERROR:null]", None),
        ("[fail:CALLBACK_EXCEPTION]", None),
        ("[fail:GENERATE_AUDIO_FAILED:one-track]", 501),
        ("[fail:GENERATE_AUDIO_FAILED:531:one-track]", 531),
        ("[fail:413:in-response]", 413),
    ],
)
def test_the_error_code_of_a_failure(prompt, code):
    assert _life(prompt).stages[-1].error_code == code


@pytest.mark.parametrize(
    ("prompt", "audible"),
    [
        ("Rain", [0, 0, 1, 2]),
        ("[fail:GENERATE_AUDIO_FAILED]", [0, 0, 0]),
        ("[fail:GENERATE_AUDIO_FAILED:one-track]", [0, 0, 1, 1]),
        ("[audio:nothing:2]", [0, 0, 1, 1]),
        ("[audio:forbidden]", [0, 0, 1, 2]),
        ("[fail:CALLBACK_EXCEPTION]", [0, 0, 1, 2]),
        ("[fail:CALLBACK_EXCEPTION:no-audio]", [0, 0, 0]),
        ("[fail:CALLBACK_EXCEPTION:late]", [0, 0, 0, 2]),
    ],
)
def test_which_tracks_have_audio_in_each_stage(state, prompt, audible):
    task = submit_music(state, {"prompt": prompt, "model": "V5"}, now=NOW)
    records = [record_of(task, NOW + stage.after, "http://x") for stage in task.lifecycle.stages]
    assert [
        sum(bool(track["audioUrl"]) for track in (record.get("response") or {"sunoData": []})["sunoData"])
        for record in records
    ] == audible


@pytest.mark.parametrize(
    ("prompt", "trouble"),
    [
        ("La [audio:null] la", AudioDefect("null")),
        ("[audio:nothing:2]", AudioDefect("nothing", 2)),
        ("[audio:none:late]", AudioDefect("none", late=True)),
        ("[audio:empty:1:late]", AudioDefect("empty", 1, late=True)),
        ("[audio]", None),
        ("[audio:loud]", None),
        ("[audio:null:late:1]", None),
        ("[audio:null:9]", None),
        ("[Audio:null]", None),
    ],
)
def test_directives_about_the_audio(prompt, trouble):
    assert read_directives(prompt).audio == trouble


def test_a_charge_at_once_and_no_refund_of_a_success(state):
    task = submit_music(state, {"prompt": "Rain"}, now=NOW)
    state.apply_refunds(NOW + 10_000)
    assert state.credits == Decimal("18.5")
    entry = state.ledger.credits[0]
    assert len(state.ledger.credits) == 1
    assert (entry.kind, entry.job_id, entry.amount, entry.balance, entry.at) == (
        "charge",
        task.music_task_id,
        12,
        Decimal("18.5"),
        NOW,
    )


@pytest.mark.parametrize(
    "prompt", ["[fail]", "[fail:531]", "[fail:CREATE_TASK_FAILED]", "[fail:CALLBACK_EXCEPTION:no-audio]"]
)
def test_a_refund_when_the_job_fails_and_only_once(state, prompt):
    task = submit_music(state, {"prompt": prompt}, now=NOW)
    failed_at = NOW + task.lifecycle.stages[-1].after
    state.apply_refunds(failed_at - 0.01)
    assert state.credits == Decimal("18.5")
    state.apply_refunds(failed_at)
    state.apply_refunds(failed_at + 99)
    assert state.credits == Decimal("30.5")
    assert [entry.kind for entry in state.ledger.credits] == ["charge", "refund"]
    assert state.ledger.credits[1].at == failed_at


@pytest.mark.parametrize(
    "prompt", ["[fail:CALLBACK_EXCEPTION]", "[fail:CALLBACK_EXCEPTION:late]", "[stuck]", "[status:X]"]
)
def test_no_refund_for_a_song_that_was_or_may_be_made(state, prompt):
    submit_music(state, {"prompt": prompt}, now=NOW)
    state.apply_refunds(NOW + 10_000)
    assert state.credits == Decimal("18.5")


def test_refunds_come_in_the_order_of_the_failures(state):
    submit_music(state, {"prompt": "[fail]"}, now=NOW)
    quick = submit_music(state, {"prompt": "[fail:CREATE_TASK_FAILED]"}, now=NOW)
    state.apply_refunds(NOW + 1000)
    refunds = [entry for entry in state.ledger.credits if entry.kind == "refund"]
    assert refunds[0].job_id == quick.music_task_id
    assert [entry.balance for entry in refunds] == [Decimal("18.5"), Decimal("30.5")]


def test_visibility(state):
    at_once = submit_music(state, {}, now=NOW)
    assert state.find(at_once.music_task_id, NOW) is at_once
    state.settings = Settings(visible_after=5)
    later = submit_music(state, {}, now=NOW)
    assert state.find(later.music_task_id, NOW + 4.9) is None
    assert state.find(later.music_task_id, NOW + 5) is later
    assert state.find("nothing", NOW + 5) is None


def test_number_of_tracks(state):
    assert len(submit_music(state, {}, now=NOW).audio_ids) == 2
    state.settings = Settings(tracks=1)
    assert len(submit_music(state, {}, now=NOW).audio_ids) == 1
    assert len(submit_music(state, {"prompt": "[tracks:3]"}, now=NOW).audio_ids) == 3


def test_one_track_alone_is_not_finished_before_the_music_task_is(state):
    task = submit_music(state, {"prompt": "[tracks:1]"}, now=NOW)
    assert not task.finished(NOW + task.lifecycle.start_of("FIRST_SUCCESS"))
    assert task.finished(NOW + task.lifecycle.start_of("SUCCESS"))


@pytest.mark.parametrize(
    "status",
    ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS", "SENSITIVE_WORD_ERROR", "CALLBACK_EXCEPTION"],
)
def test_seeding_shows_the_status_at_once_and_costs_nothing(state, status):
    task = seed_music(state, {"model": "V3_5", "prompt": "[fail] [status:X]"}, status, now=NOW)
    record = record_of(task, NOW, "")
    assert (record["status"], task.create_time <= NOW) == (status, True)
    state.apply_refunds(NOW + 1000)
    assert (state.credits, state.ledger.credits) == (Decimal("30.5"), [])


def test_a_seeded_running_task_continues(state):
    task = seed_music(state, {}, "TEXT_SUCCESS", now=NOW)
    assert record_of(task, NOW + 130, "")["status"] == "SUCCESS"


def test_personas_are_found_by_their_track(state):
    persona = state.make_persona("t", "a", "N", "D", now=NOW)
    assert state.persona_of("a") == persona
    assert state.persona_of("b") is None
    assert state.personas == {persona.persona_id: persona}


def test_ids_repeat_with_a_seed_and_only_then():
    def some(seed):
        ids = IdSource(seed)
        return ids.job(), ids.track(), ids.persona()

    assert some(3) == some(3)
    assert some(None) != some(None)
    assert len(set(some(3))) == 3


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"title": "Tin Roof", "prompt": "Rain"}, "Tin Roof"),
        ({"title": " ", "prompt": "Rain"}, "Rain"),
        ({"prompt": "rain on a tin roof"}, "Rain on a Tin Roof"),
        ({"prompt": "A slow waltz for accordion and brushed drums"}, "A Slow Waltz for Accordion"),
        ({"prompt": "[tracks:1] [fail] Hail, again!"}, "Hail Again"),
        ({"prompt": "[Verse]\nThe lanterns lean on the water\n[Chorus]\nAnd nobody"}, "The Lanterns Lean"),
        ({"prompt": "Дождь на крыше"}, "Дождь На Крыше"),
        ({"prompt": "A calm folk song about a lighthouse keeper"}, "A Calm Folk Song"),
        ({"prompt": "the"}, "The"),
    ],
)
def test_a_title_is_the_given_one_or_the_first_words_of_the_prompt(state, fields, title):
    assert title_of(submit_music(state, fields, now=NOW)) == title


@pytest.mark.parametrize("fields", [{}, {"prompt": "[fail] ... [stuck]"}, {"prompt": 5}])
def test_a_prompt_without_words_gives_a_title_from_the_id(state, fields):
    task, other = submit_music(state, fields, now=NOW), submit_music(state, fields, now=NOW)
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", title_of(task))
    assert title_of(task) != title_of(other)


def test_a_long_word_does_not_make_a_long_title(state):
    assert title_of(submit_music(state, {"prompt": "la" * 400}, now=NOW)) == "La" + "la" * 29


@pytest.mark.parametrize(
    ("request_fields", "lyrics"),
    [
        ({"prompt": "La", "customMode": True, "instrumental": False}, "La"),
        ({"prompt": "La", "customMode": True, "instrumental": True}, ""),
        ({"prompt": "Rain", "customMode": False, "instrumental": True}, ""),
        ({"prompt": "Rain", "lyrics": "La", "customMode": True, "instrumental": False}, "La"),
        ({"prompt": "Rain", "lyrics": " ", "customMode": True, "instrumental": False}, "Rain"),
    ],
)
def test_lyrics(state, request_fields, lyrics):
    record = record_of(submit_music(state, request_fields, now=NOW), NOW + 500, "")
    assert record["response"]["sunoData"][0]["prompt"] == lyrics


def test_a_track_shows_the_same_time_of_creation_at_every_age(state):
    for number in range(200):
        task = submit_music(state, {}, now=NOW + number / 7)
        for audio_id in task.audio_ids:
            in_its_name = int(task.audio_file(audio_id).partition("-")[0])
            shown = {int(task.track_created_at(audio_id, NOW + 200 + age / 3) * 1000) for age in range(20)}
            assert shown == {in_its_name}
