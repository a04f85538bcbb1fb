"""Files are told apart by their first bytes."""

from __future__ import annotations

import pytest

from airflow_provider_suno.api.media_types import Content, describe, media_type_of
from airflow_provider_suno.simulator.jobs.mp3 import NOTES_FILE

REST = bytes(60)


@pytest.mark.parametrize(
    ("start", "extension"),
    [
        (b"ID3\x04\0" + REST, ".mp3"),
        (b"\xff\xfb\x90\x00" + REST, ".mp3"),
        (NOTES_FILE.read_bytes()[:64], ".mp3"),
        (b"\xff\xf1\x50\x80" + REST, ".aac"),
        (b"RIFF\0\0\0\0WAVEfmt " + REST, ".wav"),
        (b"fLaC" + REST, ".flac"),
        (b"OggS" + REST, ".ogg"),
        (b"OggS" + bytes(24) + b"OpusHead" + REST, ".opus"),
        (b"\0\0\0\x20ftypM4A " + REST, ".m4a"),
        (b"\0\0\0\x20ftypisom" + REST, ".m4a"),
        (b"FORM\0\0\0\0AIFF" + REST, ".aiff"),
        (b"\x1a\x45\xdf\xa3" + REST, ".webm"),
        (b"\xff\xd8\xff\xe0" + REST, ".jpeg"),
        (b"\x89PNG\r\n\x1a\n" + REST, ".png"),
        (b"RIFF\0\0\0\0WEBPVP8 " + REST, ".webp"),
        (b"GIF89a" + REST, ".gif"),
    ],
)
def test_known_types(start: bytes, extension: str) -> None:
    found = media_type_of(start[:64])
    assert found is not None
    assert found.extension == extension
    assert describe(start) == f"{found.content} ({found.name})"


@pytest.mark.parametrize(
    ("start", "expected", "found"),
    [
        (b"\0\0\0\x20ftypisom" + REST, "video", ("video", "video/mp4", ".mp4")),
        (b"\0\0\0\x18ftypmp42" + REST, "video", ("video", "video/mp4", ".mp4")),
        (b"\0\0\0\x20ftypisom" + REST, "audio", ("audio", "audio/mp4", ".m4a")),
        (b"\0\0\0\x20ftypisom" + REST, "picture", ("audio", "audio/mp4", ".m4a")),
        (b"\0\0\0\x20ftypM4A " + REST, "video", ("audio", "audio/mp4", ".m4a")),
        (b"\0\0\0\x20ftypM4A " + REST, "audio", ("audio", "audio/mp4", ".m4a")),
        (b"\x1a\x45\xdf\xa3" + REST, "video", ("video", "video/webm", ".webm")),
        (b"\x1a\x45\xdf\xa3" + REST, "audio", ("audio", "audio/webm", ".webm")),
        (b"\xff\xfb\x90\x00" + REST, "video", ("audio", "audio/mpeg", ".mp3")),
        (b"\x89PNG\r\n\x1a\n" + REST, "video", ("picture", "image/png", ".png")),
    ],
)
def test_a_container_of_audio_or_video_is_what_is_expected(
    start: bytes, expected: Content, found: tuple[str, str, str]
) -> None:
    told = media_type_of(start, expected)
    assert told is not None
    assert (told.content, told.name, told.extension) == found


def test_a_picture_in_the_container_of_films_is_no_video() -> None:
    assert media_type_of(b"\0\0\0\x20ftypavif" + REST, "video") is None


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"", "nothing"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "a page of text"),
        (b'{"code": 404}', "JSON"),
        (b"\x1f\x8b\x08" + REST, "an archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xff\xff\xff\xff" + REST, "something unknown that begins with"),
        (b"\xff\xe8\x90\x00" + REST, "something unknown that begins with"),
        (b"\0\0\0\x20ftypavif" + REST, "something unknown that begins with"),
        (b"ID3", "something unknown that begins with"),
    ],
)
def test_what_is_no_media(start: bytes, said: str) -> None:
    assert media_type_of(start) is None
    assert describe(start).startswith(said)
