"""Which model may label: those trained on the current training set, former champions and imported ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ris_core import config
from ris_core.clustering.candidate_models import load_candidate, trained_candidates
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.model_record import ModelRecord, accepted, record_of
from ris_core.clustering.open_models import NoClustersError, open_model
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.models.imported_models import IMPORT_AGAIN, imported_folder, imported_models
from ris_core.models.model_file import JSON_FILE, read_description, require_sound
from ris_core.registry import UnknownKindError
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training import trials
from ris_core.training.acceptance import Acceptance, NoAcceptedModelError
from ris_core.training.aec_choice import read_choice


class UnknownCandidateError(ValueError):
    """There is no such model. The message names those that there are."""


class NoTrainedModelError(NoAcceptedModelError):
    """No model of a candidate was trained from its current representation and training set."""


class NoTrainedDecError(NoTrainedModelError):
    """No DEC was trained from the current autoencoder and training set."""


@dataclass(frozen=True)
class Candidate:
    """A model that may become champion.

    Attributes
    ----------
    origin
        Where it came from, in words.
    model
        The model.
    metadata
        The metadata of its file, which are copied to the champion's folder.
    """

    origin: str
    model: ClusterModel = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters

    @property
    def record(self) -> ModelRecord:
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
        What is judged: its ``autoencoder`` if it has one, or its ``clusters``; of a class model its ``reviews``.
    name
        Trial of the autoencoder (empty if it is not known), or K.
    passed
        Whether it is fulfilled; none if that cannot be judged.
    reasons
        Why it is not fulfilled, or cannot be judged; empty if it is fulfilled.
    """

    of: Literal["autoencoder", "clusters", "reviews"]
    name: str
    passed: bool | None
    reasons: str


def choose_k(
    models: Mapping[int, ModelRecord],
    k: int | None,
    dec: config.DecSettings,
    name: CandidateName = AEC_DEC,
    criterion: str = "silhouette",
) -> int:
    """Choose the model that labels among those of a candidate that were trained from what is current.

    Parameters
    ----------
    models
        Records of the models by K (`candidate_models.trained_candidates`).
    k
        The requested K; none: the accepted model that is best by the criterion.
    dec
        Section `dec`: what a model must fulfil to be accepted.
    name
        The candidate.
    criterion
        The metric of which more is better (`CandidatesSettings.k_criterion_of`); ``silhouette`` is that in data space.

    Raises
    ------
    NoTrainedModelError
        There is no such model.
    NoAcceptedModelError
        No model is accepted. The message gives the reasons.
    """
    what = "DEC model" if name == AEC_DEC else f"model {name}"
    if not models or (k is not None and k not in models):
        source = "autoencoder" if name == AEC_DEC else "representation"
        kind = NoTrainedDecError if name == AEC_DEC else NoTrainedModelError
        raise kind(
            f"no {what}{'' if k is None else f' of K = {k}'} was trained from the current {source} and training "
            f"set (trained: {sorted(models) or 'none'})"
        )
    wanted = {k: models[k]} if k is not None else dict(models)
    verdicts = {n: record.verdict(dec) for n, record in wanted.items()}
    passed = [n for n in sorted(wanted) if verdicts[n].passed]
    if not passed:
        reasons = "\n".join(f"K = {n}: {'; '.join(found.reasons)}" for n, found in verdicts.items())
        raise NoAcceptedModelError(f"none of {len(wanted)} {what}s may label\n{reasons}")

    def score(n: int) -> float:
        value = wanted[n].metrics.get(criterion)
        return float("-inf") if value is None else float(value)

    return max(passed, key=score)


def candidate_of_k(
    layout: Layout,
    name: CandidateName,
    k: int | None,
    candidates: config.CandidatesSettings,
    normalisation: config.NormalisationSettings,
) -> Candidate:
    """Return the model of a candidate and a K, or the accepted one that is best by the criterion of its clusterer.

    Raises as `choose_k` and `load_candidate`.
    """
    # Only the files of the requested K are read: others may be damaged.
    counts = candidates.counts_of(name)
    asked = [] if k is None else [n for n in counts if n == k]
    models = trained_candidates(layout, name, asked, normalisation) or trained_candidates(
        layout, name, counts, normalisation
    )
    chosen = choose_k(models, k, candidates.dec, name, candidates.k_criterion_of(name))
    model, said = load_candidate(layout, name, chosen)
    what = "" if name == AEC_DEC else f"{name}, "
    return Candidate(f"trained here, {what}K = {chosen}", model, said.metadata)


def candidate_of_folder(folder: Path, origin: str) -> Candidate:
    """Return the model in a folder.

    Raises
    ------
    WeightsError
        There is none.
    DamagedFileError
        It is damaged.
    UnknownCandidateError
        It has no clusters, or is of a plug-in that is not installed here.
    """
    try:
        model, said = open_model(folder)
    except (NoClustersError, UnknownKindError) as error:
        raise UnknownCandidateError(f"{origin}: {error}") from error
    return Candidate(origin, model, said.metadata)


def candidate_of_imported(layout: Layout, name: str) -> Candidate:
    """Return an imported model by its name.

    Raises
    ------
    UnknownModelError
        There is no imported model of this name. The message names those that there are.
    UnknownCandidateError
        It has no clusters. The message names those that have clusters.
    """
    try:
        model, said = open_model(imported_folder(layout, name), IMPORT_AGAIN)
    except NoClustersError as error:
        found = [n for n, description in imported_models(layout).items() if description.has_clusters]
        raise UnknownCandidateError(
            f"imported = {name!r}: an autoencoder without clusters cannot label (imported with clusters: "
            f"{', '.join(found) or 'none'}); choose it as the autoencoder and train clusters from it"
        ) from error
    return Candidate(f"imported {name}", model, said.metadata)


def folder_of_run(layout: Layout, run_id: str, counts: Mapping[CandidateName, Iterable[int]]) -> Path | None:
    """Return the folder of the model that an MLflow run trained: a champion's copy, or the model of a candidate and K.

    Damaged ones are skipped: they do not say which run they are of, and MLflow has the files as well.

    Parameters
    ----------
    layout
        The data root.
    run_id
        Identifier of the run.
    counts
        The K to look at of each candidate.
    """
    champions = sorted(path.parent for path in layout.champion_model("").glob(f"*/{JSON_FILE}"))
    places = [layout.candidate(name, k) for name, own in counts.items() for k in own]
    for folder in [*champions, *(place for place in places if (place / JSON_FILE).exists())]:
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
    name = candidate.model.name
    judgement = accepted(name, sizes, dec, coinciding)
    clusters = Requirement("clusters", str(candidate.k), judgement.passed, "; ".join(judgement.reasons))
    if name.representation != AEC_DEC.representation:
        return (clusters,)
    trial, judged = _of_autoencoder(layout, candidate, aec)
    autoencoder = Requirement(
        "autoencoder",
        trial,
        None if judged is None else judged.passed,
        "its autoencoder is no trial of this store" if judged is None else "; ".join(judged.reasons),
    )
    return autoencoder, clusters


def _of_autoencoder(layout: Layout, candidate: Candidate, aec: config.AecSettings) -> tuple[str, Acceptance | None]:
    """Return trial and verdict of the autoencoder that a model was trained from; no verdict if it does not exist."""
    inputs = candidate.record.inputs
    # Records of earlier versions may know the autoencoder but not the training set.
    wanted = candidate.metadata.get("aec") if inputs is None else inputs.representation
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
