"""The class model: a classifier that is trained on reviewed events."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings, SyntheticSettings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.storage.layout import Layout
from ris_dagster.assets.candidates import SWEEP, representation_key
from ris_dagster.assets.clustering import LATENT_FEATURES
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.metadata import code_version, finite_values, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.review_record import REVIEWS
from ris_dagster.tracked_asset import candidate_tags, tracked_asset

CLASS_MODEL = dg.AssetKey("class_model")
_FIGURES = {
    "confusion": "Classes by the reviewers and by the model, cross-validated",
    "audit_confusion": "The same, of the audits alone",
    "reliability": "How often the most probable class is right",
    "coverage": "How often the class is in the conformal set",
    "class_scores": "Precision and recall of each class, 95 % intervals",
}
"""Titles of the figures, by name."""


def is_trained(settings: Settings) -> bool:
    """Return whether the network has a class model.

    The champion depends on it only then: Dagster asks before it materializes what depends on an asset that does not
    exist, and most networks have no reviews. Definitions that were loaded before the first training do not know it.
    """
    folder = Layout.of(settings).candidate(settings.class_model_name, 1).parent
    return any(folder.glob("k=*"))


def build_class_model_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the class model."""
    representations = settings.class_representations
    used = [LATENT_FEATURES if name == AEC_DEC.representation else representation_key(name) for name in representations]

    @dg.asset(
        key=CLASS_MODEL,
        group_name="review",
        kinds={"mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="A classifier of events, trained on all that reviewers have named: extremely randomised trees on "
        f"{' and '.join(representations)}, with calibrated probabilities, conformal sets, and a threshold for events "
        "unlike all reviewed ones. Each new review makes it out of date. It is trained again automatically only if "
        "review.retrain_after is set.",
        deps=[REVIEWS, *used],
        code_version=code_version(versions.CLASS_MODEL, settings.class_model.digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "may_label",
                asset=CLASS_MODEL,
                description="There are two classes and enough reviews, the classifier is better than chance in the "
                "cross-validation, and simulated reviews are those of a synthetic network.",
            ),
            dg.AssetCheckSpec(
                "enough_reviews",
                asset=CLASS_MODEL,
                description="There are enough reviews, classes, groups and audits for every number of the assessment. "
                "It only warns.",
            ),
            dg.AssetCheckSpec(
                "calibrated",
                asset=CLASS_MODEL,
                description="The probabilities were calibrated, and their log loss in the cross-validation is not "
                "greater than before. It only warns.",
            ),
            dg.AssetCheckSpec(
                "coverage",
                asset=CLASS_MODEL,
                description="The promised coverage of the conformal sets lies within the 95 % interval of that of the "
                "audits; without audits, that of the cross-validation is not much lower. It only warns.",
            ),
        ],
    )
    @presented("confusion")
    @noting_remedies
    def class_model(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.class_acceptance import accept_classes
        from ris_core.clustering.reviewed.class_model_files import class_model_configuration
        from ris_core.review.class_model_run import class_table, review_digest, train_class_model
        from ris_core.review.state import read_state
        from ris_core.training import training_set as sampling
        from ris_core.training.logged_data import data_parameters

        layout = store.layout()
        state = read_state(layout, settings.review)
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        about = data_parameters(settings.profile, settings.training_set, data)
        name = settings.class_model_name
        k = len(state.classes)
        made = tracked_asset(
            context,
            tracking,
            lambda log: train_class_model(layout, data, state, settings, about, log),
            name=str(name),
            configuration=class_model_configuration(layout, settings, review_digest(state)),
            compared=(SWEEP, data.digest),
            tags={**candidate_tags(name, k), "ris.simulated_reviews": str(state.simulated).lower()},
        )
        found = made.result
        for line in (*found.assessment.limits, *(f"{event}: {why}" for event, why in found.left_out.items())):
            context.log.warning(line)
        yield made.materialize_result(
            layout,
            found.path,
            found.kept.digest,
            {
                **finite_values({key: value for key, value in found.kept.record.metrics.items() if value is not None}),
                "classes": table(class_table(found.assessment).reset_index()),
                "cannot_be_said": "; ".join(found.assessment.limits),
                "simulated": state.simulated,
                **{shown: made.picture(shown, _FIGURES[shown]) for shown in made.run.pictures},
            },
        )
        judged = accept_classes(
            found.classes,
            found.kept.record.metrics,
            settings.class_model,
            isinstance(settings.source, SyntheticSettings),
        )
        yield dg.AssetCheckResult(
            passed=judged.passed,
            asset_key=CLASS_MODEL,
            check_name="may_label",
            description="; ".join(judged.reasons) or None,
        )
        yield warning(CLASS_MODEL, "enough_reviews", found.doubts_of_reviews())
        yield warning(CLASS_MODEL, "calibrated", found.assessment.doubts_of_calibration())
        yield warning(CLASS_MODEL, "coverage", found.assessment.doubts_of_coverage())

    return class_model
