"""An interrupted training continues from its last epoch and ends with the weights of an uninterrupted one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ris_core import config
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.models.weights import weights_digest
from ris_core.training.aec import train_aec
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.dec import train_dec
from ris_core.training.loop import Stepper, make_adam

X = np.random.default_rng(0).exponential(size=(64, 87, 100)).astype(np.float32)
X /= np.linalg.norm(X, axis=(1, 2), keepdims=True)


class KilledError(Exception):
    pass


def kill_after(epoch: int) -> Any:
    def on_epoch(number: int, _: Any) -> None:
        if number == epoch:
            raise KilledError

    return on_epoch


RECOMMENDED = {"latent": "linear", "input_scale": "unit_rms", "time_shift": 8, "schedule": "cosine"}


@pytest.mark.parametrize("options", [{}, RECOMMENDED])
def test_an_autoencoder_goes_on_to_the_same_weights(tmp_path: Path, options: dict[str, Any]) -> None:
    settings = config.AecSettings(max_epochs=4, device="cpu", **options)
    undisturbed = train_aec(X[:48], X[48:], 16, 1e-3, settings)
    checkpoint = Checkpoint(tmp_path, "a configuration")
    with pytest.raises(KilledError):
        train_aec(X[:48], X[48:], 16, 1e-3, settings, on_epoch=kill_after(2), checkpoint=checkpoint)
    steps: list[int] = []
    result = train_aec(
        X[:48], X[48:], 16, 1e-3, settings, on_epoch=lambda step, _: steps.append(step), checkpoint=checkpoint
    )
    assert weights_digest(result.model) == weights_digest(undisturbed.model)
    assert [row["val_mse"] for row in result.history] == [row["val_mse"] for row in undisturbed.history]
    assert (result.best_epoch, result.val_mse) == (undisturbed.best_epoch, undisturbed.val_mse)
    assert steps == [1, 2, 3, 4]


@pytest.mark.parametrize("objective", ["joint", "dec", "idec"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_dec_goes_on_to_the_same_weights(tmp_path: Path, objective: str, shuffle: bool) -> None:
    aec = Aec(1)
    z = encode(aec, X)
    start = z[:3] + 0.05, np.zeros(64, int)
    values = {"max_epochs": 4, "batch_size": 16, "tolerance": 0.0, "device": "cpu"}
    settings = config.DecSettings(**values, objective=objective, shuffle=shuffle)
    undisturbed = train_dec(aec, X, *start, settings)
    checkpoint = Checkpoint(tmp_path, "a configuration")
    with pytest.raises(KilledError):
        train_dec(aec, X, *start, settings, on_epoch=kill_after(2), checkpoint=checkpoint)
    updates: list[int] = []
    result = train_dec(
        aec, X, *start, settings, on_update=lambda number, _: updates.append(number), checkpoint=checkpoint
    )
    assert weights_digest(result.model) == weights_digest(undisturbed.model)
    np.testing.assert_array_equal(result.probabilities, undisturbed.probabilities)
    assert result.updates == undisturbed.updates
    assert updates == list(range(9))


def test_a_checkpoint_of_another_configuration_or_a_damaged_one_is_not_taken_up(tmp_path: Path) -> None:
    settings = config.AecSettings(max_epochs=2, device="cpu")
    train_aec(X[:48], X[48:], 16, 1e-3, settings, checkpoint=Checkpoint(tmp_path, "one"))
    assert Checkpoint(tmp_path, "one").load() is not None
    assert Checkpoint(tmp_path, "another").load() is None
    path = Checkpoint(tmp_path, "one").path
    path.write_bytes(path.read_bytes()[:5000])
    assert Checkpoint(tmp_path, "one").load() is None
    result = train_aec(X[:48], X[48:], 16, 1e-3, settings, checkpoint=Checkpoint(tmp_path, "one"))
    assert len(result.history) == 2
    Checkpoint(tmp_path, "one").clear()
    assert list(tmp_path.iterdir()) == []


def test_steps_moments_and_the_scale_of_the_loss_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    def stepper(scaled: bool) -> tuple[torch.nn.Linear, Stepper]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        found = Stepper(make_adam(layer.parameters(), 0.1), 0.1, "constant", 10, "mixed")
        # On the CPU a loss is not scaled automatically, as it is in float16 on CUDA.
        found._scaler = torch.amp.GradScaler("cpu", enabled=scaled, init_scale=64.0, growth_interval=2)
        return layer, found

    checkpoint = Checkpoint(tmp_path, "a configuration")
    for scaled in (True, False):
        layer, before = stepper(scaled)
        for _ in range(3):
            before.step(layer(torch.ones(4, 3)).square().mean())
        checkpoint.save(before.tensors(), before.state())
        tensors, state = checkpoint.load() or ({}, {})
        _, after = stepper(scaled)
        after.restore(tensors, state)
        assert after.state() == before.state()
        assert after.done == 3
        assert (after.state()["scaler"].get("scale") == 128.0) is scaled
        assert {n: v.tolist() for n, v in after.tensors().items()} == {
            n: v.tolist() for n, v in before.tensors().items()
        }
