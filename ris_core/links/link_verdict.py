"""From tests at stations to claims: false discoveries at each station, the same sign at enough stations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

LINK, NO_EVIDENCE, NOT_IDENTIFIABLE = "link", "no evidence", "not identifiable"


def with_q(effects: pd.DataFrame, by: str = "p") -> pd.DataFrame:
    """Return rows with `q`: p adjusted at each station over all classes and series (Benjamini & Yekutieli 2001).

    It holds for tests that depend on each other in any way. Rows with a reason against a claim have none.
    """
    found = effects.assign(q=np.nan)
    for _, rows in found.groupby("station"):
        counted = rows.index[(rows["reason"] == "") & rows[by].notna()]
        if len(counted):
            found.loc[counted, "q"] = stats.false_discovery_control(found.loc[counted, by].to_numpy(), method="by")
    return found


def verdicts(
    effects: pd.DataFrame,
    level: float,
    share: float,
    least_stations: int,
    keys: tuple[str, ...] = ("class_name", "series"),
) -> pd.DataFrame:
    """Return one row per class and series: what can be claimed for the network.

    A link is claimed if q is below the level at the required share of the stations where the class can be tested, all
    with the same sign.

    Parameters
    ----------
    effects
        Rows of all stations with `effect`, `q`, `reason`, `effective_clusters`, `season_r2`.
    level
        Rate of false discoveries.
    share, least_stations
        Share of the testable stations that must agree, and how many must be testable.
    keys
        Columns that name a row.
    """
    rows = []
    for names, own in effects.groupby(list(keys), sort=False):
        testable = own[own["reason"] == ""]
        significant = testable[testable["q"] < level]
        up, down = int((significant["effect"] > 0).sum()), int((significant["effect"] < 0).sum())
        needed = max(1, math.ceil(share * len(testable) - 1e-9))
        said = dict(zip(keys, names if isinstance(names, tuple) else (names,), strict=True))
        if len(testable) < least_stations:
            verdict, sign, needed = NOT_IDENTIFIABLE, 0, least_stations
            why = f"can be tested at {len(testable)} of {len(own)} stations; {least_stations} are needed"
            if (reasons := own.loc[own["reason"] != "", "reason"]).size:
                why += f" ({reasons.iloc[0]})"
        elif max(up, down) >= needed and min(up, down) == 0:
            verdict, sign = LINK, 1 if up else -1
            why = f"q < {level:g} at {max(up, down)} of {len(testable)} stations"
        else:
            verdict, sign = NO_EVIDENCE, 0
            why = f"q < {level:g} at {up} stations with +, {down} with -, of {len(testable)}; {needed} are needed"
        rows.append(
            {
                **said,
                "verdict": verdict,
                "sign": sign,
                "effect": float(testable["effect"].median()) if len(testable) else math.nan,
                "effect_lowest": float(testable["effect"].min()) if len(testable) else math.nan,
                "effect_highest": float(testable["effect"].max()) if len(testable) else math.nan,
                "stations": len(testable),
                "stations_up": up,
                "stations_down": down,
                "needed": needed,
                "why": why,
            }
        )
    return pd.DataFrame(rows)
