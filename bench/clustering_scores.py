"""Scores of the clustering benchmark: of one run, and means and spreads over seeds and generators."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import roc_auc_score

from ris_core.truth.evaluation import MIXED, clustering_scores

METRICS = ("accuracy", "nmi", "ari", "macro_f1")
SNR_STEP = 5.0
Row = dict[str, Any]


def scored(truth: NDArray[Any], labels: NDArray[Any], snr_db: NDArray[np.float64] | None = None) -> Row:
    """Score clusters (N,) against classes (N,), windows of several families left out.

    Returns
    -------
    dict
        The `METRICS`; `recall` of each class; with `snr_db` (N,) also `snr`: for each 5 dB from its lower edge the
        number of windows that the best one-to-one assignment (that of all windows) gets right, and of all windows.
    """
    found = clustering_scores(truth.astype(str), labels)
    row: Row = {name: getattr(found, name) for name in METRICS} | {"recall": found.recall}
    if snr_db is not None:
        kept = (truth != MIXED) & np.isfinite(snr_db)
        low = np.floor(snr_db[kept] / SNR_STEP) * SNR_STEP
        right = right_ones(truth.astype(str), labels, truth != MIXED)[kept]
        row["snr"] = {str(int(b)): [int(right[low == b].sum()), int((low == b).sum())] for b in np.unique(low)}
    return row


def right_ones(truth: NDArray[Any], labels: NDArray[Any], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which windows the best one-to-one assignment of clusters to classes gets right; ACC is their share."""
    names, classes = np.unique(truth, return_inverse=True)
    ids, clusters = np.unique(labels, return_inverse=True)
    table = np.zeros((len(ids), len(names)), dtype=np.int64)
    np.add.at(table, (clusters[counted], classes[counted]), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    assigned = np.full(len(ids), -1)
    assigned[rows] = columns
    return np.asarray((assigned[clusters] == classes) & counted)


def auroc(ordinary: NDArray[Any], rare: NDArray[Any]) -> float:
    """Return the area under the ROC curve of a score that should be greater for rare events; NaN without either."""
    if len(ordinary) == 0 or len(rare) == 0:
        return math.nan
    truth = np.concatenate((np.zeros(len(ordinary)), np.ones(len(rare))))
    return float(roc_auc_score(truth, np.concatenate((ordinary, rare))))


def auroc_by_snr(
    ordinary: NDArray[Any], rare: NDArray[Any], ordinary_db: NDArray[Any], rare_db: NDArray[Any]
) -> dict[str, list[float]]:
    """Return AUROC, rare and ordinary events of each 5 dB of SNR in which there are both."""
    found = {}
    for low in np.unique(np.floor(rare_db[np.isfinite(rare_db)] / SNR_STEP) * SNR_STEP):
        a = ordinary[(ordinary_db >= low) & (ordinary_db < low + SNR_STEP)]
        b = rare[(rare_db >= low) & (rare_db < low + SNR_STEP)]
        if len(a):
            found[str(int(low))] = [auroc(a, b), len(b), len(a)]
    return found


def spread(rows: pd.DataFrame, metric: str) -> dict[str, float]:
    """Return the mean over all runs and the standard deviation: of generators' means, and of seeds within generators.

    Without generators (column `generator` all the same) `sd` is that of the seeds.
    """
    values = rows[metric].dropna()
    by_generator = values.groupby(rows["generator"])
    within = float(np.sqrt(by_generator.var(ddof=1).mean())) if by_generator.size().max() > 1 else math.nan
    between = float(by_generator.mean().std(ddof=1)) if by_generator.ngroups > 1 else math.nan
    sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return {"mean": float(values.mean()), "sd": sd, "sd_generators": between, "sd_seeds": within, "runs": len(values)}


def difference(rows: pd.DataFrame, reference: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Return the mean difference of a method from another on the same draws, and its standard error.

    Runs are paired by generator if there are several (the mean of their seeds), else by seed.
    """
    unit = "generator" if rows["generator"].nunique() > 1 else "seed"
    paired = rows.groupby(unit)[metric].mean() - reference.groupby(unit)[metric].mean()
    paired = paired.dropna()
    error = float(paired.std(ddof=1) / math.sqrt(len(paired))) if len(paired) > 1 else math.nan
    return float(paired.mean()), error


def verdict(above: float, error: float) -> str:
    """Say whether a method wins or loses, and whether two standard errors leave that open."""
    word = "loses" if above < 0 else "wins"
    return f"{word}, within error" if abs(above) <= 2 * error else word


def accuracy_by_snr(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return ACC in each 5 dB: the mean over generators of right windows over windows, its spread, and the windows."""
    parts = [
        {"generator": generator, "low": int(low), "right": right, "windows": windows}
        for generator, bins in zip(rows["generator"], rows["snr"], strict=True)
        for low, (right, windows) in bins.items()
    ]
    sums = pd.DataFrame(parts).groupby(["low", "generator"])[["right", "windows"]].sum()
    share = (sums["right"] / sums["windows"]).groupby("low")
    windows = sums["windows"].groupby("low").sum() / _runs_per_generator(rows)
    table = pd.DataFrame({"mean": share.mean(), "sd": share.std(ddof=1), "windows": windows})
    return {str(low): {str(name): float(v) for name, v in row.items()} for low, row in table.iterrows()}


def _runs_per_generator(rows: pd.DataFrame) -> float:
    return len(rows) / rows["generator"].nunique()


def auroc_means(runs: Iterable[dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Return AUROC by 5 dB from `auroc_by_snr` of several runs, weighed by the rare events, which are counted."""
    parts = [(int(low), *values) for bins in runs for low, values in bins.items()]
    table = pd.DataFrame(parts, columns=["low", "auroc", "rare", "ordinary"]).dropna()
    found = {}
    for low, own in table.groupby("low"):
        found[str(low)] = {
            "auroc": float(np.average(own["auroc"], weights=own["rare"])),
            "rare": int(own["rare"].sum()),
        }
    return found
