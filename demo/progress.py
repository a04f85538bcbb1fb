"""The demo's output: a line per event, and during a long wait a line that says how long it has taken."""

from __future__ import annotations

import sys
import threading
import time
from typing import Self, TextIO


class Progress:
    """
    Print lines with the seconds since the start.

    :param output: where to print; standard output by default.
    :param silence: seconds without a line after which one says how long the present step has taken.
    """

    def __init__(self, output: TextIO | None = None, silence: float = 4.0) -> None:
        self._output = output or sys.stdout
        self._silence = silence
        self._started = self._printed_at = self._step_began = time.monotonic()
        self._who = ""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._report_long_steps, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def say(self, who: str, message: str) -> None:
        """
        Print the beginning of a step.

        :param who: the task or the program.
        :param message: what it does from now on.
        """
        with self._lock:
            self._print(who, message)
            self._who, self._step_began = who, self._printed_at

    def note(self, who: str, message: str) -> None:
        """
        Print an event that does not end the present step.

        :param who: the task or the program.
        :param message: what happened.
        """
        with self._lock:
            self._print(who, message)

    def _report_long_steps(self) -> None:
        while not self._over.wait(0.2):
            with self._lock:
                if time.monotonic() - self._printed_at > self._silence and not self._over.is_set():
                    self._print(self._who, f"... for {time.monotonic() - self._step_began:.0f} s")

    def _print(self, who: str, message: str) -> None:
        self._printed_at = time.monotonic()
        print(f"{self._printed_at - self._started:6.1f} s  {who:<11} {message}", file=self._output, flush=True)
