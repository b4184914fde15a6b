"""The asset of the rates on a network that went through all jobs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from builders import Opened

from ris_core.access import read_catalogue, read_class_rates, read_live, read_statistics
from ris_core.rates.rate_run import rates_are_current
from ris_core.statistics.statistics_run import statistics_are_current


def test_rates_follow_from_the_catalogue_and_live_intervals_of_a_network(network: Opened) -> None:
    events, live = read_catalogue(network.days), read_live(network.days)
    rates = read_class_rates(network.days, bins="whole", need_rates=True)
    of_all = rates[rates["station"] == "all"]
    assert of_all["events"].sum() == len(events)
    hours = (live["end"] - live["start"]).sum() / pd.Timedelta(hours=1)
    np.testing.assert_allclose(of_all["live_hours"], hours)
    assert rates.attrs["outside"] == 0 and rates.attrs["left_out"] == []
    counted = events.groupby(["station", "label"]).size()
    found = rates[rates["station"] != "all"].set_index(["station", "label"])["events"]
    assert found[found > 0].sort_index().to_dict() == counted.to_dict()
    assert rates_are_current(network.days)


def test_the_asset_shows_figures_and_says_why_rates_are_not_corrected(network: Opened) -> None:
    metadata = network.latest("class_rates").metadata
    assert {"map", "rates", "hours", "cumulative", "counts", "classes"} <= metadata.keys()
    assert "no class model" in str(metadata["correction"].value)


def test_statistics_have_every_table_of_a_network_with_a_dec(network: Opened) -> None:
    metadata = network.latest("class_statistics").metadata
    assert {
        "amplitudes",
        "frequencies",
        "seasons",
        "peak_ranges",
        "performance",
        "picture_distributions",
    } <= metadata.keys()
    assert "absent" not in metadata, metadata["absent"]
    change = read_statistics(network.days, "label_change")
    alike = read_statistics(network.days, "performance")
    assert change["events"].sum() == alike["events"].sum()
    assert alike["inner_product"].between(0, 1).all()
    assert statistics_are_current(network.days)
    peaks = read_statistics(network.days, "peak_ranges")
    assert peaks.loc[peaks["station"] == "all", "events"].sum() == len(read_catalogue(network.days))
