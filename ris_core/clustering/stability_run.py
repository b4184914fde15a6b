"""The stability of the model of a candidate and a K on disk: trainings, comparison, figures and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

from ris_core import config, versions
from ris_core.clustering.candidate_models import read_candidate
from ris_core.clustering.champion import Champion, Companion, champion_or_none
from ris_core.clustering.event_properties import event_properties
from ris_core.clustering.latents import OutOfStepError
from ris_core.clustering.noise_windows import windows_for
from ris_core.clustering.recipes import kind_of
from ris_core.clustering.stability import Stability, assess, judge
from ris_core.clustering.trainings import Trainings
from ris_core.contracts.candidate_name import AEC_DEC, REVIEWED, CandidateName
from ris_core.contracts.run_log import RunLog
from ris_core.contracts.stamp import Stamp
from ris_core.figures.cluster_criteria import agreement, ari_matrix, associations
from ris_core.processing.process import ProcessStage
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance
from ris_core.training.training_set import TrainingSet

TABLE, SUMMARY, TRAININGS = "stability.parquet", "stability.json", "stability_trainings.safetensors"


def schema_of(candidate: CandidateName) -> pa.Schema:
    """Return the schema of the table of the training set's events, with the words of a candidate."""
    vote = f"Majority vote of the trainings: a cluster of {kind_of(candidate).model_words}"
    return pa.schema(
        [
            pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
            pa.field("consensus", pa.int32(), False, {"description": vote}),
            pa.field("agreement", pa.float32(), False, {"description": "Share of the trainings that agree with it"}),
        ]
    )


@dataclass(frozen=True)
class ModelToAssess:
    """The model whose stability is assessed.

    Attributes
    ----------
    candidate, k
        Representation and clusterer, and the number of clusters.
    digest
        Digest of the model.
    representation
        Digest of the representation that it was trained from.
    configuration
        Digest of all that decides about the assessment.
    """

    candidate: CandidateName
    k: int
    digest: str
    representation: str
    configuration: str


def model_to_assess(
    layout: Layout, settings: config.Settings, candidate: str | None = None, k: int | None = None
) -> ModelToAssess:
    """Return the model whose stability is assessed, and the digest of all that decides about the assessment.

    Parameters
    ----------
    layout, settings
        The data root, and all settings.
    candidate
        Candidate; by default `stability.candidate`, else that of the champion, else `champion.candidate`, else the
        first that may label.
    k
        Number of clusters; by default `stability.k`, else that of a champion of this candidate, else the first of
        the candidate's K.

    Raises
    ------
    OutOfStepError
        There is no model of this candidate and K as the settings would make it.
    ValueError
        The text is no name of a candidate, or that of the class model.
    """
    champion, wanted = _without_reviews(layout), candidate or settings.stability.candidate
    if wanted is None:
        first = settings.champion_candidate or settings.labelling_candidates[0]
        wanted = str(first) if champion is None else champion.candidate
    if CandidateName.of(wanted).clusterer == REVIEWED:
        raise ValueError(
            f"{wanted}: stability compares trainings without reviews, which a class model has not; its "
            "cross-validation, audits and the coverage of its sets say how far it can be trusted. "
            f"Give a candidate of the settings: {', '.join(settings.candidates)}"
        )
    k = settings.stability.k if k is None else k
    if k is None:
        k = champion.k if champion is not None and champion.candidate == wanted else settings.counts_of(wanted)[0]
    return _of_current(layout, CandidateName.of(wanted), k, settings)


def _without_reviews(layout: Layout) -> Champion | Companion | None:
    """Return the champion; of a class model what stands beside it, if anything."""
    champion = champion_or_none(layout)
    return champion.companion if champion is not None and champion.reviewed else champion


def _of_current(layout: Layout, candidate: CandidateName, k: int, settings: config.Settings) -> ModelToAssess:
    kind = kind_of(candidate)
    kind.require_current(layout, candidate, k, settings)
    kept = read_candidate(layout, candidate, k)
    if kept is None or kept.record.inputs is None:
        raise OutOfStepError(f"{layout.candidate(candidate, k)}: the model was removed meanwhile; train it again")
    inputs = kept.record.inputs
    values = kind.values(candidate, settings)
    configuration = digest_of([versions.STABILITY, inputs.representation, inputs.training_set, kept.digest, k, *values])
    return ModelToAssess(candidate, k, kept.digest, inputs.representation, configuration)


def stability_is_current(layout: Layout, settings: config.Settings) -> bool:
    """Return whether the assessment is undamaged and what settings and model would give now; see `model_to_assess`."""
    try:
        found = read_record(layout.analysis(SUMMARY), {"configuration": str})["configuration"]
        tables.read_table(layout.analysis(TABLE))
        return bool(found == model_to_assess(layout, settings).configuration)
    except (OutOfStepError, FileNotFoundError, DamagedFileError):
        return False


