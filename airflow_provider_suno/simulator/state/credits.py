"""Credits: prices, and how an amount is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.kinds.lyrics.job import LyricsJob
from airflow_provider_suno.simulator.kinds.midi.job import MidiJob
from airflow_provider_suno.simulator.kinds.stems.job import StemsJob
from airflow_provider_suno.simulator.kinds.video.job import VideoJob
from airflow_provider_suno.simulator.kinds.wav.job import WavJob
from airflow_provider_suno.simulator.state.endpoints import SUBMISSIONS, Endpoint

DEFAULT_CREDITS = Decimal("500.25")
MUSIC_PRICE = Decimal(12)
"""Credits for most music tasks. A persona is free."""

PRICES: Mapping[Endpoint, Callable[[Mapping[str, Any]], Decimal]] = {
    **dict.fromkeys(SUBMISSIONS, lambda _request: MUSIC_PRICE),
    Endpoint.REPLACE_SECTION: lambda _request: Decimal(5),
    Endpoint.SOUNDS: lambda _request: Decimal("2.5"),
    Endpoint.TIMESTAMPED_LYRICS: lambda _request: Decimal("0.5"),
    Endpoint.BOOST_STYLE: lambda _request: Decimal("0.4"),
    Endpoint.WAV: WavJob.price_of,
    Endpoint.STEMS: StemsJob.price_of,
    Endpoint.MIDI: MidiJob.price_of,
    Endpoint.LYRICS: LyricsJob.price_of,
    Endpoint.VIDEO: VideoJob.price_of,
}
"""The credits that a request costs, by call. Calls that are not listed are free."""


def price_of(endpoint: Endpoint, request: Mapping[str, Any]) -> Decimal:
    """
    Return the credits that a call costs.

    :param endpoint: the call.
    :param request: its fields.
    """
    price = PRICES.get(endpoint)
    return Decimal(0) if price is None else price(request)


def plain_number(amount: Decimal) -> int | float:
    """
    Return an amount of credits as JSON shows it: whole amounts without a decimal point.

    :param amount: the credits.
    """
    return int(amount) if amount == amount.to_integral_value() else float(amount)
