"""Verdicts: false discoveries at each station, the same sign at enough stations, what cannot be said; terms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ris_core.config.links import LinksSettings, LinkTermSettings
from ris_core.figures.link_figures import link_verdicts, schuster_spectra, tidal_phases
from ris_core.links.link_terms import lags_of, running_mean, shifted, term_values
from ris_core.links.link_verdict import verdicts, with_q


def effects(**by_station: tuple[float, float] | str) -> pd.DataFrame:
    """Rows of one class and series: effect and p, or why no claim is possible."""
    rows = []
    for station, said in by_station.items():
        value, p = (np.nan, np.nan) if isinstance(said, str) else said
        reason = said if isinstance(said, str) else ""
        rows.append(
            {"class_name": "rift", "series": "tilt", "station": station, "effect": value, "p": p, "reason": reason}
        )
    return pd.DataFrame(rows)


def decided(frame: pd.DataFrame) -> dict[str, object]:
    (row,) = verdicts(with_q(frame), 0.05, 2 / 3, 2).to_dict("records")
    return row


def test_two_of_three_stations_with_one_sign_are_a_link() -> None:
    found = decided(effects(A=(0.5, 1e-6), B=(0.4, 1e-4), C=(0.1, 0.4)))
    assert (found["verdict"], found["sign"], found["stations_up"], found["needed"]) == ("link", 1, 2, 2)
    assert found["effect"] == 0.4
    assert decided(effects(A=(-0.5, 1e-6), B=(-0.4, 1e-4), C=(0.1, 0.4)))["sign"] == -1


def test_one_station_or_two_signs_are_none() -> None:
    assert decided(effects(A=(0.5, 1e-6), B=(0.4, 0.3), C=(0.1, 0.4)))["verdict"] == "no evidence"
    assert decided(effects(A=(0.5, 1e-6), B=(0.4, 1e-4), C=(-0.6, 1e-6)))["verdict"] == "no evidence"


def test_what_can_be_tested_at_one_station_alone_is_not_identifiable() -> None:
    found = decided(effects(A=(0.5, 1e-6), B="12 events", C="12 events"))
    assert (found["verdict"], found["sign"]) == ("not identifiable", 0)
    assert "1 of 3 stations" in str(found["why"]) and "12 events" in str(found["why"])


def test_q_is_that_of_benjamini_and_yekutieli_at_each_station() -> None:
    p = np.array([0.001, 0.02, 0.5])
    frame = pd.DataFrame(
        {"class_name": ["a", "b", "c", "d"], "station": "A", "p": [*p, 1e-9], "reason": ["", "", "", "few clusters"]}
    )
    other = frame.assign(station="B", p=0.04)
    found = with_q(pd.concat([frame, other], ignore_index=True))
    harmonic = 1 + 1 / 2 + 1 / 3
    assert found["q"][:3].to_numpy() == pytest.approx([0.001 * 3 * harmonic, 0.02 * 3 / 2 * harmonic, 0.5 * harmonic])
    assert np.isnan(found["q"][3])
    assert found["q"][4:7].to_numpy() == pytest.approx(0.04 * harmonic)


def test_terms_are_made_as_their_settings_say() -> None:
    values = np.arange(10.0) ** 2

    def made(transform: str, mean: float = 1.0) -> np.ndarray:
        return term_values(values, LinkTermSettings(name="x", kind="other", transform=transform, mean=mean))

    assert made("square")[3] == 81
    assert made("rate")[4] == 8
    assert made("falling")[4] == -8
    assert made("log")[2] == pytest.approx(np.log(4))
    assert np.isnan(made("log")[0])
    assert made("value", 3.0)[4] == pytest.approx((9 + 16 + 25) / 3)
    assert np.isnan(made("value", 3.0)[[0, -1]]).all()


def test_a_missing_hour_is_in_no_mean() -> None:
    values = np.ones(20)
    values[10] = np.nan
    assert np.flatnonzero(np.isnan(running_mean(values, 5))).tolist() == [0, 1, 8, 9, 10, 11, 12, 18, 19]


def test_lags_look_back_only_and_tides_have_none() -> None:
    term = LinkTermSettings(name="x", kind="wave_height")
    found = lags_of(np.arange(100.0), term, (1, 4, 8))
    assert found.shape == (100, 3)
    assert found[50].tolist() == [50.0, 48.0, 44.5]
    assert np.isnan(found[6, 2])
    assert lags_of(np.arange(100.0), LinkTermSettings(name="x", kind="tilt"), (1, 4, 8)).shape == (100, 1)


def test_a_series_can_be_late_by_half_an_hour() -> None:
    assert shifted(np.array([0.0, 1.0, 4.0]), 0.5)[1:].tolist() == [0.5, 2.5]
    assert shifted(np.array([0.0, 1.0, 4.0]), -0.5)[:2].tolist() == [0.5, 2.5]
    assert np.isnan(shifted(np.array([0.0, 1.0, 4.0]), 0.5)[0])
    assert shifted(np.array([0.0, 1.0]), 0.0).tolist() == [0.0, 1.0]


def test_settings_refuse_a_name_twice_and_lags_that_do_not_ascend() -> None:
    term = {"name": "x", "kind": "ice"}
    with pytest.raises(ValidationError, match="only once"):
        LinksSettings.model_validate({"terms": [term, term]})
    with pytest.raises(ValidationError, match="ascend"):
        LinksSettings(lag_hours=(24, 1))


def test_pictures_of_links_are_drawn_and_say_where_events_come_from() -> None:
    rows = [
        {"class_name": "rift", "series": "tilt", "verdict": "link", "sign": 1},
        {"class_name": "rift", "series": "ice", "verdict": "not identifiable", "sign": 0},
        {"class_name": "noise", "series": "tilt", "verdict": "no evidence", "sign": 0},
    ]
    table = pd.DataFrame(rows).assign(effect=[0.8, np.nan, -0.1], effect_lowest=0.0, effect_highest=1.0)
    fig = link_verdicts(table, ("Events: NOT the labels.",))
    assert "NOT the labels" in fig.get_supxlabel()
    hatched = [patch for patch in fig.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 1
    spectra = pd.DataFrame(
        {"class_name": "rift", "station": "A", "period": [4.0, 25.8], "log_p": -9.0, "expected": -5.0}
    )
    assert schuster_spectra(spectra).axes
    phases = pd.DataFrame(
        {
            "class_name": "rift",
            "station": "A",
            "constituent": ["O1", "M2", "S1"],
            "excess": [0.3, 0.1, 0.2],
            "angle": 90.0,
            "q": [0.01, 0.9, np.nan],
        }
    )
    assert len(tidal_phases(phases).axes) == 2
    of_one_day = tidal_phases(phases.assign(q=np.nan))
    assert not [axes for axes in of_one_day.axes if axes.lines] and "nothing" in of_one_day.texts[-1].get_text()
    assert "nothing" in link_verdicts(table.head(0)).texts[-1].get_text()
