"""Tell what a file holds by its first bytes: a URL, a name and a ``Content-Type`` may all be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from airflow_provider_suno.api.text import excerpt

Content = Literal["audio", "picture", "video"]

BYTES_NEEDED = 64
"""How many of a file's first bytes it takes to tell its type."""

_ID3_HEADER = 10
_SHOWN_BYTES = 40


@dataclass(frozen=True)
class MediaType:
    """A type of file: what it holds, its media type, and the extension that its files should have."""

    content: Content
    name: str
    extension: str


_MP3 = MediaType("audio", "audio/mpeg", ".mp3")
_AAC = MediaType("audio", "audio/aac", ".aac")
_M4A = MediaType("audio", "audio/mp4", ".m4a")
_OGG = MediaType("audio", "audio/ogg", ".ogg")
_OPUS = MediaType("audio", "audio/opus", ".opus")
_WEBM = MediaType("audio", "audio/webm", ".webm")
_MP4 = MediaType("video", "video/mp4", ".mp4")
_WEBM_VIDEO = MediaType("video", "video/webm", ".webm")

_PICTURE_BRANDS = (b"avif", b"heic", b"mif1")
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ")


def _ogg(start: bytes, expected: Content | None) -> MediaType:
    del expected
    return _OPUS if b"OpusHead" in start else _OGG


def _iso_media(start: bytes, expected: Content | None) -> MediaType | None:
    """Return the type of an ISO media file; most brands may hold audio or video, so what is expected decides."""
    brand = start[8:12]
    if brand in _PICTURE_BRANDS:
        return None
    return _MP4 if expected == "video" and brand not in _AUDIO_BRANDS else _M4A


def _webm(start: bytes, expected: Content | None) -> MediaType:
    """Return the type of a WebM file, which may hold audio or video."""
    del start
    return _WEBM_VIDEO if expected == "video" else _WEBM


_KNOWN: tuple[tuple[int, bytes, MediaType | Callable[[bytes, Content | None], MediaType | None]], ...] = (
    (0, b"ID3", _MP3),
    (8, b"WAVE", MediaType("audio", "audio/wav", ".wav")),
    (0, b"fLaC", MediaType("audio", "audio/flac", ".flac")),
    (0, b"OggS", _ogg),
    (4, b"ftyp", _iso_media),
    (8, b"AIFF", MediaType("audio", "audio/aiff", ".aiff")),
    (8, b"AIFC", MediaType("audio", "audio/aiff", ".aiff")),
    (0, b"\x1a\x45\xdf\xa3", _webm),
    (0, b"\xff\xd8\xff", MediaType("picture", "image/jpeg", ".jpeg")),
    (0, b"\x89PNG\r\n\x1a\n", MediaType("picture", "image/png", ".png")),
    (8, b"WEBP", MediaType("picture", "image/webp", ".webp")),
    (0, b"GIF8", MediaType("picture", "image/gif", ".gif")),
)
"""Offset, bytes there, and the type that they tell."""

OTHER_CONTENT: dict[str, tuple[bytes, ...]] = {
    "a page of text": (b"<",),
    "JSON": (b"{", b"["),
    "an archive": (b"PK\x03\x04", b"\x1f\x8b"),
    "a PDF": (b"%PDF",),
    "a picture": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
    "a program": (b"\x7fELF",),
}
"""What is sent in place of a song, by the bytes it begins with."""


def media_type_of(start: bytes, expected: Content | None = None) -> MediaType | None:
    """
    Return the type of a file, ``None`` when it is no known type of audio, picture or video.

    :param start: its first :data:`BYTES_NEEDED` bytes, or all of a shorter file.
    :param expected: what it should hold. Its first bytes do not tell whether a container such as MP4 holds audio or
        video: it counts as video if that is expected, else as audio.
    """
    for offset, sign, found in _KNOWN:
        if start.startswith(sign, offset) and len(start) > max(offset + len(sign), _ID3_HEADER):
            return found if isinstance(found, MediaType) else found(start, expected)
    return _type_of_frame(start)


def _type_of_frame(start: bytes) -> MediaType | None:
    """Return the type of audio that begins with an MPEG frame: 11 bits set, then the version and the layer."""
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:
        return None
    version, layer = start[1] >> 3 & 3, start[1] >> 1 & 3
    if layer == 0:
        return _AAC if start[1] & 0xF6 == 0xF0 else None
    bit_rate, sample_rate = start[2] >> 4, start[2] >> 2 & 3
    return None if version == 1 or bit_rate == 15 or sample_rate == 3 else _MP3


def describe(start: bytes) -> str:
    """Return what a file holds that is not what it should be: in a word or two, or by its first bytes."""
    stripped = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "nothing"
    if found := media_type_of(start):
        return f"{found.content} ({found.name})"
    known = (name for name, signs in OTHER_CONTENT.items() if stripped.startswith(signs))
    return next(known, f"something unknown that begins with {excerpt(start[:_SHOWN_BYTES])}")
