"""Figures of counts, rates, hours, distributions and the map: what they show and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogue_builders import network_of, write_catalogue, write_live
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_core.figures import class_counts, class_distributions, class_hours, map_projection, rate_lines, station_map
from ris_core.figures.image import to_png
from ris_core.figures.palette import cluster_style
from ris_core.figures.style import class_fill
from ris_core.rates.rate_figures import TITLES, rate_figures
from ris_core.rates.rate_run import make_rates

DAYS = [(station, f"2015-{day}") for station in "AB" for day in ("11-30", "12-01", "12-02")]
POSITIONS = {"A": (-78.0, 170.0), "B": (-78.5, -175.0)}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    network = network_of(tmp_path_factory.mktemp("pictures"))
    write_live(network, [(station, f"{day} 00:00", f"{day} 20:00") for station, day in DAYS if day != "2015-12-01"])
    rng = np.random.default_rng(0)
    rows = [
        {"station": station, "time_on": f"{day} {hour:02d}:{minute:02d}", "label": label}
        for station, day in DAYS
        if day != "2015-12-01"
        for hour, minute, label in rng.integers(0, [20, 60, 3], (30, 3))
    ]
    write_catalogue(network, rows, DAYS)
    return make_rates(network).table


def words(fig: Figure) -> str:
    found = [fig.get_suptitle(), *(text.get_text() for text in fig.texts)]
    for axes in fig.axes:
        found += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
    for legend in [*fig.legends, *(axes.get_legend() for axes in fig.axes)]:
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(found)


def part(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    return table[(table["bin"] == kind) & (table["station"] == "all")]


def test_every_figure_of_the_rates_is_small_and_has_a_title(table: pd.DataFrame) -> None:
    drawn = dict(rate_figures(table, 0.95, POSITIONS))
    assert drawn.keys() == TITLES.keys()
    for name, fig in drawn.items():
        assert len(to_png(fig)) < 60_000, name


def test_a_class_has_one_colour_in_all_figures_and_hatches_beyond_the_palette() -> None:
    assert class_fill(3)["facecolor"] == cluster_style(3)[0] and class_fill(3)["hatch"] is None
    assert class_fill(11)["facecolor"] == class_fill(3)["facecolor"] and class_fill(11)["hatch"]


def test_bars_add_up_to_the_events_of_a_station(table: pd.DataFrame) -> None:
    whole = table[(table["bin"] == "whole") & (table["station"] != "all")]
    fig = class_counts.counts_by_station(whole)
    assert "120 events" in fig.get_suptitle() and "rift" in words(fig)
    tops = {round(bar.get_x() + bar.get_width() / 2): bar.get_y() + bar.get_height() for bar in fig.axes[0].patches}
    assert tops == {0: 60, 1: 60}


def test_lines_break_where_there_was_no_live_time(table: pd.DataFrame) -> None:
    fig = rate_lines.rates_over_time(part(table, "day"))
    line = fig.axes[0].lines[0]
    values = np.asarray(line.get_ydata(), float)
    assert np.isnan(values).sum() == 2  # after 30 November, and at the end
    assert "rift" in words(fig) and "live" in words(fig)


def test_rates_without_live_time_are_not_drawn(table: pd.DataFrame) -> None:
    days = part(table, "day").assign(rate=np.nan)
    assert "no live time is known" in words(rate_lines.rates_over_time(days))
    assert "no live time" in words(rate_lines.rates_over_time(days.iloc[:0]))


def test_hours_without_live_time_are_grey_and_not_zero(table: pd.DataFrame) -> None:
    fig = class_hours.hours_by_month(part(table, "month_hour"))
    image = fig.axes[0].images[0].get_array()
    assert image is not None
    assert image.shape == (24, 2) and np.ma.getmaskarray(image)[20:].all() and not np.ma.getmaskarray(image)[:20].any()
    assert "per live hour" in fig.get_suptitle()
    # Three classes in two columns: the lowest panel of each column names the months.
    named = [bool(axes.xaxis.get_tick_params()["labelbottom"]) for axes in fig.axes[:3]]
    assert named == [False, True, True]
    counted = class_hours.hours_by_month(part(table, "month_hour").assign(rate=np.nan))
    assert counted.get_suptitle().endswith(": events")


def test_cumulative_shares_end_at_the_whole_beside_live_time(table: pd.DataFrame) -> None:
    fig = class_counts.cumulative_counts(part(table, "day"))
    ends = [float(np.asarray(line.get_ydata(), float)[-1]) for line in fig.axes[0].lines]
    assert ends == pytest.approx([100.0] * 4)
    assert "live time" in words(fig)
    imported = class_counts.cumulative_counts(part(table, "day").assign(live_hours=np.nan))
    assert "live time" not in words(imported)
    first = part(table, "day")
    assert "one day" in words(class_counts.cumulative_counts(first[first["start"] == first["start"].min()]))


def medians(axes: Axes) -> list[float]:
    return [float(np.asarray(line.get_xdata(), float)[0]) for line in axes.lines]


def test_distributions_show_medians_and_say_what_is_unknown() -> None:
    events = pd.DataFrame(
        {
            "label": [0, 0, 0, 1],
            "class_name": ["rift", "rift", "rift", "thermal"],
            "amplitude": [10.0, 100.0, 1000.0, np.nan],
            "peak_frequency": [5.0, 6.0, 10.0, 7.0],
        }
    )
    fig = class_distributions.amplitudes_and_frequencies(events, "|peak| (counts)")
    assert medians(fig.axes[0]) == [100.0] and medians(fig.axes[1]) == [6.0]
    assert "unknown" in words(fig) and "thermal\n(1)" in words(fig) and "|peak| (counts)" in words(fig)


def test_bins_of_frequency_hold_equally_many_frequencies_of_the_spectrogram() -> None:
    frequency = 3.125 + 0.1953125 * np.arange(87)
    edges = class_distributions._frequency_edges(np.repeat(frequency, 3))
    counts, _ = np.histogram(frequency, edges)
    assert set(counts[:-1]) == {3} and counts.sum() == 87
    assert class_distributions._frequency_edges(np.array([7.0])).tolist() == [6.5, 7.5]


@pytest.mark.parametrize(
    ("latitude", "code"), [(-78.0, "EPSG:3031"), (75.0, "EPSG:3413"), (47.0, "aeqd"), (-60.0, "aeqd")]
)
def test_the_projection_of_a_map_follows_the_latitude(latitude: float, code: str) -> None:
    found, name = map_projection.projection(np.array([latitude, latitude]), np.array([170.0, -170.0]))
    assert code in found and name


def test_the_middle_of_stations_across_the_180th_meridian_lies_between_them() -> None:
    assert "+lon_0=180.0000" in map_projection.projection(np.array([-40.0, -40.0]), np.array([179.0, -179.0]))[0]


def test_a_map_has_the_names_the_scale_and_the_degrees() -> None:
    fig = station_map.station_map(POSITIONS, {"A": {0: 10, 1: 5}}, {0: "rift", 1: "thermal"})
    said = words(fig)
    assert all(text in said for text in ("A", "B", "km", "rift (10)", "polar stereographic", "° S"))
    assert len(to_png(fig)) < 60_000
    assert "no position" in words(station_map.station_map({}, {}, {}))
    assert "km" in words(station_map.station_map({"A": (10.0, 20.0)}, {}, {}))


def test_figures_of_nothing_say_so(table: pd.DataFrame) -> None:
    none = table.assign(events=0)
    assert "no events" in words(class_counts.counts_by_station(none))
    assert "no events" in words(class_counts.cumulative_counts(none))
    assert "no events" in words(class_hours.hours_by_month(none))
    with pytest.raises(ValueError, match="lacks"):
        class_counts.counts_by_station(table.drop(columns="events"))


def test_pictures_do_not_depend_on_files(tmp_path: Path) -> None:
    fig = station_map.station_map(POSITIONS, {}, {})
    assert to_png(fig) == to_png(fig)
