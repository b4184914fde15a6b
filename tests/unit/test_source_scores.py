"""Sources of several stations against the truth."""

import numpy as np
import pandas as pd

from ris_core.config import CatalogueSettings
from ris_core.contracts.station_day import NS
from ris_core.truth.source_scores import scores_of, source_scores


def test_pairs_of_detections_are_compared_with_true_ones() -> None:
    # True source 7 at three stations, of which two were put together with another event; source 8 is found alone.
    group = np.array([0, 0, 0, 1, 2, 2, 3])
    source = np.array([7, 7, -1, 7, 8, 8, 9])
    station = np.array([0, 1, 2, 2, 0, 1, 0])
    found = scores_of(group, source, station)
    assert (found.true_pairs, found.found_pairs, found.correct_pairs) == (4, 4, 2)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert (found.sources, found.whole_sources) == (2, 1)


def test_without_pairs_there_is_no_precision() -> None:
    found = scores_of(np.array([0, 1]), np.array([-1, -1]), np.array([0, 1]))
    assert np.isnan([found.precision, found.recall]).all()


def test_events_are_associated_by_the_settings() -> None:
    events = pd.DataFrame(
        {
            "station": ["B", "A", "A", "B"],
            "time_peak": np.array([5, 0, 100, 103]) * NS,
            "label": [1, 1, 2, 3],
        }
    )
    source = np.array([4, 4, -1, -1])
    positions = {"A": (-80.0, 0.0), "B": (-80.0, 0.5)}  # 9.7 km
    found = source_scores(events, source, positions, CatalogueSettings(source_classes="all"), None)
    assert (found.found_pairs, found.precision, found.recall) == (2, 0.5, 1.0)
    alike = source_scores(events, source, positions, CatalogueSettings(same_class=True, source_classes="all"), None)
    assert (alike.precision, alike.recall) == (1.0, 1.0)
    assert (
        source_scores(events, source, {"A": (-80.0, 0.0)}, CatalogueSettings(source_classes="all"), None).recall == 0.0
    )
    assert source_scores(events, source, positions, CatalogueSettings(), None).found_pairs == 0
