"""The demo prints something every few seconds."""

from __future__ import annotations

import io
import re
import time

from demo.progress import Progress


def test_a_long_step_says_how_long_it_has_taken() -> None:
    output = io.StringIO()
    with Progress(output, silence=0.1) as progress:
        progress.say("wait", "waits in the triggerer")
        progress.note("simulator", "song 1 is PENDING")
        deadline = time.monotonic() + 10
        while "..." not in output.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
    said = [re.sub(r"^ *\d+\.\d s  ", "", line) for line in output.getvalue().splitlines()]
    assert said[:3] == [
        "wait        waits in the triggerer",
        "simulator   song 1 is PENDING",
        "wait        ... for 0 s",
    ]
