"""Choosing and trusting clusters: criteria for their number, and how stable they are."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.clustering import LATENT_FEATURES, SWEEP
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.metadata import code_version, figure, owners, table
from ris_dagster.resources.store import DataStore
from ris_dagster.resources.tracking import Tracking

CLUSTER_COUNT = dg.AssetKey("cluster_count")


def build_choosing_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that help to choose the number of clusters and to judge them."""
    return [_cluster_count(settings)]


def _cluster_count(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="cluster_count",
        group_name="cluster",
        kinds={"scikitlearn", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="Criteria for the number of clusters over K: k-means inertia, silhouette, gap statistic, BIC and "
        "AIC of the GMM, stability over bootstraps; and the K that each of them names.",
        deps=[LATENT_FEATURES],
        code_version=code_version(versions.CLUSTER_COUNT, settings.cluster_count.digest()),
        pool=TRAINING_POOL,
    )
    def cluster_count(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.cluster_count import cluster_count as criteria_over_k
        from ris_core.clustering.cluster_count import criteria_configuration, suggested, write_criteria
        from ris_core.clustering.stage import read_latents
        from ris_core.figures.choosing import cluster_count_curves
        from ris_core.training.floors import live_latents

        opened = store.open()
        z, stamp = read_latents(opened)
        chosen = settings.cluster_count
        configuration = criteria_configuration(opened)
        parent = tracking.parent(SWEEP, stamp.settings)
        with tracking.run(context, "cluster_count", configuration, chosen.model_dump(), parent) as run:
            criteria = criteria_over_k(z, chosen)
            names = suggested(criteria)
            shown = cluster_count_curves(criteria.reset_index(), names)
            for k, row in criteria.iterrows():
                run.metrics({str(n): float(v) for n, v in row.items()}, step=int(str(k)))
            run.metrics({f"suggested_k_{n}": float(k) for n, k in names.items() if k is not None})
            run.text(criteria.to_csv(), "cluster_count.csv")
            run.figure(shown, "cluster_count")
            write_criteria(opened, criteria)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(criteria),
                "suggested_k": dict(names),
                "sample": int(criteria["sample"].iloc[0]),
                "live_latents": live_latents(z),
                "reg_covar": float(criteria["reg_covar"].iloc[0]),
                "criteria": table(criteria.reset_index()),
                "path": dg.MetadataValue.path(opened.relative(opened.cluster_count)),
                "mlflow": dg.MetadataValue.url(run.url),
                "curves": figure(shown, "Criteria over K"),
            },
            data_version=dg.DataVersion(configuration),
        )

    return cluster_count
