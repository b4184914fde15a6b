"""All accepted clusterings in one table, in the order in which they may label."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.candidates import SWEEP, candidate_key
from ris_dagster.assets.training import TRAINING_POOL, TRAINING_SET
from ris_dagster.metadata import code_version, column_schema, finite_values, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import tracked_asset

CANDIDATES = dg.AssetKey("candidates")
_CHECK = "clearly_better"


def build_ranking_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that ranks the accepted models of all candidates; of one candidate there is nothing to rank."""
    return [_ranking(settings)] if settings.has_ranking else []


def _ranking(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=CANDIDATES,
        group_name="cluster",
        kinds={"mlflow", "parquet"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="Every accepted model of every candidate in one table, ranked without truth: by agreement with the "
        "other candidates and by how much the clusters tell about the hour. Amplitude, events of one source at "
        "several stations, bootstraps and the silhouette are shown as well. champion_model takes the first unless the "
        "settings name one.",
        deps=[*map(candidate_key, settings.labelling_candidates), TRAINING_SET],
        code_version=code_version(versions.RANKING, settings.ranking.digest()),
        pool=TRAINING_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                _CHECK,
                asset=CANDIDATES,
                description="The best candidate is also the best in most random halves of the events, every criterion "
                "of the rule took part, and every candidate has a model to rank. It only warns.",
            )
        ],
    )
    @presented("ranking")
    @noting_remedies
    def candidates(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        from ris_core.clustering.ranked_models import accepted_models
        from ris_core.clustering.ranking_file import SCHEMA, TABLE, ranking_configuration
        from ris_core.clustering.ranking_run import metrics_of_models, run_ranking
        from ris_core.training.training_set import digest_on_disk

        layout = store.layout()
        models, _ = accepted_models(layout, settings)
        configuration = ranking_configuration(layout, models, settings)
        made = tracked_asset(
            context,
            tracking,
            lambda log: run_ranking(layout, settings, log),
            name="candidates",
            configuration=configuration,
            compared=(SWEEP, digest_on_disk(layout, settings.normalisation)),
        )
        found = made.result
        for run_id, values in metrics_of_models(found, models).items():
            if tracking.known_run(run_id):
                tracking.add_metrics(run_id, values)
        for line in found.doubts:
            context.log.warning(line)
        yield made.materialize_result(
            layout,
            layout.analysis(TABLE),
            configuration,
            {
                "dagster/row_count": len(found.table),
                "dagster/column_schema": column_schema(SCHEMA),
                "best": "" if found.best is None else f"{found.best[0]}/k={found.best[1]}",
                "why": found.why,
                "candidates": table(found.table.drop(columns="model")),
                "rule": list(found.used),
                "support": finite_values(found.support),
                "absent": dict(found.absent),
                "left_out": dict(found.left_out),
                "hour_by_station": table(found.by_station),
                "ranking": made.picture("ranking", "Candidates ranked without truth"),
            },
        )
        yield warning(CANDIDATES, _CHECK, found.doubts)

    return candidates
