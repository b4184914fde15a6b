"""Catalogue, rates and statistics of a labelled network without a trained DEC."""

from __future__ import annotations

import numpy as np
import pytest
from builders import Opened

from ris_core.access import read_catalogue, read_statistics
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.clustering.champion import read_champion
from ris_core.rates.rate_run import make_rates, rates_are_current
from ris_core.statistics.statistics_reading import NoStatisticsError
from ris_core.statistics.statistics_run import make_statistics, statistics_are_current
from ris_core.storage import tables


def test_statistics_follow_from_labels_and_training_set(copied: Opened) -> None:
    days = copied.days
    update_catalogue(days)
    rates = make_rates(days)
    assert rates.summary["outside"] == 0 and rates.summary["doubts"] == []
    found = make_statistics(days)
    events = read_catalogue(days)
    whole = rates.table[(rates.table["bin"] == "whole") & (rates.table["station"] == "all")]
    assert whole["events"].sum() == len(events) == len(found.events)
    assert found.lost() == []
    assert rates_are_current(days) and statistics_are_current(days)
    performance = found.tables["performance"]
    assert set(performance["label"]) == set(read_champion(days.layout).classes)
    assert performance["share"].sum() == pytest.approx(1)
    # The training set is drawn from these events, so its classes are those of the catalogue.
    used = [str(name) for name in _training_events(copied)]
    own = events[events["event_id"].isin(used)]["label"].value_counts()
    assert performance.set_index("label")["events"].loc[own.index].tolist() == own.tolist()
    with pytest.raises(NoStatisticsError, match=r"train_dec|autoencoder"):
        read_statistics(days, "label_change")


def test_tables_of_models_are_made_again_only_with_another_model(
    copied: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = copied.days
    update_catalogue(days)
    make_rates(days)
    make_statistics(days)
    path = days.layout.analysis("statistics_performance.parquet")
    before = path.stat().st_mtime_ns, tables.read_stamp(path)
    monkeypatch.setattr("ris_core.statistics.model_statistics.performance", _never)
    make_statistics(days)
    assert (path.stat().st_mtime_ns, tables.read_stamp(path)) == before


def _never(*_: object) -> None:
    raise AssertionError("nothing has changed")


def _training_events(network: Opened) -> np.ndarray:
    from ris_core.storage.spectrogram_file import read_column

    return np.asarray(read_column(network.store.training_set, "event_id"))
