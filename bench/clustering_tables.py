"""Tables and figures of the clustering benchmark, from the rows of its runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from bench.clustering_digits import DIGIT_SETS, GMM
from bench.clustering_scores import (
    METRICS,
    Row,
    accuracy_by_snr,
    auroc_means,
    difference,
    spread,
    verdict,
)
from bench.clustering_tasks import WORLDS

_HEADS = {"accuracy": "ACC", "nmi": "NMI", "ari": "ARI", "macro_f1": "macro-F1"}
_PRIMARY = {"chosen": "ari", "true": "accuracy"}
_TITLES = {"network": "synthetic networks", "volcano": "synthetic volcanoes"}
_RULES = {"chosen": "K chosen without truth", "true": "true K"}


def report(rows: list[Row], console: Console) -> dict[str, Any]:
    """Print the tables of all rows and return their figures."""
    failed = [row for row in rows if "failed" in row]
    frame = pd.DataFrame([row for row in rows if "failed" not in row and "choice" not in row])
    result: dict[str, Any] = {"failed": len(failed)}
    for row in failed:
        where = f"{row['part']}, {row['variant']}, generator {row['generator']}, seed {row['seed']}"
        console.print(f"[red]failed[/red] {where}: {row['failed']}")
    shown: dict[str, Callable[[pd.DataFrame, Console], dict[str, Any]]] = {
        part: partial(_digits, part) for part in DIGIT_SETS
    } | {**{part: partial(_network, part) for part in WORLDS}, "novelty": _novelty}
    for part, own in frame.groupby("part", sort=False) if len(frame) else ():
        result[str(part)] = shown[str(part)](own, console)
    chosen = [row for row in rows if "choice" in row]
    if chosen:
        result["choice"] = _choices(pd.DataFrame(chosen), console)
    for part in WORLDS:
        if part in result:
            methods = result[part]["chosen"]["methods"]
            name = "unsupervised_ari" if part == "network" else f"unsupervised_ari_{part}"
            result[name] = {method: figures["ari"]["mean"] for method, figures in methods.items()}
    return result


def _digits(part: str, rows: pd.DataFrame, console: Console) -> dict[str, Any]:
    metrics = ("accuracy", "nmi", "ari")
    table = Table(*("method", *(_HEADS[m] for m in metrics), "CPU s", "ACC above " + GMM, ""), title=part)
    reference = rows[rows["method"] == GMM]
    found = {}
    for (variant, method), own in rows.groupby(["variant", "method"], sort=False):
        above, error = difference(own, reference, "accuracy")
        name = _named(str(method), str(variant))
        word = "" if method == GMM else verdict(above, error)
        cells = [_mean(spread(own, metric)) for metric in metrics]
        table.add_row(name, *cells, f"{own['cpu_s'].mean():.1f}", _above(above, error), word)
        found[name] = _figures(own, metrics) | {"above": above, "error": error, "verdict": word}
    console.print(table)
    return found


def _network(part: str, rows: pd.DataFrame, console: Console) -> dict[str, Any]:
    """Print scores by rule for K, then ACC by SNR; methods are compared with the best mixture on components."""
    result: dict[str, Any] = {}
    for rule, metric in _PRIMARY.items():
        of_rule = rows[rows["rule"] == rule]
        names = [name for name in of_rule["method"].unique() if name.startswith("GMM on ")]
        mixtures = {name: of_rule[of_rule["method"] == name] for name in names}
        best = max(mixtures, key=lambda name: float(mixtures[name][metric].mean()))
        above_head = f"{_HEADS[metric]} above {best}"
        heads = ("method", "K", *(_HEADS[m] for m in METRICS), "sd generators", "sd seeds", "CPU s", above_head, "")
        table = Table(*heads, title=f"{_TITLES[part]}, {_RULES[rule]}; sd of {_HEADS[metric]}")
        found = {}
        for (variant, method), own in of_rule.groupby(["variant", "method"], sort=False):
            name, figures = _named(str(method), str(variant)), _figures(own, METRICS)
            above, error = difference(own, mixtures[best], metric)
            word = "" if method == best else verdict(above, error)
            primary = figures[metric]
            table.add_row(
                name,
                f"{own['k'].mean():.1f}",
                *(_mean(figures[m]) for m in METRICS),
                _number(primary["sd_generators"]),
                _number(primary["sd_seeds"]),
                f"{own['cpu_s'].mean():.1f}",
                _above(above, error),
                word,
            )
            found[name] = figures | {"above": above, "error": error, "verdict": word, "k": float(own["k"].mean())}
        console.print(table)
        result[rule] = {"reference": best, "methods": found, "accuracy_by_snr": _by_snr(of_rule, rule, console)}
    return result


def _by_snr(rows: pd.DataFrame, rule: str, console: Console) -> dict[str, Any]:
    groups = rows.groupby(["variant", "method"], sort=False)
    found = {_named(str(method), str(variant)): accuracy_by_snr(own) for (variant, method), own in groups}
    bins = sorted({int(low) for of_method in found.values() for low in of_method})
    table = Table(*("method", *(f"{low}–{low + 5} dB" for low in bins)), title=f"ACC by SNR, {_RULES[rule]}")
    for name, of_method in found.items():
        cells = [_mean(of_method[str(low)]) if str(low) in of_method else "" for low in bins]
        table.add_row(name, *cells)
    first = next(iter(found.values()))
    counts = [f"{first[str(low)]['windows']:.0f}" if str(low) in first else "" for low in bins]
    table.add_row("windows of all generators", *counts)
    console.print(table)
    return found


def _choices(rows: pd.DataFrame, console: Console) -> dict[str, Any]:
    """Print how good the partitions are that the ranking without truth picks."""
    heads = ("world", "partitions", "of them", "ARI of the pick", "of all K", "best", "mean", "Spearman", "picked most")
    table = Table(*heads, title="which partition the ranking without truth picks")
    found: dict[str, Any] = {}
    for (part, among), own in rows.groupby(["part", "choice"], sort=False):
        means = {name: spread(own, name) for name in ("pick", "pick_of_all", "best", "mean", "spearman")}
        most = str(own["candidate"].mode().iloc[0])
        cells = [_mean(of) for of in means.values()]
        table.add_row(_TITLES[str(part)], str(among), f"{own['partitions'].mean():.0f}", *cells, most)
        found.setdefault(str(part), {})[str(among)] = {**means, "most": most, "k": float(own["k"].mean())}
    console.print(table)
    return found


def _novelty(rows: pd.DataFrame, console: Console) -> dict[str, Any]:
    groups = list(rows.groupby(["variant", "present", "score"], sort=False))
    found: dict[str, Any] = {}
    bins: set[int] = set()
    for (variant, present, score), own in groups:
        by_snr = auroc_means(own["bins"])
        bins |= {int(low) for low in by_snr}
        found.setdefault(str(variant), {}).setdefault(f"{present:g}", {})[str(score)] = {
            "auroc": spread(own, "auroc"),
            "by_snr": by_snr,
            **{name: float(own[name].mean()) for name in ("false_alarms", "found", "noise")},
        }
    ordered = sorted(bins)
    heads = ("profile", "in training", "score", "AUROC", *(f"{low}–{low + 5} dB" for low in ordered))
    table = Table(*heads, "false alarms", "found", "noise", title="rare family: AUROC, and shares above the threshold")
    for (variant, present, score), _ in groups:
        own = found[str(variant)][f"{present:g}"][str(score)]
        of_bins = [f"{own['by_snr'][str(low)]['auroc']:.2f}" if str(low) in own["by_snr"] else "" for low in ordered]
        shares = [f"{own[name]:.2f}" for name in ("false_alarms", "found", "noise")]
        table.add_row(str(variant), f"{present:.0%}", str(score), _mean(own["auroc"]), *of_bins, *shares)
    console.print(table)
    return found


def _named(method: str, variant: str) -> str:
    return f"{method} ({variant})" if variant else method


def _figures(rows: pd.DataFrame, metrics: tuple[str, ...]) -> dict[str, Any]:
    return {m: spread(rows, m) for m in metrics} | {"cpu_s": float(rows["cpu_s"].mean())}


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _mean(figures: dict[str, float]) -> str:
    return f"{figures['mean']:.3f}" + ("" if math.isnan(figures["sd"]) else f" ± {figures['sd']:.3f}")


def _above(above: float, error: float) -> str:
    return f"{above:+.3f}" + ("" if math.isnan(error) else f" ± {error:.3f}")
