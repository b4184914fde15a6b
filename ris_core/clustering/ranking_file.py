"""The ranking of the candidates on disk: its table, which model is the best and why, and whether it is current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core import config, versions
from ris_core.clustering.latents import OutOfStepError
from ris_core.clustering.ranked_models import AcceptedModel, accepted_models
from ris_core.clustering.ranking.rank import Key
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.stamp import Stamp
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.storage.table_description import TableDescription
from ris_core.training.acceptance import NoAcceptedModelError
from ris_core.training.training_set import digest_on_disk

TABLE, SUMMARY = "candidates.parquet", "candidates.json"
_REMEDY = "rank the candidates again, or let `ris run` do it"
_RECORD: dict[str, type | tuple[type, ...]] = {"configuration": str, "ranking": list, "best": (dict, type(None))}
_WORDS = {
    "rank": "1: the best",
    "mean_rank": "Mean of the ranks in the criteria of the rule",
    "agreement": "Mean adjusted Rand index with the other candidates, each counting the same",
    "hour_ami": "Adjusted mutual information with the hour of the day, UTC, within stations",
    "hour_z": "Information with the hour above its mean over permutations, in their standard deviations",
    "hour_p": "Share of permutations within stations with as much information with the hour",
    "amplitude_ami": "Adjusted mutual information with the amplitude (ten equally filled bins) within stations",
    "amplitude_z": "As hour_z, of the amplitude",
    "amplitude_p": "As hour_p, of the amplitude",
    "same_source": "Same cluster at two stations for events of one source, beyond chance (kappa)",
    "same_source_z": "As hour_z, of same_source",
    "stability": "Mean adjusted Rand index with clusters of bootstraps; of aec/dec with other seeds, if assessed",
    "silhouette": "Mean silhouette in data space, which is common to all candidates",
}
SCHEMA = pa.schema(
    [
        pa.field("rank", pa.int32(), False, {"description": _WORDS["rank"]}),
        pa.field("candidate", pa.string(), False, {"description": "REPRESENTATION/CLUSTERER"}),
        pa.field("k", pa.int32(), False, {"description": "Number of clusters"}),
        pa.field("model", pa.string(), False, {"description": "Digest of the model"}),
        pa.field("proposed", pa.bool_(), False, {"description": "Whether the candidate's own criterion names this K"}),
        *(pa.field(name, pa.float32(), True, {"description": words}) for name, words in list(_WORDS.items())[1:]),
    ]
)
TABLES = (
    TableDescription(
        "Ranking of candidates",
        f"analysis/{TABLE}",
        "One row per accepted model of each candidate, the best first.",
        SCHEMA,
    ),
)
"""The table, for the data dictionary."""


class RankingOutOfStepError(OutOfStepError):
    """The ranking is not of the models that there are now."""


@dataclass(frozen=True)
class RankedCandidates:
    """All accepted clusterings in order.

    Attributes
    ----------
    table
        One row for each, the best first, with the columns of `SCHEMA`.
    used
        The criteria of the rule that took part.
    absent
        Why other criteria are absent, by name.
    left_out
        Why models are left out, by name.
    support
        Share of random halves of the events in which each candidate is the best.
    best
        Candidate and K of the best; none if nothing could be ranked.
    why
        Why this one is the best, in words.
    doubts
        What speaks against the choice.
    configuration
        Digest of all that decides about the ranking.
    by_station
        AMI and z of the hour by candidate, K and station.
    """

    table: pd.DataFrame = field(repr=False)
    used: tuple[str, ...]
    absent: Mapping[str, str]
    left_out: Mapping[str, str]
    support: Mapping[str, float]
    best: Key | None
    why: str
    doubts: tuple[str, ...]
    configuration: str
    by_station: pd.DataFrame = field(repr=False)


def ranking_configuration(layout: Layout, models: Sequence[AcceptedModel], settings: config.Settings) -> str:
    """Return the digest of all that decides about the ranking of models."""
    values = [(str(one.name), one.k, one.digest) for one in models]
    training_set = digest_on_disk(layout, settings.normalisation)
    return digest_of([versions.RANKING, training_set, values, settings.ranking.ranking_values()])


def ranking_is_current(layout: Layout, settings: config.Settings) -> bool:
    """Return whether the ranking is undamaged and of the accepted models that there are now."""
    try:
        found = read_record(layout.analysis(SUMMARY), _RECORD, _REMEDY)
        tables.read_table(layout.analysis(TABLE))
        return bool(
            found["configuration"] == ranking_configuration(layout, accepted_models(layout, settings)[0], settings)
        )
    except (FileNotFoundError, DamagedFileError):
        return False


def write_ranking(layout: Layout, found: RankedCandidates, settings: config.Settings) -> None:
    """Write the table, then all else as JSON, which says that the result is complete."""
    stamp = Stamp(found.configuration, versions.RANKING, digest_on_disk(layout, settings.normalisation))
    tables.write_table(layout.analysis(TABLE), found.table, SCHEMA, stamp)
    best = None if found.best is None else {"candidate": found.best[0], "k": found.best[1]}
    record = {
        "configuration": found.configuration,
        "ranking": [
            {"candidate": str(name), "k": int(k)}
            for name, k in zip(found.table["candidate"], found.table["k"], strict=True)
        ],
        "best": best,
        "why": found.why,
        "rule": list(found.used),
        "absent": dict(found.absent),
        "left_out": dict(found.left_out),
        "support": dict(found.support),
        "doubts": list(found.doubts),
        "by_station": found.by_station.replace({np.nan: None}).to_dict("records"),
    }
    write_json(layout.analysis(SUMMARY), record)


def best_ranked(layout: Layout, settings: config.Settings, k: int | None = None) -> tuple[CandidateName, int, str]:
    """Return candidate and K of the best ranked model, and why it is the best, in words.

    Parameters
    ----------
    layout, settings
        The data root, and all settings.
    k
        The wanted K, by default `champion.k`; without both, the best of all K.

    Raises
    ------
    RankingOutOfStepError
        There is no ranking, or it is of other models than those that there are now.
    NoAcceptedModelError
        Nothing could be ranked, or nothing of the wanted K.
    DamagedFileError
        The ranking is damaged.
    """
    path = layout.analysis(SUMMARY)
    if not path.exists():
        raise RankingOutOfStepError(f"{path}: the candidates have not been ranked; {_REMEDY}")
    record: dict[str, Any] = read_record(path, _RECORD, _REMEDY)
    if record["configuration"] != ranking_configuration(layout, accepted_models(layout, settings)[0], settings):
        raise RankingOutOfStepError(f"{path}: it ranks other models than those that there are now; {_REMEDY}")
    wanted = k or settings.champion.k
    if wanted is None:
        best = record["best"]
        why = str(record["why"])
    else:
        best = next((row for row in record["ranking"] if row["k"] == wanted), None)
        why = f"the best ranked of K = {wanted}"
    if best is None:
        raise NoAcceptedModelError(f"no accepted candidate has K = {wanted}")
    return CandidateName.of(best["candidate"]), int(best["k"]), why


def ranking_state(layout: Layout, settings: config.Settings) -> tuple[str, tuple[str, ...]]:
    """Return the best ranked model in words, or why there is none, and what speaks against the choice."""
    try:
        best = best_ranked(layout, settings)
        doubts = read_record(layout.analysis(SUMMARY), {**_RECORD, "doubts": list}, _REMEDY)["doubts"]
    except (OSError, ValueError) as error:
        return str(error), ()
    return f"{best[0].with_k(best[1])}, {best[2]}", tuple(str(doubt) for doubt in doubts)
