"""A trained model as a folder that needs nothing else: weights, normalisation, novelty, classes, spectrogram settings.

Nothing in it is pickled. `ris_core.serving.packaged` is the MLflow model that reads it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.novelty import NoveltyModel
from ris_core.clustering.open_models import open_model
from ris_core.config import REPRESENTATIONS
from ris_core.contracts.events import Events, bare_events
from ris_core.contracts.input_spec import InputMismatchError, InputSpec
from ris_core.labels.labelling import label_events
from ris_core.models.model_file import JSON_FILE, WEIGHTS_FILE, read_description
from ris_core.plugins import Plugin, load_plugins
from ris_core.processing.spectrograms import Plan, plan
from ris_core.processing.windows import window_spectrograms
from ris_core.representations.open_representations import open_representation
from ris_core.representations.representation import Representation
from ris_core.section import digest_of
from ris_core.serving.named_arrays import RECORD_FIELDS, NamedArrays
from ris_core.storage.json_records import checked_fields, read_record, write_json

Takes = Literal["spectrograms", "waveforms", "events"]
PACKAGE_FILE, NOVELTY_FILE = "package.json", "novelty.safetensors"
_FIELDS = {"takes": str, "conditioning": dict, "spectrogram": dict, "classes": list}
_FETCH_AGAIN = "fetch the model from MLflow again, or register it again"
ARTIFACT = "package"
"""Name of a package's folder among the artifacts of its MLflow model."""
FORMAT = "1"
_BLOCK = 256


class NoPackageError(ValueError):
    """A model cannot be packaged, or not in this way; the message says why."""


def ways_of(model: ClusterModel | Representation) -> tuple[Takes, ...]:
    """Return what packages of a model can take, the one with its arrays first.

    A model of spectrograms alone takes them as one tensor; if it has clusters and is of one component, it also takes
    the windows behind them. One that needs anything else takes arrays by name (`NamedArrays`).

    Raises
    ------
    NoPackageError
        It needs code that cannot travel with it.
    """
    for member, plugin in members_of(model):
        if plugin is None and not member.__module__.startswith("ris_core."):
            raise NoPackageError(
                f"{member.__module__}.{member.__name__} belongs neither to this project nor to a plug-in, so its code "
                "cannot travel with a package: give its distribution an entry point of the group ris_core.plugins"
            )
    if model.needs != ("spectrogram",):
        return ("events",)
    has_windows = isinstance(model, ClusterModel) and len(model.input.components) == 1
    return ("spectrograms", "waveforms") if has_windows else ("spectrograms",)


def members_of(model: ClusterModel | Representation) -> tuple[tuple[type, Plugin | None], ...]:
    """Return the classes of registries that a model is built of; see `ClusterModel.members`."""
    return model.members if isinstance(model, ClusterModel) else ((type(model), REPRESENTATIONS.plugin(model.kind)),)


