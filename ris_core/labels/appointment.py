"""A model becomes the one that labels: its novelty is calibrated, its clusters get classes, its files a folder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.candidates import Candidate, RequiredCheck, require, required_checks
from ris_core.clustering.champion import (
    Champion,
    Former,
    champion_or_none,
    class_names,
    version_of,
)
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.matching import Matching, first_classes, known_classes, match_clusters
from ris_core.clustering.novelty import NoveltyModel, fit_novelty
from ris_core.labels.labelling import LabelArrays, label_spectrograms
from ris_core.models.networks import Dec
from ris_core.models.weights import save_model
from ris_core.storage import spectrogram_file
from ris_core.storage.store import Store
from ris_core.training.acceptance import coinciding
from ris_core.training.training_set import digest_on_disk, validation_split


@dataclass(frozen=True)
class Appointment:
    """A champion whose files are on disk, and that is yet to be recorded (`ris_core.clustering.champion.appoint`).

    Attributes
    ----------
    champion
        The record, without what MLflow says of it.
    model, run_id
        The network, and the MLflow run that trained it (empty if there is none).
    novelty
        Its novelty model.
    matching
        Its clusters and those of the champion before.
    checks
        The asset checks that it had to pass.
    labels
        What it says of the training set.
    before
        (N,) class of each event of the training set by the champion before; none for the first one.
    same_training_set
        Whether the model was trained on the training set of now, so that its autoencoder has not seen the validation
        split that novelty is calibrated on; none where the model does not say what it was trained on.
    """

    champion: Champion
    model: Dec = field(repr=False)
    run_id: str
    novelty: NoveltyModel
    matching: Matching
    checks: list[RequiredCheck]
    labels: LabelArrays = field(repr=False)
    before: NDArray[np.int32] | None = field(repr=False, default=None)
    same_training_set: bool | None = None

    def classes(self) -> NDArray[np.int32]:
        """Return the class of each event (N,) of the training set."""
        return np.array(self.champion.classes, dtype=np.int32)[self.labels.cluster]

    @property
    def calibration_note(self) -> str:
        """What the novelty threshold was calibrated on, and whether the autoencoder was trained on that."""
        if self.same_training_set:
            return "the model was trained on the training set of now: its autoencoder has not seen the validation split"
        of_what = "on something unknown" if self.same_training_set is None else "on another training set"
        return (
            f"the model was trained {of_what}, so its autoencoder may have seen events of the validation split that "
            "the novelty threshold is calibrated on: the threshold may be too low, and more events than "
            "novelty.false_alarms say are then not assigned"
        )

    def table(self, settings: config.ChampionSettings) -> pd.DataFrame:
        """Return one row per cluster: cluster, class, name, state (kept, new, back), overlap, events."""
        matching = self.matching
        names = class_names(settings, matching.classes)
        return pd.DataFrame(
            {
                "cluster": range(len(matching.classes)),
                "class": matching.classes,
                "name": [names[number] for number in matching.classes],
                "state": matching.states,
                "overlap": matching.overlap,
                "events": matching.sizes,
            }
        )


def prepare(store: Store, candidate: Candidate) -> Appointment:
    """Label the training set by a model, calibrate its novelty, number its classes, and write its files.

    The champion of now stays as it is.

    Raises
    ------
    FileNotFoundError
        There is no training set.
    NoAcceptedModelError
        The model fails a required check.
    DamagedFileError
        The record or the files of the champion before are damaged.
    ValueError
        Its novelty cannot be calibrated.
    """
    settings = store.settings
    labels = label_training_set(store, candidate, settings.labelling.reconstruction_error)
    sizes = np.bincount(labels.cluster, minlength=candidate.k)
    together = coinciding(candidate.model.clustering.centroids.detach().cpu().numpy(), labels.latent)
    checks = required_checks(store, candidate, sizes.tolist(), together)
    require(checks, candidate)
    held_out = validation_split(store)
    q, errors = labels.probabilities, labels.reconstruction_error
    novelty = fit_novelty(labels.latent, labels.cluster, q, errors, held_out, settings.novelty)
    version = version_of(candidate.k, candidate.digest)
    before = champion_or_none(store)
    normalisation = candidate.normalisation.model_dump(mode="json")
    if before is None:
        shared = None
    elif (before.model_version, before.normalisation) == (version, normalisation):
        # Its own files, which this may be meant to mend, are not needed.
        shared = labels.cluster
    else:
        shared = _clusters_of(store, before)
    matching = _matching(settings.champion, before, shared, version, labels.cluster, candidate.k)
    folder = store.champion_model(version)
    # A copy of its own: training the same K again must not change what labels behind its back.
    save_model(folder, candidate.model, {**candidate.metadata, "normalisation": normalisation})
    novelty.save(novelty_path(store, version, novelty.digest))
    champion = Champion(
        k=candidate.k,
        model_version=version,
        origin=candidate.origin,
        classes=matching.classes,
        next_class=matching.next_class,
        classes_of={**(before.classes_of if before else {}), version: matching.classes},
        normalisation=normalisation,
        novelty=novelty.digest,
        former=_former(before, version),
    )
    return Appointment(
        champion=champion,
        model=candidate.model,
        run_id=str(candidate.metadata.get("mlflow_run_id", "")),
        novelty=novelty,
        matching=matching,
        checks=checks,
        labels=labels,
        before=None if before is None else np.array(before.classes, dtype=np.int32)[shared],
        same_training_set=_same_training_set(store, candidate),
    )


def label_training_set(store: Store, candidate: Candidate, reconstruction: bool) -> LabelArrays:
    """Return what a model says of the training set of now, in its order; normalised as the model was trained."""
    path = store.training_set
    if not path.exists():
        raise FileNotFoundError(f"{path}: not drawn yet; materialize training_set first")
    settings = store.settings.labelling
    return label_spectrograms(
        candidate.model,
        spectrogram_file.iterate_spectrograms(path, settings.batch_size),
        candidate.normalisation,
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=reconstruction,
    )


def _same_training_set(store: Store, candidate: Candidate) -> bool | None:
    trained_on = candidate.metadata.get("training_set")
    return None if trained_on is None else bool(trained_on == digest_on_disk(store, store.settings.normalisation))


def _matching(
    settings: config.ChampionSettings,
    before: Champion | None,
    shared: NDArray[np.int32] | None,
    version: str,
    clusters: NDArray[np.int32],
    k: int,
) -> Matching:
    if before is None or shared is None:
        return first_classes(clusters, k)
    own = before.classes_of.get(version)
    if own is not None:
        return known_classes(shared, clusters, before.classes, own, before.next_class)
    return match_clusters(shared, clusters, before.classes, k, before.next_class, settings.least_overlap)


def _clusters_of(store: Store, champion: Champion) -> NDArray[np.int32]:
    remedy = (
        "without the files of the champion before, classes cannot be matched: put them back, or make the same model "
        f"champion once more (mlflow_version: {champion.mlflow_model_version or 'none'}), or remove {store.champion} "
        "to begin with new class numbers"
    )
    model = load_copy(store.champion_model(champion.model_version), remedy)
    candidate = Candidate(champion.origin, model, {"normalisation": champion.normalisation}, "")
    return label_training_set(store, candidate, reconstruction=False).cluster


def _former(before: Champion | None, version: str) -> Former | None:
    if before is None:
        return None
    return before.former if before.model_version == version else before.as_former()
