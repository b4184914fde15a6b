"""Which model may label: those trained on what is there now, former champions and imported ones, and their checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ris_core import config
from ris_core.clustering.dec_models import load_dec, trained_models, verdict
from ris_core.models.imported_models import imported_models, load_imported
from ris_core.models.networks import Dec
from ris_core.models.weights import JSON_FILE, load_model, read_description, require_sound, weights_digest
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Store
from ris_core.training import trials
from ris_core.training.acceptance import Acceptance, accept_dec
from ris_core.training.trials import NoAcceptedModelError


class UnknownCandidateError(ValueError):
    """The model that is asked for is not there; the message names those that are."""


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
        That it was saved with.
    digest
        Of its weights.
    """

    origin: str
    model: Dec = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)
    digest: str

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters

    @property
    def normalisation(self) -> config.NormalisationSettings:
        """That it was trained with."""
        return config.NormalisationSettings.model_validate(self.metadata.get("normalisation", {}))


@dataclass(frozen=True)
class RequiredCheck:
    """An asset check that a model must pass to label, by the settings of now; `passed` is none where it cannot be."""

    asset: str
    check: str
    partition: str
    passed: bool | None
    reasons: str


def choose_k(models: Mapping[int, Mapping[str, Any]], k: int | None, settings: config.DecSettings) -> int:
    """Choose the model that labels among those trained on what is there now.

    Parameters
    ----------
    models
        Metadata of the models by K (`ris_core.clustering.dec_models.trained_models`).
    k
        The K asked for; none: the accepted model of best silhouette in data space.
    settings
        Section `dec`: what a model must fulfil to be accepted.

    Raises
    ------
    NoAcceptedModelError
        There is no such model, or none that is accepted; gives the reasons.
    """
    if not models or (k is not None and k not in models):
        raise NoAcceptedModelError(
            f"no DEC model{'' if k is None else f' of K = {k}'} was trained from the autoencoder and the training set "
            f"of now (trained: {sorted(models) or 'none'}); materialize gmm_clusters and dec_models"
        )
    wanted = {k: models[k]} if k is not None else dict(models)
    verdicts = {n: verdict(m, settings) for n, m in wanted.items()}
    accepted = [n for n in sorted(wanted) if verdicts[n].passed]
    if not accepted:
        reasons = "\n".join(f"K = {n}: {'; '.join(found.reasons)}" for n, found in verdicts.items())
        raise NoAcceptedModelError(f"none of {len(wanted)} DEC models may label\n{reasons}")

    def score(n: int) -> float:
        value = wanted[n]["metrics"]["silhouette"]
        return float("-inf") if value is None else float(value)

    return max(accepted, key=score)


def candidate_of_k(store: Store, k: int | None) -> Candidate:
    """Return the model of a K, or the accepted one of best silhouette; raises as `choose_k` and `load_dec`."""
    # The files of another K than the one that is asked for are not looked at, whatever has become of them.
    models = (trained_models(store, [k]) if k is not None else {}) or trained_models(store)
    chosen = choose_k(models, k, store.settings.dec)
    model, metadata = load_dec(store, chosen)
    return Candidate(f"trained here, K = {chosen}", model, metadata, weights_digest(model))


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
    model, metadata = load_model(folder)
    if not isinstance(model, Dec):
        raise UnknownCandidateError(f"{folder}: holds an autoencoder without clusters, which cannot label")
    return Candidate(origin, model, metadata, weights_digest(model))


def candidate_of_imported(store: Store, name: str) -> Candidate:
    """Return an imported model by its name.

    Raises
    ------
    UnknownModelError
        There is none of this name; names those that there are.
    UnknownCandidateError
        It is an autoencoder without clusters; names those that have them.
    """
    model, metadata = load_imported(store, name)
    if not isinstance(model, Dec):
        found = [n for n, description in imported_models(store).items() if description["network"] == "dec"]
        raise UnknownCandidateError(
            f"imported = {name!r}: an autoencoder without clusters cannot label (imported with clusters: "
            f"{', '.join(found) or 'none'}); choose it with the run config of aec_weights and train clusters from it"
        )
    return Candidate(f"imported {name}", model, metadata, weights_digest(model))


def folder_of_run(store: Store, run_id: str) -> Path | None:
    """Return where the model that an MLflow run trained is on disk: a champion's copy, or the model of a K.

    A damaged one is passed over: it is not said whose it is, and MLflow has its files as well.
    """
    champions = sorted(path.parent for path in store.champion_model("").glob(f"*/{JSON_FILE}"))
    trained = [store.dec(k) for k in store.settings.dec.k if (store.dec(k) / JSON_FILE).exists()]
    for folder in [*champions, *trained]:
        with suppress(DamagedFileError):
            require_sound(folder)
            if read_description(folder)["metadata"].get("mlflow_run_id") == run_id:
                return folder
    return None


def required_checks(
    store: Store, candidate: Candidate, sizes: Sequence[int], coinciding: Sequence[Sequence[int]]
) -> list[RequiredCheck]:
    """Return the asset checks that a model must pass, as the settings of now judge them.

    Parameters
    ----------
    store, candidate
        Where, and which model.
    sizes, coinciding
        Events of the training set of now in each of its clusters, and pairs of clusters that have fallen together.
    """
    trial, judged = _of_autoencoder(store, candidate)
    clusters = accept_dec(sizes, store.settings.dec, coinciding)
    return [
        RequiredCheck(
            "aec_trials",
            "better_than_mean_spectrogram",
            trial,
            None if judged is None else judged.passed,
            "its autoencoder is no trial of this store" if judged is None else "; ".join(judged.reasons),
        ),
        RequiredCheck(
            "dec_models", "no_empty_clusters", str(candidate.k), clusters.passed, "; ".join(clusters.reasons)
        ),
    ]


def _of_autoencoder(store: Store, candidate: Candidate) -> tuple[str, Acceptance | None]:
    """Return trial and verdict of the autoencoder that a model was trained from; no verdict where it is not there.

    Raises `DamagedFileError` where it may be one whose description is damaged.
    """
    wanted = candidate.metadata.get("aec")
    if store.aec_choice.exists():
        choice = trials.read_choice(store)
        if choice["digest"] == wanted and "imported" in choice:
            return f"imported {choice['imported']}", trials.verdict(choice, store.settings.aec)
    damaged: DamagedFileError | None = None
    for key in store.settings.aec.grid.trials():
        try:
            found = trials.read_trial(store, key)
        except DamagedFileError as error:
            damaged = error
            continue
        if found is not None and found["digest"] == wanted:
            return key, trials.verdict(found["metadata"], store.settings.aec)
    if damaged is not None and wanted is not None:
        raise damaged
    return "", None


def require(checks: Sequence[RequiredCheck], candidate: Candidate) -> None:
    """Raise `NoAcceptedModelError` with the reasons unless every check that can be judged is passed."""
    failed = [f"{c.asset}: {c.check} ({c.partition}): {c.reasons}" for c in checks if c.passed is False]
    if failed:
        raise NoAcceptedModelError(f"the model {candidate.origin} may not label\n" + "\n".join(failed))
