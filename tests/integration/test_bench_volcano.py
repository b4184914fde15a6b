"""The volcano of the clustering benchmark: its station-days through the platform's chain, matched with the truth."""

from pathlib import Path

import numpy as np
import pytest

from bench.clustering_volcano import VolcanoSize, load_volcano, make_volcanoes, volcano_file
from bench.clustering_windows import Events
from bench.volcano.network import VolcanoNetwork
from bench.volcano.world import FAMILIES

SIZE = VolcanoSize(stations=1, days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("volcano")


@pytest.fixture(scope="module")
def events(folder: Path) -> Events:
    return load_volcano(0, SIZE, folder)


@pytest.fixture(scope="module")
def network() -> VolcanoNetwork:
    return VolcanoNetwork(0)


def test_events_are_kept_and_the_same_when_made_again(events: Events, folder: Path, tmp_path: Path) -> None:
    assert make_volcanoes([0], SIZE, folder) == []
    assert make_volcanoes([0], SIZE, tmp_path) == [0]
    assert volcano_file(0, SIZE, tmp_path).read_bytes() == volcano_file(0, SIZE, folder).read_bytes()
    volcano_file(0, SIZE, tmp_path).write_bytes(b"cut off")
    with pytest.raises(ValueError, match="remove it"):
        load_volcano(0, SIZE, tmp_path)


def test_events_are_windows_of_the_preset_with_all_that_lies_around_them(events: Events) -> None:
    assert events.spectrogram.shape[1:] == (99, 100)
    assert np.all(np.isfinite(events.spectrogram))
    assert events.context.shape == (len(events), 1, 3000)
    assert events.noise_psd.shape == (len(events), 1, 99)
    assert len(set(events.event_id)) == len(events)
    assert 0 < np.sum(events.role == "noise") <= SIZE.noise_windows
    assert len(events.product()) == len(events)


def test_strong_events_are_detected_and_have_their_family(events: Events, network: VolcanoNetwork) -> None:
    truth = network.recorded("V01").truth()
    truth = truth[truth["time"] < truth["time"].min().normalize() + np.timedelta64(1, "D")]
    found = events.of_role("sample")
    assert found.detected == len(found)
    strong = truth[(truth["snr_db"] > 15) & truth["family"].isin(["lp", "vt", "hybrid"])]
    assert strong["source_id"].isin(found.source_id).mean() > 0.85
    matched = found.take(np.isfinite(found.snr_db) & ~np.isin(found.family, ["mixed", "noise"]))
    family = truth.set_index("source_id")["family"]
    assert np.mean(family.loc[matched.source_id].to_numpy() == matched.family) > 0.9
    assert set(found.family) <= {*FAMILIES, "mixed", "noise"}


def test_no_two_detections_are_matched_with_one_event(events: Events) -> None:
    matched = events.source_id[np.isfinite(events.snr_db)]
    assert len(set(matched)) == len(matched)
    assert np.all(matched > 0)
    alone = events.source_id[events.source_id < 0]
    assert len(set(alone)) == len(alone)


def test_energies_of_windows_are_those_of_their_events(network: VolcanoNetwork) -> None:
    recorded = network.recorded("V01")
    truth = recorded.truth()
    strongest = truth.loc[[truth["snr_db"].idxmax()]]
    number, family = strongest["source_id"].item(), str(strongest["family"].item())
    start = int(strongest["time"].dt.as_unit("ns").astype(np.int64).item()) - 2 * 10**9
    table, source = recorded.energies([start, start], [start + 12 * 10**9, start + 10**9])
    energy = {name: table[name].to_numpy() for name in table}
    assert source[0] == number
    assert energy[family][0] > 0.9 * sum(energy[name][0] for name in FAMILIES)
    assert energy[family][0] > energy["noise"][0] > 0
    assert energy[family][1] < 1e-3 * energy[family][0]
