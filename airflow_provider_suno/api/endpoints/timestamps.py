"""
Lyrics with times: when each word of a track is sung ("get-timestamped-lyrics"). Answered at once; costs credits.
"""

import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.parsing import seconds_of, text_of
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, Record
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError

_SECTION = re.compile(r"^[^\S\n]*\[[^\]]*\][^\S\n]*$", re.MULTILINE)
"""A line such as ``[Verse 1]``, which is not sung."""

_LATEST = 86_400.0
"""Seconds; a later time is a mistake."""

Line = tuple[float, float, str]
"""Start and end in seconds, and the words."""


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import Later, RequestFields

    class GetTimestampedLyricsFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of :class:`GetTimestampedLyricsRequest`."""

        music_task_id: str | Later
        audio_id: str | Later


class GetTimestampedLyricsRequest(SunoRequest):
    """
    Ask when each word of a track is sung: ``POST /api/v1/generate/get-timestamped-lyrics``.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    """

    path: ClassVar[str] = "/api/v1/generate/get-timestamped-lyrics"
    call: ClassVar[str] = "get_timestamped_lyrics"

    music_task_id: Id = Field(serialization_alias="taskId")
    audio_id: Id

    def read(self, data: Any) -> "TimestampedLyrics":
        """
        Return the words with their times; none for an instrumental.

        :raises SunoProtocolError: when the reply has no list of words, so that it does not tell.
        """
        words = data.get("alignedWords", "") if isinstance(data, Mapping) else data
        found = [word for word in words or () if isinstance(word, Mapping)] if isinstance(words, list) else []
        if data is None or not isinstance(words, (list, NoneType)) or (words and not found):
            raise SunoProtocolError(f"The reply has no list of words: {excerpt(data, SHOWN_CHARACTERS)}.")
        return TimestampedLyrics.of(found)


class TimestampedLyrics(Record):
    """
    The words of a track with their times.

    ``words``: ``[{"word", "start", "end"}]``, in seconds; empty for an instrumental. ``lines``: the same by lines.
    """

    words: list[dict[str, Any]] = Field(default_factory=list)
    lines: list[Line] = Field(default_factory=list)

    @classmethod
    def of(cls, aligned: Sequence[Mapping[str, Any]]) -> "TimestampedLyrics":
        """Return the lyrics of the service's list. A word without a time gets the end of the one before it."""
        words, line, lines = [], [], []
        now = 0.0
        for each in aligned:
            text = _SECTION.sub("", text_of(each.get("word")) or "")
            start, end = _time_of(each.get("startS")), _time_of(each.get("endS"))
            start = now if start is None else start
            now = max(start, now if end is None else end)
            word = " ".join(text.split())
            if word:
                words.append({"word": word, "start": start, "end": now})
            before, *others = text.split("\n")
            line.append((start, now, before))
            for other in others:
                lines.append(line)
                line = [(start, now, other)]
        return cls(words=words, lines=[found for each in (*lines, line) if (found := _joined(each)) is not None])

    def result(self) -> list[dict[str, Any]]:
        """Return the words."""
        return self.words

    def lrc(self) -> str:
        """Return the lines as an LRC file; empty for an instrumental."""
        return "".join(f"[{_clock(start, 60, '.2f')}]{text}\n" for start, _, text in self.lines)

    def srt(self) -> str:
        """Return the lines as an SRT file; empty for an instrumental."""
        return "\n".join(
            f"{number}\n{_subtitle_time(start)} --> {_subtitle_time(end)}\n{text}\n"
            for number, (start, end, text) in enumerate(self.lines, start=1)
        )


def _time_of(value: Any) -> float | None:
    seconds = seconds_of(value)
    return seconds if seconds is not None and seconds <= _LATEST else None


def _joined(pieces: Sequence[Line]) -> Line | None:
    """Return one line of its pieces, ``None`` when nothing is sung in it."""
    sung = [piece for piece in pieces if piece[2].strip()]
    if not sung:
        return None
    return sung[0][0], sung[-1][1], " ".join(" ".join(text for _, _, text in sung).split())


def _clock(seconds: float, base: int, spec: str) -> str:
    minutes, rest = divmod(round(seconds, 2), base)
    return f"{int(minutes):02}:{rest:05{spec}}"


def _subtitle_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
