"""Clusterings of a network's events without a network of neurons, and which of many the ranking without truth picks.

Every set of features has k-means, with K of 5 to 10 by the silhouette in these features, and the consensus, with K of 2
to 12 by the lifetime in its tree. The attributes have the consensus with HDBSCAN and UMAP among its members, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.clustering_features import LOG_SPECTRA, attributes_name, attributes_settings, feature_spaces
from bench.clustering_scores import Row, scored
from bench.clustering_training import STARTS, Timer, best_count
from bench.clustering_windows import Events
from ris_core.clustering.consensus.co_association import average_linkage, co_association
from ris_core.clustering.consensus.tree import ConsensusTree
from ris_core.clustering.consensus.votes import vote
from ris_core.clustering.consensus_clusterer import ConsensusClusterer
from ris_core.clustering.initialise import gmm, kmeans
from ris_core.clustering.ranking.partition import Covariates, Partition
from ris_core.clustering.ranking.rank import Key, rank_partitions
from ris_core.clustering.ranking.same_source import coincident
from ris_core.config import ConsensusSettings, Settings
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.truth.evaluation import MIXED

VERSION = 2
CONSENSUS = "consensus"
_HOUR_NS = 3_600_000_000_000
_SAME_SOURCE_S = 60.0
Labels = NDArray[np.integer[Any]]


def true_count(events: Events) -> int:
    """Return the number of classes among the windows of one family."""
    return len(set(events.family) - {MIXED})


def consensus_of(settings: Settings) -> ConsensusSettings:
    """Return the section of the consensus."""
    own = settings.clusterer_of(CONSENSUS)
    if not isinstance(own, ConsensusSettings):
        raise TypeError(f"clusterers.{CONSENSUS} is of another kind, {type(own).__name__}")
    return own


def candidates(
    events: Events, settings: Settings, seed: int, counts: Sequence[int], members: Sequence[str], kept: Path
) -> list[Row]:
    """Cluster the events in every way; score K chosen without truth, and the true K.

    Parameters
    ----------
    events, settings
        Windows, and the settings that they were made with.
    seed
        Of everything that is drawn.
    counts
        K of k-means and of the mixture.
    members
        Further members of the consensus of all attributes: ``hdbscan``, ``umap``.
    kept
        File that the partitions are written to, for `choice`.
    """
    rows: list[Row] = []
    partitions: list[Partition] = []
    windows = attributes_settings(settings).windows
    full = attributes_name(windows)
    clock = Timer()
    spaces = feature_spaces(events, settings, seed)
    made = clock.lap() / len(spaces)
    for name, z in spaces.items():
        if name.startswith(LOG_SPECTRA):
            rows += by_silhouette(events, f"GMM on {name}", z, _mixture(z, seed), counts, made, partitions)
            continue
        rows += by_silhouette(events, f"{name} + k-means", z, _kmeans(z, seed), counts, made, partitions)
        further = tuple(members) if name == full else ()
        rows += by_lifetime(events, name, z, consensus_of(settings), seed, made, further, partitions)
    proposed = {(row["method"], row["k"]) for row in rows if row["rule"] == "chosen"}
    _keep(kept, partitions, proposed)
    return rows


def by_silhouette(
    events: Events,
    method: str,
    space: NDArray[Any],
    cluster: Callable[[int], Labels],
    counts: Sequence[int],
    made: float,
    partitions: list[Partition],
) -> list[Row]:
    """Cluster for every K; score the K with the best silhouette in a space, and the true K; add to the partitions."""
    true, labels, seconds = true_count(events), {}, {}
    for k in sorted({*counts, true}):
        clock = Timer()
        labels[k] = cluster(k)
        seconds[k] = made + clock.lap()
    partitions += [Partition(method, k, labels[k]) for k in counts]
    rules = {"chosen": best_count(space, {k: labels[k] for k in counts}), "true": true}
    return [row_of(events, method, rule, k, labels[k], seconds[k]) for rule, k in rules.items()]


def by_lifetime(
    events: Events,
    name: str,
    z: NDArray[Any],
    settings: ConsensusSettings,
    seed: int,
    made: float,
    further: Sequence[str],
    partitions: list[Partition],
) -> list[Row]:
    """Form the consensus, also with further members; score the longest-lived K and the true K; add to the partitions.

    The members vote once: a consensus of some of them takes their votes alone.
    """
    clock = Timer()
    rows_of = np.arange(len(z))
    own = settings.model_copy(update={"members": (*settings.members, *further), "sample": len(z)})
    votes = vote(z, own, seed)
    voted = clock.lap()
    rows: list[Row] = []
    for extra in ((), *((each,) for each in further)):
        among = {*settings.members, *extra}
        chosen = np.array([algorithm in among for algorithm in votes.algorithms])
        algorithms = tuple(np.array(votes.algorithms)[chosen].tolist())
        own_votes = replace(votes, partitions=votes.partitions[chosen], algorithms=algorithms, names=algorithms)
        tree = ConsensusTree(rows_of, own_votes, average_linkage(co_association(own_votes.partitions, algorithms)))
        counts = settings.k or range(2, 13)
        best = tree.best_k(counts)
        spent = made + voted + clock.lap()
        method = " ".join((f"{name} + consensus", *(f"with {each}" for each in extra)))
        if not extra:
            partitions += [Partition(method, k, tree.labels(k)) for k in counts]
        for rule, k in (("chosen", best), ("true", true_count(events))):
            labels = ConsensusClusterer.fit_shared(tree, z, k, settings, seed).labels(z)
            rows.append(row_of(events, method, rule, k, labels, spent + clock.lap()))
    return rows


def row_of(events: Events, method: str, rule: str, k: int, labels: Labels, seconds: float) -> Row:
    """Return the scores of a partition."""
    scores = scored(events.family, labels, events.snr_db)
    return {"method": method, "rule": rule, "k": k, **scores, "cpu_s": seconds}


def choice(events: Events, partitions: Sequence[Partition], proposed: Collection[Key], among: str, seed: int) -> Row:
    """Return how good the partition is that `rank_partitions` puts first: its ARI, the best, the mean, Spearman's ρ.

    `pick` is chosen among those that are proposed, each of the K of its own criterion, as `champion_model` does, and
    `pick_of_all` among all K.
    """
    covariates = Covariates(
        station=events.station,
        hour=events.time_peak // _HOUR_NS % 24,
        source=coincident(events.time_peak, events.station, _SAME_SOURCE_S),
    )
    ranking = rank_partitions(partitions, covariates, seed=seed)
    of_proposed = rank_partitions(partitions, covariates, seed=seed, proposed=proposed)
    ari = {(one.candidate, one.k): scored(events.family, one.labels)["ari"] for one in partitions}
    of_rank = np.array([ari[candidate, k] for candidate, k in zip(*_names(ranking.table), strict=True)])
    agreement = spearmanr(-np.arange(len(of_rank)), of_rank).statistic if ranking.used else np.nan
    best = of_proposed.best
    return {
        "choice": among,
        "partitions": len(partitions),
        "families": len({one.candidate for one in partitions}),
        "pick": ari[best] if best else float("nan"),
        "pick_of_all": ari[ranking.best] if ranking.best else float("nan"),
        "candidate": best[0] if best else "",
        "k": best[1] if best else 0,
        "best": float(of_rank.max()),
        "mean": float(of_rank.mean()),
        "spearman": float(agreement),
        "used": list(ranking.used),
    }


def _names(table: Any) -> tuple[list[str], list[int]]:
    return table["candidate"].tolist(), [int(k) for k in table["k"]]


def partitions_file(cache: Path, task: Mapping[str, Any]) -> Path:
    """Return the file that holds the partitions of a task."""
    of = f"{task['part']}_g{task['generator']:03d}_s{task['seed']}"
    return cache / f"partitions_{of}_{digest_of([VERSION, task])}.npz"


def read_partitions(path: Path) -> tuple[list[Partition], set[Key]]:
    """Return the partitions of a file, and which of them are proposed."""
    with np.load(path, allow_pickle=False) as found:
        partitions = [
            Partition(name, int(k), found["labels"][i]) for i, (name, k) in enumerate(json.loads(str(found["of"])))
        ]
        return partitions, {(name, int(k)) for name, k in json.loads(str(found["proposed"]))}


def _keep(path: Path, partitions: Sequence[Partition], proposed: Collection[Key]) -> None:
    of = json.dumps([(one.candidate, one.k) for one in partitions])
    labels = np.stack([one.labels for one in partitions]).astype(np.int16)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, labels=labels, of=np.array(of), proposed=np.array(json.dumps(sorted(proposed))))


def _kmeans(z: NDArray[Any], seed: int) -> Callable[[int], Labels]:
    return lambda k: kmeans(z, k, STARTS, seed).labels


def _mixture(z: NDArray[Any], seed: int) -> Callable[[int], Labels]:
    return lambda k: gmm(z, k, STARTS, seed).labels
