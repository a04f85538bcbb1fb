"""Lyrics with times: words, lines, and the texts of an LRC and an SRT file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsRequest, TimestampedLyrics
from airflow_provider_suno.exceptions import SunoProtocolError, SunoValidationError
from airflow_provider_suno.journal.entry import Entry, State

REQUEST = GetTimestampedLyricsRequest.build({"music_task_id": "m", "audio_id": "a"})
SUNG = [
    ("[Verse 1]\nThe ", 1.0, 1.2),
    ("rain\n", 1.2, 1.75),
    ("on ", 2.0, 2.2),
    ("tin\n\n[Chorus]\nLa ", 2.2, 3.0),
    ("la", 3.0, 63.456),
]


def aligned(*words: tuple[Any, Any, Any]) -> dict[str, Any]:
    spelt = [{"word": word, "success": True, "startS": start, "endS": end, "palign": 0} for word, start, end in words]
    return {"alignedWords": spelt, "waveformData": [0.1], "hootCer": 0.2, "isStreamed": False}


def lyrics(*words: tuple[Any, Any, Any]) -> TimestampedLyrics:
    return REQUEST.read(aligned(*words))


def lines(*words: tuple[Any, Any, Any]) -> list[str]:
    return [text for _, _, text in lyrics(*words).lines]


def test_words_have_their_times_and_section_marks_are_not_sung() -> None:
    found = lyrics(*SUNG)
    assert found.result() == found.words
    assert found.words[:2] == [
        {"word": "The", "start": 1.0, "end": 1.2},
        {"word": "rain", "start": 1.2, "end": 1.75},
    ]
    assert [each["word"] for each in found.words] == ["The", "rain", "on", "tin", "La", "la"]


def test_an_lrc_file_has_one_line_for_each_line_sung() -> None:
    assert lyrics(*SUNG).lrc() == "[00:01.00]The rain\n[00:02.00]on tin\n[00:02.60]La la\n"


def test_an_srt_file_numbers_its_lines_and_says_when_each_ends() -> None:
    assert lyrics(*SUNG).srt() == (
        "1\n00:00:01,000 --> 00:00:01,750\nThe rain\n\n"
        "2\n00:00:02,000 --> 00:00:02,600\non tin\n\n"
        "3\n00:00:02,600 --> 00:01:03,456\nLa la\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([("Hello ", 0, 1), ("[Chorus]\n", 1, 1), ("world", 1, 2)], ["Hello", "world"]),
        ([("Hello\n", 0, 1), ("[Chorus]\n", 1, 1), ("[Soft]\nworld", 1, 2)], ["Hello", "world"]),
        ([("one\n[Chorus]\ntwo", 0, 1)], ["one", "two"]),
        ([("  [Verse]  \r\nHi", 0, 1)], ["Hi"]),
        ([("a [whispered] word", 0, 1)], ["a [whispered] word"]),
        ([("[Verse", 0, 1), (" 1]\nHi", 1, 2)], ["Hi"]),
        ([("Hello\n", 0, 1), ("[Cho", 1, 2), ("rus] ", 2, 3), ("you", 3, 4)], ["Hello", "you"]),
        ([("[Chorus] [Soft] you", 0, 1)], ["you"]),
        ([("Hello", 0, 1), ("\n", 1, 1), ("world", 1, 2)], ["Hello", "world"]),
        ([("one", 0, 1), ("two", 1, 2)], ["one two"]),
        ([("\n\n", 0, 1), (" ", 1, 2)], []),
        ([("[Instrumental]", 0, 9)], []),
        ([], []),
    ],
)
def test_lines(words: list[tuple[str, float, float]], expected: list[str]) -> None:
    assert lines(*words) == expected


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ([("a ", 1, 2), ("b ", None, None), ("c ", None, 9), ("d", 3, 4)], [(1, 2), (2, 2.5), (2.5, 3), (3, 4)]),
        ([("a ", None, 2), ("b ", 1.5, "2.5")], [(0, 1.5), (1.5, 2.5)]),
        ([("a ", 1, 3), ("b ", 2, 2.5), ("c ", 1.5, 1.75), ("d", None, None)], [(1, 3), (2, 2.5), (2, 2), (3, 3)]),
        ([("a ", 5, 2)], [(5, 5)]),
        ([("a ", -1, 1e300), ("b", "soon", {})], [(0, 0), (0, 0)]),
    ],
)
def test_a_word_without_good_times_fits_between_its_neighbours(
    words: list[tuple[Any, Any, Any]], times: list[tuple[float, float]]
) -> None:
    assert [(each["start"], each["end"]) for each in lyrics(*words).words] == times


@pytest.mark.parametrize(
    ("unplaced", "times"),
    [
        ([(2.5, 2.75), (3, 3.5)], [(2.5, 2.75), (3, 3.5)]),
        ([(0, 0), (0, 0)], [(2, 3), (3, 4)]),
        ([(90, 91), (91, 92)], [(2, 3), (3, 4)]),
        ([(3, 2), (3, 4)], [(2, 3), (3, 4)]),
    ],
)
def test_a_word_that_the_service_could_not_place_is_kept_where_it_is_sung(
    unplaced: list[tuple[float, float]], times: list[tuple[float, float]]
) -> None:
    reply = aligned(("a ", 1, 2), *(("b\n", *span) for span in unplaced), ("c", 4, 5))
    for word in reply["alignedWords"][1:3]:
        word["success"] = False
    found = REQUEST.read(reply)
    assert [(each["start"], each["end"]) for each in found.words] == [(1, 2), *times, (4, 5)]
    assert [text for _, _, text in found.lines] == ["a b", "b", "c"]


def test_a_line_of_an_lrc_file_cannot_be_taken_for_a_tag() -> None:
    assert lyrics(("[oh no\n", 1, 2), ("[[ar:me] x]\n", 2, 3)).lrc() == "[00:01.00](oh no\n[00:02.00]((ar:me) x)\n"


@pytest.mark.parametrize(("word", "a_second"), [("through ", 4), ("песня ", 3), ("歌", 4)])
def test_the_words_of_eight_minutes_fit_into_the_journal(word: str, a_second: int) -> None:
    words = 8 * 60 * a_second
    sung = [(f"{word}\n" if number % 6 == 5 else word, number / a_second, (number + 0.87654) / a_second)
            for number in range(words)]  # fmt: skip
    answer = lyrics(*sung).to_dict()
    assert len(TimestampedLyrics.model_validate(answer).words) == words
    entry = Entry(
        state=State.SUBMITTED, max_tries=3, description="x" * 200, fingerprint={"call": "x" * 64}, answer=answer
    )
    assert len(json.dumps(entry.model_dump(mode="json"))) < 64_000


@pytest.mark.parametrize(
    ("start", "shown", "srt"),
    [(59.999, "[01:00.00]", "00:00:59,999"), (3725.5, "[62:05.50]", "01:02:05,500"), (0, "[00:00.00]", "00:00:00,000")],
)
def test_how_times_are_written(start: float, shown: str, srt: str) -> None:
    found = lyrics(("la", start, start + 1))
    assert found.lrc() == f"{shown}la\n"
    assert found.srt().splitlines()[1].startswith(srt)


@pytest.mark.parametrize("data", [{"alignedWords": None}, {"alignedWords": []}, [], aligned(("", 0, 1))])
def test_an_instrumental_has_no_words(data: Any) -> None:
    found = REQUEST.read(data)
    assert (found.words, found.lines, found.lrc(), found.srt()) == ([], [], "", "")


@pytest.mark.parametrize(
    "data", [None, {}, "words", 7, {"alignedWords": "la"}, {"alignedWords": {"word": "la"}}, {"alignedWords": ["la"]}]
)
def test_a_reply_without_a_list_of_words_is_not_the_apis(data: Any) -> None:
    with pytest.raises(SunoProtocolError, match="The reply has no list of words: "):
        REQUEST.read(data)


def test_what_is_no_word_is_left_out() -> None:
    found = REQUEST.read([{"word": "la", "startS": 1, "endS": 2}, "la", None, {"word": 7}, {"startS": 9}])
    assert [each["word"] for each in found.words] == ["la", "7"]


def test_the_journal_gives_the_answer_back() -> None:
    found = lyrics(*SUNG)
    assert TimestampedLyrics.model_validate(json.loads(json.dumps(found.to_dict()))) == found


def test_both_ids_are_needed() -> None:
    with pytest.raises(SunoValidationError, match="audio_id: must be one string, not list; for several, map the task"):
        GetTimestampedLyricsRequest.build({"music_task_id": "m", "audio_id": ["a", "b"]})
    with pytest.raises(SunoValidationError, match="music_task_id: required"):
        GetTimestampedLyricsRequest.build({"audio_id": "a"})
