"""The champion: the model that labels."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.storage.layout import Layout
from ris_dagster.assets.candidates import candidate_key, candidate_keys
from ris_dagster.assets.champion_choice import ChampionChoice, prepare_choice
from ris_dagster.assets.class_model import CLASS_MODEL, is_trained
from ris_dagster.assets.ranking import CANDIDATES
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.links import to_mlflow_run
from ris_dagster.metadata import code_version, figure, finite, finite_values, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.champion_registry import MlflowChampions
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking

if TYPE_CHECKING:
    from ris_core.clustering.candidates import Requirement
    from ris_core.labels.appointment import Appointment

CHAMPION_MODEL = dg.AssetKey("champion_model")
_COMPARED = (
    "silhouette",
    "silhouette_aec",
    "silhouette_features",
    "silhouette_dec",
    "davies_bouldin",
    "smallest_cluster",
    "updates",
)
_FIGURES = {
    "classes": "Classes: decoded centroid, mean, events from near to far",
    "spectra": "Spectra of the classes, dB above the noise",
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
        description="The model that labels: champion.candidate and champion.k of the settings. Without a candidate it "
        "is an accepted class model, else the best ranked accepted candidate (asset candidates); without "
        "a K, the accepted K that is best by the candidate's criterion. The launchpad can name another "
        "candidate or K, the class model (attributes/reviewed), a version in MLflow or an imported model. "
        "Clusters that hold the same events keep the class numbers of the previous champion; classes of a "
        "class model keep them by name. The model must pass the check no_empty_clusters of its candidate "
        "and, with the autoencoder, better_than_mean_spectrogram of aec_trials; a class model must pass "
        "may_label of class_model. It is registered in MLflow with the alias 'champion'; the previous one "
        "has the alias 'former_champion'.",
        deps=[
            *candidate_keys(settings),
            *([CLASS_MODEL] if is_trained(settings) else []),
            *([CANDIDATES] if settings.champion_candidate is None else []),
        ],
        code_version=code_version(versions.CHAMPION, settings.champion_digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "separated_settled_and_named",
                asset=CHAMPION_MODEL,
                description="The model that labels now passes the warning check of its candidate, novelty has a "
                "threshold, and every number in champion.names belongs to a class. It only warns.",
            )
        ],
    )
    @presented("figure_classes")
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
        for line in installed.doubts:
            context.log.warning(line)
        yield dg.MaterializeResult(
            metadata={
                "candidate": champion.candidate,
                "k": champion.k,
                "model_version": champion.model_version,
                "origin": champion.origin,
                "registered_models": {name: f"version {v}" for name, v in champion.mlflow_versions.items()},
                **_described(layout, settings, found),
                **finite_values(installed.held_out),
                "path": dg.MetadataValue.path(layout.relative(layout.champion_model(champion.model_version))),
                **({"mlflow": dg.MetadataValue.url(to_mlflow_run(experiment, run_id))} if run_id else {}),
                **_pictures(layout, settings, found),
            },
            data_version=dg.DataVersion(f"{champion.model_version}-{champion.digest}"),
        )
        yield warning(CHAMPION_MODEL, "separated_settled_and_named", installed.doubts)

    return champion_model


def _described(layout: Layout, settings: Settings, found: "Appointment") -> dict[str, Any]:
    import pandas as pd

    from ris_core.clustering.model_states import candidate_states
    from ris_core.review.class_candidate import class_model_state

    former, beside = found.champion.former, found.champion.companion
    # The champion may be of a candidate that the settings no longer have.
    unsupervised = [] if found.model.classes is not None else [found.model.name]
    names = dict.fromkeys([*settings.candidate_names, *unsupervised])
    models = {
        (name, k): model
        for name in names
        for k, model in candidate_states(layout, name, settings, settings.normalisation).items()
    }
    rows = [
        {
            "candidate": str(name),
            "k": k,
            "accepted": model.accepted,
            **{metric: model.metrics.get(metric) for metric in _COMPARED},
        }
        for (name, k), model in models.items()
        if model.is_there
    ]
    taught = class_model_state(layout, settings)
    if taught.is_there:
        k = int(taught.metrics.get("classes") or 0)
        rows.append({"candidate": str(settings.class_model_name), "k": k, "accepted": taught.accepted})
    checks = [
        {
            **_check_of(one, found.model.name),
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
        "candidates": table(pd.DataFrame(rows, columns=["candidate", "k", "accepted", *_COMPARED])),
        "no_candidates": {name.with_k(k): model.why for (name, k), model in models.items() if model.why},
        "novelty": _novelty(found),
        **_reviews(found),
        **({} if beside is None else {"unsupervised_beside": beside.model_version}),
    }


def _novelty(found: "Appointment") -> dict[str, Any]:
    """Return how novelty is calibrated."""
    novelty = found.novelty
    if novelty is None:
        return {"calibration": found.calibration_note}
    return {
        "score": novelty.score,
        "threshold": finite(novelty.threshold),
        "false_alarms": novelty.false_alarms,
        "held_out_events": novelty.held_out,
        "note": novelty.note,
        "calibration": found.calibration_note,
        "calibrated_on_unseen": found.same_training_set,
    }


def _reviews(found: "Appointment") -> dict[str, Any]:
    """Return what is said of the reviews that a class model was trained on."""
    classes = found.model.classes
    if classes is None:
        return {}
    return {"reviews": len(classes.reviewed), "reviews_are_simulated": classes.simulated}


def _check_of(requirement: "Requirement", candidate: CandidateName) -> dict[str, str]:
    """Return the asset check that shows whether a requirement is fulfilled."""
    if requirement.of == "reviews":
        return {"asset": CLASS_MODEL.to_user_string(), "check": "may_label"}
    if requirement.of == "autoencoder":
        return {"asset": "aec_trials", "check": "better_than_mean_spectrogram"}
    return {"asset": candidate_key(candidate).to_user_string(), "check": "no_empty_clusters"}


def _pictures(layout: Layout, settings: Settings, found: "Appointment") -> dict[str, Any]:
    from ris_core.labels.champion_figures import champion_figures

    drawn = champion_figures(layout, found, settings.champion)
    return {f"figure_{name}": figure(one, _FIGURES[name]) for name, one in drawn}
