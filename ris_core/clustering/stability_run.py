"""The stability of the DEC of a K on disk: trainings, comparison, figures and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

from ris_core import config, versions
from ris_core.clustering.another_representation import AnotherAec
from ris_core.clustering.candidate_models import read_candidate
from ris_core.clustering.champion import champion_or_none
from ris_core.clustering.dec_models import dec_is_current, load_dec
from ris_core.clustering.dec_recipe import DecRecipe
from ris_core.clustering.event_properties import event_properties
from ris_core.clustering.latents import OutOfStepError, current_inputs, read_latents
from ris_core.clustering.noise_windows import noise_windows
from ris_core.clustering.stability import Stability, assess, judge
from ris_core.clustering.trainings import Trainings
from ris_core.contracts.candidate_name import AEC_DEC
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
from ris_core.training.aec_choice import chosen_aec
from ris_core.training.training_set import TrainingSet

TABLE, SUMMARY, TRAININGS = "stability.parquet", "stability.json", "stability_trainings.safetensors"

SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field(
            "consensus", pa.int32(), False, {"description": "Majority vote of the trainings: a cluster of the DEC"}
        ),
        pa.field("agreement", pa.float32(), False, {"description": "Share of the trainings that agree with it"}),
    ]
)


class DecOutOfStepError(OutOfStepError):
    """There is no DEC as the current settings, autoencoder and training set would make it."""


@dataclass(frozen=True)
class DecToAssess:
    """The DEC whose stability is assessed.

    Attributes
    ----------
    k
        Number of clusters.
    digest
        Digest of its weights.
    aec
        Digest of the autoencoder that it was trained from.
    configuration
        Digest of all that decides about the assessment.
    """

    k: int
    digest: str
    aec: str
    configuration: str


def assessed_k(layout: Layout, stability: config.StabilitySettings, dec: config.DecSettings) -> int:
    """Return the K to assess: `stability.k`, else the K of the champion, else the first of `dec.k`."""
    if stability.k is not None:
        return stability.k
    champion = champion_or_none(layout)
    return dec.k[0] if champion is None else champion.k


def dec_to_assess(layout: Layout, k: int, settings: config.Settings) -> DecToAssess:
    """Return the DEC of a K, and the digest of all that decides about its assessment.

    Parameters
    ----------
    layout, k
        The data root, and the number of clusters.
    settings
        Sections `stability`, `dec`, `aec` and `normalisation`.

    Raises
    ------
    DecOutOfStepError
        There is no DEC of this K as the settings would make it.
    """
    kept = read_candidate(layout, AEC_DEC, k)
    if kept is None or not dec_is_current(layout, k, settings.dec, settings.normalisation):
        raise DecOutOfStepError(
            f"{layout.dec(k)}: there is no DEC of K = {k} as the current settings, autoencoder and training set would "
            f"make it (dec.k is {list(settings.dec.k)}; a DEC that was trained with other values does not count)"
        )
    inputs = current_inputs(layout, settings.normalisation)
    varied = settings.aec.training_values() if settings.stability.vary == "autoencoder" else None
    configuration = digest_of(
        [
            versions.STABILITY,
            inputs.representation,
            inputs.training_set,
            kept.digest,
            k,
            settings.dec.initialisation_values(),
            settings.dec.training_values(),
            settings.stability.model_dump(mode="json", exclude={"k", "least_ari"}),
            varied,
        ]
    )
    return DecToAssess(k, kept.digest, inputs.representation, configuration)


def stability_is_current(layout: Layout, settings: config.Settings) -> bool:
    """Return whether the assessment is undamaged and what settings and DEC would give now; see `dec_to_assess`."""
    try:
        found = read_record(layout.analysis(SUMMARY), {"configuration": str})["configuration"]
        tables.read_table(layout.analysis(TABLE))
        k = assessed_k(layout, settings.stability, settings.dec)
        return bool(found == dec_to_assess(layout, k, settings).configuration)
    except (OutOfStepError, FileNotFoundError, DamagedFileError):
        return False


@dataclass(frozen=True)
class JudgedStability:
    """The stability of a DEC with the verdict on it.

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
    processing: ProcessStage, data: TrainingSet, chosen: DecToAssess, settings: config.Settings, log: RunLog
) -> JudgedStability:
    """Assess a DEC, log the result, draw its figures, and write it; an interrupted assessment is continued.

    Parameters
    ----------
    processing
        The stage that processes station-days: windows without events are made as it makes spectrograms.
    data
        The training set.
    chosen
        The DEC.
    settings
        Sections `stability`, `dec`, `aec` and `normalisation`.
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
    log.parameters({"k": chosen.k, "dec": chosen.digest, **stability.model_dump(exclude={"k"})})

    def on_training(number: int, name: str, ari: float) -> None:
        log.note(f"{name}: ARI {ari:.2f} with the model")
        log.metrics({"ari_with_model": ari}, step=number)

    recipe = _dec_recipe(layout, data, chosen.k, settings)
    trainings = Trainings(layout.analysis(TRAININGS), chosen.configuration)
    found = assess(
        recipe,
        event_properties(layout),
        noise_windows(processing, stability.noise_windows, stability.seed),
        stability,
        trainings,
        on_training,
    )
    _write(layout, found, data, chosen.configuration)
    trainings.clear()
    verdict = judge(found, stability.least_ari, recipe.better)
    _log(found, verdict, log)
    return JudgedStability(found, verdict)


def _dec_recipe(layout: Layout, data: TrainingSet, k: int, settings: config.Settings) -> DecRecipe:
    aec = chosen_aec(layout)
    aec.input.require(data.input)
    return DecRecipe(
        model=load_dec(layout, k)[0],
        aec=aec.network,
        z=read_latents(layout, settings.normalisation).z,
        samples=data.samples,
        dec=settings.dec,
        normalisation=data.normalisation,
        another=AnotherAec(data, settings.aec, settings.aec.grid.trials().get(aec.choice.trial)),
    )


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


def _write(layout: Layout, found: Stability, data: TrainingSet, configuration: str) -> None:
    """Write the consensus of each event as a table, then all else as JSON, which says that the result is complete."""
    frame = pd.DataFrame(
        {"event_id": data.event_id, "consensus": found.consensus.labels, "agreement": found.consensus.agreement}
    )
    tables.write_table(
        layout.analysis(TABLE), frame, SCHEMA, Stamp(configuration, versions.STABILITY, data.digest), {"k": found.k}
    )
    write_json(layout.analysis(SUMMARY), {"configuration": configuration, **_as_json(found)})


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
