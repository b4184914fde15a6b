"""The champion: the model that labels."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.storage.store import Store
from ris_dagster.assets.champion_choice import ChampionChoice, prepare_choice, registered_name
from ris_dagster.assets.clustering import DEC_MODELS
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.metadata import code_version, figure, finite, finite_values, owners, table, warning
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS, Tracking

if TYPE_CHECKING:
    from ris_core.clustering.champion import Champion
    from ris_core.labels.appointment import Appointment

CHAMPION_MODEL = dg.AssetKey("champion_model")
_COMPARED = ("silhouette", "silhouette_aec", "silhouette_dec", "davies_bouldin", "smallest_cluster", "updates")


def build_champion_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the model that labels."""

    @dg.asset(
        name="champion_model",
        group_name="cluster",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="The DEC model that labels: champion.k of the settings, else the accepted K of best data-space "
        "silhouette, or what the launchpad names: another K, a version in MLflow, an imported model. Its clusters keep "
        "the class numbers of the champion before where they hold the same events. It must pass the checks "
        "better_than_mean_spectrogram of aec_trials and no_empty_clusters of dec_models. Registered in MLflow with the "
        "alias 'champion'; the one before has the alias 'former_champion'.",
        deps=[DEC_MODELS],
        code_version=code_version(versions.CHAMPION, settings.champion_digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "separated_settled_and_named",
                asset=CHAMPION_MODEL,
                description="What separated_and_settled of dec_models says of the model that labels now, and whether "
                "every number in champion.names is that of a class. Warns only.",
            )
        ],
    )
    def champion_model(
        context: dg.AssetExecutionContext, config: ChampionChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        from ris_core.clustering.champion import appoint
        from ris_core.clustering.standing import champion_doubts
        from ris_core.labels.held_out import held_out_assignment

        opened = store.open()
        experiment = tracking.prepare()
        found = prepare_choice(context, config, opened, tracking)
        champion = _registered(opened, tracking, found)
        run_id = champion.mlflow_run_id
        held_out = held_out_assignment(opened, found)
        if held_out and run_id:
            tracking.add_metrics(run_id, held_out)
        appoint(opened, champion, lambda: move_aliases(context, tracking, champion))
        if found.novelty.note:
            context.log.warning(found.novelty.note)
        doubts = champion_doubts(opened)
        for doubt in doubts:
            context.log.warning(doubt)
        yield dg.MaterializeResult(
            metadata={
                "k": champion.k,
                "model_version": champion.model_version,
                "origin": champion.origin,
                "registered_models": {name: f"version {v}" for name, v in champion.mlflow_versions.items()},
                **_described(opened, found),
                **finite_values(held_out),
                "path": dg.MetadataValue.path(opened.relative(opened.champion_model(champion.model_version))),
                **({"mlflow": dg.MetadataValue.url(tracking.url(experiment, run_id))} if run_id else {}),
                **_pictures(opened, found),
            },
            data_version=dg.DataVersion(f"{champion.model_version}-{champion.digest}"),
        )
        yield warning(CHAMPION_MODEL, "separated_settled_and_named", doubts)

    return champion_model


def _registered(store: Store, tracking: Tracking, found: "Appointment") -> "Champion":
    """Register the packaged model, without an alias, and return the champion with what MLflow says of it."""
    champion, run_id = found.champion, tracking.known_run(found.run_id)
    folder = store.champion_model(champion.model_version)
    registered = tracking.register_packaged(store.settings, store, folder, run_id, found.novelty, champion.classes)
    name = registered_name(store)
    return replace(
        champion,
        mlflow_run_id=run_id,
        mlflow_model=name,
        mlflow_model_version=registered[name],
        mlflow_versions=registered,
    )


def move_aliases(context: dg.AssetExecutionContext, tracking: Tracking, champion: "Champion") -> None:
    """Move the aliases in MLflow: first that of the former champion, so that a version is never without one."""
    former = champion.former.mlflow_versions if champion.former is not None else {}
    for name, version in former.items():
        if version in {found.version for found in tracking.model_versions(name)}:
            tracking.set_alias(name, FORMER_ALIAS, version)
        else:
            context.log.warning(f"{name} version {version}, the former champion, is no longer in MLflow")
    for name, version in champion.mlflow_versions.items():
        tracking.set_alias(name, CHAMPION_ALIAS, version)


def _described(store: Store, found: "Appointment") -> dict[str, Any]:
    import pandas as pd

    from ris_core.clustering.standing import models_standing

    settings, novelty, former = store.settings, found.novelty, found.champion.former
    models = models_standing(store)
    rows = [
        {"k": k, "accepted": model.accepted, **{name: model.metadata["metrics"].get(name) for name in _COMPARED}}
        for k, model in models.items()
        if model.metadata is not None
    ]
    checks = [
        {
            "asset": check.asset,
            "check": check.check,
            "partition": check.partition,
            "passed": "not asked" if check.passed is None else check.passed,
            "reasons": check.reasons,
        }
        for check in found.checks
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


def _pictures(store: Store, found: "Appointment") -> dict[str, Any]:
    from ris_dagster.assets.champion_figures import FIGURES, champion_figures

    return {f"figure_{name}": figure(drawn, FIGURES[name]) for name, drawn in champion_figures(store, found)}
