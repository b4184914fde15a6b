"""Figures of environmental series over counts: zeros only where there is live time, currency, what is missing."""

from types import SimpleNamespace

import numpy as np
import pytest
from catalogue_builders import network_of, write_catalogue, write_live

from ris_core.environment.series import NoSeriesError
from ris_core.environment.series_run import make_series
from ris_core.rates import panels_run
from ris_core.rates.labelled_time import labelled_time
from ris_core.rates.panels_run import _classes, _counts, bin_edges, make_panels, panels_are_current, shown_panels

DAYS = [("A", "2015-11-30"), ("A", "2015-12-01"), ("B", "2015-12-01")]
ROWS = [
    {"station": "A", "time_on": "2015-11-30 10:00", "label": 0},
    {"station": "A", "time_on": "2015-11-30 10:59:59", "label": 0},
    {"station": "A", "time_on": "2015-12-01 10:30", "label": 1},
    {"station": "B", "time_on": "2015-12-01 10:30", "label": 0},
]
AIR = {"name": "air", "reader": "csv", "kind": "temperature", "unit": "degC", "path": "air.csv"}
FIGURE = {"name": "two_days", "stations": ["A", "B"], "series": ["air"], "first": "2015-11-30", "last": "2015-12-02"}


def small(root, *figures, days=DAYS, live=True, **further):
    network = network_of(root, environment=[AIR], environment_figures=list(figures or [FIGURE]), **further)
    if live:
        write_live(network, [(station, f"{day} 06:00", f"{day} 18:00") for station, day in days])
    write_catalogue(network, ROWS, days)
    network.layout.environment_files.mkdir(parents=True, exist_ok=True)
    lines = [f"2015-11-{30 - day:02d}T{hour:02d}:00Z,{-hour}" for day in (1, 0) for hour in range(24)]
    (network.layout.environment_files / "air.csv").write_text("time,value\n" + "\n".join(lines))
    make_series(network.layout, network.settings, "air")
    return network


def counts_of(network, station, number=0):
    one = network.settings.environment_figures[number]
    found = labelled_time(network, ("time_on", "label", "class_name"))
    edges = bin_edges(one, network.settings, found)
    panels, known = _counts(one, station, found, edges, _classes(network, found))
    return {panel.label: panel.counts for panel in panels}, known, edges


def test_counts_are_known_in_live_hours_alone_and_zero_there(tmp_path):
    network = small(tmp_path)
    counts, known, edges = counts_of(network, "A")
    assert len(edges) == 49
    assert np.flatnonzero(known).tolist() == [*range(6, 18), *range(30, 42)]
    assert counts["rift"][10] == 2 and counts["rift"][known].sum() == 2
    assert np.flatnonzero(counts["thermal"]).tolist() == [34]
    other, of_b, _ = counts_of(network, "B")
    assert np.flatnonzero(of_b).tolist() == list(range(30, 42))
    assert other["thermal"][of_b].tolist() == [0] * 12


def test_without_live_time_no_zero_is_drawn_and_it_is_said(tmp_path):
    network = small(tmp_path, live=False, source={"kind": "published"})
    _, known, _ = counts_of(network, "A")
    assert np.flatnonzero(known).tolist() == [10, 34]
    made, _ = make_panels(network)
    assert "bins without events are left empty" in made[0].doubts[0]


def test_bins_and_classes_are_those_of_the_settings(tmp_path):
    figure = {**FIGURE, "stations": ["A"], "classes": ["thermal", "rift"], "bin": "6 h", "last": "2015-12-01T20:00Z"}
    counts, _, edges = counts_of(small(tmp_path, figure), "A")
    assert list(counts) == ["thermal", "rift"]
    assert counts["rift"].tolist() == [0, 2, 0, 0, 0, 0, 0, 0]
    assert np.diff(edges).tolist() == [6 * 3600 * 10**9] * 8


def test_figures_are_files_that_are_current_until_series_or_catalogue_change(tmp_path):
    network = small(tmp_path)
    assert not panels_are_current(network)
    made, _ = make_panels(network)
    names = ["environment_two_days_A.png", "environment_two_days_B.png"]
    assert [one.file for one in made] == names
    assert all(one.png.startswith(b"\x89PNG") and not one.doubts for one in made)
    assert all((network.layout.root / "analysis" / name).exists() for name in names)
    assert panels_are_current(network)
    assert [name for name, _ in shown_panels(network.layout)] == [name[:-4] for name in names]
    (network.layout.environment_files / "air.csv").write_text("time,value\n2015-11-30T00:00Z,1\n2015-11-30T01:00Z,2")
    make_series(network.layout, network.settings, "air")
    assert not panels_are_current(network)
    only_a = network_of(tmp_path, environment=[AIR], environment_figures=[{**FIGURE, "stations": ["A"]}])
    make_panels(only_a)
    assert not network.layout.analysis(names[1]).exists()


def test_what_is_missing_is_said(tmp_path):
    ice = {"name": "ice", "reader": "nsidc", "path": "nt_*.bin"}
    network = small(tmp_path)
    figure = {**FIGURE, "stations": ["A"], "series": ["air", "ice"], "classes": ["rift", "flood"]}
    network = network_of(tmp_path, environment=[AIR, ice], environment_figures=[figure])
    (made,), _ = make_panels(network)
    assert "ice has not been read" in made.doubts[0]
    assert made.doubts[1] == "two_days: the catalogue has no class flood"
    network.layout.environment("air").unlink()
    with pytest.raises(NoSeriesError, match="read it first"):
        make_panels(network)


def test_settings_without_figures_have_nothing_out_of_date(tmp_path):
    assert panels_are_current(network_of(tmp_path))


def test_a_class_of_the_champion_without_events_has_a_panel_of_zeros(tmp_path, monkeypatch):
    champion = SimpleNamespace(classes=(-1, 0, 1, 2), digest="a", names={})
    monkeypatch.setattr(panels_run, "champion_or_none", lambda layout: champion)
    network = small(tmp_path)
    counts, known, _ = counts_of(network, "A")
    assert list(counts) == ["rift", "thermal", "noise"]
    assert counts["noise"][known].tolist() == [0] * 24
