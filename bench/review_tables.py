"""Tables and figures of the benchmark of reviews, from the rows of its runs."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from bench.clustering_scores import Row, spread

FEWEST = 50
"""Reviews from which on coverage and audits are summed up: before, the sets hold nearly all classes."""
_COLUMNS = {
    "ari": "ARI",
    "accuracy": "ACC",
    "macro_f1": "macro-F1",
    "calibration_error": "calibration error",
    "coverage": "coverage",
    "set_size": "classes in a set",
    "assigned": "assigned",
    "assigned_accuracy": "ACC of these",
    "audit_covers": "audits cover",
    "scored": "events scored",
    "cpu_s": "CPU s",
}


def report(rows: list[Row], promised: float, console: Console) -> dict[str, Any]:
    """Print the table of all orders and rates of errors; return their figures.

    Returns
    -------
    dict
        `ari`, `ari_wrong5`, `ari_random`: mean ARI by the number of reviews, 0 the consensus; `coverage_error`: the
        greatest difference, from `FEWEST` reviews on, of the mean coverage of the sets from the one promised;
        `audit_cover`: share of the runs with `FEWEST` reviews or more in which the interval from the audits contains
        the accuracy of the events scored; `orders`: everything that is in the table.
    """
    frame = pd.DataFrame(rows)
    frame["audit_covers"] = frame.get("audit_covers", pd.Series(dtype=object)).astype("Float64")
    table = Table(
        *("order", "wrong", "reviews", *_COLUMNS.values()), title=f"simulated review; promised {promised:.0%}"
    )
    orders: dict[str, Any] = {}
    for (order, error, reviews), own in frame.groupby(["order", "error", "reviews"], sort=False):
        figures = {name: spread(own, name) for name in _COLUMNS if name in own and own[name].notna().any()}
        orders.setdefault(_name(str(order), float(str(error))), {})[str(reviews)] = figures
        cells = [_cell(figures.get(name), name) for name in _COLUMNS]
        table.add_row(str(order), f"{error:.0%}", str(reviews), *cells)
    console.print(table)
    unsupervised = {n: of["ari"]["mean"] for n, of in orders.get("none", {}).items()}
    ari = {
        name: unsupervised | {n: of["ari"]["mean"] for n, of in by_number.items()} for name, by_number in orders.items()
    }
    right = frame[(frame["order"] == "queue") & (frame["error"] == 0) & (frame["reviews"] >= FEWEST)]
    coverage = right.groupby("reviews")["coverage"].mean()
    known = right["audit_covers"].dropna()
    result = {
        "ari": ari.get("queue", {}),
        "ari_wrong5": ari.get("queue, 5% wrong", {}),
        "ari_random": ari.get("random", {}),
        "coverage_error": float((coverage - promised).abs().max()) if len(coverage) else math.nan,
        "audit_cover": float(known.mean()) if len(known) else math.nan,
        "promised": promised,
        "orders": orders,
    }
    console.print({name: result[name] for name in ("coverage_error", "audit_cover")})
    return result


def _name(order: str, error: float) -> str:
    return f"{order}, {error:.0%} wrong" if error else order


def _cell(figures: dict[str, float] | None, name: str) -> str:
    if figures is None:
        return ""
    if name in ("scored", "cpu_s"):
        return f"{figures['mean']:.0f}"
    return f"{figures['mean']:.3f}" + (f" ± {figures['sd_generators']:.3f}" if name == "ari" else "")
