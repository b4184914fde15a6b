"""What there is, and how good it is: availability of station-days; scores of a synthetic network against its truth."""

from typing import Any

import dagster as dg

from ris_core.config import Settings, SyntheticSettings
from ris_dagster.assets.labels import LABEL_TABLES
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS
from ris_dagster.assets.station_day_events import SPECTROGRAMS
from ris_dagster.metadata import figure, finite, owners, presented, table
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

_LISTED = 40


def build_analysis_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets of the analysis; the scores against truth exist for a synthetic network only."""
    assets = [_availability(settings)]
    if isinstance(settings.source, SyntheticSettings):
        assets.append(_truth_scores(settings))
    return assets


def _availability(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="availability",
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Stations x days: coverage, no data, damaged, failed, not yet, events, live time, out of date.",
        deps=[RAW_WAVEFORMS, SPECTROGRAMS],
        code_version="1",
    )
    @presented("availability")
    def availability(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.figures.network_overview import availability as draw
        from ris_core.station_days.state import state_table, states_of
        from ris_core.storage.atomic import replacing

        layout = store.layout()
        states = state_table(states_of(store.station_days()))
        path = layout.analysis("availability.parquet")
        with replacing(path) as temporary:
            states.to_parquet(temporary)
        failed = states[states["failed_stage"] != ""][
            ["station", "day", "failed_stage", "error", "attempts", "given_up"]
        ]
        damaged = states[states["damaged"] != ""][["station", "day", "damaged"]]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(states),
                "states": {str(n): int(c) for n, c in states["state"].value_counts().items()},
                "events": int(states["events"].sum()),
                "live_hours": round(float(states["live_seconds"].sum()) / 3600, 2),
                "outdated": int((states["outdated"] != "").sum()),
                "given_up": int(states["given_up"].sum()),
                "path": dg.MetadataValue.path(layout.relative(path)),
                "availability": figure(draw(states), "Availability"),
                **({"failed": table(failed.head(_LISTED))} if len(failed) else {}),
                **({"damaged": table(damaged.head(_LISTED))} if len(damaged) else {}),
            }
        )

    return availability


def _truth_scores(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="truth_scores",
        group_name="analysis",
        kinds={"scikitlearn"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="The synthetic network's products against its truth: detection by SNR, clustering given detection "
        "(hand-made features with k-means, initial clusters, every candidate, the class model), end to end by family, "
        "sources of several stations. "
        "With a class model also on the events that are apart from all reviewed ones.",
        deps=[LABEL_TABLES],
        code_version="3",
    )
    @presented("recall_curve")
    @noting_remedies
    def truth_scores(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        import pandas as pd

        from ris_core.figures.network_overview import detection_recall
        from ris_core.truth.score_file import FILE, write_scores
        from ris_core.truth.truth_scores import score

        layout = store.layout()
        found = score(store.station_days())
        detection = found.detection
        path = layout.analysis(FILE)
        write_scores(path, found)
        by_snr = detection.by_snr.rename(columns={"snr_low": "snr", "events": "n"})
        return dg.MaterializeResult(
            metadata={
                "station_days": found.station_days,
                "left_out_as_damaged": list(found.damaged),
                "recall": finite(detection.recall),
                "precision": finite(detection.precision),
                "by_snr": table(detection.by_snr),
                "clustering": table(found.clustering),
                "class_recall": table(found.recall),
                "end_to_end": table(found.end_to_end),
                **({"end_to_end_beside": table(found.beside)} if len(found.beside) else {}),
                **({"note": found.note} if found.note else {}),
                "sources": table(pd.DataFrame([found.sources.as_dict()])),
                "classes": {str(cluster): name for cluster, name in found.classes.items()},
                "path": dg.MetadataValue.path(layout.relative(path)),
                "recall_curve": figure(detection_recall(by_snr), "Recall by SNR"),
            }
        )

    return truth_scores
