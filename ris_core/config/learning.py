"""Settings: training, clustering, the champion and labels."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ris_core.section import Section


class TrainingSetSettings(Section):
    """The sample of events that the networks are trained on."""

    events: int = Field(50_000, ge=20, description="Events drawn uniformly over all station-days (J21: 50,000).")
    validation_fraction: float = Field(0.2, gt=0, lt=1, description="Share held out for validation (J21: 0.2).")
    seed: int = Field(2021, ge=0, description="Seed of the draw and of the split (ours).")
    stratify: Literal["none", "station"] = Field(
        "none", description="station: as many events of each station as there are (ours); none: uniform (J21)."
    )
    held_out_stations: tuple[str, ...] = Field(
        (),
        description="Stations without events in the draw, to test models on stations they were not trained on (ours).",
    )
    in_memory: float = Field(
        2.0, ge=0, description="Sets up to this size, GB of float32, are held in memory; larger ones are streamed."
    )

    def drawing_values(self) -> dict[str, Any]:
        """Return the settings that influence which events are drawn."""
        return self.model_dump(mode="json", exclude={"in_memory"})


class NormalisationSettings(Section):
    """From a spectrogram, linear PSD, to the input of the networks, which always has unit L2 norm."""

    scale: Literal["linear", "decibel"] = Field(
        "linear",
        description="linear: unchanged PSD (J21); decibel: dB above the event's noise floor, 0 below (ours).",
    )
    floor_quantile: float = Field(
        0.1, ge=0, lt=1, description="decibel: the noise floor is this quantile of the event's own PSD values (ours)."
    )


class AecGridSettings(Section):
    """The grid of trials: every batch size with every learning rate."""

    batch_size: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1, description="Batch sizes (J21: 64-512).")
    learning_rate: tuple[float, ...] = Field(
        (1e-4, 1e-3, 1e-2), min_length=1, description="Learning rates of Adam (J21: 1e-4-1e-2)."
    )

    @field_validator("batch_size", "learning_rate")
    @classmethod
    def _positive_unique(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if min(value) <= 0:
            raise ValueError("every value must be greater than 0")
        if len(set(value)) != len(value):
            raise ValueError("every value may be given only once")
        return value

    def trials(self) -> dict[str, tuple[int, float]]:
        """Return the trials by key, like ``{"bs64_lr1e-3": (64, 0.001)}``, in the order of the settings."""
        return {trial_key(b, lr): (b, lr) for b in self.batch_size for lr in self.learning_rate}


def trial_key(batch_size: int, learning_rate: float) -> str:
    """Return the key of a trial, like ``bs64_lr1e-3``."""
    mantissa, exponent = f"{learning_rate:.6e}".split("e")
    return f"bs{batch_size}_lr{float(mantissa):g}e{int(exponent)}"


Device = Literal["auto", "cpu", "cuda", "mps"]
_WITHOUT_EFFECT_ON_WEIGHTS = {"k", "device", "smallest_cluster", "initialisation", "centroids", "n_init"}


class AecSettings(Section):
    """The convolutional autoencoder and its training."""

    grid: AecGridSettings = Field(AecGridSettings(), description="The trials.")
    max_epochs: int = Field(500, ge=1, description="Epochs at most (J21: 500).")
    patience: int = Field(10, ge=1, description="Epochs without a better validation MSE before stopping (J21: 10).")
    latent: Literal["relu", "linear"] = Field("relu", description="Activation of the latents (code: ReLU).")
    input_scale: Literal["unit_norm", "unit_rms"] = Field(
        "unit_norm",
        description="unit_norm: the layers see spectrograms of unit L2 norm, values of about 0.01 (code); unit_rms: "
        "times the root of their number of values (93.3 for 87 x 100), so of unit root mean square, and the output is "
        "divided by it again (ours).",
    )
    time_shift: int = Field(
        0,
        ge=0,
        description="Columns by which inputs are shifted in time at random, in both directions, only in training; the "
        "network returns the unshifted spectrogram: a denoising autoencoder (ours). At most half of all "
        "columns. 0: none (J21).",
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="Learning rate: constant (code), or warm-up and cosine to 0 at max_epochs (ours)."
    )
    precision: Literal["float32", "mixed"] = Field(
        "float32", description="mixed: bfloat16 or float16 with loss scaling on CUDA; float32 on other devices."
    )
    seed: int = Field(0, ge=0, description="Seed of weights and order of the samples (ours).")
    restarts: int = Field(
        3,
        ge=0,
        le=20,
        description="How often a trial starts again with the next seed if it diverged or all latents died (ours).",
    )
    least_live_latents: int = Field(
        2, ge=1, le=9, description="A model with fewer latent dimensions that vary is not accepted (ours)."
    )
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")

    def gain_for(self, shape: tuple[int, ...]) -> float:
        """Return the factor between an event (C, F, T) of unit L2 norm and the input of the first layer."""
        return math.prod(shape) ** 0.5 if self.input_scale == "unit_rms" else 1.0

    def training_values(self) -> dict[str, Any]:
        """Return the settings that influence the weights of a trial, besides its batch size and learning rate."""
        return self.model_dump(mode="json", exclude={"grid", "device", "least_live_latents"})


class ClusterCountSettings(Section):
    """How many clusters: criteria over K."""

    representation: str | None = Field(
        None,
        description="Representation whose features the criteria are computed from, one of the candidates'; none: aec "
        "if a candidate has it, else that of the first candidate (ours).",
    )
    k_min: int = Field(2, ge=2, description="Smallest K (J21: 2).")
    k_max: int = Field(20, ge=2, description="Largest K (J21: 20).")
    sample: int = Field(
        10_000, ge=100, description="Latents drawn, with a seed, for all criteria except the inertia (ours)."
    )
    references: int = Field(10, ge=2, description="Reference sets of the gap statistic, B (Tibshirani et al.: 10).")
    repeats: int = Field(10, ge=2, description="Bootstraps for the stability, each with its own seed (ours).")
    n_init: int = Field(10, ge=1, description="k-means starts for each K (scikit-learn: 10).")
    repeat_n_init: int = Field(
        3,
        ge=1,
        description="k-means starts of each reference set and each bootstrap; few, since there are many sets (ours).",
    )
    seed: int = Field(0, ge=0, description="Seed (ours).")

    @model_validator(mode="after")
    def _consistent(self) -> ClusterCountSettings:
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) must not exceed k_max ({self.k_max})")
        return self

    def criteria_values(self) -> dict[str, Any]:
        """Return the settings that influence the criteria, given the features."""
        return self.model_dump(mode="json", exclude={"representation"})


def check_counts(value: tuple[int, ...]) -> tuple[int, ...]:
    """Return cluster counts; raises `ValueError` if one is below 2 or given twice."""
    if min(value) < 2:
        raise ValueError("every K must be 2 or more")
    if len(set(value)) != len(value):
        raise ValueError("every K may be given only once")
    return value


class DecSettings(Section):
    """Deep embedded clustering: initialisation and joint training."""

    k: tuple[int, ...] = Field((5, 6, 7, 8, 9, 10), min_length=1, description="Cluster counts (J21: 5-10).")
    initialisation: Literal["gmm", "kmeans", "random", "given"] = Field(
        "gmm", description="Method for the initial centroids (J21: GMM); given: the file `centroids`."
    )
    centroids: str | None = Field(
        None, description="given: CSV of K rows x 9 latents without a header; {k} in its name is replaced by K."
    )
    n_init: int = Field(100, ge=1, description="Starts for the initial centroids; the best is kept (code: 100).")
    objective: Literal["joint", "dec", "idec"] = Field(
        "joint",
        description="joint: MSE + gamma KL (J21); dec: KL alone, no decoder (Xie et al. 2016); idec: as joint, "
        "with the weight gamma_relative (after Guo et al. 2017).",
    )
    gamma: float = Field(
        1e-3,
        gt=0,
        description="joint: weight of the clustering loss, for inputs of unit L2 norm and 87 x 100 values (code: "
        "1e-3); for n values times 8700 / n (ours).",
    )
    gamma_relative: float = Field(
        1.0, gt=0, description="idec: weight of the clustering loss in units of the autoencoder's own MSE (ours)."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="Learning rate: constant (code), or cosine to 0 at max_epochs or max_steps (ours)."
    )
    precision: Literal["float32", "mixed"] = Field(
        "float32", description="mixed: bfloat16 or float16 with loss scaling on CUDA; float32 on other devices."
    )
    batch_size: int = Field(64, ge=1, description="Batch size (J21: 64).")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam (J21: 1e-3).")
    max_epochs: int = Field(400, ge=1, description="Epochs at most (J21: 400).")
    max_steps: int | None = Field(
        None,
        ge=1,
        description="Batches at most, in all epochs together (ours); null: as many as the epochs have (code).",
    )
    shuffle: bool = Field(
        False, description="New order of the events in each epoch (code: no, in the order of the draw)."
    )
    updates_per_epoch: int = Field(2, ge=1, description="Updates of the target distribution P per epoch (code: 2).")
    max_update_interval: int | None = Field(
        None,
        ge=1,
        description="Batches between two updates of P at most (ours): a long epoch has more updates than "
        "updates_per_epoch; null: never more (code).",
    )
    tolerance: float = Field(
        3e-3, ge=0, lt=1, description="Stop when fewer labels change between two updates (J21: 0.3 %)."
    )
    seed: int = Field(0, ge=0, description="Seed (ours).")
    smallest_cluster: float = Field(
        0.002, ge=0, lt=0.5, description="A cluster with a smaller share of the training set is not accepted (ours)."
    )
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")

    @field_validator("k")
    @classmethod
    def _counts(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return check_counts(value)

    @model_validator(mode="after")
    def _given_where(self) -> DecSettings:
        if self.initialisation == "given" and self.centroids is None:
            raise ValueError("initialisation 'given' needs centroids: a CSV file of K rows x 9 latents")
        return self

    def initialisation_values(self) -> dict[str, Any]:
        """Return the settings that influence initial clusters."""
        return self.model_dump(mode="json", include={"initialisation", "centroids", "n_init", "seed"})

    def training_values(self) -> dict[str, Any]:
        """Return the settings that influence the weights of a DEC, given its initial clusters.

        Bounds that are not set are left out: the values are then those of models from before there were any.
        """
        unset = {name for name in ("max_steps", "max_update_interval") if getattr(self, name) is None}
        return self.model_dump(mode="json", exclude=_WITHOUT_EFFECT_ON_WEIGHTS | unset)

    def updates_in(self, steps: int) -> int:
        """Return how often P is computed again in an epoch of so many batches."""
        least = 0 if self.max_update_interval is None else math.ceil(steps / self.max_update_interval)
        return max(self.updates_per_epoch, least)
