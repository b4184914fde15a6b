"""The criteria for the number of clusters, from the features to their files: computed, logged, drawn and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from ris_core import config, versions
from ris_core.clustering.cluster_count import cluster_count, suggested
from ris_core.clustering.features import inputs_of
from ris_core.clustering.latents import ClusteringInputs, Latents
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.run_log import RunLog
from ris_core.contracts.stamp import Stamp
from ris_core.figures.cluster_criteria import cluster_count_curves
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.training.floors import live_latents


@dataclass(frozen=True)
class Criteria:
    """The criteria for the number of clusters.

    Attributes
    ----------
    table
        One row for each K (`cluster_count.cluster_count`).
    suggested
        The K that each criterion names; none if it names none.
    live_latents
        Latent dimensions, or features, that vary.
    """

    table: pd.DataFrame = field(repr=False)
    suggested: Mapping[str, int | None]
    live_latents: int


def criteria_configuration(inputs: ClusteringInputs, settings: config.ClusterCountSettings) -> str:
    """Return the digest of all that decides about the criteria for the number of clusters."""
    return digest_of([versions.CLUSTER_COUNT, inputs.representation, inputs.training_set, settings.criteria_values()])


def run_criteria(layout: Layout, latents: Latents, settings: config.ClusterCountSettings, log: RunLog) -> Criteria:
    """Compute the criteria over K, log them, draw their figure and write them.

    Parameters
    ----------
    layout
        The data root.
    latents
        The latents of the training set, or its features by another representation.
    settings
        Section `cluster_count`.
    log
        Gets the settings as parameters, the criteria with K as the step, what they name, the table
        ``cluster_count.csv`` and the figure ``cluster_count``.

    Raises
    ------
    ValueError
        There are fewer different events than the largest K, or no latent varies.
    """
    log.parameters(settings.criteria_values())
    table = cluster_count(latents.z, settings)
    names = suggested(table)
    for k, row in table.iterrows():
        log.metrics({str(n): float(v) for n, v in row.items()}, step=int(str(k)))
    log.metrics({f"suggested_k_{n}": float(k) for n, k in names.items() if k is not None})
    log.text(table.to_csv(), "cluster_count.csv")
    log.figure(cluster_count_curves(table.reset_index(), names), "cluster_count")
    _write(layout, table, latents.inputs, settings)
    return Criteria(table, names, live_latents(latents.z))


def _write(
    layout: Layout, criteria: pd.DataFrame, inputs: ClusteringInputs, settings: config.ClusterCountSettings
) -> None:
    """Write the table of criteria over K, and then a JSON file beside it that says what it was made from."""
    frame, configuration = criteria.reset_index(), criteria_configuration(inputs, settings)
    schema = pa.schema([pa.field(name, pa.from_numpy_dtype(dtype), False) for name, dtype in frame.dtypes.items()])
    stamp = Stamp(configuration, versions.CLUSTER_COUNT, inputs.training_set)
    content = tables.write_table(layout.cluster_count, frame, schema, stamp)
    write_json(layout.cluster_count.with_suffix(".json"), {"configuration": configuration, "content": content})


def criteria_are_current(
    layout: Layout,
    settings: config.ClusterCountSettings,
    normalisation: config.NormalisationSettings,
    representation: str = AEC_DEC.representation,
) -> bool:
    """Return whether the criteria over K are undamaged and what the settings and the features would give now.

    Parameters
    ----------
    layout
        The data root.
    settings, normalisation
        Sections `cluster_count` and `normalisation`.
    representation
        Name of the representation of the features (`Settings.criteria_representation`).
    """
    try:
        found = read_record(layout.cluster_count.with_suffix(".json"), {"configuration": str})
        if found["configuration"] != criteria_configuration(inputs_of(layout, representation, normalisation), settings):
            return False
        # Tables of earlier versions have no digest.
        if "content" in found:
            tables.read_table(layout.cluster_count)
            return bool(tables.read_stamp(layout.cluster_count)[1] == found["content"])
        return layout.cluster_count.exists()
    except (FileNotFoundError, DamagedFileError):
        return False
