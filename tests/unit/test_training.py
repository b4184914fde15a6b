import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ris_core import config
from ris_core.models.inference import encode, reconstruction_error, soft_assignments
from ris_core.models.networks import PAPER_SHAPE, Aec, LatentActivation, Shape
from ris_core.models.weights import weights_digest
from ris_core.training.acceptance import accept_aec, accept_clusters, coinciding
from ris_core.training.aec import train_aec
from ris_core.training.dec import train_dec
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.loop import DivergedError
from ris_core.training.normalise import SpectrogramError, normalise
from ris_core.training.results import AecResult
from ris_core.training.samples import of_array
from ris_core.training.targets import target_distribution

Array = NDArray[Any]


def families(n: int, seed: int = 0) -> tuple[Array, Array]:
    """Return raw spectrograms of three families that differ in frequency and length, and their truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    frequency, time = np.linspace(0, 1, 87)[:, None], np.linspace(0, 1, 100)[None]
    centre = (np.array([0.2, 0.5, 0.8])[truth] + rng.normal(0, 0.02, n))[:, None, None]
    decay = np.array([0.05, 0.3, 0.1])[truth][:, None, None]
    blob = np.exp(-np.square((frequency - centre) / 0.1)) * np.where(time > 0.3, np.exp(-(time - 0.3) / decay), 0)
    noisy = blob + 0.01 * rng.exponential(size=blob.shape)
    return (noisy * rng.lognormal(8, 2, n)[:, None, None]).astype(np.float32), truth


X, TRUTH = families(96)
X = normalise(X)
SETTINGS = config.AecSettings(max_epochs=3, device="cpu")
DEC = config.DecSettings(max_epochs=2, batch_size=16, tolerance=0.0, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Batches of 16 gain nothing from threads, and tests may run side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained() -> AecResult:
    return train_aec(X[:64], X[64:], 16, 1e-3, SETTINGS)


def clusters(z: Array) -> tuple[Array, Array]:
    return np.stack([z[j == TRUTH].mean(axis=0) for j in range(3)]), TRUTH


def test_normalised_spectrograms_have_unit_norm_whatever_their_scale() -> None:
    raw, _ = families(5)
    raw[0] *= 1e-25
    raw[1] *= 1e15
    unit = normalise(raw)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit.astype(float), axis=(1, 2)), 1, rtol=1e-5)
    assert normalise(raw, out=raw) is raw
    np.testing.assert_array_equal(raw, unit)
    assert normalise(raw[:0]).shape == (0, 87, 100)


@pytest.mark.parametrize("scale", [1e-40, 1e-21, 1.0, 1e19, 1e30, 1e37])
def test_normalising_is_as_exact_for_the_smallest_and_greatest_psd_as_for_others(scale: float) -> None:
    raw, _ = families(19)
    raw = (raw / raw.max() * np.float64(scale)).astype(np.float32)
    wide = raw.astype(np.float64)
    wanted = wide / np.linalg.norm(wide, axis=(1, 2))[:, None, None]
    np.testing.assert_allclose(normalise(raw), wanted, rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(normalise(raw[::2]), normalise(raw)[::2])


def test_decibels_are_those_above_the_floor_and_scaled_to_unit_norm() -> None:
    raw, _ = families(7)
    median = config.NormalisationSettings(scale="decibel", floor_quantile=0.5)
    unit = normalise(raw, median)
    floor = np.sort(raw.reshape(7, -1).astype(float), axis=1)[:, 4350][:, None, None]
    decibels = np.maximum(10 * np.log10(raw / floor), 0)
    np.testing.assert_allclose(unit, decibels / np.linalg.norm(decibels, axis=(1, 2), keepdims=True), atol=1e-6)
    np.testing.assert_allclose(normalise(raw * 1e6, median), unit, atol=1e-6)


def test_decibels_need_a_spectrogram_that_rises_above_its_floor() -> None:
    raw, _ = families(3)
    raw[1] = 2.0
    raw[2, :, :60] = 0  # samples that were zero for a while: the smallest value left is the floor
    settings = config.NormalisationSettings(scale="decibel")
    assert np.isfinite(normalise(raw[2:], settings)).all()
    with pytest.raises(SpectrogramError, match=r"1 of 3 spectrograms .* nowhere above their noise floor .*: B;"):
        normalise(raw, settings, ["A", "B", "C"])


def test_zero_or_nan_spectrograms_are_refused_by_event_id() -> None:
    raw, _ = families(4)
    raw[1] = 0
    raw[3, 5, 5] = np.nan
    with pytest.raises(SpectrogramError, match=r"2 of 4 spectrograms .*: B, D; leave"):
        normalise(raw, event_ids=["A", "B", "C", "D"])
    with pytest.raises(ValueError, match="3 event ids for 4 spectrograms"):
        normalise(raw, event_ids=["A", "B", "C"])


def test_floors_agree_with_their_definition() -> None:
    x_train, x_val = X[:64], X[64:]
    train, val = of_array(x_train), of_array(x_val)
    wanted = np.mean(np.square(x_val.astype(float) - x_train.mean(axis=0, dtype=float)))
    assert mean_spectrogram_mse(train, val) == pytest.approx(wanted, rel=1e-9)
    centred = x_train.reshape(64, -1).astype(float)
    mean = centred.mean(axis=0)
    basis = np.linalg.svd(centred - mean, full_matrices=False)[2][:9]
    flat = x_val.reshape(32, -1) - mean
    assert pca_mse(train, val) == pytest.approx(np.mean(np.square(flat - flat @ basis.T @ basis)), rel=0.02)
    assert pca_mse(train, val) < mean_spectrogram_mse(train, val)
    assert pca_mse(train, val, sample=50, seed=1) == pca_mse(train, val, sample=50, seed=1)


def test_live_latents_counts_dimensions_that_vary() -> None:
    z = np.random.default_rng(0).exponential(size=(50, 9)).astype(np.float32)
    z[:, 2] = 0
    z[:, 4] = 3.3
    assert live_latents(z) == 7
    assert live_latents(z * 1e-4) == 7
    assert live_latents(np.zeros((50, 9))) == 0
    assert live_latents(np.empty((0, 9))) == 0


def test_the_autoencoder_learns_and_comes_back_with_its_best_weights(trained: AecResult) -> None:
    assert [row["epoch"] for row in trained.history] == [1, 2, 3]
    best = min(trained.history, key=lambda row: row["val_mse"])
    assert best["epoch"] == trained.best_epoch
    assert trained.val_mse == best["val_mse"] < 0.9 * reconstruction_error(Aec(trained.seed), X[64:]).mean()
    assert reconstruction_error(trained.model, X[64:]).mean() == pytest.approx(trained.val_mse, rel=1e-4)
    assert trained.seeds_tried[-1] == trained.seed
    assert trained.stopped == "max_epochs"


def test_the_same_seed_gives_the_same_autoencoder_and_another_seed_another(trained: AecResult) -> None:
    torch.manual_seed(123)
    again = train_aec(X[:64], X[64:], 16, 1e-3, SETTINGS)
    assert weights_digest(again.model) == weights_digest(trained.model)
    other = train_aec(X[:64], X[64:], 16, 1e-3, SETTINGS.model_copy(update={"seed": 11, "max_epochs": 1}))
    assert weights_digest(other.model) != weights_digest(trained.model)


def test_training_stops_when_patience_runs_out_and_keeps_the_best_epoch() -> None:
    # Validation on what training drives away from: the first epochs are the best.
    settings = config.AecSettings(max_epochs=30, patience=2, device="cpu")
    result = train_aec(X[TRUTH == 0], -X[TRUTH == 2], 16, 1e-3, settings)
    assert result.stopped == "early"
    assert len(result.history) == result.best_epoch + 2 < 30
    wanted = min(row["val_mse"] for row in result.history)
    assert reconstruction_error(result.model, -X[TRUTH == 2]).mean() == pytest.approx(wanted, rel=1e-4)


def test_each_epoch_is_reported_once(trained: AecResult) -> None:
    seen: list[tuple[int, float]] = []
    train_aec(X[:64], X[64:], 16, 1e-3, SETTINGS, on_epoch=lambda step, row: seen.append((step, row["epoch"])))
    assert seen == [(1, 1), (2, 2), (3, 3)]


def dead_when(seeds: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    class Mortal(Aec):
        def __init__(
            self, seed: int = 0, latent: LatentActivation = "relu", gain: float = 1.0, shape: Shape = PAPER_SHAPE
        ) -> None:
            super().__init__(seed, latent, gain, shape)
            if seed in seeds:
                torch.nn.init.constant_(self.encoder[11].bias, -1e3)

    monkeypatch.setattr("ris_core.training.aec_attempt.Aec", Mortal)


def test_dead_latents_are_begun_again_with_the_next_seed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dead_when({0, 1}, monkeypatch)
    steps: list[int] = []
    with caplog.at_level(logging.WARNING):
        result = train_aec(X[:32], X[64:], 16, 1e-3, SETTINGS, on_epoch=lambda step, _: steps.append(step))
    assert result.seeds_tried == (0, 1, 2)
    assert result.seed == 2
    assert steps == [1, 2, 3, 4, 5]
    assert [record.getMessage() for record in caplog.records] == [
        "AEC seed 0: all latents are zero after epoch 1; begins again with seed 1",
        "AEC seed 1: all latents are zero after epoch 1; begins again with seed 2",
    ]


def test_latents_that_die_with_every_seed_give_a_model_that_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    dead_when({0, 1, 2, 3}, monkeypatch)
    result = train_aec(X[:32], X[64:], 16, 1e-3, SETTINGS)
    assert (result.stopped, result.seeds_tried) == ("dead", (0, 1, 2, 3))
    assert result.history[-1]["live_latents"] == 0
    metrics = {"val_mse": result.val_mse, "mean_spectrogram_mse": 1.0, "live_latents": 0.0}
    verdict = accept_aec(metrics, SETTINGS)
    assert not verdict.passed
    assert "0 latent dimension(s) vary" in verdict.reasons[0]


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    spoilt = X[:32].copy()
    spoilt[0, 0, 0] = np.inf
    with pytest.raises(DivergedError, match=r"AEC seed 3, epoch 1: the loss is (nan|inf) at learning rate 0\.001"):
        train_aec(spoilt, X[64:], 16, 1e-3, SETTINGS)
    with pytest.raises(DivergedError, match=r"DEC, target distribution: the loss is"):
        train_dec(Aec(), spoilt, np.ones((2, 9)), np.zeros(32, int), DEC)


def test_an_autoencoder_that_explodes_begins_again_and_then_fails_naming_the_learning_rate(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = SETTINGS.model_copy(update={"restarts": 1, "max_epochs": 2})
    with pytest.raises(DivergedError, match=r"AEC seed 1, epoch 1: .* at learning rate 3; take a lower one"):
        train_aec(X[:64], X[64:], 16, 3.0, settings)
    assert "begins again with seed 1" in caplog.text


def test_an_autoencoder_is_accepted_only_above_the_floors() -> None:
    good = {"val_mse": 2e-5, "mean_spectrogram_mse": 6e-5, "live_latents": 4}
    assert accept_aec(good, SETTINGS).passed
    assert accept_aec(good, SETTINGS).reasons == ()
    for change, reason in (
        ({"val_mse": 6e-5}, "not below that of the mean spectrogram"),
        ({"val_mse": float("nan")}, "not below that of the mean spectrogram"),
        ({"live_latents": 1}, r"1 latent dimension\(s\) vary; at least 2 must"),
    ):
        verdict = accept_aec(good | change, SETTINGS)
        assert not verdict.passed
        assert len(verdict.reasons) == 1
        assert re.search(reason, verdict.reasons[0])
    with pytest.raises(KeyError, match="live_latents"):
        accept_aec({"val_mse": 1.0, "mean_spectrogram_mse": 2.0}, SETTINGS)


def test_a_dec_with_empty_or_tiny_clusters_is_not_accepted() -> None:
    assert accept_clusters([500, 498, 2], DEC).passed
    verdict = accept_clusters([0, 9998, 2], DEC)
    assert not verdict.passed
    assert verdict.reasons[0] == "cluster(s) 0 of 3 are empty"
    assert verdict.reasons[1].startswith("cluster(s) 2 (2 events, 0.02%) lie below the least share of 0.20%")
    assert "try a K below 3" in verdict.reasons[2]


def test_a_dec_whose_centroids_have_fallen_together_is_not_accepted() -> None:
    z = np.random.default_rng(0).normal(size=(200, 9))
    centroids = np.stack([z[0], z[1], z[0] + 1e-4])
    assert coinciding(centroids, z) == ((0, 2),)
    verdict = accept_clusters([80, 80, 40], DEC, coinciding(centroids, z))
    assert verdict.reasons[0] == "the centroids of cluster(s) 0 and 2 have merged"
    assert "try a K below 3" in verdict.reasons[1]


def test_the_target_distribution_sharpens_by_hand() -> None:
    q = torch.tensor([[0.8, 0.2], [0.6, 0.4]])
    first = np.array([0.64 / 1.4, 0.04 / 0.6])
    second = np.array([0.36 / 1.4, 0.16 / 0.6])
    wanted = np.stack([first / first.sum(), second / second.sum()])
    np.testing.assert_allclose(target_distribution(q).numpy(), wanted, rtol=1e-6)
    assert torch.isfinite(target_distribution(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))).all()


def test_dec_results_belong_to_the_final_weights(trained: AecResult) -> None:
    digest = weights_digest(trained.model)
    result = train_dec(trained.model, X, *clusters(encode(trained.model, X)), DEC)
    assert weights_digest(trained.model) == digest
    q, latent = soft_assignments(result.model, X)
    np.testing.assert_allclose(result.probabilities, q, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(result.latent, latent, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.labels, q.argmax(axis=1))
    assert sum(result.sizes) == 96
    assert (result.stopped, result.epochs) == ("max_epochs", 2.0)


def test_dec_updates_twice_an_epoch_and_first_compares_with_the_initialisation(trained: AecResult) -> None:
    z = encode(trained.model, X)
    centroids, _ = clusters(z)
    wrong = np.full(96, 2)
    rows: list[tuple[int, float]] = []
    epochs: list[int] = []
    result = train_dec(
        *(trained.model, X, centroids, wrong, DEC),
        on_update=lambda number, row: rows.append((number, row["epoch"])),
        on_epoch=lambda epoch, _: epochs.append(epoch),
    )
    assert rows == [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]
    assert epochs == [1, 2]
    first = result.updates[0]
    assert first["label_change"] == pytest.approx(np.mean(np.argmin(((z[:, None] - centroids) ** 2).sum(2), 1) != 2))
    assert "loss" not in first
    last = result.updates[-1]
    assert last["loss"] == pytest.approx(last["mse"] + DEC.gamma * last["kl"])
    assert [last[f"size_{j}"] for j in range(3)] == list(result.sizes)
    assert 0 <= last["entropy"] <= np.log(3) + 1e-6
    assert 0 <= last["cluster_entropy"] <= np.log(3) + 1e-6
    assert result.history[-1]["label_change"] == last["label_change"]


def test_dec_stops_when_labels_settle_but_not_before_two_updates_have_passed(trained: AecResult) -> None:
    settings = DEC.model_copy(update={"tolerance": 0.999, "max_epochs": 5})
    result = train_dec(trained.model, X, *clusters(encode(trained.model, X)), settings)
    assert (result.stopped, result.epochs, len(result.updates)) == ("tolerance", 1.0, 3)


def test_dec_ends_after_its_steps_with_an_update_of_the_final_weights(trained: AecResult) -> None:
    # 6 batches an epoch: the bound lies in the second one, one batch after the update in its middle.
    settings = DEC.model_copy(update={"max_steps": 10, "max_epochs": 5})
    result = train_dec(trained.model, X, *clusters(encode(trained.model, X)), settings)
    assert (result.stopped, result.epochs) == ("max_steps", pytest.approx(10 / 6))
    assert [row["epoch"] for row in result.updates] == pytest.approx([0, 0.5, 1, 1.5, 10 / 6])
    np.testing.assert_array_equal(result.labels, soft_assignments(result.model, X)[0].argmax(axis=1))


def test_updates_of_dec_are_no_further_apart_than_asked(trained: AecResult) -> None:
    # 6 batches an epoch: three updates instead of two.
    settings = DEC.model_copy(update={"max_update_interval": 2, "max_epochs": 1})
    result = train_dec(trained.model, X, *clusters(encode(trained.model, X)), settings)
    assert [row["epoch"] for row in result.updates] == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_bound_of_steps_that_epochs_do_not_reach_changes_nothing(trained: AecResult) -> None:
    start = clusters(encode(trained.model, X))
    one, two = (
        train_dec(trained.model, X, *start, DEC.model_copy(update={"max_steps": bound})) for bound in (None, 12)
    )
    assert (one.stopped, two.stopped) == ("max_epochs", "max_epochs")
    assert weights_digest(one.model) == weights_digest(two.model)


def test_the_cosine_rate_of_dec_ends_with_its_steps(trained: AecResult) -> None:
    settings = DEC.model_copy(update={"schedule": "cosine", "max_steps": 3, "max_epochs": 400})
    result = train_dec(trained.model, X, *clusters(encode(trained.model, X)), settings)
    # Without a warm-up, the rates of three steps are those of 0, 0 and half of the half cosine: 1, 1 and 0.5.
    assert result.history[-1]["learning_rate"] == pytest.approx(0.5 * DEC.learning_rate)


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_seed_gives_the_same_dec(trained: AecResult, shuffle: bool) -> None:
    settings = DEC.model_copy(update={"shuffle": shuffle, "max_epochs": 1})
    start = clusters(encode(trained.model, X))
    one, two = (train_dec(trained.model, X, *start, settings) for _ in range(2))
    assert weights_digest(one.model) == weights_digest(two.model)
    np.testing.assert_array_equal(one.labels, two.labels)


def test_dec_does_not_crash_on_collapsed_clusters(trained: AecResult) -> None:
    centroids, labels = clusters(encode(trained.model, X))
    far = np.concatenate([centroids, np.full((1, 9), 1e6)])
    result = train_dec(trained.model, X, far, labels, DEC.model_copy(update={"max_epochs": 1}))
    assert result.sizes[3] == 0
    assert np.isfinite(result.probabilities).all()
    assert not accept_clusters(result.sizes, DEC).passed


def test_dec_refuses_labels_that_do_not_belong_to_the_events(trained: AecResult) -> None:
    with pytest.raises(ValueError, match=r"initial_labels must have the shape \(96,\)"):
        train_dec(trained.model, X, np.zeros((3, 9)), np.zeros(10, int), DEC)


class Noted(torch.nn.Module):
    """A linear autoencoder that distorts its input in training mode alone, and notes the mode of each pass."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = torch.nn.Linear(8, 2), torch.nn.Linear(2, 8)
        self.modes: list[bool] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.modes.append(self.training)
        z = self.encoder(torch.zeros_like(x) if self.training else x)
        return self.decoder(z), z


def test_another_network_trains_in_training_mode_and_is_validated_and_handed_back_in_evaluation_mode() -> None:
    x = np.random.default_rng(0).normal(size=(24, 8)).astype(np.float32)
    result = train_aec(x[:16], x[16:], 8, 1e-2, config.AecSettings(max_epochs=3, device="cpu"), network=Noted())
    assert result.model.modes == [True, True, False] * 3
    assert not result.model.training
    with torch.inference_mode():
        undistorted = float((result.model(torch.from_numpy(x[16:]))[0] - torch.from_numpy(x[16:])).square().mean())
    assert result.val_mse == pytest.approx(undistorted)
