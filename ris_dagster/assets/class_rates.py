"""Events of each class per hour of live time."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

CLASS_RATES = dg.AssetKey("class_rates")
_SHOWN = (
    "class_name",
    "events",
    "share",
    "live_hours",
    "rate",
    "rate_low",
    "rate_high",
    "dispersion",
    "corrected_rate",
    "corrected_low",
    "corrected_high",
)
_SWARMS = 2.0
"""Dispersion of hourly counts above which the intervals of a class are much too narrow."""


def build_class_rates_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the rates of the classes."""

    @dg.asset(
        key=CLASS_RATES,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Events of each class per hour of live time, at each station and at all together, by hour of the "
        "day, day, week, month, season and in all, with exact Poisson intervals. Bins without live time are absent, "
        "those with live time and no event zeros. Where it is known how often the class model takes one class for "
        "another, rates are also corrected for it. Imported events have shares and counts only.",
        deps=[EVENT_CATALOGUE],
        code_version=code_version(versions.RATES, settings.rates.digest()),
        check_specs=[
            dg.AssetCheckSpec(
                "every_event_in_live_time",
                asset=CLASS_RATES,
                description="All labelled events began in live time, and all events of their station-days have labels "
                "of one model. It only warns.",
            ),
            dg.AssetCheckSpec(
                "intervals_believable",
                asset=CLASS_RATES,
                description=f"Hourly counts vary like those of independent events, by a factor of {_SWARMS:g} at most: "
                "in swarms, and where rates change, intervals of Poisson counts are too narrow. It only warns.",
            ),
            dg.AssetCheckSpec(
                "corrected",
                asset=CLASS_RATES,
                description="Rates are corrected for classes that the model confuses. It only warns.",
            ),
        ],
    )
    @presented("rates")
    @noting_remedies
    def class_rates(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.catalogue.station_positions import positions
        from ris_core.rates.calendar_bins import WHOLE
        from ris_core.rates.rate_figures import TITLES, rate_figures
        from ris_core.rates.rate_run import TABLE, make_rates
        from ris_core.rates.rate_schema import ALL_STATIONS, RATE_SCHEMA

        layout = store.layout()
        found = make_rates(store.station_days())
        summary, rates = found.summary, found.table
        whole = rates[(rates["bin"] == WHOLE) & (rates["station"] == ALL_STATIONS)]
        shown = whole[[name for name in _SHOWN if whole[name].notna().any()]]
        drawn = rate_figures(rates, summary["level"], positions(settings, layout))
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "dagster/row_count": len(rates),
                "dagster/column_schema": column_schema(RATE_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(TABLE))),
                "events": int(whole["events"].sum()),
                "station_hours": None if whole["live_hours"].isna().all() else float(whole["live_hours"].iloc[0]),
                "level": summary["level"],
                "correction": summary["correction"],
                **({"no_rates": summary["no_live_time"]} if summary["no_live_time"] else {}),
                "station_days_left_out": len(summary["left_out"]),
                "classes": table(shown),
                **{name: figure(fig, TITLES[name]) for name, fig in drawn},
            },
        )
        yield warning(CLASS_RATES, "every_event_in_live_time", summary["doubts"])
        swarming = whole[whole["dispersion"] > _SWARMS]
        yield warning(
            CLASS_RATES,
            "intervals_believable",
            [
                f"{name}: hourly counts vary {times:.1f} times as much as those of independent events at one rate"
                for name, times in zip(swarming["class_name"], swarming["dispersion"], strict=True)
            ],
        )
        yield warning(CLASS_RATES, "corrected", [] if summary["corrected"] else [summary["correction"]])

    return class_rates
