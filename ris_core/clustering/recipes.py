"""The recipe of each kind of candidate, from what is on disk; what decides about it, and whether it is current."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.another_representation import AnotherAec, AnotherFit, AnotherRepresentation
from ris_core.clustering.candidate_models import candidate_is_current, load_candidate
from ris_core.clustering.clustered_recipe import ClusteredRecipe
from ris_core.clustering.clusterer import clusterer_class
from ris_core.clustering.dec_models import dec_is_current, load_dec
from ris_core.clustering.dec_recipe import DecRecipe
from ris_core.clustering.features import read_features
from ris_core.clustering.latents import OutOfStepError
from ris_core.clustering.recipe import Recipe
from ris_core.config import CLUSTERERS, REPRESENTATIONS, Settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.representations.file_events import FileEvents
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout
from ris_core.training.aec_choice import chosen_aec
from ris_core.training.training_set import TrainingSet


class DecOutOfStepError(OutOfStepError):
    """There is no DEC as the current settings, autoencoder and training set would make it."""


class CandidateOutOfStepError(OutOfStepError):
    """There is no model of a candidate as the current settings, representation and training set would make it."""


class CandidateKind(ABC):
    """A kind of candidate: where its recipe comes from."""

    model_words: str
    """What the labels are of, for the description of a column."""

    @abstractmethod
    def require_current(self, layout: Layout, name: CandidateName, k: int, settings: Settings) -> None:
        """Raise `OutOfStepError` unless there is a model of K clusters as the settings would make it."""

    @abstractmethod
    def values(self, name: CandidateName, settings: Settings) -> list[Any]:
        """Return the values of the settings that decide about trainings, given the model on disk, as plain values."""

    @abstractmethod
    def recipe(self, layout: Layout, name: CandidateName, k: int, data: TrainingSet, settings: Settings) -> Recipe:
        """Return the recipe of the model of K clusters.

        Raises
        ------
        InputMismatchError
            The model takes in other events than those of the training set.
        OutOfStepError
            The features are of another representation or another training set.
        DamagedFileError
            A file is damaged.
        """


class _DecKind(CandidateKind):
    model_words = "the DEC"

    def require_current(self, layout: Layout, name: CandidateName, k: int, settings: Settings) -> None:
        if not dec_is_current(layout, k, settings.dec, settings.normalisation):
            raise DecOutOfStepError(
                f"{layout.dec(k)}: there is no DEC of K = {k} as the current settings, autoencoder and training set "
                f"would make it (dec.k is {list(settings.dec.k)}; a DEC that was trained with other values does not "
                "count)"
            )

    def values(self, name: CandidateName, settings: Settings) -> list[Any]:
        varied = settings.aec.training_values() if settings.stability.vary == "autoencoder" else None
        return [
            settings.dec.initialisation_values(),
            settings.dec.training_values(),
            settings.stability.assessment_values(),
            varied,
        ]

    def recipe(self, layout: Layout, name: CandidateName, k: int, data: TrainingSet, settings: Settings) -> DecRecipe:
        aec = chosen_aec(layout)
        aec.input.require(data.input)
        return DecRecipe(
            model=load_dec(layout, k)[0],
            takes=aec.input,
            aec=aec.network,
            z=_features(layout, name, data, settings),
            samples=data.samples,
            dec=settings.dec,
            normalisation=data.normalisation,
            another=_another_aec(layout, data, settings),
        )


class _ClusteredKind(CandidateKind):
    model_words = "the model"

    def require_current(self, layout: Layout, name: CandidateName, k: int, settings: Settings) -> None:
        if not candidate_is_current(layout, name, k, settings, settings.normalisation):
            raise CandidateOutOfStepError(
                f"{layout.candidate(name, k)}: there is no model {name} of K = {k} as the current settings, "
                f"representation and training set would make it (candidates are {', '.join(settings.candidates)}; "
                f"the K of {name} are {list(settings.counts_of(name))})"
            )

    def values(self, name: CandidateName, settings: Settings) -> list[Any]:
        varied: Any = None
        if settings.stability.vary == "autoencoder":
            varied = (
                settings.aec.training_values()
                if name.representation == AEC_DEC.representation
                else settings.representation_digest(name.representation)
            )
        return [
            str(name),
            settings.clusterer_digest(name.clusterer),
            settings.dec.seed,
            settings.stability.assessment_values(),
            varied,
        ]

    def recipe(
        self, layout: Layout, name: CandidateName, k: int, data: TrainingSet, settings: Settings
    ) -> ClusteredRecipe:
        model, _ = load_candidate(layout, name, k)
        model.require(FileEvents(layout.training_set))
        section = settings.clusterer_of(name.clusterer)
        return ClusteredRecipe(
            model=model,
            z=_features(layout, name, data, settings),
            train_split=~data.validation,
            clusterer=clusterer_class(CLUSTERERS.kind_of(section)),
            settings=section,
            dec=settings.dec,
            training_set=layout.training_set,
            content=spectrogram_file.read_info(layout.training_set).content,
            another=_another_of(layout, name.representation, data, settings),
            better=f"other settings of the clusterer (clusterers.{name.clusterer})",
        )


def kind_of(name: CandidateName) -> CandidateKind:
    """Return the kind of a candidate."""
    return _DecKind() if name == AEC_DEC else _ClusteredKind()


def _features(layout: Layout, name: CandidateName, data: TrainingSet, settings: Settings) -> NDArray[np.float32]:
    found = read_features(layout, name.representation, settings.normalisation)
    if found.inputs.training_set != data.digest:
        raise OutOfStepError(f"{layout.training_set}: another training set was drawn meanwhile; assess again")
    return found.z


def _another_of(layout: Layout, name: str, data: TrainingSet, settings: Settings) -> AnotherRepresentation:
    if name == AEC_DEC.representation:
        return _another_aec(layout, data, settings)
    section = settings.representation_of(name)
    everything, train = FileEvents(layout.training_set), FileEvents(layout.training_set, ~data.validation)
    return AnotherFit(name, REPRESENTATIONS.kind_of(section), section, train, everything)


def _another_aec(layout: Layout, data: TrainingSet, settings: Settings) -> AnotherAec:
    return AnotherAec(data, settings.aec, settings.aec.grid.trials().get(chosen_aec(layout).choice.trial))
