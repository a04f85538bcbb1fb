"""The music tasks of a density run, and how late their ends are noticed."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from statistics import fmean, quantiles

USUAL = (60.0, 180.0)
"""Shortest and longest seconds that music takes, evenly spread."""

_STAGES = ((0.0, "PENDING"), (0.25, "TEXT_SUCCESS"), (0.6, "FIRST_SUCCESS"), (1.0, "SUCCESS"))
"""The share of that time at which a status begins, and the status."""

WINDOW = 10.0


@dataclass(frozen=True)
class Job:
    """
    One music task.

    :param music_task_id: its id.
    :param begins: when it is submitted, in seconds from the start of the run.
    :param lasts: seconds until it is finished.
    """

    music_task_id: str
    begins: float
    lasts: float

    @property
    def ends(self) -> float:
        """When it is finished, in seconds from the start of the run."""
        return self.begins + self.lasts

    def status_at(self, now: float) -> str:
        """
        Return the status of its record.

        :param now: seconds from the start of the run.
        """
        share = max(0.0, (now - self.begins) / self.lasts)
        return next(status for begins, status in reversed(_STAGES) if share >= begins)


WARM_UP = Job("f" * 32, -1000.0, 60.0)
"""Finished before a run begins; its polls are not counted."""


@dataclass(frozen=True)
class Scenario:
    """
    How many music tasks there are and when they start.

    :param waits: number of music tasks.
    :param load: share of the rate limit that one poll of each would take; ``None`` when all start at once.
    :param poll_limit: the provider's ``poll_limit``.
    :param limit: reads in 10 s that the service really allows.
    :param takes: shortest and longest seconds that music takes.
    """

    waits: int
    load: float | None = None
    poll_limit: int = 100
    limit: int = 100
    takes: tuple[float, float] = USUAL

    @property
    def name(self) -> str:
        """Its name in a table."""
        arrivals = "burst" if self.load is None else f"steady {self.load:.0%}"
        half = "" if self.limit == self.poll_limit else f", limit {self.limit}"
        return f"{self.waits:,} {arrivals}{half}"

    def jobs(self) -> list[Job]:
        """Return the music tasks, the same each time."""
        chance = random.Random(f"{self.waits} {self.load}")
        at, jobs = 0.0, []
        for number in range(self.waits):
            at += 0.0 if self.load is None else chance.expovariate(self.load * self.poll_limit / WINDOW)
            jobs.append(Job(f"{number:032x}", at, chance.uniform(*self.takes)))
        return jobs


@dataclass(frozen=True)
class Delays:
    """Seconds from the end of music until it is noticed."""

    mean: float
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, delays: list[float]) -> Delays | None:
        """Summarise; ``None`` without delays."""
        if not delays:
            return None
        hundredths = quantiles(delays, n=100, method="inclusive") if len(delays) > 1 else delays * 99
        return cls(fmean(delays), hundredths[49], hundredths[94], max(delays))

    def to_dict(self) -> dict[str, float]:
        """Return a plain dict."""
        return asdict(self)