def assessed_ari(layout: Layout, settings: config.Settings, candidate: CandidateName, k: int) -> float | None:
    """Return the mean ARI over the trainings of a model if it is the one that was assessed; else none."""
    try:
        found = read_record(layout.analysis(SUMMARY), {"configuration": str, "metrics": dict})
        if found["configuration"] != model_to_assess(layout, settings, str(candidate), k).configuration:
            return None
    except (OutOfStepError, FileNotFoundError, DamagedFileError):
        return None
    value = found["metrics"].get("mean_ari")
    return None if value is None else float(value)


@dataclass(frozen=True)
class JudgedStability:
    """The stability of a model with the verdict on it.

    Attributes
    ----------
    found
        What the trainings gave.
    verdict
        Whether they agree at least as well as `stability.least_ari`.
    """

    found: Stability
    verdict: Acceptance


def run_stability(
    processing: ProcessStage, data: TrainingSet, chosen: ModelToAssess, settings: config.Settings, log: RunLog
) -> JudgedStability:
    """Assess a model, log the result, draw its figures, and write it; an interrupted assessment is continued.

    Parameters
    ----------
    processing
        The stage that processes station-days: windows without events are made as it makes spectrograms.
    data
        The training set.
    chosen
        The model.
    settings
        All settings.
    log
        Gets the parameters, the ARI of each training with the model, the metrics, three figures and three tables.

    Raises
    ------
    OutOfStepError
        The latents are of another autoencoder or another training set.
    NoTrainingError
        None of the further trainings came to an end.
    NoOtherSeedError
        The representation is to be trained again, but it cannot be, or it has no seed.
    """
    layout, stability = processing.layout, settings.stability
    named = {"k": chosen.k, "candidate": str(chosen.candidate), "model": chosen.digest}
    log.parameters({**stability.model_dump(exclude={"k", "candidate"}), **named})

    def on_training(number: int, name: str, ari: float) -> None:
        log.note(f"{name}: ARI {ari:.2f} with the model")
        log.metrics({"ari_with_model": ari}, step=number)

    kind = kind_of(chosen.candidate)
    recipe = kind.recipe(layout, chosen.candidate, chosen.k, data, settings)
    trainings = Trainings(layout.analysis(TRAININGS), chosen.configuration)
    found = assess(
        recipe,
        event_properties(layout),
        windows_for(recipe, processing, stability),
        stability,
        trainings,
        on_training,
    )
    _write(layout, found, data, chosen)
    trainings.clear()
    verdict = judge(found, stability.least_ari, recipe.better)
    _log(found, verdict, log)
    return JudgedStability(found, verdict)


def _log(found: Stability, verdict: Acceptance, log: RunLog) -> None:
    log.metrics(found.metrics())
    log.tags({"agrees_over_seeds": str(verdict.passed).lower()})
    for name, figure in _figures(found).items():
        log.figure(figure, name)
    log.text(found.associations.to_csv(index=False), "associations.csv")
    log.text(found.stations.to_csv(index=False), "without_a_station.csv")
    log.text(found.noise.by_label.to_csv(), "noise_by_label.csv")


def _figures(found: Stability) -> dict[str, Figure]:
    return {
        "ari": ari_matrix(found.ari, list(found.names)),
        "agreement": agreement(found.consensus.agreement, found.by_label),
        "associations": associations(found.associations),
    }


def _write(layout: Layout, found: Stability, data: TrainingSet, chosen: ModelToAssess) -> None:
    """Write the consensus of each event as a table, then all else as JSON, which says that the result is complete."""
    frame = pd.DataFrame(
        {"event_id": data.event_id, "consensus": found.consensus.labels, "agreement": found.consensus.agreement}
    )
    # A record without a candidate is one of DEC: earlier versions had no other.
    named = {} if chosen.candidate == AEC_DEC else {"candidate": str(chosen.candidate)}
    stamp = Stamp(chosen.configuration, versions.STABILITY, data.digest)
    tables.write_table(layout.analysis(TABLE), frame, schema_of(chosen.candidate), stamp, {"k": found.k, **named})
    write_json(layout.analysis(SUMMARY), {"configuration": chosen.configuration, **named, **_as_json(found)})


def _as_json(found: Stability) -> dict[str, Any]:
    return {
        "k": found.k,
        "trainings": list(found.names),
        "failed": found.failed,
        "ari": found.ari.tolist(),
        "metrics": found.metrics(),
        "by_label": found.by_label.reset_index().to_dict("records"),
        "associations": found.associations.to_dict("records"),
        "amplitude_of": found.amplitude_of,
        "without_a_station": found.stations.to_dict("records"),
        "noise": {
            "windows": found.noise.windows,
            "without": found.noise.without,
            "by_label": found.noise.by_label.reset_index().to_dict("records"),
        },
    }
