"""What the player's route may serve, and which bytes: the rules, without an Airflow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_provider_suno.links.addresses import kept_file_path
from airflow_provider_suno.links.player_roots import NotPermittedError, permitted_address, read_roots, wrong_roots
from airflow_provider_suno.plugins.player.byte_range import UnsatisfiableRangeError, read_range
from airflow_provider_suno.plugins.player.stored_file import PIECE, LocalFile, MissingFileError, RemoteFile, open_file


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-500", (0, 100)),
        ("Bytes = 5 - 6", (5, 7)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("lines=0-1", None),
    ],
)
def test_a_range_is_read_as_the_standard_has_it(header: str | None, part: tuple[int, int] | None) -> None:
    assert read_range(header, 100) == part


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_without_a_byte_is_refused(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        read_range(header, size)


@pytest.mark.parametrize(
    ("uri", "root"),
    [
        ("s3://aws@bucket/songs/a.mp3", "s3://aws@bucket/songs"),
        ("s3://aws@bucket/songs/b/c ?#%20.MP3", "s3://aws@bucket/songs/"),
        ("gs://bucket/a.wav", "gs://bucket"),
        ("abfss://container@account/a.wav", "abfss://container@account"),
        ("S3://bucket/a.flac", "s3://bucket"),
    ],
)
def test_a_file_below_a_root_is_served(uri: str, root: str) -> None:
    address, media_type = permitted_address(uri, read_roots(f"/elsewhere, {root}"))
    assert address.parts[-1] == uri.rpartition("/")[2]
    assert media_type.startswith("audio/")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://aws@bucket/songs-of-others/a.mp3",
        "s3://aws@bucket/songs.mp3",
        "s3://aws@bucket/songs",
        "s3://aws@bucket/a.mp3",
        "s3://aws@bucket/songs/../secret/a.mp3",
        "s3://aws@bucket/songs//a.mp3",
        "s3://aws@bucket/songs/./a.mp3",
        "s3://aws@bucket/songs/a.mp3\\..\\b.mp3",
        "s3://bucket/songs/a.mp3",
        "s3://other@bucket/songs/a.mp3",
        "s3://aws@other/songs/a.mp3",
        "gs://aws@bucket/songs/a.mp3",
        "simplecache::s3://aws@bucket/songs/a.mp3",
        "s3://aws@bucket/songs/a.mp3::file:///etc/passwd",
        "http://bucket/songs/a.mp3",
        "https://aws@bucket/songs/a.mp3",
        "s3://aws@bucket/songs/a.txt",
        "s3://aws@bucket/songs/mp3",
        "s3:///songs/a.mp3",
        "s3://aws@bucket/songs/\ud800.mp3",
        "songs/a.mp3",
        "file://songs/a.mp3",
        "",
        "/",
    ],
)
def test_anything_else_is_not(uri: str) -> None:
    with pytest.raises(NotPermittedError):
        permitted_address(uri, read_roots("s3://aws@bucket/songs"))


def test_a_wrong_root_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    setting = f"https://host/songs, songs, /, ,{tmp_path}\ns3://bucket/../x, gs://bucket, sftp://host/songs, smb://h/s"
    assert [root.scheme for root in read_roots(setting)] == ["file", "gs"]
    assert wrong_roots(setting) == [
        "https://host/songs",
        "songs",
        "/",
        "s3://bucket/../x",
        "sftp://host/songs",
        "smb://h/s",
    ]


def test_a_root_may_be_a_link_and_what_it_leads_to_is_served(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    address, _ = permitted_address(f"file://{tmp_path}/link/a.mp3", read_roots(str(tmp_path / "link")))
    assert address.path == f"{tmp_path}/real/a.mp3"


@pytest.mark.parametrize("replaced", ["", "a.mp3"], ids=["folder", "file"])
def test_a_link_that_appears_after_the_check_is_not_followed(tmp_path: Path, replaced: str) -> None:
    secret, song = tmp_path / "out", tmp_path / "songs" / "new"
    for folder in (secret, song):
        folder.mkdir(parents=True)
        (folder / "a.mp3").write_bytes(b"sound")
    address, _ = permitted_address(str(song / "a.mp3"), read_roots(str(tmp_path / "songs")))
    open_file(address).close()
    (song / replaced).rename(tmp_path / "moved")
    (song / replaced).symlink_to(secret / replaced)
    with pytest.raises(MissingFileError):
        open_file(address)


def test_a_file_that_nobody_reads_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"sound")
    file = LocalFile(str(tmp_path / "a.mp3"))
    descriptor = file._descriptor
    file.pieces(0, 5)
    del file
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_files_are_opened(tmp_path: Path, make: object) -> None:
    make(tmp_path / "a.mp3")  # type: ignore[operator]
    with pytest.raises(MissingFileError):
        LocalFile(str(tmp_path / "a.mp3"))


def test_a_file_is_read_in_pieces_and_closed(tmp_path: Path) -> None:
    content = os.urandom(2 * PIECE + 10)
    (tmp_path / "a.mp3").write_bytes(content)
    file = LocalFile(str(tmp_path / "a.mp3"))
    descriptor = file._descriptor
    pieces = list(file.pieces(5, len(content) - 1))
    assert b"".join(pieces) == content[5:-1]
    assert max(map(len, pieces)) == PIECE
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


def test_a_file_of_a_store_is_read_in_pieces() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    content = os.urandom(PIECE + 10)
    memory.pipe_file("/player/a.mp3", content)
    file = RemoteFile(memory, "/player/a.mp3")
    assert file.size == len(content)
    assert b"".join(file.pieces(0, len(content))) == content
    assert list(file.pieces(PIECE, PIECE + 1)) == [content[PIECE : PIECE + 1]]
    with pytest.raises(MissingFileError):
        RemoteFile(memory, "/player")


def test_two_files_of_a_store_that_says_nothing_of_versions_have_two() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for name in ("a", "b"):
        memory.pipe_file(f"/versions/{name}.mp3", b"sound")
    one, other = (RemoteFile(memory, f"/versions/{name}.mp3").version for name in ("a", "b"))
    assert one == RemoteFile(memory, "/versions/a.mp3").version
    assert one != other


def test_the_path_of_a_kept_file_takes_any_name() -> None:
    path = kept_file_path("a dag", "manual__2026-01-01T00:00:00+00:00", "group.task", 3, 1)
    assert path == (
        "/suno-player/dags/a%20dag/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00/tasks/group.task/files"
        "?map_index=3&index=1"
    )
