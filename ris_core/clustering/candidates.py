"""Which model may label: those trained on the current training set, former champions and imported ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ris_core import config
from ris_core.clustering.dec_models import DecRecord, load_dec, record_of, trained_models
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.imported_models import imported_models, load_imported
from ris_core.models.networks import Dec
from ris_core.models.weights import JSON_FILE, load_model, read_description, require_sound
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training import trials
from ris_core.training.acceptance import Acceptance, NoAcceptedModelError, accept_dec
from ris_core.training.aec_choice import read_choice


class UnknownCandidateError(ValueError):
    """There is no such model. The message names those that there are."""


class NoTrainedDecError(NoAcceptedModelError):
    """No DEC was trained from the current autoencoder and training set."""


@dataclass(frozen=True)
class Candidate:
    """A model that may become champion.

    Attributes
    ----------
    origin
        Where it came from, in words.
    model
        The network.
    metadata
        The metadata of its file, which are copied to the champion's folder.
    digest
        Digest of its weights.
    input
        What the network takes in.
    """

    origin: str
    model: Dec = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)
    digest: str
    input: InputSpec

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters

    @property
    def record(self) -> DecRecord:
        """What is known about its training."""
        return record_of(self.metadata)

    @property
    def file(self) -> str:
        """Name of the file that it was imported from; empty if it was trained here."""
        return str(self.metadata.get("file", ""))

    def of_run(self, run_id: str) -> Candidate:
        """Return the candidate with the MLflow run that it belongs to."""
        return replace(self, metadata={**self.metadata, "mlflow_run_id": run_id})


@dataclass(frozen=True)
class Requirement:
    """What a model must fulfil to label, as the current settings judge it.

    Attributes
    ----------
    of
        What is judged: its ``autoencoder``, or its ``clusters``.
    name
        Trial of the autoencoder (empty if it is not known), or K.
    passed
        Whether it is fulfilled; none if that cannot be judged.
    reasons
        Why it is not fulfilled, or cannot be judged; empty if it is fulfilled.
    """

    of: Literal["autoencoder", "clusters"]
    name: str
    passed: bool | None
    reasons: str


def choose_k(models: Mapping[int, DecRecord], k: int | None, dec: config.DecSettings) -> int:
    """Choose the model that labels among those trained on the current training set.

    Parameters
    ----------
    models
        Records of the models by K (`dec_models.trained_models`).
    k
        The requested K; none: the accepted model with the best silhouette in data space.
    dec
        Section `dec`: what a model must fulfil to be accepted.

    Raises
    ------
    NoTrainedDecError
        There is no such model.
    NoAcceptedModelError
        No model is accepted. The message gives the reasons.
    """
    if not models or (k is not None and k not in models):
        raise NoTrainedDecError(
            f"no DEC model{'' if k is None else f' of K = {k}'} was trained from the current autoencoder and training "
            f"set (trained: {sorted(models) or 'none'})"
        )
    wanted = {k: models[k]} if k is not None else dict(models)
    verdicts = {n: record.verdict(dec) for n, record in wanted.items()}
    accepted = [n for n in sorted(wanted) if verdicts[n].passed]
    if not accepted:
        reasons = "\n".join(f"K = {n}: {'; '.join(found.reasons)}" for n, found in verdicts.items())
        raise NoAcceptedModelError(f"none of {len(wanted)} DEC models may label\n{reasons}")

    def score(n: int) -> float:
        value = wanted[n].metrics.get("silhouette")
        return float("-inf") if value is None else float(value)

    return max(accepted, key=score)


def candidate_of_k(
    layout: Layout, k: int | None, dec: config.DecSettings, normalisation: config.NormalisationSettings
) -> Candidate:
    """Return the model of a K, or the accepted one with the best silhouette; raises as `choose_k` and `load_dec`."""
    # Only the files of the requested K are read: others may be damaged.
    asked = [] if k is None else [n for n in dec.k if n == k]
    models = trained_models(layout, asked, normalisation) or trained_models(layout, dec.k, normalisation)
    chosen = choose_k(models, k, dec)
    model, said = load_dec(layout, chosen)
    return Candidate(f"trained here, K = {chosen}", model, said.metadata, said.digest, said.input)


def candidate_of_folder(folder: Path, origin: str) -> Candidate:
    """Return the model in a folder.

    Raises
    ------
    WeightsError
        There is none.
    DamagedFileError
        It is damaged.
    UnknownCandidateError
        It is an autoencoder.
    """
    model, said = load_model(folder)
    if not isinstance(model, Dec):
        raise UnknownCandidateError(f"{folder}: holds an autoencoder without clusters, which cannot label")
    return Candidate(origin, model, said.metadata, said.digest, said.input)


def candidate_of_imported(layout: Layout, name: str) -> Candidate:
    """Return an imported model by its name.

    Raises
    ------
    UnknownModelError
        There is no imported model of this name. The message names those that there are.
    UnknownCandidateError
        It is an autoencoder without clusters. The message names those that have clusters.
    """
    model, said = load_imported(layout, name)
    if not isinstance(model, Dec):
        found = [n for n, description in imported_models(layout).items() if description.network == "dec"]
        raise UnknownCandidateError(
            f"imported = {name!r}: an autoencoder without clusters cannot label (imported with clusters: "
            f"{', '.join(found) or 'none'}); choose it as the autoencoder and train clusters from it"
        )
    return Candidate(f"imported {name}", model, said.metadata, said.digest, said.input)


def folder_of_run(layout: Layout, run_id: str, counts: Iterable[int]) -> Path | None:
    """Return the folder of the model that an MLflow run trained: a champion's copy, or the DEC of a K.

    Damaged ones are skipped: they do not say which run they are of, and MLflow has the files as well.

    Parameters
    ----------
    layout
        The data root.
    run_id
        Identifier of the run.
    counts
        The K to look at.
    """
    champions = sorted(path.parent for path in layout.champion_model("").glob(f"*/{JSON_FILE}"))
    trained = [layout.dec(k) for k in counts if (layout.dec(k) / JSON_FILE).exists()]
    for folder in [*champions, *trained]:
        with suppress(DamagedFileError):
            require_sound(folder)
            if read_description(folder).metadata.get("mlflow_run_id") == run_id:
                return folder
    return None


def requirements(
    layout: Layout,
    candidate: Candidate,
    sizes: Sequence[int],
    coinciding: Sequence[Sequence[int]],
    aec: config.AecSettings,
    dec: config.DecSettings,
) -> tuple[Requirement, ...]:
    """Return what a model must fulfil to label, judged by the current settings.

    Parameters
    ----------
    layout, candidate
        The data root, and the model.
    sizes, coinciding
        Events of the current training set in each of its clusters, and pairs of clusters whose centroids have
        merged.
    aec, dec
        Sections `aec` and `dec`: the thresholds.

    Raises
    ------
    DamagedFileError
        The description of what may be its autoencoder is damaged.
    """
    trial, judged = _of_autoencoder(layout, candidate, aec)
    clusters = accept_dec(sizes, dec, coinciding)
    return (
        Requirement(
            "autoencoder",
            trial,
            None if judged is None else judged.passed,
            "its autoencoder is no trial of this store" if judged is None else "; ".join(judged.reasons),
        ),
        Requirement("clusters", str(candidate.k), clusters.passed, "; ".join(clusters.reasons)),
    )


def _of_autoencoder(layout: Layout, candidate: Candidate, aec: config.AecSettings) -> tuple[str, Acceptance | None]:
    """Return trial and verdict of the autoencoder that a model was trained from; no verdict if it does not exist."""
    wanted = candidate.metadata.get("aec")
    if layout.aec_choice.exists():
        choice = read_choice(layout)
        if choice.digest == wanted and choice.is_imported:
            return f"imported {choice.trial}", trials.verdict(choice.metrics, aec)
    damaged: DamagedFileError | None = None
    for key in aec.grid.trials():
        try:
            found = trials.read_trial(layout, key)
        except DamagedFileError as error:
            damaged = error
            continue
        if found is not None and found.digest == wanted:
            return key, trials.verdict(found.metrics, aec)
    if damaged is not None and wanted is not None:
        raise damaged
    return "", None


def require(found: Iterable[Requirement], candidate: Candidate) -> None:
    """Raise `NoAcceptedModelError` with the reasons unless everything that can be judged is fulfilled."""
    failed = [f"its {one.of} ({one.name}): {one.reasons}" for one in found if one.passed is False]
    if failed:
        raise NoAcceptedModelError(f"the model {candidate.origin} may not label\n" + "\n".join(failed))
