"""The champion: the model that labels."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.storage.layout import Layout
from ris_dagster.assets.candidates import candidate_keys
from ris_dagster.assets.champion_choice import ChampionChoice, prepare_choice
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.metadata import code_version, figure, finite, finite_values, owners, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.champion_registry import MlflowChampions
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking

if TYPE_CHECKING:
    from ris_core.labels.appointment import Appointment

CHAMPION_MODEL = dg.AssetKey("champion_model")
_COMPARED = ("silhouette", "silhouette_aec", "silhouette_dec", "davies_bouldin", "smallest_cluster", "updates")
_CHECKS = {
    "autoencoder": ("aec_trials", "better_than_mean_spectrogram"),
    "clusters": ("dec_models", "no_empty_clusters"),
}
"""The asset checks that a model must pass."""
_FIGURES = {
    "classes": "Classes: decoded centroid, mean, events from near to far",
    "latent_space": "Latent space by class",
    "class_change": "Classes of the previous champion and the new one",
}
"""Titles of the figures, by name."""


def build_champion_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the model that labels."""

    @dg.asset(
        name="champion_model",
        group_name="cluster",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="The DEC model that labels: champion.k of the settings, else the accepted K with the best "
        "data-space silhouette, or the model that the launchpad names: another K, a version in MLflow, an imported "
        "model. Clusters that hold the same events keep the class numbers of the previous champion. The model must "
        "pass the checks better_than_mean_spectrogram of aec_trials and no_empty_clusters of dec_models. It is "
        "registered in MLflow with the alias 'champion'; the previous one has the alias 'former_champion'.",
        deps=candidate_keys(settings),
        code_version=code_version(versions.CHAMPION, settings.champion_digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "separated_settled_and_named",
                asset=CHAMPION_MODEL,
                description="The result of separated_and_settled of dec_models for the model that labels now, and "
                "whether every number in champion.names belongs to a class. It only warns.",
            )
        ],
    )
    @noting_remedies
    def champion_model(
        context: dg.AssetExecutionContext, config: ChampionChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        from ris_core.labels.champion_run import install

        layout = store.layout()
        experiment = tracking.prepare()
        found = prepare_choice(context, config, settings, layout, tracking)
        registry = MlflowChampions(tracking, settings, layout, context.log.warning)
        installed = install(store.station_days().process, found, settings, registry)
        champion, run_id = installed.champion, installed.champion.mlflow_run_id
        for line in (found.novelty.note, *installed.doubts):
            if line:
                context.log.warning(line)
        yield dg.MaterializeResult(
            metadata={
                "k": champion.k,
                "model_version": champion.model_version,
                "origin": champion.origin,
                "registered_models": {name: f"version {v}" for name, v in champion.mlflow_versions.items()},
                **_described(layout, settings, found),
                **finite_values(installed.held_out),
                "path": dg.MetadataValue.path(layout.relative(layout.champion_model(champion.model_version))),
                **({"mlflow": dg.MetadataValue.url(tracking.url(experiment, run_id))} if run_id else {}),
                **_pictures(layout, settings, found),
            },
            data_version=dg.DataVersion(f"{champion.model_version}-{champion.digest}"),
        )
        yield warning(CHAMPION_MODEL, "separated_settled_and_named", installed.doubts)

    return champion_model


def _described(layout: Layout, settings: Settings, found: "Appointment") -> dict[str, Any]:
    import pandas as pd

    from ris_core.clustering.model_states import candidate_states

    novelty, former = found.novelty, found.champion.former
    models = candidate_states(layout, found.model.name, settings.dec, settings.normalisation)
    rows = [
        {"k": k, "accepted": model.accepted, **{name: model.metrics.get(name) for name in _COMPARED}}
        for k, model in models.items()
        if model.is_there
    ]
    checks = [
        {
            "asset": _CHECKS[one.of][0],
            "check": _CHECKS[one.of][1],
            "partition": one.name,
            "passed": "not asked" if one.passed is None else one.passed,
            "reasons": one.reasons,
        }
        for one in found.requirements
    ]
    return {
        "classes": table(found.table(settings.champion)),
        "lost_classes": list(found.matching.lost),
        "former_champion": former.model_version if former is not None else None,
        "required_checks": table(pd.DataFrame(checks)),
        "candidates": table(pd.DataFrame(rows, columns=["k", "accepted", *_COMPARED])),
        "no_candidates": {str(k): model.why for k, model in models.items() if model.why},
        "novelty": {
            "score": novelty.score,
            "threshold": finite(novelty.threshold),
            "false_alarms": novelty.false_alarms,
            "held_out_events": novelty.held_out,
            "note": novelty.note,
            "calibration": found.calibration_note,
            "calibrated_on_unseen": found.same_training_set,
        },
    }


def _pictures(layout: Layout, settings: Settings, found: "Appointment") -> dict[str, Any]:
    from ris_core.labels.champion_figures import champion_figures

    drawn = champion_figures(layout, found, settings.champion)
    return {f"figure_{name}": figure(one, _FIGURES[name]) for name, one in drawn}
