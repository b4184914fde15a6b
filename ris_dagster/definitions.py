"""The code location: settings become its partitions, assets, jobs and resources."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from ris_core.config import Settings, data_root, load_settings
from ris_core.storage.layout import Layout
from ris_dagster.assets.analysis import build_analysis_assets
from ris_dagster.assets.candidates import build_candidate_assets
from ris_dagster.assets.champion_model import build_champion_asset
from ris_dagster.assets.choosing import build_choosing_assets
from ris_dagster.assets.class_model import build_class_model_asset
from ris_dagster.assets.class_rates import build_class_rates_asset
from ris_dagster.assets.class_statistics import build_class_statistics_asset
from ris_dagster.assets.clustering import build_clustering_assets
from ris_dagster.assets.completeness import build_completeness_assets
from ris_dagster.assets.environment import build_environment_assets
from ris_dagster.assets.environment_links import build_environment_links_assets
from ris_dagster.assets.event_catalogue import build_event_catalogue_assets
from ris_dagster.assets.event_map import build_event_map_asset
from ris_dagster.assets.ranking import build_ranking_assets
from ris_dagster.assets.report import build_report_asset
from ris_dagster.assets.review_queue import build_review_queue
from ris_dagster.assets.reviews import build_reviews_asset
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.assets.training import build_training_assets
from ris_dagster.bindings import Bindings
from ris_dagster.checks import build_checks
from ris_dagster.data_place import require_place
from ris_dagster.jobs import build_jobs
from ris_dagster.partitions import build_partitions
from ris_dagster.purging import build_purge
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.schedules import build_daily_update
from ris_dagster.sensors.after_review import build_after_review
from ris_dagster.sensors.alerts import build_failure_alert
from ris_dagster.sensors.cataloguing import build_cataloguing
from ris_dagster.sensors.catch_up import build_catch_up
from ris_dagster.sensors.following import build_following
from ris_dagster.sensors.retrain import build_retrain
from ris_dagster.sensors.reviews import build_review_retrain


def build_definitions(
    settings: Settings, resource_overrides: Mapping[str, Any] | None = None, bindings: Bindings = BINDINGS
) -> dg.Definitions:
    """Return the definitions of one network, for the UI, the command line and tests alike.

    Parameters
    ----------
    settings
        The network.
    resource_overrides
        Resources by name (``store``, ``compute``, ``tracking``) in place of those of the environment.
    bindings
        The stages of station-days with their assets; those that the settings do not want are left out.
    """
    # Runs share their cores with each other and with the servers, so a waiting torch thread should sleep, not spin.
    # libgomp reads this when torch is imported, which happens inside the assets.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Backfill policies (beta) and partitioned checks (preview) are used on purpose.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    bindings = bindings.wanted_by(settings)
    partitions = build_partitions(settings)
    jobs = build_jobs(settings, partitions, bindings)
    purge_job, purge_schedule = build_purge(settings)
    resources: dict[str, Any] = {
        "store": DataStore.of(settings),
        "compute": Compute.from_environment(),
        "tracking": Tracking.of(settings, data_root(settings)),
    }
    return dg.Definitions(
        assets=[
            *(binding.build(settings, partitions) for binding in bindings),
            *build_training_assets(settings, partitions),
            *build_clustering_assets(settings, partitions),
            *build_candidate_assets(settings, partitions),
            *build_choosing_assets(settings),
            *build_ranking_assets(settings),
            build_reviews_asset(settings),
            build_class_model_asset(settings),
            build_champion_asset(settings),
            build_review_queue(settings),
            *build_event_catalogue_assets(settings),
            build_event_map_asset(settings),
            build_class_rates_asset(settings),
            build_class_statistics_asset(settings),
            *build_analysis_assets(settings),
            *build_completeness_assets(settings),
            build_report_asset(settings),
            *build_environment_assets(settings, partitions),
            *build_environment_links_assets(settings),
        ],
        asset_checks=build_checks(),
        jobs=[*jobs, purge_job],
        schedules=[build_daily_update(settings, jobs, bindings), purge_schedule],
        sensors=[
            *build_following(settings, jobs, bindings),
            build_catch_up(settings, jobs, bindings),
            build_cataloguing(settings, jobs, bindings),
            build_retrain(settings, jobs, bindings),
            build_review_retrain(settings, jobs),
            build_after_review(settings, jobs, bindings),
            build_failure_alert(settings, bindings),
        ],
        resources=resources | dict(resource_overrides or {}),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the network that RIS_CONFIG names.

    Raises
    ------
    MovedRootError
        Its data root was moved or copied, and not adopted since.
    """
    settings = load_settings()
    if (root := data_root(settings)).exists():
        require_place(settings, Layout.of(settings, root))
    return build_definitions(settings)
