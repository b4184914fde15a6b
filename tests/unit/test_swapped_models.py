"""A sound model in the folder of another is not taken for it."""

from pathlib import Path

import pytest
import torch
from store import Store
from waveform_builders import make_settings

from ris_core.clustering.candidate_models import load_candidate, read_candidate
from ris_core.clustering.champion_files import load_copy
from ris_core.config import PAPER_INPUT
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import save_model
from ris_core.storage.damage import DamagedFileError
from ris_core.training.trials import load_trial, read_trial
from ris_core.verification import damaged_models


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(make_settings(), tmp_path / "root")


def dec(k: int, seed: int = 0) -> Dec:
    return Dec.from_aec(Aec(seed), torch.arange(9.0 * k).reshape(k, 9))


def swap(first: Path, second: Path) -> None:
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)


def damaged(store: Store) -> list[str]:
    trials, counts = store.settings.aec.grid.trials(), store.settings.dec.k
    return sorted(str(error).split(":")[0] for error in damaged_models(store, trials, counts))


def test_the_dec_of_another_k(store: Store) -> None:
    first, second = store.settings.dec.k[:2]
    for k in (first, second):
        save_model(store.dec(k), dec(k), {"k": k}, PAPER_INPUT)
    assert damaged(store) == []
    assert load_candidate(store, AEC_DEC, first)[0].n_clusters == first
    swap(store.dec(first), store.dec(second))
    for read in (read_candidate, load_candidate):
        with pytest.raises(DamagedFileError, match=f"it is of K = {second}.; train the DEC of this K again"):
            read(store, AEC_DEC, first)
    assert damaged(store) == sorted(str(store.dec(k) / "model.json") for k in (first, second))


def test_the_autoencoder_of_another_trial(store: Store) -> None:
    first, second = list(store.settings.aec.grid.trials())[:2]
    for trial in (first, second):
        save_model(store.aec(trial), Aec(0), {"trial": trial}, PAPER_INPUT)
    assert damaged(store) == []
    swap(store.aec(first), store.aec(second))
    for read in (read_trial, load_trial):
        with pytest.raises(DamagedFileError, match=f"it is of the trial {second}.; train this trial again"):
            read(store, first)
    assert damaged(store) == sorted(str(store.aec(trial) / "model.json") for trial in (first, second))


def test_another_model_as_the_copy_of_the_champion(store: Store) -> None:
    champion = store.aec("aside")
    folder = store.champion_model(f"k3-{save_model(champion, dec(3), {}, PAPER_INPUT)}")
    folder.parent.mkdir(parents=True)
    champion.rename(folder)
    assert load_copy(folder).n_clusters == 3
    for other in (dec(3, seed=1), dec(4)):
        save_model(folder, other, {}, PAPER_INPUT)
        with pytest.raises(DamagedFileError, match=r"it holds another model, k[34]-"):
            load_copy(folder)
        assert damaged(store) == [str(folder)]
