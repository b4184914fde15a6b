"""How far clusters can be trusted: over seeds, without a station, beside other properties, and against noise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from ris_core import config
from ris_core.clustering.agreement import Consensus, consensus, mean_of_pairs, pairwise_ari
from ris_core.clustering.another_representation import DeadLatentsError
from ris_core.clustering.associations import associations
from ris_core.clustering.event_properties import EventProperties
from ris_core.clustering.noise_null import NoiseNull, against_noise
from ris_core.clustering.noise_windows import NoiseWindows
from ris_core.clustering.recipe import Labels, Recipe
from ris_core.clustering.trainings import Trainings
from ris_core.progress import track
from ris_core.training.acceptance import Acceptance
from ris_core.training.loop import DivergedError

logger = logging.getLogger(__name__)

MODEL = "model"
_DOUBTFUL = 0.8
OnTraining = Callable[[int, str, float], None]


class NoTrainingError(ValueError):
    """No further training came to an end, so there is nothing to compare the model with."""


@dataclass(frozen=True)
class Stability:
    """How far the clusters of one configuration can be trusted.

    Attributes
    ----------
    k
        Number of clusters.
    names, labels
        The trainings: ``model``, the one on disk, then the seeds of the others; and their labels (M, N).
    ari
        (M, M) adjusted Rand index of each pair of trainings.
    consensus
        Majority vote, by the label numbers of the model.
    by_label
        Index: consensus `label`; `events`, and `agreement`, their mean share of trainings that agree.
    associations
        See `ris_core.clustering.associations.associations`: the model's labels with station, amplitude and hour.
    amplitude_of
        What the amplitudes are; empty if none are known.
    stations
        One row for each station held out: `station`, `events`, `ari_station`, of the model's labels of its events with
        those of a training without it; `ari_others`, of the other events; `ari_seeds`, the mean over the other
        trainings of that of its events with the model's, for comparison.
    noise
        Events against windows without events.
    failed
        Trainings that diverged or whose latents died, by name, with the reason; they are left out of all the above.
    """

    k: int
    names: tuple[str, ...]
    labels: NDArray[np.int32] = field(repr=False)
    ari: NDArray[np.float64]
    consensus: Consensus
    by_label: pd.DataFrame
    associations: pd.DataFrame
    amplitude_of: str
    stations: pd.DataFrame
    noise: NoiseNull
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def mean_ari(self) -> float:
        """Mean ARI over all pairs of trainings."""
        return mean_of_pairs(self.ari)

    def metrics(self) -> dict[str, float]:
        """Return the numbers by name."""
        above = self.ari[np.triu_indices(len(self.ari), 1)]
        by_property = self.associations.set_index("variable")[["ami", "p", "p_restricted"]]
        without = self.stations.set_index("station")["ari_station"]
        return {
            "mean_ari": self.mean_ari,
            "smallest_ari": float(above.min()),
            "mean_agreement": float(self.consensus.agreement.mean()),
            "trainings": float(len(self.names)),
            "failed_trainings": float(len(self.failed)),
            "unanimous": float(np.mean(self.consensus.agreement == 1)),
            **{f"{column}_{name}": float(v) for column in by_property for name, v in by_property[column].items()},
            **{f"ari_without_{code}": float(v) for code, v in without.items()},
            **{f"noise_{name}": value for name, value in self.noise.scores.items()},
        }


def assess(
    recipe: Recipe,
    properties: EventProperties,
    windows: NoiseWindows,
    settings: config.StabilitySettings,
    trainings: Trainings,
    on_training: OnTraining | None = None,
) -> Stability:
    """Train a model again and again and compare the labels.

    Each further training has another seed of the clusters and takes the events in another order; if `stability.vary` is
    ``autoencoder``, the representation is trained again with that seed as well. The trainings without a station keep
    the representation, the seed and the order of the model.

    Parameters
    ----------
    recipe
        The model with N events, and how it is trained again.
    properties
        Properties of the N events.
    windows
        Windows without events.
    settings
        Section `stability`.
    trainings
        Where finished trainings are kept.
    on_training
        Called with the number and name of each further training, and its ARI with the model.

    Raises
    ------
    NoTrainingError
        None of the further trainings came to an end. The message gives the reasons.
    NoOtherSeedError
        The representation is to be trained again, but it cannot be, or it has no seed.
    """
    labels = recipe.labels()
    found: dict[str, Labels] = {MODEL: labels}
    failed: dict[str, str] = {}
    seeds = range(settings.seed + 1, settings.seed + settings.seeds)
    for seed in track(seeds, "Stability", unit="training"):
        name = f"seed {seed}"
        try:
            found[name] = trainings.labels(
                name,
                lambda s=seed: recipe.train_with(s, settings.vary),  # type: ignore[misc]
            )
        except (DivergedError, DeadLatentsError) as error:
            logger.warning("stability, %s: %s", name, error)
            failed[name] = str(error)
            continue
        if on_training is not None:
            on_training(len(found), name, adjusted_rand_score(labels, found[name]))
    if len(found) < 2:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in failed.items())
        raise NoTrainingError(f"stability: none of {len(failed)} further trainings came to an end\n{reasons}")
    partitions = list(found.values())
    common = consensus(partitions, recipe.k)
    return Stability(
        k=recipe.k,
        names=tuple(found),
        labels=np.stack(partitions),
        ari=pairwise_ari(partitions),
        consensus=common,
        by_label=_by_label(common, recipe.k),
        associations=_associations(settings, labels, properties),
        amplitude_of=properties.amplitude_of,
        stations=_without_stations(settings.held_out_stations, recipe, partitions, properties.station, trainings),
        noise=against_noise(recipe, labels, windows, settings.seed),
        failed=failed,
    )


def _by_label(common: Consensus, k: int) -> pd.DataFrame:
    events = np.bincount(common.labels, minlength=k)
    with np.errstate(invalid="ignore"):
        agreement = np.bincount(common.labels, common.agreement, minlength=k) / events
    return pd.DataFrame({"events": events, "agreement": agreement}).rename_axis("label")


def _associations(settings: config.StabilitySettings, labels: Labels, properties: EventProperties) -> pd.DataFrame:
    compared: dict[str, NDArray[Any]] = {"station": properties.station, "hour": properties.hour}
    if properties.amplitude_of:
        compared["amplitude"] = properties.amplitude
    return associations(labels, compared, properties.station, properties.day, settings.permutations, settings.seed)


def _without_stations(
    most: int, recipe: Recipe, partitions: list[Labels], station: NDArray[np.str_], trainings: Trainings
) -> pd.DataFrame:
    codes, events = np.unique(station, return_counts=True)
    by_events = codes[np.argsort(-events, kind="stable")]
    rows = []
    # The events of a single station leave nothing to train on without it.
    chosen = by_events[:most] if len(codes) > 1 else by_events[:0]
    for code in track(chosen, "Without a station", unit="station"):
        own = station == code
        others = np.flatnonzero(~own)
        if len(np.unique(recipe.z[recipe.of_fit(others)], axis=0)) < recipe.k:
            continue
        without = trainings.labels(
            f"without {code}",
            lambda rows=others: recipe.train(rows, recipe.seed),  # type: ignore[misc]
        )
        model = partitions[0]
        rows.append(
            {
                "station": str(code),
                "events": int(own.sum()),
                "ari_station": float(adjusted_rand_score(model[own], without[own])),
                "ari_others": float(adjusted_rand_score(model[~own], without[~own])),
                "ari_seeds": float(np.mean([adjusted_rand_score(model[own], p[own]) for p in partitions[1:]])),
            }
        )
    return pd.DataFrame(rows, columns=["station", "events", "ari_station", "ari_others", "ari_seeds"])


def judge(found: Stability, least: float, better: str) -> Acceptance:
    """Judge the agreement over trainings.

    Parameters
    ----------
    found
        What the trainings gave.
    least
        Smallest mean ARI that passes (`stability.least_ari`).
    better
        What makes trainings agree better (`Recipe.better`).

    Returns
    -------
    Acceptance
        Its reasons name what does not agree and what to try.
    """
    if found.mean_ari >= least:
        return Acceptance(True)
    i, j = np.unravel_index(np.argmin(found.ari), found.ari.shape)
    doubtful = found.by_label[found.by_label["agreement"] < _DOUBTFUL].sort_values("agreement")
    reasons = [
        f"the mean ARI over {len(found.names)} trainings with K = {found.k} is {found.mean_ari:.2f}, below "
        f"{least:.2f} (stability.least_ari); least alike are {found.names[i]} and {found.names[j]}, "
        f"{found.ari[i, j]:.2f}"
    ]
    if len(doubtful):
        listed = ", ".join(f"{label} ({share:.0%})" for label, share in doubtful["agreement"].items())
        reasons.append(f"label(s) that trainings agree least on: {listed}")
    reasons.append(
        f"try the K that cluster_count names as most stable, {better}; or keep only events of high agreement "
        "(analysis/stability.parquet)"
    )
    return Acceptance(False, tuple(reasons))
