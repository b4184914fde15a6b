"""Latents, initial clusters, and DEC models."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings, require_decoder_for_novelty
from ris_dagster import hyperparameters
from ris_dagster.assets.training import AEC_WEIGHTS, TRAINING_POOL, TRAINING_SET, TRIALS_POOL
from ris_dagster.metadata import code_version, column_schema, figure, finite_values, owners, picture, table, warning
from ris_dagster.partitions import Partitions
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking

LATENT_FEATURES = dg.AssetKey("latent_features")
GMM_CLUSTERS = dg.AssetKey("gmm_clusters")
DEC_MODELS = dg.AssetKey("dec_models")
SWEEP = "dec_models"
_CURVES = ("kl", "loss", "label_change", "entropy", "cluster_entropy")


def build_clustering_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "train" from the latents to the DEC models."""
    return [
        _latent_features(settings),
        _gmm_clusters(settings, partitions),
        _dec_models(settings, partitions),
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
    def latent_features(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.dec_models import LATENT_SCHEMA, write_latents
        from ris_core.figures.embedding import tsne_space
        from ris_core.figures.latent_space import latent_space
        from ris_core.training import training_set as sampling
        from ris_core.training.floors import live_latents
        from ris_core.training.trials import chosen_aec

        opened = store.open()
        data = sampling.load(opened, settings.training_set, settings.normalisation)
        model, choice = chosen_aec(opened)
        z = write_latents(opened, data, model, choice["digest"])
        sweep = tracking.parent(SWEEP, choice["digest"])
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(z),
                "dagster/column_schema": column_schema(LATENT_SCHEMA),
                "live_latents": live_latents(z),
                "aec": choice["digest"],
                "path": dg.MetadataValue.path(opened.relative(opened.latent_features)),
                "mlflow_sweep": dg.MetadataValue.url(tracking.url(tracking.prepare(), sweep)),
                "latent_space": figure(latent_space(z), "Latent space"),
                "t_sne": figure(tsne_space(z), "Latent space, t-SNE"),
            },
            data_version=dg.DataVersion(f"{choice['digest']}-{data.digest}"),
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
    def gmm_clusters(
        context: dg.AssetExecutionContext, config: InitialClusters, store: DataStore, tracking: Tracking
    ) -> Any:
        chosen = hyperparameters.override(settings.dec, config)

        from ris_core.clustering.dec_models import clusters_configuration, make_clusters, read_latents, score_labels
        from ris_core.figures.latent_space import latent_space
        from ris_core.section import digest_of
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters, log_training_set

        k = int(context.partition_key)
        opened = store.open()
        z, stamp = read_latents(opened)
        data = sampling.load(opened, settings.training_set, settings.normalisation)
        parameters = {
            "k": k,
            "aec": stamp.settings,
            **hyperparameters.values(config),
            **data_parameters(settings.profile, settings.training_set, data),
        }
        configuration = digest_of([k, clusters_configuration(opened, chosen)])
        parent = tracking.parent(SWEEP, stamp.settings)
        with tracking.run(context, f"{chosen.initialisation} k={k}", configuration, parent) as run:
            run.parameters(parameters)
            log_training_set(run, opened.training_set, data)
            clusters = make_clusters(opened, k, chosen)
            scores, classes = score_labels(opened, data, z, clusters.labels, k)
            metrics = {"inertia": clusters.inertia, **scores}
            sizes = {f"size_{label}": float(size) for label, size in enumerate(clusters.sizes)}
            run.metrics(metrics | sizes)
            run.text(classes.to_csv(), "classes.csv")
            run.figure(latent_space(z, clusters.labels), "latent_space")
        return dg.MaterializeResult(
            metadata={
                **finite_values(metrics),
                "sizes": {str(label): size for label, size in enumerate(clusters.sizes)},
                "path": dg.MetadataValue.path(opened.relative(opened.gmm(k))),
                "mlflow": dg.MetadataValue.url(run.url),
                "latent_space": picture(run.pictures["latent_space"], "Latent space with initial clusters"),
                "classes": table(classes.reset_index()),
            },
            data_version=dg.DataVersion(configuration),
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
                description="Every cluster holds a sufficient share of the training set, and no two have fallen "
                "together: the least that is asked of a model before it may label. It says nothing of how good the "
                "classes are.",
                partitions_def=partitions.cluster_counts,
            ),
            dg.AssetCheckSpec(
                "separated_and_settled",
                asset=DEC_MODELS,
                description="The silhouette in data space is above 0, the labels have settled within dec.tolerance, "
                "and no class is mostly of one station. Warns only.",
                partitions_def=partitions.cluster_counts,
            ),
        ],
    )
    def dec_models(context: dg.AssetExecutionContext, config: DecTraining, store: DataStore, tracking: Tracking) -> Any:
        chosen = hyperparameters.override(settings.dec, config)
        require_decoder_for_novelty(settings.novelty, chosen)

        import pandas as pd

        from ris_core.clustering.dec_models import dec_configuration, read_clusters, save_dec, train_k
        from ris_core.models.weights import read_description
        from ris_core.training import training_set as sampling
        from ris_core.training.checkpoint import Checkpoint
        from ris_core.training.doubts import dec_doubts
        from ris_core.training.logged_data import data_parameters, log_training_set
        from ris_core.training.trials import chosen_aec
        from ris_dagster.assets.dec_figures import FIGURES, dec_figures

        k = int(context.partition_key)
        opened = store.open()
        data = sampling.load(opened, settings.training_set, settings.normalisation)
        aec, choice = chosen_aec(opened)
        configuration = dec_configuration(opened, k, chosen)
        checkpoint = Checkpoint(opened.dec(k), configuration)
        clusters = read_clusters(opened, k)[2]
        parameters = {
            "k": k,
            "initialisation": clusters["method"],
            "aec": choice["digest"],
            **chosen.training_values(),
            **data_parameters(settings.profile, settings.training_set, data),
        }
        parent = tracking.parent(SWEEP, choice["digest"])
        with tracking.run(context, f"dec k={k}", configuration, parent, chosen.device) as run:
            run.parameters(parameters)
            log_training_set(run, opened.training_set, data)
            trained = train_k(
                opened,
                data,
                aec,
                k,
                chosen,
                # The error of a step is the training error by another name; runs are compared by name.
                on_update=lambda update, row: run.metrics(
                    {"step_mse" if n == "mse" else n: v for n, v in row.items() if n != "update"}, step=update
                ),
                checkpoint=checkpoint,
            )
            last = len(trained.result.updates)
            run.metrics({n: v for n, v in trained.metrics.items() if n not in _CURVES}, step=last)
            run.tags({"accepted": str(trained.acceptance.passed).lower()})
            run.text(pd.DataFrame(trained.result.updates).to_csv(index=False), "updates.csv")
            run.text(trained.change.to_csv(), "label_change.csv")
            run.text(trained.classes.to_csv(), "classes.csv")
            drawn = dec_figures(data, trained, clusters["method"], chosen.tolerance)
            for name, one in drawn:
                run.figure(one, name)
            digest = save_dec(opened, trained, data.normalisation, configuration, run.links)
            checkpoint.clear()
        for reason in trained.acceptance.reasons:
            context.log.warning(reason)
        yield dg.MaterializeResult(
            metadata={
                **finite_values(trained.metrics),
                "sizes": {str(label): size for label, size in enumerate(trained.result.sizes)},
                "stopped": trained.result.stopped,
                "weights": digest,
                "path": dg.MetadataValue.path(opened.relative(opened.dec(k))),
                "mlflow": dg.MetadataValue.url(run.url),
                "classes": table(trained.classes.reset_index()),
                **{name: picture(png, FIGURES[name]) for name, png in run.pictures.items()},
            },
            data_version=dg.DataVersion(digest),
        )
        yield dg.AssetCheckResult(
            passed=trained.acceptance.passed,
            asset_key=DEC_MODELS,
            check_name="no_empty_clusters",
            description="; ".join(trained.acceptance.reasons) or None,
            metadata={"sizes": {str(label): size for label, size in enumerate(trained.result.sizes)}},
        )
        yield warning(
            DEC_MODELS, "separated_and_settled", dec_doubts(read_description(opened.dec(k))["metadata"], chosen)
        )

    return dec_models
