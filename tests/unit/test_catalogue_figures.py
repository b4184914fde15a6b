"""The picture of the catalogue."""

import numpy as np
import pandas as pd
import pytest

from ris_core.figures.catalogue_figures import catalogue_overview
from ris_core.figures.image import to_png

EVENTS = pd.DataFrame(
    {
        "time_peak": pd.to_datetime(["2015-01-01T01:00", "2015-01-01T02:00", "2015-01-03T23:59"], utc=True),
        "label": [0, 1, -1],
        "class_name": ["rift", "thermal", "unlabelled"],
    }
)
PAIRS = pd.DataFrame({"station_a": ["A"], "station_b": ["B"], "coincidences": [5], "expected_by_chance": [2.5]})
CLASSES = pd.DataFrame(
    {"label": [-1, 0], "class_name": ["unlabelled", "rift"], "coincidences": [1, 4], "expected_by_chance": [0.5, 0.1]}
)


def test_bars_are_the_events_of_each_day_and_class() -> None:
    fig = catalogue_overview(EVENTS, PAIRS, CLASSES)
    top = fig.axes[0]
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in top.containers}
    assert heights == {"unlabelled": [0, 0, 1], "rift": [1, 0, 0], "thermal": [1, 0, 0]}
    assert top.get_ylabel() == "events per day"
    names = {text.get_text() for axes in fig.axes for text in axes.texts}
    assert {"A-B", "rift"} <= names
    assert to_png(fig).startswith(b"\x89PNG")


def test_two_years_have_bars_of_several_days() -> None:
    days = pd.date_range("2015-01-01", periods=730, tz="UTC")
    events = pd.DataFrame({"time_peak": days, "label": 0, "class_name": "rift"})
    axes = catalogue_overview(events, PAIRS, CLASSES).axes[0]
    assert axes.get_ylabel() == "events per 7 days"
    assert sum(bar.get_height() for bar in axes.containers[0]) == 730


def test_unknown_chance_and_no_events_are_said() -> None:
    unknown = PAIRS.assign(expected_by_chance=np.nan)
    texts = [text.get_text() for axes in catalogue_overview(EVENTS, unknown, CLASSES).axes for text in axes.texts]
    assert any("chance is not known" in text for text in texts)
    assert "no events" in catalogue_overview(EVENTS.iloc[:0], PAIRS, CLASSES).texts[-1].get_text()
    with pytest.raises(ValueError, match="class_name"):
        catalogue_overview(EVENTS.drop(columns="class_name"), PAIRS, CLASSES)
