"""The benchmark of rates: a world of it knows its truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.rates import DAYS, FIRST, RATES, _live, _times, world
from ris_core.config import RatesSettings
from ris_core.rates.exposure import HOUR_NS, live_hours


def test_live_time_of_a_world_is_some_nine_tenths_and_events_have_its_rate() -> None:
    rng = np.random.default_rng(1)
    start = pd.Timestamp(FIRST).value
    hours = live_hours(_live(rng), np.array([start, start + DAYS * 24 * HOUR_NS]))[0]
    assert 0.85 < hours / (24 * DAYS) < 0.96
    for swarms in (False, True):
        counts = [len(_times(rng, RATES[0], swarms)) for _ in range(50)]
        assert abs(np.mean(counts) / (RATES[0] * 24 * DAYS) - 1) < 0.1


def test_corrected_intervals_are_wider_and_hold_the_rate_where_raw_ones_do_not() -> None:
    worlds = pd.concat([world(seed, False, 100, RatesSettings(draws=200)) for seed in range(8)])
    assert (worlds["width"] > 1).all()
    assert worlds["corrected"].mean() > 0.8 > worlds["wrong"].mean()
