"""Records as they really come."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import SunoValidationError


def record(status: str = "SUCCESS", tracks: Any = None, **fields: Any) -> MusicTask:
    response = {"taskId": "m", "sunoData": tracks} if tracks is not None else None
    return MusicTask.model_validate({"taskId": "m", "status": status, "response": response, **fields})


DONE = {"id": "a1", "audioUrl": "https://x/a1.mp3", "duration": 154.68, "modelName": "chirp-crow", "title": "T"}
HALF = {"id": "a2", "audioUrl": "", "streamAudioUrl": "https://x/a2", "duration": None}
NOTHING = {"id": "a3", "audioUrl": None, "sourceAudioUrl": "https://x/None.mp3", "streamAudioUrl": ""}
SOURCE = {"sourceAudioUrl": "https://cdn1.x/a2.mp3"}
PLACEHOLDERS = [
    "https://x/api/forbidden",
    "https://x/api/forbidden/",
    "https://x/None.mp3",
    "https://x/a/null.mp3?sign=1",
    "https://x/undefined",
    "https://x/.mp3",
    "https://x/None_0.mp3",
    "https://x/forbidden.mp3",
    "https://x/?item_id=None",
    "https://x/",
    "",
]


def test_a_pending_record_has_no_tracks() -> None:
    for response in (None, {}, {"sunoData": None}, {"sunoData": []}):
        assert MusicTask.model_validate({"taskId": "m", "status": "PENDING", "response": response}).tracks == ()


def test_empty_urls_are_none() -> None:
    track = record("TEXT_SUCCESS", [HALF]).tracks[0]
    assert track.audio_url is None
    assert track.stream_audio_url == "https://x/a2"
    assert not track.complete


@pytest.mark.parametrize("key", ["sunoData", "data", "clips"])
def test_tracks_are_found_under_another_key(key: str) -> None:
    assert MusicTask.model_validate({"taskId": "m", "response": {key: [DONE]}}).audio_ids == ["a1"]


@pytest.mark.parametrize(
    "text", ['{"sunoData": [{"id": "a1"}]}', '[{"id": "a1"}]', '{"data": {"sunoData": [{"id": "a1"}]}}']
)
def test_a_response_may_be_json_text(text: str) -> None:
    assert MusicTask.model_validate({"taskId": "m", "response": text}).audio_ids == ["a1"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (1772624679694, pendulum.datetime(2026, 3, 4, 11, 44, 39, 694000)),
        ("1772624679694", pendulum.datetime(2026, 3, 4, 11, 44, 39, 694000)),
        ("2025-01-01 00:00:00", pendulum.datetime(2025, 1, 1)),
        ("yesterday", None),
        (None, None),
        (10**40, None),
    ],
)
def test_times(given: Any, read: Any) -> None:
    assert record(createTime=given).create_time == read


def test_the_dict_of_an_xcom_reads_back_as_the_same_record() -> None:
    task = record("FIRST_SUCCESS", [DONE, HALF], createTime=1772624679694)
    plain = task.to_dict()
    assert plain["music_task_id"] == "m"
    assert plain["tracks"][0]["audio_id"] == "a1"
    assert MusicTask.model_validate(plain) == task


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": "SUCCESS"}, None),
        ({"status": "SOMETHING_NEW"}, None),
        ({"status": "CALLBACK_EXCEPTION"}, None),
        ({"status": "CREATE_TASK_FAILED"}, "SunoMusicTaskFailedError"),
        ({"status": "GENERATE_MUSIC_FAILED"}, "SunoMusicTaskFailedError"),
        ({"status": "SENSITIVE_WORD_ERROR"}, "SunoContentRejectedError"),
        ({"status": "GENERATE_AUDIO_FAILED", "errorCode": 400}, "SunoContentRejectedError"),
        ({"status": "GENERATE_AUDIO_FAILED", "errorCode": "413"}, "SunoContentRejectedError"),
        *(({"status": "PENDING", "errorCode": code}, "SunoMusicTaskFailedError") for code in (408, 500, 501, 531)),
        ({"status": "PENDING", "errorCode": 451}, "SunoMediaUnavailableError"),
    ],
)
def test_failures(fields: dict[str, Any], error: str | None) -> None:
    failure = record(errorMessage="as it is", **fields).failure()
    assert (type(failure).__name__ if failure else None) == error
    if failure:
        assert "as it is" in str(failure)
        assert failure.music_task_id == "m"


@pytest.mark.parametrize(
    ("status", "tracks", "all_finished", "first_finished"),
    [
        ("PENDING", None, False, False),
        ("TEXT_SUCCESS", [HALF], False, False),
        ("FIRST_SUCCESS", [DONE, HALF], False, True),
        ("SUCCESS", [DONE], True, True),
        ("SUCCESS", [], False, False),
        ("SUCCESS", [HALF], True, True),
        ("SUCCESS", [NOTHING], False, False),
        ("CALLBACK_EXCEPTION", [DONE], True, True),
        ("CALLBACK_EXCEPTION", [DONE, HALF], False, True),
    ],
)
def test_finished(status: str, tracks: Any, all_finished: bool, first_finished: bool) -> None:
    task = record(status, tracks)
    assert task.finished("all") is all_finished
    assert task.finished("first") is first_finished


@pytest.mark.parametrize("missing", [None, "", "https://x/api/forbidden"])
@pytest.mark.parametrize(
    ("others", "found"),
    [
        ({}, "stream_audio_url"),
        (SOURCE, "source_audio_url"),
        ({"sourceAudioUrl": "https://x/None.mp3"}, "stream_audio_url"),
    ],
)
def test_at_success_each_track_falls_back_on_its_next_best_address(
    missing: str | None, others: dict[str, str], found: str
) -> None:
    task = record("SUCCESS", [DONE, {**HALF, **others, "audioUrl": missing}])
    first, second = task.tracks
    assert (first.audio_url, first.audio_url_from) == ("https://x/a1.mp3", None)
    assert (second.audio_url, second.audio_url_from) == (getattr(second, found), found)
    assert task.remarks() == [f"track a2 came without an audio_url; its {found} is used instead"]
    assert task.finished("all")
    assert MusicTask.model_validate(task.to_dict()) == task


@pytest.mark.parametrize(
    ("status", "fields"),
    [("TEXT_SUCCESS", SOURCE), ("FIRST_SUCCESS", SOURCE), ("CALLBACK_EXCEPTION", {}), ("SUCCESS", {"errorCode": 501})],
)
def test_before_the_end_no_other_address_is_finished_audio_nor_is_a_stream_of_a_bad_end(
    status: str, fields: dict[str, Any]
) -> None:
    addresses = fields if fields == SOURCE else {}
    task = record(status, [{**HALF, **addresses}], **({} if fields == SOURCE else fields))
    assert task.tracks[0].audio_url is None
    assert not task.finished("first")


@pytest.mark.parametrize(
    ("status", "fields"), [("CALLBACK_EXCEPTION", {}), ("GENERATE_AUDIO_FAILED", {"errorCode": 501})]
)
def test_a_bad_end_loses_no_track_that_is_at_its_source(status: str, fields: dict[str, Any]) -> None:
    task = record(status, [{**HALF, **SOURCE}, NOTHING], **fields)
    assert [track.audio_id for track in task.playable] == ["a2"]
    assert task.remarks() == ["track a2 came without an audio_url; its source_audio_url is used instead"]


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_under_a_placeholder_there_is_no_file(placeholder: str) -> None:
    names = ("audioUrl", "sourceAudioUrl", "streamAudioUrl", "sourceStreamAudioUrl", "imageUrl", "sourceImageUrl")
    track = record("SUCCESS", [{"id": "a", **dict.fromkeys(names, placeholder)}]).tracks[0]
    assert [value for name, value in track.to_dict().items() if "url" in name and value] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://x/nonesuch.mp3",
        "https://x/None/a.mp3",
        "https://x/a.mp3?name=null",
        "https://x/api/forbidden/a.mp3",
        "https://x/?id=a",
    ],
)
def test_what_only_looks_like_a_placeholder_is_none(url: str) -> None:
    assert record("SUCCESS", [{"id": "a", "audioUrl": url}]).tracks[0].audio_url == url


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"status": "GENERATE_AUDIO_FAILED", "errorCode": 501}, None),
        ({"status": "SUCCESS", "errorCode": 413}, "change the prompt, the lyrics or the source"),
    ],
)
def test_a_failure_names_the_tracks_that_can_be_played(fields: dict[str, Any], advice: str | None) -> None:
    error = record(tracks=[DONE, NOTHING], **fields).failure()
    assert 'can be played all the same: a1 ("T", 2:34, https://x/a1.mp3).' in str(error)
    assert "a3" not in str(error)
    assert "look at your balance" in str(error)
    assert "set music_task_id='m' and until='first'" in str(error)
    assert "refunds the credits" not in str(error)
    assert advice is None or advice in str(error)


@pytest.mark.parametrize("response", [{"sunoData": [], "errorMessage": "no luck"}, '{"errorMsg": "no luck"}'])
def test_the_reason_may_stand_beside_the_tracks(response: Any) -> None:
    failed = {"taskId": "m", "status": "GENERATE_AUDIO_FAILED", "errorMessage": None, "response": response}
    assert ": no luck)" in str(MusicTask.model_validate(failed).failure())
    assert ": its own)" in str(MusicTask.model_validate({**failed, "errorMessage": "its own"}).failure())


def test_the_names_of_many_tracks_flood_no_message() -> None:
    tracks = [{**DONE, "id": f"a{number}", "title": "t" * 9000} for number in range(500)]
    assert len(str(record("GENERATE_AUDIO_FAILED", tracks, errorMessage="x" * 9000).failure())) < 6000


@pytest.mark.parametrize("name", ["V3_5", "chirp-v3-5", "V3", "chirp-v3-0", "chirp-v3-5-tau", "chirp-v2-xxl-alpha"])
def test_models_too_old_for_a_persona(name: str) -> None:
    assert record(param=f'{{"model": "{name}"}}').made_by_refused_model("a1") == name
    assert record(tracks=[{**DONE, "modelName": name}]).made_by_refused_model("a1") == name


@pytest.mark.parametrize("name", ["V4", "V4_5PLUS", "V5", "chirp-crow", "chirp-v4", "GENERATE"])
def test_models_new_enough_for_a_persona(name: str) -> None:
    assert record(tracks=[{**DONE, "modelName": name}], type=name).made_by_refused_model("a1") is None


def test_a_text_that_no_database_takes_is_mended() -> None:
    track = record(tracks=[{**DONE, "title": "half \ud800 and \x00", "prompt": "a\nb 🎵"}]).tracks[0]
    assert track.title == "half \ufffd and \ufffd"
    assert track.prompt == "a\nb 🎵"


def test_an_odd_status_is_shown_and_a_failure_forges_no_line_of_a_log() -> None:
    failed = record("ODD\n\x1b[31m_FAILED", errorMessage="two\nlines" + "x" * 9000, errorCode=1e300)
    assert failed.status == "ODD\\n\\x1b[31m_FAILED"
    error = failed.failure()
    assert error is not None
    assert "(error code None: two\\nlinesx" in str(error)
    assert len(str(error)) < 2300
    assert len(record("x" * 9000).status) == 100


@pytest.mark.parametrize("other", [None, "", {"a": 1}, "two\nlines", ["a", "b"], 1e400])
def test_one_id_of_a_track_that_can_be_read_is_enough(other: Any) -> None:
    assert record(tracks=[{"id": other, "audioId": "a1"}]).audio_ids == ["a1"]
    assert record(tracks=[{"id": other}]).audio_ids == []


@pytest.mark.parametrize("nowhere", ["null", "-", 5, ["https://x/a.mp3"], "https://", "ftp://x/a.mp3"])
def test_audio_is_there_when_it_has_an_address(nowhere: Any) -> None:
    assert not record(tracks=[{**DONE, "audioUrl": nowhere}]).finished("first")


def test_the_number_of_a_model_may_have_any_digits() -> None:
    assert record(tracks=[{**DONE, "modelName": "chirp-v" + "9" * 5000}]).made_by_refused_model("a1") is None


def test_many_tracks_are_not_all_named_in_a_message() -> None:
    with pytest.raises(SunoValidationError) as caught:
        record(tracks=[{"id": f"a{number}"} for number in range(5000)]).choose_track("x" * 5000)
    assert len(str(caught.value)) < 1000
