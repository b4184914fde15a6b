"""Latents, initial clusters, and DEC models."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings, require_decoder_for_novelty
from ris_core.contracts.candidate_name import AEC_DEC
from ris_dagster import hyperparameters
from ris_dagster.assets.training import AEC_WEIGHTS, TRAINING_POOL, TRAINING_SET, TRIALS_POOL
from ris_dagster.links import to_mlflow_run
from ris_dagster.metadata import code_version, column_schema, figure, finite_values, owners, presented, table, warning
from ris_dagster.partitions import Partitions
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import candidate_tags, tracked_asset

LATENT_FEATURES = dg.AssetKey("latent_features")
GMM_CLUSTERS = dg.AssetKey("gmm_clusters")
DEC_MODELS = dg.AssetKey("dec_models")
SWEEP = "dec_models"
_FIGURES = {
    "history": "Course of the training",
    "label_change": "Labels before and after",
    "clusters": "Clusters: decoded centroid, mean, events from near to far",
    "latent_space": "Latent space, principal components",
    "t_sne": "Latent space, t-SNE",
    "silhouettes": "Silhouettes",
    "distances": "Distance of events to their own centroid",
    "distance_change": "Distance to the own centroid before DEC and after it",
}
"""Titles of the figures of a DEC, by name."""


def build_clustering_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "train" from the latents to the DEC models, as far as candidates need them."""
    return [
        *([_latent_features(settings)] if settings.has_autoencoder else []),
        *([_gmm_clusters(settings, partitions), _dec_models(settings, partitions)] if settings.has_dec else []),
    ]


def _latent_features(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="latent_features",
        group_name="cluster",
        kinds={"torch", "parquet"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="The nine latents of every event of the training set, by the chosen autoencoder.",
        deps=[AEC_WEIGHTS, TRAINING_SET],
        code_version=versions.LATENTS,
    )
    @presented("latent_space")
    @noting_remedies
    def latent_features(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.latents import LATENT_SCHEMA, make_latents
        from ris_core.figures.embedding import tsne_space
        from ris_core.figures.latent_space import latent_space
        from ris_core.training import training_set as sampling
        from ris_core.training.floors import live_latents

        layout = store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        latents = make_latents(layout, data)
        z, inputs = latents.z, latents.inputs
        sweep = tracking.parent(SWEEP, inputs.representation)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(z),
                "dagster/column_schema": column_schema(LATENT_SCHEMA),
                "live_latents": live_latents(z),
                "aec": inputs.representation,
                "path": dg.MetadataValue.path(layout.relative(layout.latent_features)),
                "mlflow_sweep": dg.MetadataValue.url(to_mlflow_run(tracking.prepare(), sweep)),
                "latent_space": figure(latent_space(z), "Latent space"),
                "t_sne": figure(tsne_space(z), "Latent space, t-SNE"),
            },
            data_version=dg.DataVersion(f"{inputs.representation}-{inputs.training_set}"),
        )

    return latent_features


