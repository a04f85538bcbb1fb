"""Write title, artist and comment into audio files, by ``mutagen``, which is the optional extra ``tags``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOT_INSTALLED = (
    "mutagen is not installed, so the files get no tags for title and artist. To have them, install "
    "airflow-provider-suno[tags]."
)


@dataclass(frozen=True)
class Tags:
    """What players show of a file; ``None`` is left out."""

    title: str | None
    artist: str | None
    comment: str


def can_tag() -> bool:
    """Return whether ``mutagen`` is installed."""
    return find_spec("mutagen") is not None


def write_tags(path: Path, extension: str, tags: Tags) -> bool:
    """
    Write tags into a local audio file; return whether its format takes them.

    :param extension: that of its type, such as ``.mp3``.
    :raises Exception: one of mutagen's, when the file is damaged. It may then have changed.
    """
    import mutagen
    from mutagen.id3 import COMM, TIT2, TPE1, ID3FileType
    from mutagen.mp4 import MP4

    # By its extension here, since the temporary file has another name.
    with path.open("rb+") as file:
        audio: Any = mutagen.File(_Named(file, f"x{extension}"))
        if audio is None:
            return False
        if audio.tags is None:
            audio.add_tags()
        if isinstance(audio, ID3FileType) or hasattr(audio.tags, "getall"):
            comment = {"lang": "eng", "desc": "", "text": tags.comment}
            made: list[tuple[Any, dict[str, Any]]] = [(COMM, comment)]
            made += [(kind, {"text": text}) for kind, text in ((TIT2, tags.title), (TPE1, tags.artist)) if text]
            for kind, values in made:
                frame = kind(encoding=3, **values)
                audio.tags.setall(frame.HashKey, [frame])
        else:
            names = ("\xa9nam", "\xa9ART", "\xa9cmt") if isinstance(audio, MP4) else ("title", "artist", "comment")
            for name, value in zip(names, (tags.title, tags.artist, tags.comment), strict=True):
                if value:
                    audio[name] = [value]
        file.seek(0)
        audio.save(_Named(file, f"x{extension}"))
        return True


class _Named:
    """A file under another name, by which mutagen chooses among formats that begin alike."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._file, attribute)
