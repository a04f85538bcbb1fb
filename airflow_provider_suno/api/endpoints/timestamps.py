"""
Lyrics with times: when each word of a track is sung ("get-timestamped-lyrics"). Answered at once; costs credits.
"""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, groupby, pairwise
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.parsing import seconds_of, text_of
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, Record
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError

_TAG = re.compile(r"\[[^\[\]\n]*\]")
"""Such as ``[Verse 1]``, which is not sung."""

_LATEST = 86_400.0
"""Seconds; a later time is a mistake."""

_ROUND = str.maketrans("[]", "()")

Line = tuple[float, float, str]
"""Start and end in seconds, and the words (or one word)."""


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

    ``text``: the words, with a tab between two of a line and a line break between two lines; empty for an
    instrumental. ``times``: for each word the milliseconds from the end of the one before to its start, and from there
    to its end. They are kept like this because the journal must hold them. ``words`` and ``lines`` follow from both.
    """

    text: str = ""
    times: list[int] = Field(default_factory=list)

    @classmethod
    def of(cls, aligned: Sequence[Mapping[str, Any]]) -> "TimestampedLyrics":
        """Return the lyrics of the service's list, without section tags."""
        lines: list[list[str]] = [[]]
        times, now = [], 0
        spelled = _without_tags([_spelled(each.get("word")) for each in aligned])
        for text, (start, end) in zip(spelled, _spans(aligned), strict=True):
            pieces = [" ".join(piece.split()) for piece in text.split("\n")]
            sung = sum(map(bool, pieces))
            for number, piece in enumerate(pieces):
                if number:
                    lines.append([])
                if piece:
                    share, before = (end - start) / sung, sum(map(bool, pieces[:number]))
                    begins, ends = (round(1000 * (start + share * part)) for part in (before, before + 1))
                    lines[-1].append(piece)
                    times += [begins - now, ends - begins]
                    now = ends
        return cls(text="\n".join("\t".join(line) for line in lines if line), times=times)

    @property
    def words(self) -> list[dict[str, Any]]:
        """The words, ``[{"word", "start", "end"}]``, in seconds."""
        return [{"word": word, "start": start, "end": end} for line in self._timed() for start, end, word in line]

    @property
    def lines(self) -> list[Line]:
        """The lines."""
        return [
            (line[0][0], max(end for _, end, _ in line), " ".join(word for _, _, word in line))
            for line in self._timed()
        ]

    def _timed(self) -> list[list[Line]]:
        """Return the words with their times, by lines."""
        moments = (at / 1000 for at in accumulate(self.times))
        lines = [line.split("\t") for line in self.text.split("\n") if line]
        return [[(next(moments), next(moments), word) for word in line] for line in lines]

    def result(self) -> list[dict[str, Any]]:
        """Return the words."""
        return self.words

    def lrc(self) -> str:
        """Return the lines as an LRC file; empty for an instrumental."""
        return "".join(f"[{_clock(start, 60, '.2f')}]{_no_tag(text)}\n" for start, _, text in self.lines)

    def srt(self) -> str:
        """Return the lines as an SRT file; empty for an instrumental."""
        return "\n".join(
            f"{number}\n{_subtitle_time(start)} --> {_subtitle_time(end)}\n{text}\n"
            for number, (start, end, text) in enumerate(self.lines, start=1)
        )


def _spelled(word: Any) -> str:
    return text_of(word) or (word if isinstance(word, str) else "")


def _without_tags(words: Sequence[str]) -> list[str]:
    """Return words without the tags that begin a line or are words of their own, even where one is cut into words."""
    joined = "".join(words)
    kept = list(joined)
    bounds = list(accumulate(map(len, words), initial=0))
    begin = {end - len(word.lstrip()) for word, end in zip(words, bounds[1:], strict=True)}
    end = {start + len(word.rstrip()) for word, start in zip(words, bounds[:-1], strict=True)}
    for tag in _TAG.finditer(joined):
        begins_line = not "".join(kept[joined.rfind("\n", 0, tag.start()) + 1 : tag.start()]).strip()
        if begins_line or (tag.start() in begin and tag.end() in end):
            kept[tag.start() : tag.end()] = [""] * len(tag[0])
    return ["".join(kept[start:end]) for start, end in pairwise(bounds)]


def _spans(aligned: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """
    Return the start and the end of each word in seconds: no start before the one before, no end before its start.

    Words that the service could not place share the time between their neighbours, unless their own times fit there.
    """
    given = [_span_of(each) for each in aligned]
    placed = [each.get("success") is not False and span is not None for each, span in zip(aligned, given, strict=True)]
    spans: list[tuple[float, float]] = []
    earliest = now = 0.0
    for is_placed, run in groupby(range(len(given)), placed.__getitem__):
        indexes = list(run)
        own = [span for index in indexes if (span := given[index]) is not None]
        following = given[indexes[-1] + 1] if indexes[-1] + 1 < len(given) else None
        moments = [now, *chain(*own), math.inf if following is None else following[0]]
        if not is_placed and (len(own) < len(indexes) or moments != sorted(moments)):
            step = 0.0 if following is None else max(0.0, following[0] - now) / len(indexes)
            own = [(now + step * number, now + step * (number + 1)) for number in range(len(indexes))]
        for start, end in own:
            earliest = max(earliest, start)
            now = max(now, earliest, end)
            spans.append((earliest, max(earliest, end)))
    return spans


def _span_of(aligned: Mapping[str, Any]) -> tuple[float, float] | None:
    start, end = seconds_of(aligned.get("startS")), seconds_of(aligned.get("endS"))
    return None if start is None or end is None or max(start, end) > _LATEST else (start, end)


def _no_tag(text: str) -> str:
    """Return a line that no player takes for a time or a tag."""
    return text.translate(_ROUND) if text.startswith("[") else text


def _clock(seconds: float, base: int, spec: str) -> str:
    minutes, rest = divmod(round(seconds, 2), base)
    return f"{int(minutes):02}:{rest:05{spec}}"


def _subtitle_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
