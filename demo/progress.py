"""What the demo says while it runs: a line per event, and a sign of life when there is none."""

from __future__ import annotations

import sys
import threading
import time
from typing import Self, TextIO


class Progress:
    """
    Print lines with the seconds since the start; after some silence, say what is still going on.

    :param output: where to print; standard output by default.
    :param silence: seconds without a line after which one is printed.
    """

    def __init__(self, output: TextIO | None = None, silence: float = 4.0) -> None:
        self._output = output or sys.stdout
        self._silence = silence
        self._started = self._spoke = time.monotonic()
        self._doing = ""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._give_signs_of_life, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def say(self, who: str, message: str) -> None:
        """
        Print what is being done from now on.

        :param who: whom it is about.
        :param message: what they do; repeated as a sign of life.
        """
        with self._lock:
            self._doing = f"{who:<11} {message}"
            self._print(self._doing)

    def note(self, who: str, message: str) -> None:
        """
        Print what happened while something else goes on.

        :param who: whom it is about.
        :param message: what happened.
        """
        with self._lock:
            self._print(f"{who:<11} {message}")

    def _give_signs_of_life(self) -> None:
        while not self._over.wait(0.2):
            with self._lock:
                if time.monotonic() - self._spoke > self._silence and not self._over.is_set():
                    self._print(f"{self._doing} (still)")

    def _print(self, line: str) -> None:
        self._spoke = time.monotonic()
        print(f"{self._spoke - self._started:6.1f} s  {line}", file=self._output, flush=True)
