"""
How smoothly the player's library scrolls through 1,000 music tasks: ``python -m benchmarks.player``.

A real Airflow and Chromium without a window. The music tasks are copies of one that Airflow has; the browser gets them
in the place of Airflow's answers. The control is a page of the same height in the same browser, on which nothing is
drawn but a coloured background; both are scrolled from end to end in the same time.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.report import parser, publish, table
from tests.support.browser.chromium import new_context, running_chromium
from tests.support.browser.deployment import CHAIN, Deployment, Order, music_in_airflow
from tests.support.browser.made_up_xcoms import MadeUpXComs
from tests.support.browser.player import Player

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SONGS = 1_000
_SECONDS = 15
_REPEATS = 3

_COLUMNS = ("page", "frames", "gap: p50 (ms)", "p95", "p99", "frames a second", "busy per frame (ms)")
_LIST = "[data-testid=suno-list]"
_CONTROL = "<body style='margin: 0'><div style='height: {height}px; background: linear-gradient(teal, navy)'></div>"

_SCROLL = """
async ([selector, milliseconds]) => {
  const box = selector ? document.querySelector(selector) : document.scrollingElement;
  const end = box.scrollHeight - box.clientHeight, gaps = [], began = performance.now();
  let last = began;
  await new Promise((done) => {
    const step = (now) => {
      gaps.push(now - last);
      last = now;
      const part = Math.min((performance.now() - began) / milliseconds, 1);
      box.scrollTop = part * end;
      part < 1 ? requestAnimationFrame(step) : done();
    };
    requestAnimationFrame(step);
  });
  return gaps.slice(1);
}
"""


def main() -> None:
    """Scroll both, and print a table."""
    arguments = parser("player", __doc__ or "").parse_args()
    gaps: dict[str, list[float]] = {"control": [], "library": []}
    busy: dict[str, float] = {"control": 0.0, "library": 0.0}
    with (
        tempfile.TemporaryDirectory(prefix="suno-player-") as home,
        music_in_airflow(Path(home), [Order(CHAIN)]) as deployment,
        running_chromium() as browser,
    ):
        deployment.finish(CHAIN)
        page = new_context(browser).new_page()
        _answer_with_songs(page, deployment)
        height = _open_library(page, deployment)
        control = new_context(browser).new_page()
        control.set_content(_CONTROL.format(height=height))
        for _ in range(_REPEATS):
            for name, one, selector in (("control", control, ""), ("library", page, _LIST)):
                one.bring_to_front()
                found, seconds = _scroll(one, selector)
                gaps[name] += found
                busy[name] += seconds
    rows = [_row(name, gaps[name], busy[name]) for name in gaps]
    met = mean(gaps["library"]) <= 1.05 * mean(gaps["control"])
    text = (
        f"{_SONGS:,} music tasks, copies of one in an Airflow that runs beside the browser, scrolled from end to end "
        f"in {_SECONDS} s, {_REPEATS} times, alternately with a page of the same height on which nothing is drawn.\n\n"
        f"{table(_COLUMNS, rows)}\n\n"
        f"Target {'met' if met else 'missed'}: as many frames a second as the empty page, within 5 %."
    )
    publish("player", text, record=arguments.record)


def _answer_with_songs(page: Page, deployment: Deployment) -> None:
    """Let the page find as many music tasks as are measured: copies of that of the chain, each in a run of its own."""
    song = deployment.airflow.rest.xcom(CHAIN, deployment.run_of(CHAIN), "wait", "music_task")
    now = datetime.now(UTC)
    xcoms = MadeUpXComs()
    for number in range(_SONGS):
        tracks = [{**track, "title": f"{track['title']} {number}"} for track in song["tracks"]]
        at = (now - timedelta(minutes=number)).isoformat()
        of = {"dag_id": CHAIN, "run_id": f"run-{number}", "task_id": "wait", "timestamp": at}
        xcoms.push({**song, "tracks": tracks}, key="music_task", **of)
    xcoms.answer(page)


def _open_library(page: Page, deployment: Deployment) -> int:
    """Open the library, and return how high all its rows are."""
    player = Player(page, deployment.airflow.url)
    player.open_library()
    player.rows.nth(3).wait_for()
    page.wait_for_function(f"document.querySelector('{_LIST}').scrollHeight > {_SONGS * 40}")
    page.wait_for_timeout(3000)
    return int(page.evaluate(f"document.querySelector('{_LIST}').scrollHeight"))


def _scroll(page: Page, selector: str) -> tuple[list[float], float]:
    """Return the gaps between frames in milliseconds, and for how many seconds the page's main thread was busy."""
    session: Any = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> Any:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    before = busy()
    gaps: list[float] = page.evaluate(_SCROLL, [selector, _SECONDS * 1000])
    seconds = busy() - before
    session.detach()
    return gaps, seconds


def _row(name: str, gaps: list[float], busy: float) -> tuple[object, ...]:
    shares = quantiles(gaps, n=100)
    return name, len(gaps), shares[49], shares[94], shares[98], 1000 / mean(gaps), 1000 * busy / len(gaps)


if __name__ == "__main__":
    main()
