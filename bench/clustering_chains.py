"""Networks of the clustering benchmark, and the chains of processing that their waveforms go through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal, get_args

import numpy as np

from bench.clustering_windows import TIMES_OF_YEAR, Size
from ris_core.config import Settings

Chain = Literal["causal_chebyshev", "zero_phase_fir", "zero_phase_10s"]
"""Anti-alias filter and window: two filters with windows of 4 s, and windows of 10 s without a delay."""
CHAINS: tuple[Chain, ...] = get_args(Chain)
TEN_SECONDS = {"duration": 10.0, "hop": 0.1}
_VALUES: dict[Chain, dict[str, Any]] = {
    "causal_chebyshev": {"conditioning": {"decimation": "causal_chebyshev"}},
    "zero_phase_fir": {"conditioning": {"decimation": "zero_phase_fir"}},
    "zero_phase_10s": {"conditioning": {"decimation": "zero_phase_fir"}, "spectrogram": TEN_SECONDS},
}
DAYS_VERSION = 1
_PLACES = ((-81.5, -176.5), (-80.2, -178.0), (-78.3, 179.0), (-79.4, -174.0))
_FIRST_MONTH = date(2015, 12, 1)
_TWO_MONTHS = 61


def settings_of(
    generator: int,
    chain: Chain | None = None,
    size: Size | None = None,
    values: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a generator's network; those of a chain, and given values, replace the defaults."""
    size = size or Size()
    places = _PLACES[: size.stations]
    return Settings.model_validate(
        {
            "network": {"name": "bench", "code": "SY"},
            "stations": [
                {"code": f"S{i:02d}", "latitude": lat, "longitude": lon} for i, (lat, lon) in enumerate(places, start=1)
            ],
            "first_day": _FIRST_MONTH,
            "last_day": _FIRST_MONTH + timedelta(days=TIMES_OF_YEAR * _TWO_MONTHS - 1),
            "source": {"kind": "synthetic", "seed": generator},
            **({} if chain is None else _VALUES[chain]),
            **(values or {}),
        }
    )


def chain_of(settings: Settings) -> Chain:
    """Return the chain whose windows these settings ask for; raises `ValueError` naming them if there is none."""
    for chain in CHAINS:
        if _windows(settings_of(0, chain)) == _windows(settings):
            return chain
    raise ValueError(
        f"no windows are rendered with decimation {settings.conditioning.decimation} and spectrograms of "
        f"{settings.spectrogram.duration:g} s every {settings.spectrogram.hop:g} s; there are {', '.join(CHAINS)}"
    )


def _windows(settings: Settings) -> tuple[str, float, float]:
    return settings.conditioning.decimation, settings.spectrogram.duration, settings.spectrogram.hop


def days_of(generator: int, size: Size) -> list[date]:
    """Return the days of a generator, each drawn by its number: six times one of each two months, then more of each."""
    drawn: list[date] = []
    for turn in range(-(-size.days // TIMES_OF_YEAR)):
        # The first six are those of benchmarks that have no more.
        random = np.random.default_rng([generator, DAYS_VERSION, *([turn] if turn else [])])
        for number in range(TIMES_OF_YEAR):
            day: date | None = None
            while day is None or day in drawn:
                day = _FIRST_MONTH + timedelta(days=_TWO_MONTHS * number + int(random.integers(0, _TWO_MONTHS - 1)))
            drawn.append(day)
    return drawn[: size.days]
