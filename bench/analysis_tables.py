"""Tables and figures of the benchmark of links, from the rows of its runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from bench.analysis_worlds import LEFT_OUT, NULLS, TRUE_LINKS
from bench.runs import Row
from ris_core.links.link_verdict import LINK, NOT_IDENTIFIABLE

RIGHT, WRONG, UNMIXED = "right", "wrong", "unmixed"
TIDAL = ("rift", "stick_slip")
"""Families whose laws have the tide in them."""


def report(rows: list[Row], console: Console) -> dict[str, Any]:
    """Print the tables; return their figures.

    Returns
    -------
    dict
        Of right labels, over all rates: `true_links_found` (share of the true links claimed with the right sign),
        `sign_errors` (number claimed with the wrong one), `false_discovery` (share of all claims that are none),
        `seeds_with_false_link` (share of the seeds, the worst of the rates), `o1_rift` (share of runs in which the
        class rift keeps to O1), `o1_false_links` (classes without a tide in their law that do, over all runs),
        `swell_on_rift` (such claims). `false_discovery_unmixed`, `true_links_unmixed` and
        `false_discovery_wrong` are of wrong labels. `by_rate`: all of these at each rate, by labels.
    """
    frame = pd.DataFrame(rows)
    rate = frame[(frame["test"] == "rate") & (frame["series"] != LEFT_OUT)].copy()
    keys = list(zip(rate["class_name"], rate["series"], strict=True))
    rate["truth"] = [TRUE_LINKS.get(key, 0) for key in keys]
    rate["claimed"] = rate["verdict"] == LINK
    rate["right"] = rate["claimed"] & (rate["sign"] == rate["truth"])
    rate["false"] = rate["claimed"] & (rate["truth"] == 0)
    rate["wrong_sign"] = rate["claimed"] & (rate["truth"] != 0) & ~rate["right"]
    by_rate = {
        f"{per_day:g}": {labels: _figures(own) for labels, own in of_rate.groupby("labels", sort=False)}
        for per_day, of_rate in rate.groupby("events_per_day")
    }
    _summary(by_rate, console)
    _true_links(rate, console)
    _false_links(rate, console)
    _nulls(frame, rate, console)
    phases = frame[frame["test"].isin(["O1", "M2"])]
    o1 = phases[(phases["test"] == "O1") & (phases["class_name"] == "rift")]
    no_tide = phases[(phases["test"] == "O1") & ~phases["class_name"].isin(TIDAL)]
    right = rate[rate["labels"] == RIGHT]
    total = _figures(right)
    found = {
        "true_links_found": total["found"],
        "sign_errors": total["sign_errors"],
        "false_discovery": total["false_discovery"],
        "seeds_with_false_link": max(of[RIGHT]["seeds_with_false_link"] for of in by_rate.values()),
        "o1_rift": float((o1["verdict"] == LINK).mean()),
        "o1_false_links": int((no_tide["verdict"] == LINK).sum()),
        "swell_on_rift": int(
            right[(right["class_name"] == "rift") & right["series"].str.startswith("wave")]["claimed"].sum()
        ),
    }
    for labels in (WRONG, UNMIXED):
        own = rate[rate["labels"] == labels]
        if len(own):
            of = _figures(own)
            found |= {f"false_discovery_{labels}": of["false_discovery"], f"true_links_{labels}": of["found"]}
    return found | {"by_rate": by_rate}


def _figures(own: pd.DataFrame) -> dict[str, Any]:
    true, claimed = own[own["truth"] != 0], int(own["claimed"].sum())
    seeds = own.groupby("seed")
    bad = int((seeds["false"].sum() + seeds["wrong_sign"].sum() > 0).sum())
    number = own["seed"].nunique()
    return {
        "seeds": number,
        "found": float(true["right"].mean()),
        "sign_errors": int(own["wrong_sign"].sum()),
        "false_links": int(own["false"].sum()),
        "false_discovery": float((own["false"].sum() + own["wrong_sign"].sum()) / max(claimed, 1)),
        "seeds_with_false_link": bad / max(number, 1),
        "seeds_upper_95": float(stats.binomtest(bad, number).proportion_ci(method="exact").high),
        "not_identifiable": int((own["verdict"] == NOT_IDENTIFIABLE).sum()),
        "cpu_s": float(own.groupby(["seed", "events_per_day"])["cpu_s"].first().mean()),
    }


def _summary(by_rate: dict[str, Any], console: Console) -> None:
    table = Table(
        *("events a day", "labels", "seeds", "true links found", "wrong sign", "false links", "false discovery"),
        *("seeds with a false link (at most, 95 %)", "CPU s a seed"),
        title="links against the truth",
    )
    for per_day, of_rate in by_rate.items():
        for labels, of in of_rate.items():
            table.add_row(
                *(per_day, labels, str(of["seeds"]), f"{of['found']:.3f}", str(of["sign_errors"])),
                *(str(of["false_links"]), f"{of['false_discovery']:.3f}"),
                *(f"{of['seeds_with_false_link']:.3f} ({of['seeds_upper_95']:.3f})", f"{of['cpu_s']:.1f}"),
            )
    console.print(table)


def _true_links(rate: pd.DataFrame, console: Console) -> None:
    groups = rate[rate["truth"] != 0].groupby(["labels", "events_per_day"], sort=False)
    table = Table(
        "labels", "events a day", *(f"{a} × {b}" for a, b in TRUE_LINKS), title="share of seeds with the link"
    )
    for (labels, per_day), own in groups:
        shares = own.groupby(["class_name", "series"])["right"].mean()
        table.add_row(str(labels), f"{per_day:g}", *(f"{shares[key]:.2f}" for key in TRUE_LINKS))
    console.print(table)


def _false_links(rate: pd.DataFrame, console: Console) -> None:
    false = rate[rate["false"] | rate["wrong_sign"]]
    counts = false.groupby(["labels", "class_name", "series"], sort=False).size().sort_values(ascending=False)
    table = Table("labels", "class", "series", "claims", title="links that are none")
    for row in counts.head(20).rename("claims").reset_index().to_dict("records"):
        table.add_row(*(str(row[name]) for name in ("labels", "class_name", "series", "claims")))
    console.print(table)


def _nulls(frame: pd.DataFrame, rate: pd.DataFrame, console: Console) -> None:
    """Print how often single tests at single stations reject what is not so."""
    table = Table(
        "class", "rate tests p < .05", "O1 p < .01", "M2 p < .01", title="single tests of classes, right labels"
    )
    own = rate[(rate["labels"] == RIGHT) & (rate["truth"] == 0)]
    sizes = own.groupby("class_name")[["single_05", "single_tests"]].sum()
    phases = (
        frame[frame["test"].isin(["O1", "M2"])].groupby(["class_name", "test"])[["single_01", "single_tests"]].sum()
    )
    for name in [*NULLS, *(n for n in sizes.index if n not in NULLS)]:
        of = sizes.loc[name]
        cells = [f"{of['single_05'] / of['single_tests']:.3f}" if of["single_tests"] else ""]
        for constituent in ("O1", "M2"):
            of = phases.loc[(name, constituent)]
            cells.append(f"{of['single_01'] / of['single_tests']:.3f}" if of["single_tests"] else "")
        table.add_row(str(name) + (" (tide in its law)" if name in TIDAL else ""), *cells)
    console.print(table)
