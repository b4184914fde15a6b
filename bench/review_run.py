"""One simulated review of a network: the queue, a reviewer who knows the truth, and the classifier that follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, f1_score

from bench.clustering_candidates import consensus_of
from bench.clustering_chains import settings_of
from bench.clustering_events import load_events
from bench.clustering_features import attributes_of
from bench.clustering_scores import scored
from bench.clustering_training import Timer
from bench.clustering_volcano import VolcanoSize, load_volcano, volcano_settings
from bench.clustering_windows import Events, Size
from bench.runs import Row, Task
from ris_core.clustering.consensus_clusterer import ConsensusClusterer
from ris_core.clustering.reviewed.assessing import RELIABILITY_BINS
from ris_core.clustering.reviewed.fitted_classes import FittedClasses, fit_classes
from ris_core.clustering.reviewed.groups import groups_of
from ris_core.config import ClassModelSettings, MicroSettings, ReviewSettings, Settings
from ris_core.contracts.decision import SIMULATED, Decision
from ris_core.review.pool import judge, make_pool
from ris_core.review.queue import Pool, suggest
from ris_core.review.random_order import random_order
from ris_core.review.simulate import answer
from ris_core.review.state import ReviewState
from ris_core.threads import one_thread
from ris_core.truth.evaluation import MIXED

QUEUE, RANDOM, NONE = "queue", "random", "none"
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Network:
    """The events of a network.

    Attributes
    ----------
    events, z
        N windows, and their features (N, D).
    settings
        What they were made with.
    groups
        (N,) groups that a review must not part: common sources and blocks of time.
    """

    events: Events
    z: NDArray[np.float32]
    settings: Settings
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, task: Task, cache: Path) -> Network:
        """Return that of a task."""
        if task["world"] == "volcano":
            size = VolcanoSize(**task["size"])
            events, settings = load_volcano(task["generator"], size, cache), volcano_settings(size)
        else:
            settings = settings_of(task["generator"], "zero_phase_10s")
            events = load_events(task["generator"], "zero_phase_10s", Size(**task["size"]), cache)
        events = events.of_role("sample")
        block = ClassModelSettings.model_validate(task["class_model"]).block
        groups = groups_of(events.time_peak, block, events.source_id)
        return cls(events, attributes_of(events, settings), settings, groups)


def run(task: Task, cache: str) -> list[Row]:
    """Run a review in one order and with one rate of errors; return a row for each number of reviewed events."""
    with one_thread():
        network = Network.of(task, Path(cache))
        about = {name: task[name] for name in ("world", "generator", "seed", "order", "error")}
        if task["order"] == NONE:
            return [about | _unsupervised(network, task["seed"])]
        class_model = ClassModelSettings.model_validate(task["class_model"] | {"seed": task["seed"]})
        review = ReviewSettings.model_validate(task["review"] | {"seed": task["seed"]})
        micro = MicroSettings.model_validate(task["micro"])
        rows = []
        for state in _reviews(network, task, review, class_model, micro):
            clock = Timer()
            fitted, shown = _fitted(network, state, class_model)
            rows.append(about | {"reviews": len(shown)} | _scores(network, fitted, shown) | {"cpu_s": clock.lap()})
        return rows


def _unsupervised(network: Network, seed: int) -> Row:
    """Return the scores of the consensus of all events, with the K of the longest lifetime."""
    clock, own = Timer(), consensus_of(network.settings)
    tree = ConsensusClusterer.share(network.z, own, seed)
    k = tree.best_k(own.k or range(2, 13))
    found = ConsensusClusterer.fit_shared(tree, network.z, k, own, seed)
    scores = scored(network.events.family, found.labels(network.z))
    kept = {name: scores[name] for name in ("ari", "accuracy", "macro_f1")}
    return {"reviews": 0, "k": k, "scored": int((network.events.family != MIXED).sum()), **kept, "cpu_s": clock.lap()}


def _reviews(
    network: Network, task: Task, review: ReviewSettings, class_model: ClassModelSettings, micro: MicroSettings
) -> Iterator[ReviewState]:
    """Give the state of the reviews at each of the numbers of events that a task asks for."""
    ids = network.events.event_id
    truth = dict(zip(ids.tolist(), network.events.family.tolist(), strict=True))
    classes = set(truth.values())
    pool = make_pool(ids, network.z, micro, review.seed)
    decisions: list[Decision] = []
    for count in sorted(task["reviews"]):
        while (left := count - len(decisions)) > 0:
            chosen = _next(task["order"], pool, decisions, review, class_model)[:left]
            if not chosen:
                return
            for event, reason in chosen:
                said = answer(event, truth[event], classes, task["error"], task["seed"])
                decisions.append(Decision("label", SIMULATED, (event,), said, reason=reason))
        yield ReviewState.of(decisions)


def _next(
    order: str, pool: Pool, decisions: Sequence[Decision], review: ReviewSettings, class_model: ClassModelSettings
) -> list[tuple[str, Any]]:
    """Return the next batch, with the reason of each event."""
    ids = pool.event_id.astype(str).tolist()
    if order == RANDOM:
        return [(event, "audit") for event in random_order(ids, review.seed)[len(decisions) :]]
    state = ReviewState.of(decisions)
    table = suggest(pool, ids, state, review, judge(pool, state, class_model, {})).head(review.batch)
    return list(zip(table["event_id"], table["reason"], strict=True))


def _fitted(
    network: Network, state: ReviewState, class_model: ClassModelSettings
) -> tuple[FittedClasses, NDArray[np.int64]]:
    """Return the classifier of the reviewed events as the platform trains it, and the rows of all that were shown."""
    row = {str(name): number for number, name in enumerate(network.events.event_id)}
    words = state.reviewed()
    rows = np.array([row[name] for name in words["event_id"]])
    fitted = fit_classes(
        network.z[rows],
        words["class_name"].tolist(),
        groups_of(network.events.time_peak[rows], class_model.block),
        words["audit"].to_numpy(dtype=bool),
        class_model,
        class_model.seed,
        network.z,
    )
    return fitted, np.array(sorted(row[name] for name in state.seen))


def _scores(network: Network, fitted: FittedClasses, shown: NDArray[np.int64]) -> Row:
    """Score the classifier on the events that share neither a source nor a block of time with an event shown."""
    family = network.events.family
    apart = ~np.isin(network.groups, network.groups[shown]) & (family != MIXED)
    truth, z = family[apart], network.z[apart]
    probabilities, sets, novel = fitted.probabilities(z), fitted.sets(z), fitted.novel(z)
    names = np.array(fitted.names)
    said = names[probabilities.argmax(axis=1)]
    right, size = said == truth, sets.sum(axis=1)
    covered = (sets & (names == truth[:, None])).any(axis=1)
    unknown = ~np.isin(truth, names)
    found = fitted.assessment
    audits = found.audit_accuracy if found is not None and found.audits else None
    return {
        "scored": int(apart.sum()),
        "audits": found.audits if found is not None else 0,
        "classes": len(names),
        "ari": float(adjusted_rand_score(truth, said)),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth, said, average="macro", labels=np.unique(truth), zero_division=0)),
        "calibration_error": calibration_error(probabilities.max(axis=1), right),
        "coverage": float(covered.mean()),
        "coverage_known": float(covered[~unknown].mean()),
        "set_size": float(size.mean()),
        "assigned": float((size == 1).mean()),
        "assigned_accuracy": float(right[size == 1].mean()) if (size == 1).any() else None,
        "novel_known": float(novel[~unknown].mean()),
        "novel_unknown": float(novel[unknown].mean()) if unknown.any() else None,
        "cv_coverage": found.coverage if found is not None else None,
        "audit_accuracy": audits.value if audits is not None else None,
        "audit_covers": bool(audits.low <= right.mean() <= audits.high)
        if audits is not None and audits.count
        else None,
    }


def calibration_error(greatest: Array, right: Array) -> float:
    """Return the expected calibration error: over bins of the greatest probability (N,), the mean |said − right|."""
    which = np.minimum((greatest * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    own = [which == number for number in range(RELIABILITY_BINS)]
    return float(sum(abs(greatest[rows].mean() - right[rows].mean()) * rows.mean() for rows in own if rows.any()))