def _gmm_clusters(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    InitialClusters: Any = hyperparameters.gmm_config(settings)  # noqa: N806 - it is a class

    @dg.asset(
        name="gmm_clusters",
        group_name="cluster",
        kinds={"scikitlearn", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="Initial clusters for each K in the latents: a Gaussian mixture started from k-means (or k-means, "
        "or random, as the settings say).",
        partitions_def=partitions.cluster_counts,
        deps=[LATENT_FEATURES, TRAINING_SET],
        code_version=code_version(versions.GMM, settings.initial_clusters_digest()),
        pool=TRAINING_POOL,
    )
    @presented("latent_space")
    @noting_remedies
    def gmm_clusters(
        context: dg.AssetExecutionContext, config: InitialClusters, store: DataStore, tracking: Tracking
    ) -> Any:
        dec = hyperparameters.override(settings.dec, config)

        from ris_core.clustering.clusters_run import run_clusters
        from ris_core.clustering.initial_clusters import clusters_configuration
        from ris_core.clustering.latents import read_latents
        from ris_core.section import digest_of
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters

        k = int(context.partition_key)
        layout = store.layout()
        latents = read_latents(layout, settings.normalisation)
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        about = data_parameters(settings.profile, settings.training_set, data)
        configuration = digest_of([k, clusters_configuration(latents.inputs, dec)])
        made = tracked_asset(
            context,
            tracking,
            lambda log: run_clusters(layout, data, latents, k, dec, settings.cluster_count, about, log),
            name=f"aec/initial/k={k}",
            configuration=configuration,
            compared=(SWEEP, latents.inputs.representation),
        )
        found = made.result
        return made.materialize_result(
            layout,
            layout.initial_clusters(k),
            configuration,
            {
                **finite_values(found.metrics),
                "sizes": {str(label): size for label, size in enumerate(found.clusters.start.sizes)},
                "latent_space": made.picture("latent_space", "Latent space with initial clusters"),
                "classes": table(found.scores.classes.reset_index()),
            },
        )

    return gmm_clusters


def _dec_models(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    DecTraining: Any = hyperparameters.dec_config(settings)  # noqa: N806 - it is a class

    @dg.asset(
        name="dec_models",
        group_name="cluster",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="Deep embedded clustering for each K: autoencoder and centroids trained together.",
        partitions_def=partitions.cluster_counts,
        deps=[GMM_CLUSTERS, AEC_WEIGHTS, TRAINING_SET],
        code_version=code_version(versions.DEC, settings.dec_digest()),
        pool=TRIALS_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "no_empty_clusters",
                asset=DEC_MODELS,
                description="Every cluster holds a sufficient share of the training set, and no two have merged: "
                "the minimum condition for a model that may label. It does not say how good the "
                "classes are.",
                partitions_def=partitions.cluster_counts,
            ),
            dg.AssetCheckSpec(
                "separated_and_settled",
                asset=DEC_MODELS,
                description="The silhouette in data space is above 0, the labels have settled within dec.tolerance, "
                "and no class is mostly of one station. It only warns.",
                partitions_def=partitions.cluster_counts,
            ),
        ],
    )
    @presented("clusters")
    @noting_remedies
    def dec_models(context: dg.AssetExecutionContext, config: DecTraining, store: DataStore, tracking: Tracking) -> Any:
        dec = hyperparameters.override(settings.dec, config)
        require_decoder_for_novelty(settings.novelty, dec)

        from ris_core.clustering.dec_models import dec_configuration
        from ris_core.clustering.dec_run import run_dec
        from ris_core.clustering.trained_dec import read_start
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters

        k = int(context.partition_key)
        layout = store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        about = data_parameters(settings.profile, settings.training_set, data)
        start = read_start(layout, k, settings.normalisation)
        made = tracked_asset(
            context,
            tracking,
            lambda log: run_dec(layout, data, start, dec, settings.cluster_count, about, log),
            name=AEC_DEC.with_k(k),
            configuration=dec_configuration(start.clusters, dec),
            compared=(SWEEP, start.clusters.inputs.representation),
            device=dec.device,
            tags=candidate_tags(AEC_DEC, k),
        )
        trained, kept = made.result.trained, made.result.kept
        sizes = {str(label): size for label, size in enumerate(kept.record.sizes)}
        # A metric and a figure are both called label_change.
        pictures = {f"{name}_figure" if name in trained.metrics else name: name for name in made.run.pictures}
        for reason in trained.acceptance.reasons:
            context.log.warning(reason)
        yield made.materialize_result(
            layout,
            layout.dec(k),
            kept.digest,
            {
                **finite_values(trained.metrics),
                "sizes": sizes,
                "stopped": trained.result.stopped,
                "weights": kept.digest,
                "classes": table(trained.classes.reset_index()),
                **{key: made.picture(name, _FIGURES[name]) for key, name in pictures.items()},
            },
        )
        yield dg.AssetCheckResult(
            passed=trained.acceptance.passed,
            asset_key=DEC_MODELS,
            check_name="no_empty_clusters",
            description="; ".join(trained.acceptance.reasons) or None,
            metadata={"sizes": sizes},
        )
        yield warning(DEC_MODELS, "separated_and_settled", kept.record.doubts(dec))

    return dec_models
