"""Choosing and trusting clusters: criteria for their number, and how stable they are."""

import math
from typing import Any

import dagster as dg
from pydantic import Field

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.champion_model import CHAMPION_MODEL
from ris_dagster.assets.clustering import DEC_MODELS, LATENT_FEATURES, SWEEP
from ris_dagster.assets.training import TRAINING_POOL, TRAINING_SET
from ris_dagster.metadata import code_version, column_schema, owners, picture, table
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking

CLUSTER_COUNT = dg.AssetKey("cluster_count")
STABILITY = dg.AssetKey("stability")


def build_choosing_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that help to choose the number of clusters and to judge them."""
    return [_cluster_count(settings), _stability(settings)]


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
        from ris_core.clustering.dec_models import read_latents
        from ris_core.figures.cluster_criteria import cluster_count_curves
        from ris_core.training.floors import live_latents

        opened = store.open()
        z, stamp = read_latents(opened)
        chosen = settings.cluster_count
        configuration = criteria_configuration(opened)
        parent = tracking.parent(SWEEP, stamp.settings)
        with tracking.run(context, "cluster_count", configuration, parent) as run:
            run.parameters(chosen.model_dump())
            criteria = criteria_over_k(z, chosen)
            names = suggested(criteria)
            for k, row in criteria.iterrows():
                run.metrics({str(n): float(v) for n, v in row.items()}, step=int(str(k)))
            run.metrics({f"suggested_k_{n}": float(k) for n, k in names.items() if k is not None})
            run.text(criteria.to_csv(), "cluster_count.csv")
            run.figure(cluster_count_curves(criteria.reset_index(), names), "cluster_count")
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
                "curves": picture(run.pictures["cluster_count"], "Criteria over K"),
            },
            data_version=dg.DataVersion(configuration),
        )

    return cluster_count


class StabilityChoice(dg.Config):
    """Which model is looked at."""

    k: int | None = Field(None, description="K of the DEC; none: stability.k, else the champion's, else the first.")


def _stability(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="stability",
        group_name="cluster",
        kinds={"torch", "mlflow", "parquet"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="How far the clusters can be trusted: the DEC trained with several seeds and their consensus, what "
        "labels go with (station, amplitude, hour), trainings without a station, and windows without events.",
        deps=[DEC_MODELS, CHAMPION_MODEL, TRAINING_SET],
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
    def stability(
        context: dg.AssetExecutionContext, config: StabilityChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        from ris_core.clustering.assessment import SCHEMA, TABLE, assess_dec, assessed_k, stability_configuration
        from ris_core.clustering.dec_models import now, read_dec
        from ris_core.clustering.stability import judge
        from ris_core.training import training_set as sampling

        opened = store.open()
        k = assessed_k(opened) if config.k is None else config.k
        configuration = stability_configuration(opened, k)
        data = sampling.load(opened, settings.training_set, settings.normalisation)
        parent = tracking.parent(SWEEP, now(opened)[0])
        dec = read_dec(opened, k)
        parameters = {"k": k, "dec": dec and dec["digest"], **settings.stability.model_dump(exclude={"k"})}
        with tracking.run(context, f"stability k={k}", configuration, parent, settings.dec.device) as run:
            run.parameters(parameters)

            def log(number: int, name: str, ari: float) -> None:
                context.log.info(f"{name}: ARI {ari:.2f} with the model")
                run.metrics({"ari_with_model": ari}, step=number)

            found = assess_dec(opened, data, k, configuration, log)
            verdict = judge(found, settings)
            metrics = found.metrics()
            run.metrics(metrics)
            run.tags({"agrees_over_seeds": str(verdict.passed).lower()})
            figures = _figures(found)
            for name, (_, drawn) in figures.items():
                run.figure(drawn, name)
            run.text(found.associations.to_csv(index=False), "associations.csv")
            run.text(found.stations.to_csv(index=False), "without_a_station.csv")
            run.text(found.noise.by_label.to_csv(), "noise_by_label.csv")
        for name, reason in found.failed.items():
            context.log.warning(f"{name} came to nothing and is left out: {reason}")
        for reason in verdict.reasons:
            context.log.warning(reason)
        yield dg.MaterializeResult(
            metadata={
                "k": k,
                **{name: value for name, value in metrics.items() if math.isfinite(value)},
                "dagster/row_count": len(data),
                "dagster/column_schema": column_schema(SCHEMA),
                "failed": found.failed,
                "by_label": table(found.by_label.reset_index()),
                "associations": table(found.associations),
                "amplitude_of": found.amplitude_of or "no amplitude is known",
                "without_a_station": table(found.stations),
                "noise_windows": found.noise.without or found.noise.windows,
                "noise": table(found.noise.by_label.reset_index()),
                "path": dg.MetadataValue.path(opened.relative(opened.analysis(TABLE))),
                "mlflow": dg.MetadataValue.url(run.url),
                **{title: picture(run.pictures[name], title) for name, (title, _) in figures.items()},
            },
            data_version=dg.DataVersion(configuration),
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


def _figures(found: Any) -> dict[str, tuple[str, Any]]:
    """Return the figures of an assessment by name, with their titles."""
    from ris_core.figures.cluster_criteria import agreement, ari_matrix, associations

    return {
        "ari": ("Agreement of trainings", ari_matrix(found.ari, list(found.names))),
        "agreement": ("Agreement with the consensus", agreement(found.consensus.agreement, found.by_label)),
        "associations": ("What the labels go with", associations(found.associations)),
    }
