"""A model becomes champion: its novelty is calibrated, its clusters get class numbers, its files get a folder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.candidates import Candidate, Requirement, require, requirements
from ris_core.clustering.champion import (
    Champion,
    Former,
    champion_or_none,
    class_names,
)
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.class_acceptance import class_requirement
from ris_core.clustering.cluster_model import ClusterModel, require_reconstruction
from ris_core.clustering.matching import Matching
from ris_core.clustering.novelty import NoveltyModel, fit_novelty
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.labels.champion_copy import keep_copy, label_training_set
from ris_core.labels.class_numbers import number_classes, number_clusters
from ris_core.labels.companion import find_beside
from ris_core.labels.label_table import require_input
from ris_core.labels.labelling import LabelArrays
from ris_core.registry import UnknownKindError
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import coinciding
from ris_core.training.training_set import digest_on_disk, validation_split


class PreviousChampionError(ValueError):
    """The previous champion cannot label the training set, so that its classes cannot be matched."""


@dataclass(frozen=True)
class Appointment:
    """A champion whose files are on disk, but which has not been recorded yet (`ris_core.clustering.champion.appoint`).

    Attributes
    ----------
    champion
        The record, without names and versions in MLflow.
    model, run_id
        The model, and the MLflow run that trained it (empty if there is none).
    novelty
        Its novelty model; none for a class model, which says itself what is new.
    matching
        Its clusters and those of the previous champion.
    requirements
        The requirements that it had to fulfil.
    labels
        Its labels of the training set.
    before
        (N,) class of each event of the training set by the previous champion; none for the first one.
    same_training_set
        Whether the model was trained on the current training set, so that its representation has not seen the
        validation split on which novelty is calibrated; none if the training set of the model is not known.
    """

    champion: Champion
    model: ClusterModel = field(repr=False)
    run_id: str
    novelty: NoveltyModel | None
    matching: Matching
    requirements: tuple[Requirement, ...]
    labels: LabelArrays = field(repr=False)
    before: NDArray[np.int32] | None = field(repr=False, default=None)
    same_training_set: bool | None = None

    def classes(self) -> NDArray[np.int32]:
        """Return the class of each event (N,) of the training set."""
        return np.array(self.champion.classes, dtype=np.int32)[self.labels.cluster]

    @property
    def calibration_note(self) -> str:
        """What the novelty threshold was calibrated on, and whether the representation was trained on that."""
        if self.novelty is None:
            return "by the class model itself, on reviewed events that were left out of its trees"
        has_autoencoder = self.model.name.representation == AEC_DEC.representation
        what = "autoencoder" if has_autoencoder else "representation"
        if self.same_training_set:
            return f"the model was trained on the current training set: its {what} has not seen the validation split"
        of_what = "on something unknown" if self.same_training_set is None else "on another training set"
        return (
            f"the model was trained {of_what}, so its {what} may have seen events of the validation split that "
            "the novelty threshold is calibrated on: the threshold may be too low, and more events than "
            "novelty.false_alarms say are then not assigned"
        )

    def table(self, settings: config.ChampionSettings) -> pd.DataFrame:
        """Return one row per cluster: cluster, class, name, state (kept, new, back), overlap, events."""
        matching = self.matching
        names = class_names(settings, matching.classes, self.champion)
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


def prepare(
    layout: Layout, candidate: Candidate, settings: config.Settings, beside: Candidate | None = None
) -> Appointment:
    """Label the training set by a model, calibrate its novelty, number its classes, and write its files.

    The current champion stays as it is.

    Parameters
    ----------
    layout, candidate
        The data root, and the model.
    settings
        Sections `labelling`, `novelty`, `champion`, `aec`, `dec`, `class_model`, `source` and `normalisation`.
    beside
        A model without reviews that stands beside a class model if there has been no other champion; none if no such
        model is accepted.

    Raises
    ------
    FileNotFoundError
        There is no training set.
    NoAcceptedModelError
        The model does not fulfil a requirement.
    DamagedFileError
        The record or the files of the previous champion, or of what stands beside it, are damaged.
    InputMismatchError
        The model was trained on other events than those of the training set.
    PreviousChampionError
        The previous champion needs a plug-in that is not installed, or other events than those of the training set.
    ValueError
        Its novelty cannot be calibrated.
    """
    training_set = digest_on_disk(layout, settings.normalisation)
    model, labelling, record = candidate.model, settings.labelling, candidate.record
    if model.classes is None:
        require_reconstruction(model, settings.novelty.score)
    require_input(model, layout.training_set)
    labels = label_training_set(layout, model, labelling, labelling.reconstruction_error)
    required = _required(layout, candidate, labels, settings)
    require(required, candidate)
    version = model.version
    before = champion_or_none(layout)
    normalised_by = record.normalisation.model_dump(mode="json")
    if before is None:
        shared = None
    elif (before.model_version, before.normalisation) == (version, normalised_by):
        # The model's own files are not needed: this choice may be meant to restore them.
        shared = labels.cluster
    else:
        shared = _clusters_of(layout, before, labelling)
    names, renames = ({}, None) if before is None else (dict(before.names), before.renames)
    companion = novelty = None
    if model.classes is None:
        matching = number_clusters(settings.champion, before, shared, version, labels.cluster, candidate.k)
        q, errors = labels.probabilities, labels.reconstruction_error
        held_out = validation_split(layout)
        # The objective dec does not train the decoder.
        decodes = model.name != AEC_DEC or settings.dec.objective != "dec"
        novelty = fit_novelty(labels.latent, labels.cluster, q, errors, held_out, settings.novelty, decodes)
    else:
        companion = find_beside(layout, before, beside, labelling)
        matching, names = number_classes(settings.champion, before, shared, companion, labels.cluster, model.classes)
        renames = model.classes.renames
    keep_copy(layout.champion_model(version), candidate)
    if novelty is not None:
        novelty.save(novelty_path(layout, version, novelty.digest))
    labelling_models = [model, *([] if companion is None else [companion.model])]
    champion = Champion(
        k=candidate.k,
        model_version=version,
        origin=candidate.origin,
        classes=matching.classes,
        next_class=matching.next_class,
        classes_of={
            **(before.classes_of if before else {}),
            **({} if companion is None else {companion.companion.model_version: companion.companion.classes}),
            version: matching.classes,
        },
        normalisation=normalised_by,
        novelty="" if novelty is None else novelty.digest,
        former=_former(before, version),
        candidate=str(model.name),
        needs=tuple(dict.fromkeys(part for one in labelling_models for part in one.needs)),
        plugins=tuple(
            dict.fromkeys(plugin.called for one in labelling_models for _, plugin in one.members if plugin is not None)
        ),
        reviewed=model.classes is not None,
        names=names,
        renames=renames,
        companion=None if companion is None else companion.companion,
    )
    trained_on = candidate.metadata.get("training_set")
    return Appointment(
        champion=champion,
        model=model,
        run_id=record.mlflow_run_id,
        novelty=novelty,
        matching=matching,
        requirements=required,
        labels=labels,
        before=None if before is None else np.array(before.classes, dtype=np.int32)[shared],
        same_training_set=None if trained_on is None else bool(trained_on == training_set),
    )


def _required(
    layout: Layout, candidate: Candidate, labels: LabelArrays, settings: config.Settings
) -> tuple[Requirement, ...]:
    model = candidate.model
    if model.classes is not None:
        return (class_requirement(candidate.record, model.classes, settings),)
    centroids = model.centroids
    sizes = np.bincount(labels.cluster, minlength=candidate.k)
    together = () if centroids is None else coinciding(centroids, labels.latent)
    return requirements(layout, candidate, sizes.tolist(), together, settings.aec, settings.dec)


def _clusters_of(layout: Layout, champion: Champion, labelling: config.LabellingSettings) -> NDArray[np.int32]:
    remedy = (
        "without the files of the previous champion, classes cannot be matched: put them back, or make the same model "
        f"champion again (mlflow_version: {champion.mlflow_model_version or 'none'}), or remove {layout.champion} "
        "to begin with new class numbers"
    )
    try:
        model = load_copy(layout.champion_model(champion.model_version), remedy)
        require_input(model, layout.training_set)
    except (UnknownKindError, InputMismatchError) as error:
        plugins = ", ".join(champion.plugins)
        install = f"install its plug-ins ({plugins}) until another model is champion, or " if plugins else ""
        raise PreviousChampionError(
            f"the classes of the previous champion, {champion.model_version}, cannot be matched: {error}; {install}"
            f"remove {layout.champion} to begin with new class numbers"
        ) from error
    return label_training_set(layout, model, labelling, reconstruction=False).cluster


def _former(before: Champion | None, version: str) -> Former | None:
    if before is None:
        return None
    return before.former if before.model_version == version else before.as_former()
