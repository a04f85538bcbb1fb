"""
Write MP4 files: the video of a track, which shows a still picture, and its audio alone as an M4A file.

The audio is the track's MP3 file, frame by frame; the picture is a prepared one. So nothing has to be encoded here.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from airflow_provider_suno.simulator.jobs.melody import Melody
from airflow_provider_suno.simulator.jobs.mp3 import FRAME_SIZE, KBITS, SAMPLES_PER_FRAME, mp3_of
from airflow_provider_suno.simulator.jobs.stills import SIDE, Still, still_of
from airflow_provider_suno.simulator.jobs.tone import SAMPLE_RATE

_MILLISECONDS = 1000
_FRAME_LASTS = 1000
"""Milliseconds for which a frame of the video is shown; a player can start at any of them."""

_MATRIX = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_UNDETERMINED = 0x55C4
"""The code of an undetermined language."""

_MP3 = 0x6B
"""The number of MP3 among the kinds of audio in an MP4 file."""


@dataclass(frozen=True)
class _Stream:
    """
    The picture or the sound of a file.

    :param handler: ``vide`` or ``soun``.
    :param header: the header of its medium.
    :param entry: the description of its samples.
    :param units: units of its time per second.
    :param samples: its samples.
    :param lasts: how long each of them lasts, in those units.
    :param side: width and height in pixels.
    """

    handler: bytes
    header: bytes
    entry: bytes
    units: int
    samples: Sequence[bytes]
    lasts: Sequence[int]
    side: int = 0

    @property
    def content(self) -> bytes:
        """All samples."""
        return b"".join(self.samples)


@lru_cache(maxsize=8)
def mp4_of(melody: Melody, audio_id: str) -> bytes:
    """
    Return a video of a melody: a still picture and the sound.

    :param audio_id: the track, which the picture follows from.
    """
    sound = _sound(mp3_of(melody))
    return _file(b"isom", (_picture(still_of(audio_id), sum(sound.lasts) / SAMPLE_RATE), sound))


@lru_cache(maxsize=8)
def m4a_of(melody: Melody) -> bytes:
    """Return a melody as an M4A file."""
    return _file(b"M4A ", (_sound(mp3_of(melody)),))


def _sound(mp3: bytes) -> _Stream:
    frames = [mp3[at : at + FRAME_SIZE] for at in range(0, len(mp3), FRAME_SIZE)]
    entry = struct.pack(">6xH8xHH4xI", 1, 1, 16, SAMPLE_RATE << 16)
    decoder = struct.pack(">BBxxxII", _MP3, 0x15, KBITS * 1000, KBITS * 1000)
    description = struct.pack(">HB", 1, 0) + _descriptor(4, decoder) + _descriptor(6, b"\2")
    return _Stream(
        handler=b"soun",
        header=_full_box(b"smhd", bytes(4)),
        entry=_box(b"mp4a", entry, _full_box(b"esds", _descriptor(3, description))),
        units=SAMPLE_RATE,
        samples=frames,
        lasts=[SAMPLES_PER_FRAME] * len(frames),
    )


def _picture(still: Still, seconds: float) -> _Stream:
    """Return the stream that shows a picture for so long."""
    whole = round(seconds * _MILLISECONDS)
    count = math.ceil(whole / _FRAME_LASTS)
    lasts = [_FRAME_LASTS] * (count - 1) + [whole - _FRAME_LASTS * (count - 1)]
    sequence, picture = still.sequence_parameters, still.picture_parameters
    entry = struct.pack(">6xH16xHHIIxxxxH32xHh", 1, SIDE, SIDE, 72 << 16, 72 << 16, 1, 24, -1)
    parameters = struct.pack(
        f">B3sBBH{len(sequence)}sBH{len(picture)}s",
        *(1, sequence[1:4], 0xFF, 0xE1, len(sequence), sequence, 1, len(picture), picture),
    )
    return _Stream(
        handler=b"vide",
        header=_full_box(b"vmhd", bytes(8), flags=1),
        entry=_box(b"avc1", entry, _box(b"avcC", parameters)),
        units=_MILLISECONDS,
        samples=[_sized(still.frames[number % 2]) for number in range(count)],
        lasts=lasts,
        side=SIDE,
    )


def _sized(unit: bytes) -> bytes:
    return struct.pack(">I", len(unit)) + unit


def _file(brand: bytes, streams: Sequence[_Stream]) -> bytes:
    head = _box(b"ftyp", brand, bytes(4), b"isom", b"mp42", brand)
    # The places of the samples do not change the size of the index, so that it can be written twice.
    start = len(head) + len(_index(streams, [0] * len(streams))) + 8
    places = [start + sum(len(stream.content) for stream in streams[:n]) for n in range(len(streams))]
    return head + _index(streams, places) + _box(b"mdat", *(stream.content for stream in streams))


def _index(streams: Sequence[_Stream], places: Sequence[int]) -> bytes:
    lasts = max(_milliseconds(stream) for stream in streams)
    header = struct.pack(">8xIIIHxx8x", _MILLISECONDS, lasts, 1 << 16, 1 << 8) + _MATRIX + bytes(24)
    header += struct.pack(">I", len(streams) + 1)
    tracks = (_track(number, stream, places[number - 1]) for number, stream in enumerate(streams, 1))
    return _box(b"moov", _full_box(b"mvhd", header), *tracks)


def _track(number: int, stream: _Stream, place: int) -> bytes:
    volume = 0 if stream.side else 1 << 8
    header = struct.pack(">8xI4xI8xHHHxx", number, _milliseconds(stream), 0, 0, volume) + _MATRIX
    header += struct.pack(">II", stream.side << 16, stream.side << 16)
    medium = struct.pack(">8xIIHxx", stream.units, sum(stream.lasts), _UNDETERMINED)
    here = _box(b"dinf", _full_box(b"dref", struct.pack(">I", 1), _full_box(b"url ", flags=1)))
    return _box(
        b"trak",
        _full_box(b"tkhd", header, flags=7),
        _box(
            b"mdia",
            _full_box(b"mdhd", medium),
            _full_box(b"hdlr", bytes(4), stream.handler, bytes(13)),
            _box(b"minf", stream.header, here, _samples(stream, place)),
        ),
    )


def _samples(stream: _Stream, place: int) -> bytes:
    """Return the table of a stream's samples. They all lie in one piece, which begins at a place of the file."""
    runs = [(len(list(group)), lasts) for lasts, group in itertools.groupby(stream.lasts)]
    sizes = [len(sample) for sample in stream.samples]
    return _box(
        b"stbl",
        _full_box(b"stsd", struct.pack(">I", 1), stream.entry),
        _full_box(b"stts", struct.pack(">I", len(runs)), *(struct.pack(">II", *run) for run in runs)),
        _full_box(b"stsc", struct.pack(">4I", 1, 1, len(sizes), 1)),
        _full_box(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes)),
        _full_box(b"stco", struct.pack(">II", 1, place)),
    )


def _milliseconds(stream: _Stream) -> int:
    return round(sum(stream.lasts) / stream.units * _MILLISECONDS)


def _descriptor(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def _box(kind: bytes, *content: bytes) -> bytes:
    inner = b"".join(content)
    return struct.pack(">I4s", len(inner) + 8, kind) + inner


def _full_box(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *content)
