"""Training set, trials of the autoencoder, and the weights that are chosen."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster import hyperparameters
from ris_dagster.assets.imported_aec import GRID, WeightsChoice, choose_imported_aec
from ris_dagster.assets.station_day_events import SPECTROGRAMS
from ris_dagster.links import to_mlflow_run
from ris_dagster.metadata import code_version, finite, finite_values, owners, picture, presented, table, warning
from ris_dagster.partitions import Partitions
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import tracked_asset

TRAINING_SET = dg.AssetKey("training_set")
AEC_TRIALS = dg.AssetKey("aec_trials")
AEC_WEIGHTS = dg.AssetKey("aec_weights")
TRAINING_POOL = "training"
TRIALS_POOL = "trials"
"""For trainings that do not read each other's results, so that several may run at the same time."""
_JUDGED = ("val_mse", "mean_spectrogram_mse", "pca9_mse", "live_latents")
_SHOWN = 6
_NAMED = 20


def build_training_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "train" up to the chosen autoencoder, which some candidate must have."""
    autoencoder = [_aec_trials(settings, partitions), _aec_weights(settings)] if settings.has_autoencoder else []
    return [_training_set(settings), *autoencoder]


def _training_set(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="training_set",
        group_name="train",
        kinds={"hdf5"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="A seeded, uniform sample of events over all processed station-days, split into training and "
        "validation; it keeps the digests of the station-days that it was drawn from.",
        deps=[SPECTROGRAMS],
        code_version=code_version(versions.TRAINING_SET, settings.training_set.digest()),
        pool=TRAINING_POOL,
    )
    @presented("samples")
    @noting_remedies
    def training_set(context: dg.AssetExecutionContext, store: DataStore, tracking: Tracking) -> Any:
        import numpy as np

        from ris_core.figures.sample_spectrograms import sample_spectrograms
        from ris_core.storage.spectrogram_file import read_rows
        from ris_core.training.event_sources import sources_of
        from ris_core.training.training_draw import draw
        from ris_core.training.training_set import load

        layout = store.layout()
        # If MLflow does not answer, the run fails before anything is written.
        tracking.prepare()
        sampling, normalisation = settings.training_set, settings.normalisation
        with store.station_days().look() as days:
            sources = sources_of(days.process, days.all(), sampling)
        drawn = draw(layout, sources, sampling, normalisation, settings.processing_json())
        for damaged in drawn.damaged:
            context.log.warning(f"left out: {damaged}")
        grid = tracking.parent(GRID, drawn.digest)
        data = load(layout, sampling, normalisation)
        rows = np.arange(min(_SHOWN, len(data)))  # the file is in random order
        images = read_rows(layout.training_set, rows)
        names = [data.event_id[i] for i in rows]
        shown = sample_spectrograms(images, data.frequency, data.time, names, components=data.input.components)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": drawn.events,
                "train": drawn.train,
                "validation": drawn.validation,
                "of": drawn.of,
                "station_days": drawn.station_days,
                "outdated": drawn.outdated,
                "by_station": dict(drawn.by_station),
                "left_out_as_damaged": list(drawn.damaged[:_NAMED]),
                "digest": drawn.digest,
                "path": dg.MetadataValue.path(layout.relative(layout.training_set)),
                "mlflow_grid": dg.MetadataValue.url(to_mlflow_run(tracking.prepare(), grid)),
                "samples": picture(shown, "Sample of the training set"),
            },
            data_version=dg.DataVersion(drawn.digest),
        )

    return training_set


def _aec_trials(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    AecTraining: Any = hyperparameters.aec_config(settings)  # noqa: N806 - it is a class

    @dg.asset(
        name="aec_trials",
        group_name="train",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="One convolutional autoencoder for each point of the grid batch size x learning rate, trained with "
        "early stopping and judged against the mean spectrogram and nine principal components.",
        partitions_def=partitions.trials,
        deps=[TRAINING_SET],
        code_version=code_version(versions.AEC, settings.aec_digest()),
        pool=TRIALS_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "better_than_mean_spectrogram",
                asset=AEC_TRIALS,
                description="The validation MSE lies below that of the mean spectrogram, and enough latent dimensions "
                "vary: without this an autoencoder cannot be chosen.",
                partitions_def=partitions.trials,
            ),
            dg.AssetCheckSpec(
                "better_than_pca",
                asset=AEC_TRIALS,
                description="The validation MSE lies below that of as many principal components as there are latents. "
                "Warns only.",
                partitions_def=partitions.trials,
            ),
        ],
    )
    @presented("reconstructions")
    @noting_remedies
    def aec_trials(
        context: dg.AssetExecutionContext,
        config: AecTraining,
        store: DataStore,
        compute: Compute,
        tracking: Tracking,
    ) -> Any:
        chosen = hyperparameters.override(settings.aec, config)

        from ris_core.training import training_set as sampling
        from ris_core.training.doubts import aec_doubts
        from ris_core.training.trial_run import make_trial
        from ris_core.training.trial_task import run_trial, trial_task

        key, layout = context.partition_key, store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        task = trial_task(layout, settings.model_copy(update={"aec": chosen}), key, data.digest)
        made = tracked_asset(
            context,
            tracking,
            lambda log: make_trial(
                task,
                data,
                settings.profile,
                log,
                lambda task, on_epoch, data: compute.call(layout.root, run_trial, task, on_epoch, data=data),
            ),
            name=f"aec {key}",
            configuration=task.configuration,
            compared=(GRID, data.digest),
            device=chosen.device,
        )
        trial = made.result.trial
        for reason in trial.acceptance.reasons:
            context.log.warning(reason)
        yield made.materialize_result(
            layout,
            layout.aec(key),
            made.result.digest,
            {
                **finite_values(trial.metrics),
                "seed": trial.result.seed,
                "stopped": trial.result.stopped,
                "weights": made.result.digest,
                "loss": made.picture("loss", "Loss curves"),
                "reconstructions": made.picture("reconstructions", "Input, latent, reconstruction"),
            },
        )
        yield dg.AssetCheckResult(
            passed=trial.acceptance.passed,
            asset_key=AEC_TRIALS,
            check_name="better_than_mean_spectrogram",
            description="; ".join(trial.acceptance.reasons) or None,
            metadata={n: finite(trial.metrics[n]) for n in _JUDGED},
        )
        yield warning(AEC_TRIALS, "better_than_pca", aec_doubts(trial.metrics))

    return aec_trials


def _aec_weights(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="aec_weights",
        group_name="train",
        kinds={"torch", "mlflow"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="The accepted trial with the least validation MSE, or an imported autoencoder that the launchpad "
        "names; its model is registered in MLflow.",
        deps=[AEC_TRIALS, TRAINING_SET],
        code_version=code_version(versions.AEC, settings.aec_digest()),
        pool=TRAINING_POOL,
    )
    @presented()
    @noting_remedies
    def aec_weights(
        context: dg.AssetExecutionContext, config: WeightsChoice, store: DataStore, tracking: Tracking
    ) -> Any:
        import pandas as pd

        from ris_core.labels.held_out import held_out_mse
        from ris_core.training import training_set as sampling
        from ris_core.training.aec_choice import choose_trial, chosen_aec
        from ris_core.training.trials import verdict

        layout = store.layout()
        data = sampling.load(layout, settings.training_set, settings.normalisation)
        compared: dict[str, Mapping[str, float | None]]
        if config.imported:
            choice = choose_imported_aec(context, layout, tracking, data, config.imported, settings.aec)
            compared = {choice.trial: choice.metrics}
        else:
            choice, trials = choose_trial(layout, settings.aec, data.digest)
            compared = {key: trial.metrics for key, trial in trials.items()}
        folder = layout.imported(choice.trial) if choice.is_imported else layout.aec(choice.trial)
        model = chosen_aec(layout).network
        held_out = held_out_mse(store.station_days().process, settings.training_set, model, data.normalisation)
        run_id = tracking.known_run(choice.mlflow_run_id)
        if held_out and run_id:
            tracking.add_metrics(run_id, held_out)
        ((name, version),) = tracking.register_packaged(settings, layout, folder, run_id).items()
        rows = [
            {"trial": key, "accepted": verdict(metrics, settings.aec).passed, **_comparable(metrics)}
            for key, metrics in compared.items()
        ]
        missing = sorted(settings.aec.grid.trials().keys() - compared.keys())
        return dg.MaterializeResult(
            metadata={
                "trial": choice.trial,
                "val_mse": choice.val_mse,
                **finite_values(held_out),
                "weights": choice.digest,
                "registered_model": f"{name} version {version}",
                "compared": table(pd.DataFrame(rows)),
                "trials_not_trained_on_this_training_set": missing,
                "mlflow": dg.MetadataValue.url(to_mlflow_run(tracking.prepare(), choice.mlflow_run_id)),
            },
            data_version=dg.DataVersion(choice.digest),
        )

    return aec_weights


def _comparable(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    # An imported autoencoder has no best epoch: it was not trained here.
    return {name: metrics.get(name, float("nan")) for name in (*_JUDGED, "best_epoch")}
