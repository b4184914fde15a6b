"""A trained model as a folder that needs nothing else: weights, normalisation, novelty, classes, spectrogram settings.

Nothing in it is pickled. `ris_core.serving.packaged` is the MLflow model that reads it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.novelty import NoveltyModel
from ris_core.contracts.input_spec import InputSpec
from ris_core.labels.labelling import label_spectrograms
from ris_core.models.inference import encode, reconstruction_error
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import JSON_FILE, WEIGHTS_FILE, load_model, read_description
from ris_core.processing.spectrograms import Plan, plan
from ris_core.processing.windows import window_spectrograms
from ris_core.section import digest_of
from ris_core.storage.json_records import read_record, write_json
from ris_core.training.normalise import normalise

Takes = Literal["spectrograms", "waveforms"]
PACKAGE_FILE, NOVELTY_FILE = "package.json", "novelty.safetensors"
_FIELDS = {"takes": str, "conditioning": dict, "spectrogram": dict, "classes": list}
_FETCH_AGAIN = "fetch the model from MLflow again, or register it again"
ARTIFACT = "package"
"""Name of a package's folder among the artifacts of its MLflow model."""
FORMAT = "1"
_BLOCK = 256


@dataclass(frozen=True)
class Contents:
    """What goes into a package.

    Attributes
    ----------
    model
        Folder of the trained model.
    takes
        What the package takes: ``spectrograms`` (N, 87, 100), linear PSD; or ``waveforms`` (N, n), conditioned samples
        from which the spectrograms are made.
    conditioning, spectrogram
        Sections of the settings that the spectrograms were made with.
    novelty
        For a DEC: how novelty is scored.
    classes
        For a DEC: the class of each of its K clusters.
    """

    model: Path
    takes: Takes
    conditioning: config.ConditioningSettings
    spectrogram: config.SpectrogramSettings
    novelty: NoveltyModel | None = None
    classes: Sequence[int] = ()

    def about(self) -> dict[str, Any]:
        """Return what the package holds besides the model and its novelty."""
        return {
            "format": FORMAT,
            "takes": self.takes,
            "conditioning": self.conditioning.model_dump(mode="json"),
            "spectrogram": self.spectrogram.model_dump(mode="json"),
            "classes": [int(number) for number in self.classes],
        }

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


@dataclass(frozen=True)
class Package:
    """An opened package, which answers for events.

    Attributes
    ----------
    model
        The network, on the CPU.
    takes
        See `Contents`.
    input
        What the network takes in: the spectrograms, or those that are made from the windows.
    constants
        Constants of the spectrograms.
    normalisation, novelty, classes
        How spectrograms are normalised; for a DEC, how novelty is scored and the class of each cluster.
    """

    model: Aec | Dec
    takes: Takes
    input: InputSpec
    constants: Plan
    normalisation: config.NormalisationSettings
    novelty: NoveltyModel | None = None
    classes: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def open(cls, folder: Path) -> Package:
        """Read a package. Nothing outside its folder is read.

        Raises
        ------
        DamagedFileError
            One of its files is damaged or missing.
        """
        about = read_record(folder / PACKAGE_FILE, _FIELDS, _FETCH_AGAIN)
        model, description = load_model(folder, remedy=_FETCH_AGAIN)
        novelty = folder / NOVELTY_FILE
        # Packages of earlier versions do not say whether there is a novelty model.
        has_novelty = novelty.exists() if "novelty" not in about else about["novelty"] is not None
        return cls(
            model=model.eval(),
            takes=about["takes"],
            input=description.input,
            constants=plan(
                config.SpectrogramSettings.model_validate(about["spectrogram"]),
                config.ConditioningSettings.model_validate(about["conditioning"]),
            ),
            normalisation=config.NormalisationSettings.model_validate(description.metadata.get("normalisation", {})),
            novelty=NoveltyModel.load(novelty, about.get("novelty")) if has_novelty else None,
            classes=np.array(about["classes"], dtype=np.int32),
        )

    def answer(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the answers of the model for N events.

        Parameters
        ----------
        values
            Spectrograms (N, 87, 100) or windows (N, n), depending on `takes`.

        Returns
        -------
        dict
            For an autoencoder: ``latent`` (N, 9), ``reconstruction_error`` (N,). For a DEC: ``label`` (N,) int32, the
            number of the class; ``probabilities`` (N, K), memberships in the order of the clusters; ``novelty`` (N,),
            and ``assigned`` (N,) bool: whether the novelty does not exceed the threshold.

        Raises
        ------
        SpectrogramError, ValueError
            An event is zero everywhere or not finite, or the values have another shape.
        """
        spectrograms = window_spectrograms(values, self.constants) if self.takes == "waveforms" else np.asarray(values)
        if isinstance(self.model, Aec):
            x = normalise(spectrograms, self.normalisation)
            return {"latent": encode(self.model, x), "reconstruction_error": reconstruction_error(self.model, x)}
        blocks = (spectrograms[start : start + _BLOCK] for start in range(0, len(spectrograms), _BLOCK))
        # The function that makes label tables, so that both agree.
        found = label_spectrograms(self.model, blocks, self.normalisation, device="cpu")
        answer: dict[str, NDArray[Any]] = {
            "label": self.classes[found.cluster],
            "probabilities": found.probabilities,
        }
        if self.novelty is not None:
            answer["novelty"] = self.novelty.novelty(found.latent, found.probabilities, found.reconstruction_error)
            answer["assigned"] = self.novelty.assigned(answer["novelty"])
        return answer
