"""The assessment of a DEC on disk: what it is of, what came of it, and whether it is current."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from ris_core import versions
from ris_core.clustering.champion import champion_or_none
from ris_core.clustering.dec_models import OutOfStepError, dec_is_current, load_dec, now, read_dec, read_latents
from ris_core.clustering.stability import OnTraining, Stability, assess
from ris_core.clustering.trainings import Labels, Recipe, Trainings
from ris_core.contracts.stamp import Stamp
from ris_core.models.inference import soft_assignments
from ris_core.models.networks import Dec
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.store import Store
from ris_core.training.training_set import TrainingSet
from ris_core.training.trials import chosen_aec, read_choice

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


def assessed_k(store: Store) -> int:
    """Return the K that is looked at: that of the settings, else the champion's, else the first of `dec.k`."""
    if store.settings.stability.k is not None:
        return store.settings.stability.k
    champion = champion_or_none(store)
    return store.settings.dec.k[0] if champion is None else champion.k


def stability_configuration(store: Store, k: int) -> str:
    """Return the digest of all that decides about the assessment of the DEC of K.

    Raises
    ------
    OutOfStepError
        There is no DEC of K as the settings would make it.
    """
    description = read_dec(store, k)
    if description is None or not dec_is_current(store, k):
        raise OutOfStepError(
            f"{store.dec(k)}: there is no DEC of K = {k} as the settings, autoencoder and training set of now would "
            f"make it (dec.k is {list(store.settings.dec.k)}; values from the launchpad are not those of the "
            "settings); materialize gmm_clusters and dec_models for it, or set stability.k to another K"
        )
    settings = store.settings
    varied = settings.aec.training_values() if settings.stability.vary == "autoencoder" else None
    return digest_of(
        [
            versions.STABILITY,
            *now(store),
            description["digest"],
            k,
            settings.dec.initialisation_values(),
            settings.dec.training_values(),
            settings.stability.model_dump(mode="json", exclude={"k", "least_ari"}),
            varied,
        ]
    )


def stability_is_current(store: Store) -> bool:
    """Return whether the assessment stands undamaged and is what the settings and the DEC of now would give."""
    try:
        found = read_record(store.analysis(SUMMARY), {"configuration": str})["configuration"]
        tables.read_table(store.analysis(TABLE))
        return bool(found == stability_configuration(store, assessed_k(store)))
    except (OutOfStepError, FileNotFoundError, DamagedFileError):
        return False


def assess_dec(
    store: Store, data: TrainingSet, k: int, configuration: str, on_training: OnTraining | None = None
) -> Stability:
    """Assess the DEC of K, write what came of it, and return it; an interrupted assessment goes on.

    Raises
    ------
    OutOfStepError
        The latents are not of the autoencoder and training set of now.
    """
    model, labels = _model_and_labels(store, data, k)
    aec, _ = chosen_aec(store)
    recipe = Recipe(aec, read_latents(store)[0], data.samples, k, store.settings.dec)
    trainings = Trainings(store.analysis(TRAININGS), configuration)
    trial = store.settings.aec.grid.trials().get(read_choice(store)["trial"])
    found = assess(store, data, recipe, model, labels, trainings, trial, on_training)
    _write(store, found, data, configuration)
    trainings.clear()
    return found


def _model_and_labels(store: Store, data: TrainingSet, k: int) -> tuple[Dec, Labels]:
    model, _ = load_dec(store, k)
    return model, soft_assignments(model, data.samples)[0].argmax(axis=1).astype("int32")


def _write(store: Store, found: Stability, data: TrainingSet, configuration: str) -> None:
    """Write the consensus of each event as a table, and all else as JSON; the JSON comes last and says it is whole."""
    frame = pd.DataFrame(
        {"event_id": data.event_id, "consensus": found.consensus.labels, "agreement": found.consensus.agreement}
    )
    tables.write_table(
        store.analysis(TABLE), frame, SCHEMA, Stamp(configuration, versions.STABILITY, data.digest), {"k": found.k}
    )
    write_json(store.analysis(SUMMARY), {"configuration": configuration, **summary(found)})


def summary(found: Stability) -> dict[str, Any]:
    """Return an assessment as plain values."""
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
