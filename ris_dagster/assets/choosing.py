"""Choosing and trusting clusters: criteria for their number, and how stable they are."""

import math
from typing import Any

import dagster as dg
from pydantic import Field

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_dagster.assets.candidates import SWEEP as CANDIDATES
from ris_dagster.assets.candidates import candidate_keys, representation_key
from ris_dagster.assets.champion_model import CHAMPION_MODEL
from ris_dagster.assets.clustering import LATENT_FEATURES, SWEEP
from ris_dagster.assets.training import TRAINING_POOL, TRAINING_SET
from ris_dagster.metadata import code_version, column_schema, owners, presented, table
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import tracked_asset

CLUSTER_COUNT = dg.AssetKey("cluster_count")
STABILITY = dg.AssetKey("stability")
_FIGURES = {
    "ari": "Agreement of trainings",
    "agreement": "Agreement with the consensus",
    "associations": "Association of the labels",
}
"""Titles of the figures of an assessment, by name."""


def build_choosing_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that help to choose the number of clusters and to judge them."""
    return [_cluster_count(settings), _stability(settings)]


def _cluster_count(settings: Settings) -> dg.AssetsDefinition:
    name = settings.criteria_representation
    of_autoencoder = name == AEC_DEC.representation

    @dg.asset(
        name="cluster_count",
        group_name="cluster",
        kinds={"scikitlearn", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="Criteria for the number of clusters over K: k-means inertia, silhouette, gap statistic, BIC and "
        "AIC of the GMM, stability over bootstraps; and the K that each of them names.",
        deps=[LATENT_FEATURES if of_autoencoder else representation_key(name)],
        code_version=code_version(versions.CLUSTER_COUNT, settings.criteria_digest()),
        pool=TRAINING_POOL,
    )
    @presented("curves")
    @noting_remedies
    def cluster_count(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.criteria_run import criteria_configuration, run_criteria
        from ris_core.clustering.features import read_features

        layout = store.layout()
        latents = read_features(layout, name, settings.normalisation)
        configuration = criteria_configuration(latents.inputs, settings.cluster_count)
        made = tracked_asset(
            context,
            tracking,
            lambda log: run_criteria(layout, latents, settings.cluster_count, log),
            name="cluster_count",
            configuration=configuration,
            compared=(SWEEP, latents.inputs.representation)
            if of_autoencoder
            else (CANDIDATES, latents.inputs.training_set),
            tags={"ris.representation": name},
        )
        found = made.result
        return made.materialize_result(
            layout,
            layout.cluster_count,
            configuration,
            {
                "dagster/row_count": len(found.table),
                "representation": name,
                "suggested_k": dict(found.suggested),
                "sample": int(found.table["sample"].iloc[0]),
                "live_latents": found.live_latents,
                "reg_covar": float(found.table["reg_covar"].iloc[0]),
                "criteria": table(found.table.reset_index()),
                "curves": made.picture("cluster_count", "Criteria over K"),
            },
        )

    return cluster_count


class StabilityChoice(dg.Config):
    """The model that is assessed."""

    candidate: str | None = Field(
        None, description="REPRESENTATION/CLUSTERER; none: stability.candidate, else the champion's."
    )
    k: int | None = Field(None, description="Its K; none: stability.k, else the champion's, else the first.")


def _stability(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="stability",
        group_name="cluster",
        kinds={"torch", "mlflow", "parquet"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="How far the clusters can be trusted: one model trained with several seeds and their consensus, "
        "associations of labels (station, amplitude, hour), trainings without a station, and windows without events.",
        deps=[*candidate_keys(settings), CHAMPION_MODEL, TRAINING_SET],
        code_version=code_version(versions.STABILITY, settings.stability.digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "agrees_over_seeds",
                asset=STABILITY,
                description="The mean adjusted Rand index over all pairs of trainings reaches stability.least_ari.",
            )
        ],
    )
    @presented("Agreement of trainings")
    @noting_remedies
    def stability(
        context: dg.AssetExecutionContext, config: StabilityChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        from ris_core.clustering.stability_run import TABLE, model_to_assess, run_stability, schema_of
        from ris_core.training import training_set as sampling

        layout = store.layout()
        chosen = model_to_assess(layout, settings, config.candidate, config.k)
        candidate, k = chosen.candidate, chosen.k
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        made = tracked_asset(
            context,
            tracking,
            lambda log: run_stability(store.station_days().process, data, chosen, settings, log),
            name=f"stability {candidate.with_k(k)}",
            configuration=chosen.configuration,
            compared=(SWEEP, chosen.representation) if candidate == AEC_DEC else (CANDIDATES, data.digest),
            device=settings.dec.device,
            tags={"ris.assessed": candidate.with_k(k)},
        )
        found, verdict = made.result.found, made.result.verdict
        metrics = found.metrics()
        for name, reason in found.failed.items():
            context.log.warning(f"{name} failed and is left out: {reason}")
        for reason in verdict.reasons:
            context.log.warning(reason)
        yield made.materialize_result(
            layout,
            layout.analysis(TABLE),
            chosen.configuration,
            {
                "candidate": str(candidate),
                "k": k,
                **{name: value for name, value in metrics.items() if math.isfinite(value)},
                "dagster/row_count": len(data),
                "dagster/column_schema": column_schema(schema_of(candidate)),
                "failed": found.failed,
                "by_label": table(found.by_label.reset_index()),
                "associations": table(found.associations),
                "amplitude_of": found.amplitude_of or "no amplitude is known",
                "without_a_station": table(found.stations),
                "noise_windows": found.noise.without or found.noise.windows,
                "noise": table(found.noise.by_label.reset_index()),
                **{_FIGURES[name]: made.picture(name, _FIGURES[name]) for name in made.run.pictures},
            },
        )
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.WARN,
            asset_key=STABILITY,
            check_name="agrees_over_seeds",
            description="; ".join(verdict.reasons) or None,
            metadata={"mean_ari": metrics["mean_ari"], "smallest_ari": metrics["smallest_ari"]},
        )

    return stability
