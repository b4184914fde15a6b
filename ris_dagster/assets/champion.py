"""The champion: the model that labels."""

from typing import Any

import dagster as dg
from pydantic import Field

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.clustering import DEC_MODELS
from ris_dagster.assets.training import TRAINING_POOL
from ris_dagster.metadata import code_version, owners, table
from ris_dagster.resources.store import DataStore
from ris_dagster.resources.tracking import CHAMPION_ALIAS, Tracking

CHAMPION_MODEL = dg.AssetKey("champion_model")
_COMPARED = ("silhouette", "silhouette_aec", "silhouette_dec", "davies_bouldin", "smallest_cluster", "updates")


class ChampionChoice(dg.Config):
    """Which model labels."""

    k: int | None = Field(None, description="K of the champion; none: as the settings say, else the best silhouette.")


def build_champion_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the model that labels."""

    @dg.asset(
        name="champion_model",
        group_name="cluster",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="The DEC model that labels: champion.k of the settings, else the accepted K of best data-space "
        "silhouette. Registered in MLflow with the alias 'champion'.",
        deps=[DEC_MODELS],
        code_version=code_version(versions.CHAMPION, settings.champion.digest()),
        pool=TRAINING_POOL,
    )
    def champion_model(
        context: dg.AssetExecutionContext, config: ChampionChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        import pandas as pd

        from ris_core.clustering.stage import choose_champion, save_champion, trained_models, verdict
        from ris_core.models.export import memberships
        from ris_core.models.weights import load_model
        from ris_core.training import training_set as sampling

        opened = store.open()
        models = trained_models(opened)
        k = choose_champion(models, config.k or settings.champion.k, settings.dec)
        run_id = models[k]["mlflow_run_id"]
        registered = f"{settings.network.name}-dec"
        example = sampling.load(opened).x[:2, None]
        model: Any = load_model(opened.dec(k))[0]
        exported = memberships(model)
        version = tracking.register(run_id, exported, example, registered, alias=CHAMPION_ALIAS)
        links = {"mlflow_run_id": run_id, "mlflow_model": registered, "mlflow_model_version": version}
        record = save_champion(opened, k, links)
        rows = [
            {"k": n, "accepted": verdict(m, settings.dec).passed, **{name: m["metrics"][name] for name in _COMPARED}}
            for n, m in models.items()
        ]
        return dg.MaterializeResult(
            metadata={
                "k": k,
                "model_version": record["model_version"],
                "registered_model": f"{registered} version {version}, alias {CHAMPION_ALIAS}",
                "candidates": table(pd.DataFrame(rows)),
                "path": dg.MetadataValue.path(record["folder"]),
                "mlflow": dg.MetadataValue.url(tracking.url(tracking.prepare(), run_id)),
            },
            data_version=dg.DataVersion(record["model_version"]),
        )

    return champion_model
