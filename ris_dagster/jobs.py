"""The jobs: one per stage and partitioning, since a run is one stage over one block."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from ris_core.config import Settings, SyntheticSettings
from ris_dagster.bindings import Binding, Bindings
from ris_dagster.checks import DRAWN_FROM
from ris_dagster.partitions import Partitions

DRAW, TRIALS, ENCODE = "draw_training_set", "train_autoencoders", "choose_and_encode"
CLUSTERS, DEC, CHAMPION = "initialise_clusters", "train_dec", "choose_champion"
ASSESS = "assess_stability"
ANALYSE, SCORE = "analyse", "score_against_truth"

TRAINING = (DRAW, TRIALS, ENCODE, CLUSTERS, DEC, CHAMPION)
"""The jobs that lead to a champion, in the order of the method."""
SOME_MAY_FAIL = (TRIALS, CLUSTERS, DEC)
"""Jobs in which some trials or numbers of clusters may fail: the next job chooses among the others."""


def build_jobs(settings: Settings, partitions: Partitions, bindings: Bindings) -> list[Any]:
    """Return the jobs in the order of the method; those of station-days have the stages' names."""

    def job(name: str, assets: Sequence[str], about: str, over: dg.PartitionsDefinition | None = None) -> Any:
        return dg.define_asset_job(
            name,
            dg.AssetSelection.assets(*assets),
            description=about,
            partitions_def=over,
            executor_def=dg.in_process_executor,
        )

    days, trials, counts = partitions.station_days, partitions.trials, partitions.cluster_counts

    def stage_job(binding: Binding) -> Any:
        return job(binding.name, [key.to_user_string() for key in binding.assets], binding.stage.about, days)

    look = dg.AssetSelection.assets("availability") | dg.AssetSelection.checks(DRAWN_FROM)
    jobs = [
        *(stage_job(binding) for binding in bindings if not binding.after_training),
        job(DRAW, ["training_set"], "Draw the training set from the processed station-days."),
        job(TRIALS, ["aec_trials"], "Train the autoencoder for every point of the grid.", trials),
        job(
            ENCODE,
            ["aec_weights", "latent_features", "cluster_count"],
            "Choose the autoencoder, encode the training set, compute criteria for the number of clusters.",
        ),
        job(CLUSTERS, ["gmm_clusters"], "Make the initial clusters for each K.", counts),
        job(DEC, ["dec_models"], "Train deep embedded clustering for each K.", counts),
        job(CHAMPION, ["champion_model"], "Choose the model that labels."),
        *(stage_job(binding) for binding in bindings if binding.after_training),
        job(ASSESS, ["stability"], "Assess how far the clusters can be trusted: other seeds, stations, noise."),
        dg.define_asset_job(
            ANALYSE,
            look,
            description="Show the products of every station-day, and whether the training set was drawn from them.",
            executor_def=dg.in_process_executor,
        ),
    ]
    if isinstance(settings.source, SyntheticSettings):
        jobs.append(job(SCORE, ["truth_scores"], "Score a synthetic network against its truth."))
    return jobs