@dataclass(frozen=True)
class Contents:
    """What goes into a package.

    Attributes
    ----------
    model
        Folder of the trained model.
    takes
        What the package takes (`ways_of`): ``spectrograms`` (N, F, T), linear PSD; ``waveforms`` (N, n), conditioned
        samples from which the spectrograms are made; or ``events``, arrays by name.
    conditioning, spectrogram
        Sections of the settings that the spectrograms were made with.
    novelty
        For a model with clusters: how novelty is scored.
    classes
        For a model with clusters: the class of each of its K clusters.
    arrays
        Which arrays by name, if it takes these.
    names
        For a class model: the name of each of its K classes.
    """

    model: Path
    takes: Takes
    conditioning: config.ConditioningSettings
    spectrogram: config.SpectrogramSettings
    novelty: NoveltyModel | None = None
    classes: Sequence[int] = ()
    arrays: NamedArrays | None = None
    names: Sequence[str] = ()

    def about(self) -> dict[str, Any]:
        """Return what the package holds besides the model and its novelty."""
        about = {
            "format": FORMAT,
            "takes": self.takes,
            "conditioning": self.conditioning.model_dump(mode="json"),
            "spectrogram": self.spectrogram.model_dump(mode="json"),
            "classes": [int(number) for number in self.classes],
            **({"class_names": list(self.names)} if self.names else {}),
        }
        return about if self.arrays is None else about | self.arrays.as_record()

    def digest(self) -> str:
        """Return the digest of all that the answers of the package depend on."""
        model = read_description(self.model)
        novelty = self.novelty.digest if self.novelty is not None else ""
        return digest_of([self.about(), model.digest, model.metadata.get("normalisation"), novelty])

    def write(self, folder: Path) -> None:
        """Write the package into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (WEIGHTS_FILE, JSON_FILE):
            shutil.copyfile(self.model / name, folder / name)
        if self.novelty is not None:
            self.novelty.save(folder / NOVELTY_FILE)
        novelty = self.novelty.digest if self.novelty is not None else None
        write_json(folder / PACKAGE_FILE, self.about() | {"novelty": novelty})


def contents_of(
    settings: config.Settings,
    folder: Path,
    model: ClusterModel | Representation,
    events: Events,
    novelty: NoveltyModel | None = None,
    classes: Sequence[int] = (),
) -> list[Contents]:
    """Return the packages of a trained model, one for each of `ways_of`.

    Parameters
    ----------
    settings
        The network.
    folder, model
        Folder of the model, and the model.
    events
        Events such as it was trained on, like `ris_core.serving.example.example_events`.
    novelty, classes
        As in `Contents`.

    Raises
    ------
    NoPackageError
        It needs code that cannot travel with it.
    MissingPartError
        The events lack an array that it needs.
    """
    names = model.classes.names if isinstance(model, ClusterModel) and model.classes is not None else ()
    return [
        Contents(
            folder,
            takes,
            settings.conditioning,
            settings.spectrogram,
            novelty,
            classes,
            NamedArrays.of(events, model.needs) if takes == "events" else None,
            names,
        )
        for takes in ways_of(model)
    ]


@dataclass(frozen=True)
class Package:
    """An opened package, which answers for events.

    Attributes
    ----------
    model
        The model with its clusters, or a representation alone; on the CPU.
    takes
        See `Contents`.
    constants
        Constants of the spectrograms.
    novelty, classes
        For a model with clusters: how novelty is scored, and the class of each cluster.
    arrays
        See `Contents`.
    """

    model: ClusterModel | Representation
    takes: Takes
    constants: Plan
    novelty: NoveltyModel | None = None
    classes: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    arrays: NamedArrays | None = None

    @property
    def input(self) -> InputSpec:
        """What the model takes in: the spectrograms, or those that are made from the windows."""
        return self.model.input

    @classmethod
    def open(cls, folder: Path) -> Package:
        """Read a package. Nothing outside its folder is read.

        Raises
        ------
        DamagedFileError
            One of its files is damaged or missing.
        InputMismatchError
            The settings of its spectrograms are not those of the model's training.
        """
        load_plugins()
        about = read_record(folder / PACKAGE_FILE, _FIELDS, _FETCH_AGAIN)
        conditioning = config.ConditioningSettings.model_validate(about["conditioning"])
        spectrogram = config.SpectrogramSettings.model_validate(about["spectrogram"])
        novelty = folder / NOVELTY_FILE
        # Packages of earlier versions do not say whether there is a novelty model.
        has_novelty = novelty.exists() if "novelty" not in about else about["novelty"] is not None
        arrays = None
        if about["takes"] == "events":
            arrays = NamedArrays.from_record(checked_fields(folder / PACKAGE_FILE, about, RECORD_FIELDS, _FETCH_AGAIN))
        package = cls(
            model=packaged_model(folder),
            takes=about["takes"],
            constants=plan(spectrogram, conditioning),
            novelty=NoveltyModel.load(novelty, about.get("novelty")) if has_novelty else None,
            classes=np.array(about["classes"], dtype=np.int32),
            arrays=arrays,
        )
        made = config.input_spec(("Z",), conditioning, spectrogram)
        try:
            package.input.require(replace(made, components=package.input.components))
        except InputMismatchError as error:
            said = "conditioning and spectrogram of the settings are not those of the model's training"
            raise error.named(f"{said}; set them back, or train again") from None
        return package

    def answer(self, values: NDArray[Any] | Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the answers of the model for N events.

        Parameters
        ----------
        values
            Spectrograms (N, F, T) or (N, C, F, T), windows (N, n) or arrays by name, depending on `takes`.

        Returns
        -------
        dict
            For a representation: ``latent`` (N, D), and ``reconstruction_error`` (N,) if it has one. For a model with
            clusters: ``label`` (N,) int32, the number of the class; ``probabilities`` (N, K), memberships in the order
            of the clusters; ``novelty`` (N,), and ``assigned`` (N,) bool: whether the novelty does not exceed the
            threshold. For a class model also ``conformal_set`` (N, K) bool, the classes of each event's set, and
            ``new`` (N,) bool; ``assigned`` is then whether the set holds one class and the event is not new. What
            reviewers said of single events is in label tables only.

        Raises
        ------
        InputMismatchError
            The spectrograms, or arrays by name, are not such as the model was trained on.
        SpectrogramError, ValueError
            An event is zero everywhere or not finite, an array is missing, or the values have another number of
            dimensions.
        """
        return self.answer_for(self._events(values))

    def answer_for(self, events: Events) -> dict[str, NDArray[Any]]:
        """Return the answers of `answer` for N events of which all is known that the model needs."""
        blocks = [events.take(slice(start, start + _BLOCK)) for start in range(0, len(events), _BLOCK)]
        if isinstance(self.model, Representation):
            return _features(self.model, blocks)
        # The function that makes label tables, so that both agree.
        found = label_events(self.model, blocks, device="cpu")
        answer: dict[str, NDArray[Any]] = {
            "label": self.classes[found.cluster],
            "probabilities": found.probabilities,
        }
        if found.sets is not None and found.novel is not None:
            answer |= {"conformal_set": found.sets, "new": found.novel}
        if self.novelty is not None or found.sets is not None:
            answer["novelty"], answer["assigned"] = found.judged(self.novelty)
        return answer

    def _events(self, values: NDArray[Any] | Mapping[str, NDArray[Any]]) -> Events:
        if self.arrays is not None:
            if not isinstance(values, Mapping):
                raise ValueError(f"the model takes the arrays {', '.join(self.arrays.shapes)} by name, got one array")
            given = self.arrays.checked(values, self.input)
        elif isinstance(values, Mapping):
            raise ValueError(f"the model takes one array ({self.takes}), got {', '.join(values)} by name")
        elif self.takes == "waveforms":
            given = {"spectrogram": window_spectrograms(np.asarray(values), self.constants)}
        else:
            given = {"spectrogram": np.asarray(values)}
        if "spectrogram" in given:
            self._require_shape(given["spectrogram"])
        common = {} if self.arrays is None else self.arrays.common
        constants, takes = self.constants, self.input
        return bare_events(given, constants.frequency, constants.time, takes.sampling_rate, takes.components, **common)

    def _require_shape(self, spectrogram: NDArray[Any]) -> None:
        takes = self.input
        several = len(takes.components) > 1
        if spectrogram.ndim != 3 + several or (several and spectrogram.shape[1] != len(takes.components)):
            wanted = f"(N, {len(takes.components)}, F, T)" if several else "(N, F, T)"
            raise ValueError(f"spectrograms must have the shape {wanted}, got {spectrogram.shape}")
        frequencies, times = spectrogram.shape[-2:]
        takes.require(replace(takes, frequencies=frequencies, times=times))


def _features(representation: Representation, blocks: Sequence[Events]) -> dict[str, NDArray[Any]]:
    z, errors = [np.empty((0, representation.dimensions), np.float32)], [np.empty(0, np.float32)]
    for block in blocks:
        z.append(representation.features(block))
        error = representation.errors(block, z[-1])
        errors += [] if error is None else [error]
    found = {"latent": np.concatenate(z)}
    return found | ({"reconstruction_error": np.concatenate(errors)} if representation.error_words else {})


def packaged_model(folder: Path) -> ClusterModel | Representation:
    """Return the model in a folder; raises as `open_model` and `open_representation`."""
    has_clusters = read_description(folder, _FETCH_AGAIN).has_clusters
    return open_model(folder, _FETCH_AGAIN)[0] if has_clusters else open_representation(folder, _FETCH_AGAIN)[0]
