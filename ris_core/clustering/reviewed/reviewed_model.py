"""A class model: representations with a classifier that was trained on reviewed events, as a model that labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.clustering.cluster_model import ClusterModel, Describe, Described, FloatArray
from ris_core.clustering.reviewed.class_model_reading import classes_of_spec
from ris_core.clustering.reviewed.conformal import sets_of
from ris_core.clustering.reviewed.fitted_classes import FittedClasses
from ris_core.config import REPRESENTATIONS
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import PARTS, Events
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.models.model_file import CLASSES, ModelDescription, parts_digest
from ris_core.models.model_parts import save_parts
from ris_core.plugins import Plugin
from ris_core.representations.representation import Representation, representation_class, require_finite
from ris_core.storage.tensors import Arrays

_CLASSES = "classes."


class ReviewedModel(ClusterModel):
    """Representations side by side, and a classifier of their features; its clusters are the reviewed classes.

    Parameters
    ----------
    name
        Its name among the models that label, like ``attributes/reviewed``.
    representations
        Fitted ones, all for the same events.
    fitted
        The classifier of their features, one behind the other.
    classes
        The classes, and the reviews that it was trained on.
    """

    classes: ReviewedClasses

    def __init__(
        self,
        name: CandidateName,
        representations: Sequence[Representation],
        fitted: FittedClasses,
        classes: ReviewedClasses,
    ) -> None:
        self.name, self.representations, self.fitted, self.classes = name, tuple(representations), fitted, classes
        if not representations:
            raise ValueError(f"{name}: a representation is needed")
        self.input = representations[0].input
        if any(one.input != self.input for one in representations):
            raise ValueError(f"{name}: its representations take in different events")
        if fitted.trees.dimensions != self.dimensions:
            raise ValueError(f"{name}: trees for {fitted.trees.dimensions} features, but there are {self.dimensions}")
        if fitted.names != classes.names:
            raise ValueError(f"{name}: the classifier has the classes {fitted.names}, the reviews {classes.names}")
        needed = {part for one in representations for part in one.needs}
        self.needs = tuple(part for part in PARTS if part in needed)

    @classmethod
    def build(cls, description: ModelDescription, arrays: Arrays) -> ReviewedModel:
        """Return the model of a description and its arrays; raises as `Representation.build`."""
        spec = description.spec
        representations = [
            representation_class(one["kind"]).build(description.input, one["spec"], _own(arrays, f"{number}."))
            for number, one in enumerate(spec["representations"])
        ]
        fitted = FittedClasses.build(spec["classes"], _own(arrays, _CLASSES))
        if len(fitted.names) != description.n_clusters:
            raise ValueError(f"it has {len(fitted.names)} classes, not {description.n_clusters}")
        return cls(CandidateName.of(spec["name"]), representations, fitted, classes_of_spec(spec))

    @property
    def n_clusters(self) -> int:
        """K, the number of classes."""
        return len(self.classes.names)

    @property
    def dimensions(self) -> int:
        """Number of features of all representations, D."""
        return sum(one.dimensions for one in self.representations)

    @property
    def digest(self) -> str:
        """Digest of all arrays and specifications, and of the reviews."""
        return parts_digest(self._arrays(), self._spec())

    @property
    def version(self) -> str:
        """Its name, K and the digest."""
        return f"{self.name.representation}-{self.name.clusterer}-k{self.n_clusters}-{self.digest}"

    @property
    def is_calibrated(self) -> bool:
        """Whether there were enough reviews to calibrate its probabilities."""
        return self.fitted.calibration.fitted

    @property
    def membership_words(self) -> str:
        """What a membership is."""
        calibrated = "Calibrated" if self.is_calibrated else "Not calibrated (too few reviews)"
        return f"{calibrated} probability of the class by trees that were trained on reviewed events"

    @property
    def error_words(self) -> str:
        """Empty: a class model has no reconstruction error."""
        return ""

    @property
    def centroids(self) -> None:
        """None: classes have no centroids."""
        return None

    @property
    def members(self) -> tuple[tuple[type, Plugin | None], ...]:
        """The classes of the representations, each with its plug-in."""
        return tuple((type(one), REPRESENTATIONS.plugin(one.kind)) for one in self.representations)

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are such as all representations were fitted to."""
        for one in self.representations:
            one.require(events)

    def features(self, events: Events) -> FloatArray:
        """Return the features (n, D) of n events, those of all representations side by side."""
        return np.concatenate([one.features(events) for one in self.representations], axis=1)

    def describer(self, device: torch.device, reconstruction: bool) -> Describe:
        """Return a function that describes blocks of events; see `ClusterModel`."""
        for one in self.representations:
            one.place(device)

        def describe(events: Events) -> Described:
            z = self.features(events)
            probabilities = self.fitted.probabilities(z)
            novelty = self.fitted.novelty(z)
            memberships = np.asarray(probabilities, dtype=np.float32)
            require_finite("the class model: probabilities", memberships, (len(z), self.n_clusters))
            return Described(
                memberships=memberships,
                features=z,
                reconstruction_error=None,
                sets=sets_of(probabilities, self.fitted.threshold),
                novelty=novelty,
                novel=np.asarray(novelty > self.fitted.unlike.threshold),
            )

        return describe

    def decode(self, z: NDArray[Any]) -> FloatArray | None:
        """Return none: what features of several representations stand for is not known."""
        return None

    def save(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Write arrays and description to a folder."""
        save_parts(folder, CLASSES, self.n_clusters, self._arrays(), self._spec(), metadata, self.input)

    def _arrays(self) -> Arrays:
        found = {_CLASSES + name: values for name, values in self.fitted.arrays().items()}
        for number, one in enumerate(self.representations):
            found |= {f"{number}.{name}": values for name, values in one.arrays().items()}
        return found

    def _spec(self) -> Mapping[str, Any]:
        return {
            "name": str(self.name),
            "representations": [{"kind": one.kind, "spec": dict(one.spec())} for one in self.representations],
            "classes": dict(self.fitted.spec()),
            "reviewed": dict(sorted(self.classes.reviewed.items())),
            # Earlier versions wrote a mapping: without renames the bytes stay as they were.
            "renames": [asdict(one) for one in self.classes.renames] or {},
            "simulated": self.classes.simulated,
        }


def _own(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
