"""
Markers: what a prompt may ask of the song's lifecycle.

====================================  =====================================================================
``[fail:STATUS]``                     ends in that status, e.g. ``GENERATE_AUDIO_FAILED``; any name will do
``[fail:CODE]``                       ends with that ``errorCode``: 400, 408, 413, 500, 501, 531
``[fail:STATUS:CODE]``                both; ``null`` as the code leaves ``errorCode`` empty
``[fail:STATUS:one-track]``           fails beside one complete track; also after a code, as the next
``[fail:STATUS:in-response]``         tells its message in ``response``, beside an empty list of tracks
``[fail:CALLBACK_EXCEPTION]``         the audio is there, only the callback was not delivered
``[fail:CALLBACK_EXCEPTION:no-audio]``  the tracks never get audio
``[fail:CALLBACK_EXCEPTION:late]``    the audio follows some time after the status
``[stuck]``, ``[stuck:STATUS]``       stays ``TEXT_SUCCESS`` (or that status) for ever
``[status:NAME]``                     shows this name between ``PENDING`` and the end
``[tracks:N]``                        makes N tracks, 1 to 4
``[hidden:SECONDS]``                  record-info knows nothing of the task before that age
``[audio:null]``                      ``audioUrl`` is null though the song succeeds; ``sourceAudioUrl`` is set
``[audio:empty]``                     ``audioUrl`` stays an empty text, and ``sourceAudioUrl`` null
``[audio:forbidden]``                 ``audioUrl`` is a placeholder that ends in ``/api/forbidden``
``[audio:none]``                      ``audioUrl`` is a placeholder that ends in ``/None.mp3``
``[audio:nothing]``                   no address of audio at all, and no duration
``[audio:HOW:N]``                     only track N, counted from 1, is so: one broken track in a success
``[audio:HOW:late]``                  the true addresses follow 30 seconds after the end; also after ``N``
====================================  =====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

TEXT_SUCCESS = "TEXT_SUCCESS"
GENERATE_AUDIO_FAILED = "GENERATE_AUDIO_FAILED"

DefectKind = Literal["null", "empty", "forbidden", "none", "nothing"]
AUDIO_DEFECT_PATTERN = rf"(?:{'|'.join(get_args(DefectKind))})(?::[1-4])?(?::late)?"
"""What may follow ``audio:``, as a regular expression."""

_MARKER = re.compile(r"\[(fail|stuck|status|tracks|hidden|audio)((?::[\w-]+)*)\]")


@dataclass(frozen=True)
class Failure:
    """
    How a song shall fail.

    :param name: a status or an ``errorCode``.
    :param details: what follows it in the marker.
    """

    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudioDefect:
    """
    What is wrong with the addresses of tracks that are done.

    :param how: what stands where the address of the file should.
    :param track: number of the only track that is so, from 1; None for all of them.
    :param late: whether the true addresses follow.
    """

    kind: DefectKind
    track: int | None = None
    late: bool = False

    def affects(self, track: int) -> bool:
        """
        Return whether a track is so.

        :param track: its number, from 0.
        """
        return self.track in (None, track + 1)


@dataclass(frozen=True)
class Directives:
    """What the markers of a prompt ask for; ``None`` where they say nothing."""

    failure: Failure | None = None
    stuck_in: str | None = None
    middle_status: str | None = None
    tracks: int | None = None
    hidden_for: float | None = None
    audio: AudioDefect | None = None


def directives_of(request: Mapping[str, Any]) -> Directives:
    """
    Read the markers of a request.

    :param request: the fields as submitted.
    """
    prompt = request.get("prompt")
    return read_directives(prompt) if isinstance(prompt, str) else Directives()


def read_directives(prompt: str) -> Directives:
    """
    Read the markers of a prompt. What is not a marker, such as ``[Verse]``, means nothing.

    :param prompt: the text as submitted.
    """
    directives = Directives()
    for kind, rest in _MARKER.findall(prompt):
        first, *others = rest.removeprefix(":").split(":")
        if kind == "fail":
            directives = replace(directives, failure=Failure(first or GENERATE_AUDIO_FAILED, tuple(others)))
        elif kind == "stuck":
            directives = replace(directives, stuck_in=first or TEXT_SUCCESS)
        elif kind == "status" and first:
            directives = replace(directives, middle_status=first)
        elif kind == "tracks" and first.isdigit():
            directives = replace(directives, tracks=min(max(int(first), 1), 4))
        elif kind == "hidden" and first.isdigit():
            directives = replace(directives, hidden_for=float(first))
        elif kind == "audio":
            directives = replace(directives, audio=read_audio_defect(rest.removeprefix(":")))
    return directives


def read_audio_defect(order: str | None) -> AudioDefect | None:
    """
    Read what follows ``audio:`` in a marker; None if it means nothing.

    :param order: the text, such as ``null`` or ``nothing:2:late``.
    """
    if order is None or re.fullmatch(AUDIO_DEFECT_PATTERN, order) is None:
        return None
    kind, *others = order.split(":")
    track = next((int(word) for word in others if word.isdigit()), None)
    return AudioDefect(cast(DefectKind, kind), track, late="late" in others)
