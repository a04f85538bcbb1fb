"""
Take the pictures in ``docs/pictures`` of a real Airflow: ``make screenshots``.

It needs Chromium and what the browser tests need. The songs are those of the simulator, so covers and times differ from
run to run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tests.support.browser.chromium import Scheme, new_context, running_chromium
from tests.support.browser.deployment import CHAIN, Deployment, Order, music_in_airflow
from tests.support.browser.pages import Connections, open_links
from tests.support.browser.player import Player

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent / "pictures"
MOST_BYTES = 150_000
_COLOURS = 256

_PROMPTS = (
    ("suno_jingle", "A short, bright marimba jingle for the morning news"),
    (CHAIN, "Rain on a tin roof, quiet piano and a low voice"),
    ("suno_keep", "Soft piano for a rainy evening"),
    ("suno_studio", "A night train through the mountains, slow blues"),
    (CHAIN, "A calm folk song about a lighthouse at dawn"),
)
ORDERS = [Order(dag_id, params={"prompt": prompt}) for dag_id, prompt in _PROMPTS]


def main() -> int:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="suno-pictures-") as home,
        music_in_airflow(Path(home), ORDERS) as deployment,
        running_chromium() as browser,
    ):
        deployment.finish(*{order.dag_id for order in ORDERS})
        for scheme in get_args(Scheme):
            for name, show in (("form", _form), ("links", _links), ("tab", _tab), ("library", _library)):
                with _page(browser, scheme) as page:
                    show(page, deployment)
                    _keep(page, FOLDER / f"{name}-{scheme}.png")
    return 0


@contextmanager
def _page(browser: Browser, scheme: Scheme) -> Iterator[Page]:
    context = new_context(browser, scheme)
    try:
        yield context.new_page()
    finally:
        context.close()


def _form(page: Page, deployment: Deployment) -> None:
    connections = Connections(page, deployment.airflow.url)
    connections.open_form("suno_default")
    connections.form.get_by_label("API key").fill("not shown")
    connections.open_extras()
    connections.form.locator("[name=element_callback_url]").wait_for()


def _links(page: Page, deployment: Deployment) -> None:
    open_links(page, deployment.airflow.url, f"{deployment.path_of(CHAIN)}/tasks/wait")
    for name in ("Cover", "Kept file"):
        page.get_by_role("link", name=name, exact=True).wait_for()


def _tab(page: Page, deployment: Deployment) -> None:
    player = Player(page, deployment.airflow.url)
    player.open_tab(deployment.path_of(CHAIN))
    _play(player, page)


def _library(page: Page, deployment: Deployment) -> None:
    player = Player(page, deployment.airflow.url)
    player.open_library()
    _play(player, page)


def _play(player: Player, page: Page) -> None:
    player.play(player.rows.first)
    player.has_waveform().wait_for()
    player.slider.fill("4")
    player.wait_until_it_plays()
    player.press("Pause")
    page.mouse.move(0, 0)


def _keep(page: Page, file: Path) -> None:
    """Write what a page shows as a PNG file with few colours, which is smaller."""
    from PIL import Image

    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    picture: Any = Image.open(BytesIO(page.screenshot(animations="disabled", caret="hide")))
    picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(f"{file} is larger than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
