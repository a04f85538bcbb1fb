"""
Prompt directives: text in square brackets that makes a song fail, hang, or come out incomplete.

=======================================  ====================================================================
``[fail:STATUS]``                        fails with that status, such as ``GENERATE_AUDIO_FAILED``; any name
``[fail:CODE]``                          fails with that ``errorCode``: 400, 408, 413, 500, 501, 531
``[fail:STATUS:CODE]``                   both; ``null`` as the code leaves ``errorCode`` empty
``[fail:STATUS:one-track]``              fails, but one track is complete; may follow a code
``[fail:STATUS:in-response]``            puts its message in ``response``, with an empty list of tracks
``[fail:CALLBACK_EXCEPTION]``            the audio is complete, only the callback was not delivered
``[fail:CALLBACK_EXCEPTION:no-audio]``   the tracks never get audio
``[fail:CALLBACK_EXCEPTION:late]``       the audio follows some time after the status
``[stuck]``, ``[stuck:STATUS]``          stays in ``TEXT_SUCCESS``, or in that status, for ever
``[status:NAME]``                        shows this status between ``PENDING`` and the end
``[tracks:N]``                           makes N tracks, 1 to 4
``[seconds:N]``                          its tracks last N seconds, 1 to 480, unless they follow a source
``[hidden:SECONDS]``                     record-info does not know the task until it is that old
``[audio:null]``                         ``audioUrl`` is null in a success; ``sourceAudioUrl`` is set
``[audio:empty]``                        ``audioUrl`` stays an empty text, and ``sourceAudioUrl`` null
``[audio:forbidden]``                    ``audioUrl`` is a placeholder that ends in ``/api/forbidden``
``[audio:none]``                         ``audioUrl`` is a placeholder that ends in ``/None.mp3``
``[audio:nothing]``                      no address of audio at all, and no duration
``[audio:KIND:N]``                       only track N, counted from 1, has this defect
``[audio:KIND:late]``                    the right addresses follow 30 seconds after the end; may follow ``N``
=======================================  ====================================================================

Of ``add-instrumental``, which takes no prompt, the ``tags`` are read. In the style that ``style/generate`` is to
enlarge, ``[fail]`` and ``[fail:CODE]`` make that call fail, free of charge.

A prompt for lyrics takes ``fail``, ``stuck``, ``hidden`` and ``tracks``, which is the number of texts.
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
"""Regular expression for what may follow ``audio:``."""

_LONGEST = 480
_DIRECTIVE = re.compile(r"\[(fail|stuck|status|tracks|seconds|hidden|audio)((?::[\w-]+)*)\]")


@dataclass(frozen=True)
class Failure:
    """
    How a song is to fail.

    :param name: a status or an ``errorCode``.
    :param details: what follows it in the directive.
    """

    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudioDefect:
    """
    What is wrong with the audio addresses of finished tracks.

    :param kind: what replaces the file's address.
    :param track: number of the only affected track, from 1; None for all tracks.
    :param late: whether the right addresses follow later.
    """

    kind: DefectKind
    track: int | None = None
    late: bool = False

    def affects(self, track: int) -> bool:
        """
        Return whether a track has the defect.

        :param track: its number, from 0.
        """
        return self.track in (None, track + 1)


@dataclass(frozen=True)
class Directives:
    """
    What the directives of a prompt ask for; None where they do not say.

    :param failure: how the song fails.
    :param stuck_in: the status it never leaves.
    :param middle_status: the status it shows between ``PENDING`` and the end.
    :param tracks: number of tracks.
    :param seconds: length of the tracks.
    :param hidden_for: simulated seconds during which record-info does not know it.
    :param audio: what is wrong with the audio addresses.
    """

    failure: Failure | None = None
    stuck_in: str | None = None
    middle_status: str | None = None
    tracks: int | None = None
    seconds: float | None = None
    hidden_for: float | None = None
    audio: AudioDefect | None = None


def directives_of(request: Mapping[str, Any]) -> Directives:
    """
    Read the directives of a request.

    :param request: the submitted fields.
    """
    prompt = request.get("prompt", request.get("tags"))
    return read_directives(prompt) if isinstance(prompt, str) else Directives()


def read_directives(prompt: str) -> Directives:
    """Read the directives of a prompt. Other text in brackets, such as ``[Verse]``, is ignored."""
    directives = Directives()
    for name, rest in _DIRECTIVE.findall(prompt):
        first, *others = rest.removeprefix(":").split(":")
        if name == "fail":
            directives = replace(directives, failure=Failure(first or GENERATE_AUDIO_FAILED, tuple(others)))
        elif name == "stuck":
            directives = replace(directives, stuck_in=first or TEXT_SUCCESS)
        elif name == "status" and first:
            directives = replace(directives, middle_status=first)
        elif name == "tracks" and is_number(first):
            directives = replace(directives, tracks=min(max(int(first), 1), 4))
        elif name == "seconds" and is_number(first):
            directives = replace(directives, seconds=float(min(max(int(first), 1), _LONGEST)))
        elif name == "hidden" and is_number(first):
            directives = replace(directives, hidden_for=float(first))
        elif name == "audio":
            directives = replace(directives, audio=read_audio_defect(rest.removeprefix(":")))
    return directives


def is_number(text: str) -> bool:
    """Return whether a part of a directive is a number. One of more than nine digits is none."""
    return re.fullmatch("[0-9]{1,9}", text) is not None


def read_audio_defect(text: str | None) -> AudioDefect | None:
    """
    Read what follows ``audio:`` in a directive. Return None if it is not valid.

    :param text: the text, such as ``null`` or ``nothing:2:late``.
    """
    if text is None or re.fullmatch(AUDIO_DEFECT_PATTERN, text) is None:
        return None
    kind, *others = text.split(":")
    track = next((int(word) for word in others if is_number(word)), None)
    return AudioDefect(cast(DefectKind, kind), track, late="late" in others)
