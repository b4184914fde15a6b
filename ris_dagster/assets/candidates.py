"""Candidates beside deep embedded clustering: representations that are fitted, and clusterers in them for each K."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_dagster.assets.clustering import DEC_MODELS, LATENT_FEATURES
from ris_dagster.assets.training import AEC_WEIGHTS, TRAINING_POOL, TRAINING_SET, TRIALS_POOL
from ris_dagster.metadata import code_version, finite_values, owners, presented, table, warning
from ris_dagster.partitions import Partitions
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import candidate_tags, tracked_asset

SWEEP = "candidates"
_FIGURES = {
    "clusters": "Clusters: decoded centroid where there is one, mean, events from near to far",
    "spectra": "Spectra of the centroids, dB above the noise",
    "latent_space": "Features, principal components",
    "t_sne": "Features, t-SNE",
    "silhouettes": "Silhouettes",
    "distances": "Distance of events to their own centroid",
    "lifetimes": "Lifetime of each number of clusters in the tree of the consensus",
}
"""Titles of the figures of a candidate or a representation, by name."""


def representation_key(name: str) -> dg.AssetKey:
    """Return the key of the asset of a representation other than the autoencoder."""
    return dg.AssetKey(["representations", name])


def candidate_key(candidate: CandidateName) -> dg.AssetKey:
    """Return the key of the asset that trains a candidate for each K."""
    if candidate == AEC_DEC:
        return DEC_MODELS
    return dg.AssetKey(["candidates", candidate.representation, candidate.clusterer])


def candidate_keys(settings: Settings) -> list[dg.AssetKey]:
    """Return the keys of the assets of all candidates."""
    return [candidate_key(candidate) for candidate in settings.candidate_names]


def build_candidate_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of representations other than the autoencoder, and of candidates other than aec/dec."""
    return [
        *(_representation(settings, name) for name in settings.fitted_representations),
        *(_candidate(settings, partitions, name) for name in settings.candidate_names if name != AEC_DEC),
    ]


def _representation(settings: Settings, name: str) -> dg.AssetsDefinition:
    key = representation_key(name)

    @dg.asset(
        key=key,
        group_name="train",
        kinds={"mlflow", "parquet"},
        owners=owners(settings),
        tags={"stage": "train"},
        description=f"The representation {name}, fitted to the training split, and its features of every event of the "
        "training set.",
        deps=[TRAINING_SET],
        code_version=code_version(versions.REPRESENTATION, settings.representation_digest(name)),
        pool=TRAINING_POOL,
    )
    @presented()
    @noting_remedies
    def representation(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.representation_run import fit_representation
        from ris_core.representations.fitted import fitted_configuration
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters

        layout = store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        about = data_parameters(settings.profile, settings.training_set, data)
        made = tracked_asset(
            context,
            tracking,
            lambda log: fit_representation(layout, data, name, settings, about, log),
            name=name,
            configuration=fitted_configuration(layout, name, settings, data.digest),
            compared=(SWEEP, data.digest),
            tags={"ris.representation": name},
        )
        record = made.result.record
        return made.materialize_result(
            layout,
            layout.representation(name),
            record.digest,
            {
                "dagster/row_count": len(data),
                **finite_values({key: value for key, value in record.metrics.items() if value is not None}),
                "features": dg.MetadataValue.path(layout.relative(layout.features(name))),
                **{shown: made.picture(shown, _FIGURES.get(shown, shown)) for shown in made.run.pictures},
            },
        )

    return representation


def _candidate(settings: Settings, partitions: Partitions, name: CandidateName) -> dg.AssetsDefinition:
    key = candidate_key(name)
    of_autoencoder = name.representation == AEC_DEC.representation
    settings_digest = settings.candidate_digest(name, settings.dec)

    @dg.asset(
        key=key,
        group_name="cluster",
        kinds={"mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description=f"The candidate {name} for each K: clusters by {name.clusterer} of the features by "
        f"{'the chosen autoencoder' if of_autoencoder else name.representation}.",
        partitions_def=partitions.candidates[name],
        deps=[
            *([AEC_WEIGHTS, LATENT_FEATURES] if of_autoencoder else [representation_key(name.representation)]),
            TRAINING_SET,
        ],
        code_version=code_version(versions.CANDIDATE, settings_digest),
        pool=TRIALS_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "no_empty_clusters",
                asset=key,
                description="Every cluster holds a sufficient share of the training set, and no two have merged: "
                "the minimum condition for a model that may label. It does not say how good the classes are.",
                partitions_def=partitions.candidates[name],
            ),
            dg.AssetCheckSpec(
                "separated",
                asset=key,
                description="The silhouette in data space is above 0, and no class is mostly of one station. It only "
                "warns.",
                partitions_def=partitions.candidates[name],
            ),
        ],
    )
    @presented("clusters")
    @noting_remedies
    def candidate(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.candidate_models import candidate_configuration
        from ris_core.clustering.candidate_run import train_candidate
        from ris_core.clustering.features import read_features
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters

        k, layout = int(context.partition_key), store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        about = data_parameters(settings.profile, settings.training_set, data)
        latents = read_features(layout, name.representation, settings.normalisation)
        made = tracked_asset(
            context,
            tracking,
            lambda log: train_candidate(
                layout, data, latents, name, k, settings, settings.dec, settings.cluster_count, about, log
            ),
            name=name.with_k(k),
            configuration=candidate_configuration(latents.inputs, name, k, settings, settings.dec.seed),
            compared=(SWEEP, data.digest),
            tags=candidate_tags(name, k),
        )
        found = made.result
        record = found.kept.record
        sizes = {str(label): size for label, size in enumerate(record.sizes)}
        for reason in found.acceptance.reasons:
            context.log.warning(reason)
        yield made.materialize_result(
            layout,
            layout.candidate(name, k),
            found.kept.digest,
            {
                **finite_values({called: value for called, value in record.metrics.items() if value is not None}),
                "sizes": sizes,
                "weights": found.kept.digest,
                "classes": table(found.classes.reset_index()),
                **{shown: made.picture(shown, _FIGURES.get(shown, shown)) for shown in made.run.pictures},
            },
        )
        yield dg.AssetCheckResult(
            passed=found.acceptance.passed,
            asset_key=key,
            check_name="no_empty_clusters",
            description="; ".join(found.acceptance.reasons) or None,
            metadata={"sizes": sizes},
        )
        yield warning(key, "separated", record.doubts(settings.dec))

    return candidate
