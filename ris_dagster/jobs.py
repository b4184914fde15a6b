"""The jobs: one per stage and partitioning, since a run is one stage over one block."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from ris_core.config import Settings, SyntheticSettings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_dagster.analysis_jobs import build_analysis_jobs
from ris_dagster.assets.candidates import candidate_key, representation_key
from ris_dagster.bindings import Binding, Bindings
from ris_dagster.metadata import run_labels
from ris_dagster.partitions import Partitions
from ris_dagster.review_record import REVIEWS

DRAW, TRIALS, ENCODE = "draw_training_set", "train_autoencoders", "choose_and_encode"
CLUSTERS, DEC, CHAMPION = "initialise_clusters", "train_dec", "choose_champion"
RANK, CLASS_MODEL, ASSESS = "rank_candidates", "train_class_model", "assess_stability"
QUEUE, SCORE = "suggest_reviews", "score_against_truth"


def fit_job(representation: str) -> str:
    """Return the name of the job that fits a representation other than the autoencoder."""
    return f"fit_{representation}"


def candidate_job(candidate: CandidateName) -> str:
    """Return the name of the job that trains a candidate for each K."""
    return DEC if candidate == AEC_DEC else f"train_{candidate.representation}__{candidate.clusterer}"


def training_jobs(settings: Settings, reviewed: bool = False) -> tuple[str, ...]:
    """Return the jobs that lead to a champion, in the order of the method.

    Parameters
    ----------
    settings
        The network.
    reviewed
        Whether there are reviews, so that there can be a class model.
    """
    candidates = settings.candidate_names
    return (
        DRAW,
        *((TRIALS, ENCODE) if settings.has_autoencoder else ()),
        *((CLUSTERS, DEC) if settings.has_dec else ()),
        *map(fit_job, settings.fitted_representations),
        *(candidate_job(candidate) for candidate in candidates if candidate != AEC_DEC),
        *((RANK,) if settings.has_ranking else ()),
        *((CLASS_MODEL,) if reviewed else ()),
        CHAMPION,
    )


def recording_jobs(settings: Settings) -> set[str]:
    """Return the jobs that may record in MLflow; all others work without it."""
    return {*training_jobs(settings, reviewed=True), ASSESS}


def in_partitions(settings: Settings) -> set[str]:
    """Return the jobs of training in which some trials or numbers of clusters may fail: there are the others."""
    return {TRIALS, CLUSTERS, *map(candidate_job, settings.candidate_names)}


def counts_of(job: str, settings: Settings) -> tuple[int, ...]:
    """Return the numbers of clusters that are the partitions of a job: of a candidate, or of initial clusters."""
    of_job = {candidate_job(candidate): settings.counts_of(candidate) for candidate in settings.candidate_names}
    return of_job.get(job, settings.dec.k)


def input_of(job: str, settings: Settings) -> str:
    """Return the job without which a job of training can do nothing: the features of its clusters; empty if none."""
    if job == CLUSTERS:
        return ENCODE
    for candidate in settings.candidate_names:
        if candidate_job(candidate) == job:
            of_autoencoder = candidate.representation == AEC_DEC.representation
            return ENCODE if of_autoencoder else fit_job(candidate.representation)
    return ""


def needed(settings: Settings, reviewed: bool = False) -> set[str]:
    """Return the jobs without which there is no champion.

    Of several candidates of which the best ranked is champion, some may fail; of a named one, none of its own. With
    reviews the class model is one of them: without it, labels would be those of another kind of model.
    """
    candidate, taught = settings.champion_candidate, {CLASS_MODEL} if reviewed else set()
    if candidate is None:
        return {DRAW, RANK, CHAMPION} | taught
    if candidate.representation == AEC_DEC.representation:
        before = {TRIALS, ENCODE} | ({CLUSTERS} if candidate == AEC_DEC else set())
    else:
        before = {fit_job(candidate.representation)}
    return {DRAW, *before, candidate_job(candidate), CHAMPION} | taught


def _criteria(settings: Settings, representation: str) -> tuple[str, ...]:
    """Return the asset of the criteria for the number of clusters if they are computed from a representation."""
    return ("cluster_count",) if representation == settings.criteria_representation else ()


def build_jobs(settings: Settings, partitions: Partitions, bindings: Bindings) -> list[Any]:
    """Return the jobs in the order of the method; those of station-days have the stages' names."""

    def job(name: str, assets: Sequence[str], about: str, over: dg.PartitionsDefinition | None = None) -> Any:
        return dg.define_asset_job(
            name,
            dg.AssetSelection.assets(*assets),
            description=about,
            partitions_def=over,
            executor_def=dg.in_process_executor,
            tags=run_labels(settings),
        )

    days, trials, counts = partitions.station_days, partitions.trials, partitions.cluster_counts

    def stage_job(binding: Binding) -> Any:
        return job(binding.name, [key.to_user_string() for key in binding.assets], binding.stage.about, days)

    trained = {
        DRAW: job(DRAW, ["training_set"], "Draw the training set from the processed station-days."),
        TRIALS: job(TRIALS, ["aec_trials"], "Train the autoencoder for every point of the grid.", trials),
        ENCODE: job(
            ENCODE,
            ["aec_weights", "latent_features", *_criteria(settings, AEC_DEC.representation)],
            "Choose the autoencoder, encode the training set, compute criteria for the number of clusters.",
        ),
        CLUSTERS: job(CLUSTERS, ["gmm_clusters"], "Make the initial clusters for each K.", counts),
        CLASS_MODEL: job(
            CLASS_MODEL,
            [REVIEWS.to_user_string(), "class_model"],
            "Read the reviews, and train the classifier of events on all that reviewers have named.",
        ),
        CHAMPION: job(CHAMPION, ["champion_model"], "Choose the model that labels."),
    }
    if settings.has_ranking:
        trained[RANK] = job(RANK, ["candidates"], "Rank the accepted models of all candidates without truth.")
    for name in settings.fitted_representations:
        about = f"Fit the representation {name} to the training set."
        assets = [representation_key(name).to_user_string(), *_criteria(settings, name)]
        trained[fit_job(name)] = job(fit_job(name), assets, about)
    for candidate in settings.candidate_names:
        name, key = candidate_job(candidate), candidate_key(candidate).to_user_string()
        dec = candidate == AEC_DEC
        about = "Train deep embedded clustering for each K." if dec else f"Train the candidate {candidate} for each K."
        trained[name] = job(name, [key], about, partitions.candidates[candidate])
    jobs = [
        *(stage_job(binding) for binding in bindings if not binding.after_training),
        *(trained[name] for name in training_jobs(settings, reviewed=True)),
        *(stage_job(binding) for binding in bindings if binding.after_training),
        job(QUEUE, ["review_queue"], "Choose the events that reviewers should look at next."),
        job(ASSESS, ["stability"], "Assess how far the clusters can be trusted: other seeds, stations, noise."),
        *build_analysis_jobs(settings, partitions),
    ]
    if isinstance(settings.source, SyntheticSettings):
        jobs.append(job(SCORE, ["truth_scores"], "Score a synthetic network against its truth."))
    return jobs
