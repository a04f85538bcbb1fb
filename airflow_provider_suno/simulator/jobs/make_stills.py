"""
Make ``stills.h264``, the still pictures that the videos of the tracks show.

Run it as ``python -m airflow_provider_suno.simulator.jobs.make_stills``.

Each picture is drawn like the cover of a track and encoded with the ``ffmpeg`` command, which only this script needs.
The profile is the one that every player knows. Each frame can be decoded by itself, so that a video may show a picture
for any length of time.
"""

from __future__ import annotations

import subprocess

from airflow_provider_suno.simulator.jobs.picture import jpeg_of
from airflow_provider_suno.simulator.jobs.stills import SIDE, START, STILLS_FILE, type_of, units_of

STILLS = 6
_PARAMETERS, _FRAME = (7, 8), 5

_ENCODE = (
    "ffmpeg -loglevel error -f image2pipe -framerate 1 -c:v mjpeg -i - "
    f"-vf scale={SIDE}:{SIDE}:out_range=tv,format=yuv420p -c:v libx264 -profile:v baseline -preset veryslow -qp 30 "
    "-x264-params keyint=1:threads=1:slices=1 -f h264 -"
)


def main() -> None:
    """Write the file."""
    encoded = [units_of(_normal(_encoded(jpeg_of(f"still {number}")))) for number in range(STILLS)]
    parameters = [unit for unit in encoded[0] if type_of(unit) in _PARAMETERS][: len(_PARAMETERS)]
    frames = [unit for units in encoded for unit in units if type_of(unit) == _FRAME]
    STILLS_FILE.write_bytes(b"".join(START + unit for unit in [*parameters, *frames]))
    print(f"{STILLS_FILE}: {STILLS_FILE.stat().st_size} bytes")


def _encoded(jpeg: bytes) -> bytes:
    return subprocess.run(_ENCODE.split(), input=jpeg * 2, capture_output=True, check=True).stdout


def _normal(stream: bytes) -> bytes:
    """Return a stream all of whose units begin with four bytes: the encoder uses three for some."""
    return b"".join(START + unit.rstrip(b"\0") for unit in stream.split(START[1:]) if unit.rstrip(b"\0"))


if __name__ == "__main__":
    main()
