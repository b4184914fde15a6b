"""The ranking of all accepted clusterings: labels, criteria, figure and files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.event_properties import event_properties
from ris_core.clustering.features import read_features
from ris_core.clustering.ranked_models import (
    UNUSABLE,
    AcceptedModel,
    Labels,
    accepted_models,
    bootstrap_stability,
    labels_of,
    silhouettes,
)
from ris_core.clustering.ranking.partition import Covariates, Partition
from ris_core.clustering.ranking.rank import RULE, Key, Ranking, rank_partitions, support
from ris_core.clustering.ranking.same_source import coincident
from ris_core.clustering.ranking_file import SCHEMA, RankedCandidates, ranking_configuration, write_ranking
from ris_core.clustering.scores import subsample
from ris_core.clustering.stability_run import assessed_ari
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.contracts.run_log import RunLog
from ris_core.figures.candidate_ranking import candidate_ranking
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import NoAcceptedModelError


def run_ranking(layout: Layout, settings: config.Settings, log: RunLog) -> RankedCandidates:
    """Rank all accepted models of the candidates that may label, log the result, and write it.

    Parameters
    ----------
    layout, settings
        The data root, and all settings.
    log
        Gets the parameters, the criteria of the best, the table ``candidates.csv`` and the figure ``ranking``.

    Raises
    ------
    FileNotFoundError
        There is no training set.
    NoAcceptedModelError
        No model may label. The message gives the reasons.
    """
    models, left_out = accepted_models(layout, settings)
    configuration = ranking_configuration(layout, models, settings)
    events = spectrogram_file.read_info(layout.training_set).events
    rows = subsample(events, settings.ranking.sample, settings.ranking.seed)
    labels: dict[Key, Labels] = {}
    for one in models:
        try:
            labels[one.key] = labels_of(layout, one, rows, settings.normalisation)
        except UNUSABLE as error:
            left_out[one.name.with_k(one.k)] = str(error)
    usable = [one for one in models if one.key in labels]
    if not usable:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise NoAcceptedModelError(f"none of the candidates may label, so there is nothing to rank\n{reasons}")
    log.parameters({**settings.ranking.ranking_values(), "models": len(usable), "events": len(rows)})
    for name, reason in left_out.items():
        log.note(f"{name} is left out: {reason}")
    covariates = _covariates(layout, rows, settings.ranking.coincidence)
    partitions = [Partition(str(one.name), one.k, labels[one.key]) for one in usable]
    proposed = _proposed(usable, settings)
    stability, unstable = _stability(layout, usable, labels, rows, settings)
    ranking = rank_partitions(
        partitions,
        covariates,
        permutations=settings.ranking.permutations,
        sample=len(rows),
        seed=settings.ranking.seed,
        stability=stability,
        silhouette=silhouettes(usable),
        proposed=proposed,
    )
    halves, seed = settings.ranking.halves, settings.ranking.seed
    shares = support(partitions, covariates, halves=halves, seed=seed, proposed=proposed)
    found = _result(ranking, shares, usable, left_out, unstable, configuration, settings)
    _log(found, log)
    write_ranking(layout, found, settings)
    return found


def _covariates(layout: Layout, rows: NDArray[np.int64], coincidence: float) -> Covariates:
    known = event_properties(layout)
    several = len(np.unique(known.station)) > 1
    # Among all events: the other station's event may not be in the sample.
    time = spectrogram_file.read_column(layout.training_set, "time_peak").astype(np.int64)
    source = coincident(time, known.station, coincidence) if several else None
    amplitude = known.peak if known.amplitude_of else None
    return Covariates(known.station, known.hour, amplitude, source).take(rows)


def _stability(
    layout: Layout,
    models: Sequence[AcceptedModel],
    labels: Mapping[Key, Labels],
    rows: NDArray[np.int64],
    settings: config.Settings,
) -> tuple[dict[Key, float], dict[str, str]]:
    """Return the stability by candidate and K, and why it is absent for other candidates, by name."""
    found: dict[Key, float] = {}
    absent: dict[str, str] = {}
    validation = spectrogram_file.read_column(layout.training_set, "validation").astype(bool)[rows]
    for name in dict.fromkeys(one.name for one in models):
        own = {one.k: labels[one.key] for one in models if one.name == name}
        if name == AEC_DEC:
            values = {k: ari for k in own if (ari := assessed_ari(layout, settings, name, k)) is not None}
            if not values:
                absent[str(name)] = "its stability has not been assessed"
        elif not settings.ranking.bootstraps:
            values, absent[str(name)] = {}, "ranking.bootstraps is 0"
        else:
            latents = read_features(layout, name.representation, settings.normalisation)
            try:
                values = bootstrap_stability(latents, name, own, rows, ~validation, settings)
            except ValueError as error:
                values, absent[str(name)] = {}, f"clusters of a bootstrap cannot be fitted: {error}"
        found |= {(str(name), k): value for k, value in values.items()}
    return found, absent


def _result(
    ranking: Ranking,
    shares: Mapping[str, float],
    models: Sequence[AcceptedModel],
    left_out: Mapping[str, str],
    unstable: Mapping[str, str],
    configuration: str,
    settings: config.Settings,
) -> RankedCandidates:
    digests = {one.key: one.digest for one in models}
    keys = zip(ranking.table["candidate"], ranking.table["k"], strict=True)
    table = ranking.table.assign(model=[digests[str(name), int(k)] for name, k in keys])[SCHEMA.names]
    absent = dict(ranking.absent) | {f"stability of {name}": reason for name, reason in unstable.items()}
    best, used = ranking.best, ranking.used
    several = len({one.name for one in models}) > 1
    if best is not None and several:
        row = table.iloc[0]
        criteria = ", ".join(f"{name} {row[name]:.3f}" for name in ranking.used)
        share = shares.get(best[0], 0.0)
        why = (
            f"the best of {int(table['proposed'].sum())} candidates, each of the K of its own criterion, by the mean "
            f"rank in {' and '.join(ranking.used)} ({criteria}); {best[0]} is the best in {share:.0%} of random halves "
            "of the events"
        )
    else:
        order = _by_own_criterion(models, settings)
        best, used = order[0], ()
        table = table.set_index(["candidate", "k"]).loc[order].reset_index()
        table = table.assign(rank=np.arange(1, len(table) + 1), mean_rank=np.nan)[SCHEMA.names]
        alone = (
            f"{best[0]} is the only candidate with an accepted model"
            if not several
            else f"no criterion says anything, so it is the first of the settings, {best[0]}"
        )
        why = f"{alone}; its K by the {settings.k_criterion_of(best[0])}"
    doubts = _doubts(ranking, shares, best, several, left_out, settings)
    return RankedCandidates(table, used, absent, left_out, shares, best, why, doubts, configuration, ranking.by_station)


def _proposed(models: Sequence[AcceptedModel], settings: config.Settings) -> set[Key]:
    """Return the model of each candidate with the K of its own criterion: lifetime of a consensus, or silhouette."""
    found: dict[str, Key] = {}
    for name, k in _by_own_criterion(models, settings):
        found.setdefault(name, (name, k))
    return set(found.values())


def _by_own_criterion(models: Sequence[AcceptedModel], settings: config.Settings) -> list[Key]:
    """Return the models where the rule says nothing: candidates in the order of the settings, K by their criterion."""

    def place(one: AcceptedModel) -> tuple[int, float]:
        value = one.record.metrics.get(settings.k_criterion_of(one.name))
        return settings.labelling_candidates.index(one.name), math.inf if value is None else -float(value)

    return [one.key for one in sorted(models, key=place)]


def _doubts(
    ranking: Ranking,
    shares: Mapping[str, float],
    best: Key,
    several: bool,
    left_out: Mapping[str, str],
    settings: config.Settings,
) -> tuple[str, ...]:
    doubts = []
    if several:
        doubts += [f"{name} took no part: {ranking.absent[name]}" for name in RULE if name in ranking.absent]
        share, least = shares.get(best[0], 0.0), settings.ranking.least_support
        if ranking.used and share < least:
            doubts.append(
                f"{best[0]} is the best in {share:.0%} of random halves of the events, less than {least:.0%} "
                "(ranking.least_support): it is not clearly better than the others"
            )
    ranked = set(ranking.table["candidate"])
    for name in settings.labelling_candidates:
        if str(name) not in ranked:
            doubts.append(f"{name} has no model to rank: {_first_reason(name, left_out)}")
    return tuple(doubts)


def _first_reason(name: CandidateName, left_out: Mapping[str, str]) -> str:
    return next((why for model, why in left_out.items() if model.startswith(f"{name}/k=")), "not trained")


def _log(found: RankedCandidates, log: RunLog) -> None:
    best = found.table.iloc[0]
    numbers = [name for name in SCHEMA.names if name not in ("candidate", "model", "proposed")]
    log.metrics({name: float(best[name]) for name in numbers if np.isfinite(best[name])})
    log.metrics({"support": max(found.support.values(), default=float("nan"))})
    log.tags({"ris.best": "" if found.best is None else CandidateName.of(found.best[0]).with_k(found.best[1])})
    log.note(found.why)
    log.text(found.table.to_csv(index=False), "candidates.csv")
    log.text(found.by_station.to_csv(index=False), "hour_by_station.csv")
    log.figure(candidate_ranking(found.table, found.used), "ranking")


def metrics_of_models(found: RankedCandidates, models: Sequence[AcceptedModel]) -> dict[str, dict[str, float]]:
    """Return the criteria of each model by the MLflow run that trained it, under the same names for all."""
    runs = {one.key: one.record.mlflow_run_id for one in models}
    numbers = [name for name in SCHEMA.names if name not in ("candidate", "k", "model", "proposed", "silhouette")]
    out: dict[str, dict[str, float]] = {}
    for _, row in found.table.iterrows():
        if run := runs.get((str(row["candidate"]), int(row["k"])), ""):
            out[run] = {f"ranking_{name}": float(row[name]) for name in numbers if np.isfinite(row[name])}
    return out
