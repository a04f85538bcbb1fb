"""
Measure what reading a record costs: ``python -m benchmarks.core``.

Deciphering a reply and building the model of its record, compared with ``json.loads`` of the same body, which every
reader needs. The bodies come from the simulator. The two are measured alternately.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from time import perf_counter

from airflow_provider_suno.api.endpoints.music import MusicTask, read_music_task
from airflow_provider_suno.api.envelope import decipher
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.simulator.calls.replies import envelope
from airflow_provider_suno.simulator.kinds.music.record import record_of
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.state.submissions import seed_music
from benchmarks.report import parser, publish, table

_NOW = 1_790_000_000.0
_BASE_URL = "http://127.0.0.1:8321"
_HEADERS = {"content-type": "application/json", "date": "Tue, 24 Nov 2026 00:00:00 GMT", "server": "uvicorn"}
_REQUEST = {
    "model": "V5",
    "customMode": True,
    "instrumental": False,
    "title": "The harbour at night",
    "style": "slow waltz, accordion, brushed drums",
    "prompt": "[Verse]\nThe lanterns lean on the water\n[Chorus]\nAnd nobody rows us home\n" * 4,
}
_CALLS = 50
"""Calls per measurement, which spreads the clock's own cost of some 0.1 µs."""


@dataclass(frozen=True)
class Reply:
    """
    A reply of the service.

    :param status: the HTTP status.
    :param body: its body.
    :param music_task_id: the requested music task.
    """

    status: int
    body: bytes
    music_task_id: str


def main() -> None:
    """Measure each reply, and print a table."""
    options = parser("core", __doc__ or "")
    options.add_argument("--repeats", type=int, default=2000, help=f"of {_CALLS} calls each (default: %(default)s)")
    arguments = options.parse_args()
    rows = [_row(name, reply, arguments.repeats) for name, reply in replies().items()]
    columns = ("reply", "bytes", "json.loads, µs", "decipher and model, µs", "ratio", "over json.loads, µs", "becomes")
    text = (
        f"Per call: the median of {arguments.repeats} measurements of {_CALLS} calls each, in one process, with the "
        "garbage collector off while the clock runs.\n\n"
        f"{table(columns, rows)}"
    )
    publish("core", text, record=arguments.record)


def replies() -> Mapping[str, Reply]:
    """Return the simulator's replies to a poll."""
    state = ServiceState(IdSource(seed=1))
    finished, pending = (seed_music(state, _REQUEST, status, now=_NOW) for status in ("SUCCESS", "PENDING"))
    records = {
        name: Reply(200, _body(envelope(200, "success", record_of(task, _NOW, _BASE_URL))), task.music_task_id)
        for name, task in (("finished, two tracks", finished), ("pending", pending))
    }
    too_fast = state.profile.too_fast
    refusal = Reply(too_fast.http_status, _body(envelope(too_fast.code, too_fast.msg)), "0" * 32)
    return {**records, "refusal (too many polls)": refusal}


def read(reply: Reply) -> MusicTask | SunoError | None:
    """Read a reply as the client does."""
    try:
        data = decipher(reply.status, _HEADERS, reply.body)
    except SunoError as error:
        return error
    return read_music_task(data, reply.music_task_id)


def _row(name: str, reply: Reply, repeats: int) -> list[object]:
    baseline, ours = _medians((lambda: json.loads(reply.body), lambda: read(reply)), repeats)
    return [name, len(reply.body), baseline, ours, ours / baseline, ours - baseline, type(read(reply)).__name__]


def _medians(calls: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median of each call in µs, measured alternately."""
    for call, _ in product(calls, range(_CALLS)):
        call()  # the models are built at their first use
    measured: list[list[float]] = [[] for _ in calls]
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for call, times in zip(calls, measured, strict=True):
                times.append(_seconds(call) / _CALLS * 1e6)
            gc.collect(0)
    finally:
        gc.enable()
    return [median(times) for times in measured]


def _seconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    for _ in range(_CALLS):
        call()
    return perf_counter() - started


def _body(reply: object) -> bytes:
    # As FastAPI writes it.
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    main()
