from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from ris_core import config
from ris_core.models.inference import encode, reconstruction_error
from ris_core.models.networks import Aec
from ris_core.training.dec import train_dec
from ris_core.training.loop import rate_at

X = np.random.default_rng(0).exponential(size=(48, 87, 100)).astype(np.float32)
X /= np.linalg.norm(X, axis=(1, 2), keepdims=True)
BASE: dict[str, Any] = {"max_epochs": 2, "batch_size": 16, "tolerance": 0.0, "device": "cpu"}


def trained(aec: Aec, **values: Any) -> Any:
    z = encode(aec, X)
    labels = np.arange(48) % 3
    centroids = np.stack([z[labels == j].mean(axis=0) + 0.1 * j for j in range(3)])
    return train_dec(aec, X, centroids, labels, config.DecSettings(**(BASE | values)))


def test_dec_proper_leaves_the_decoder_as_it_is_and_has_no_reconstruction_term() -> None:
    aec = Aec(3)
    result = trained(aec, objective="dec")
    before, after = aec.state_dict(), result.model.aec.state_dict()
    for name, value in before.items():
        same = torch.equal(value, after[name])
        assert same == name.startswith(("expand", "decoder")), name
    assert "mse" not in result.history[-1]
    assert result.history[-1]["loss"] == result.history[-1]["kl"]


def test_the_weight_of_idec_is_in_units_of_the_error_that_the_autoencoder_begins_with() -> None:
    aec = Aec(3)
    result = trained(aec, objective="idec", gamma_relative=2.5)
    assert result.gamma == pytest.approx(2.5 * reconstruction_error(aec, X).mean(), rel=1e-5)
    last = result.history[-1]
    assert last["loss"] == pytest.approx(last["mse"] + result.gamma * last["kl"])


def test_the_joint_objective_takes_gamma_as_it_is() -> None:
    assert trained(Aec(3), objective="joint", gamma=0.02).gamma == 0.02


def test_gamma_keeps_its_balance_with_the_error_of_spectrograms_of_another_size() -> None:
    x = np.random.default_rng(0).exponential(size=(48, 3, 20, 29)).astype(np.float32)
    x /= np.linalg.norm(x.reshape(48, -1), axis=1)[:, None, None, None]
    aec = Aec(3, shape=(3, 20, 29))
    z, labels = encode(aec, x), np.arange(48) % 3
    centroids = np.stack([z[labels == j].mean(axis=0) + 0.1 * j for j in range(3)])
    found = train_dec(aec, x, centroids, labels, config.DecSettings(**BASE, objective="joint", gamma=0.02))
    assert found.gamma == pytest.approx(0.02 * (87 * 100) / (3 * 20 * 29))
    assert found.model.aec.shape == (3, 20, 29)
    assert np.isfinite(found.probabilities).all()
    assert reconstruction_error(found.model, x).shape == (48,)


def test_the_learning_rate_is_constant_or_rises_and_falls_as_half_a_cosine() -> None:
    assert {rate_at(step, 100, 1e-3, "constant") for step in range(100)} == {1e-3}
    cosine = [rate_at(step, 100, 1e-3, "cosine") for step in range(101)]
    assert cosine[:5] == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 1e-3])
    assert cosine[100] == pytest.approx(0, abs=1e-12)
    assert all(a > b for a, b in pairwise(cosine[5:]))
    assert rate_at(0, 100, 1e-3, "cosine", 0.0) == pytest.approx(1e-3)


def test_the_rate_of_a_training_is_that_of_its_schedule() -> None:
    result = trained(Aec(3), schedule="cosine", max_epochs=4, learning_rate=0.01)
    rates = [row["learning_rate"] for row in result.history]
    assert rates[0] > rates[1] > rates[2] > rates[3]
    assert rates[3] < 0.001
