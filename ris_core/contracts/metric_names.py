"""The metrics that are logged to MLflow, with unit and meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LoggedMetric:
    """A metric in MLflow.

    Attributes
    ----------
    name
        Its name; a part in capitals stands for any text, as in ``size_J``.
    unit
        Unit or scale, empty for plain numbers.
    meaning
        What it says.
    """

    name: str
    unit: str
    meaning: str

    def matches(self, name: str) -> bool:
        """Return whether a metric of this name is meant."""
        parts = re.split(r"([A-Z]+)", self.name)
        pattern = "".join(r".+" if part.isupper() else re.escape(part) for part in parts)
        return re.fullmatch(pattern, name) is not None


_ERROR = "mean over pixels of unit-norm spectrograms"

METRICS: dict[str, tuple[LoggedMetric, ...]] = {
    "Autoencoders": (
        LoggedMetric(
            "train_mse", _ERROR, "Reconstruction error of the training split, by epoch; of DEC after training."
        ),
        LoggedMetric("val_mse", _ERROR, "The same of the validation split."),
        LoggedMetric("best_NAME", "as NAME", "Value of the epoch that gave the weights."),
        LoggedMetric("mean_spectrogram_mse", _ERROR, "Floor: what the mean spectrogram alone reaches."),
        LoggedMetric("pca9_mse", _ERROR, "Floor: what nine principal components reach."),
        LoggedMetric("live_latents", "count", "Latent dimensions that vary."),
        LoggedMetric("learning_rate", "", "Of the optimiser, by epoch."),
        LoggedMetric("epoch", "epochs", "Epochs until then, of a DEC at each update."),
        LoggedMetric("epochs", "epochs", "Epochs in all."),
        LoggedMetric("restarts", "count", "Trainings that were started again with another seed because they diverged."),
        LoggedMetric("seconds", "s", "Time that it took."),
        LoggedMetric(
            "held_out_mse", _ERROR, "Of the chosen autoencoder on events of `training_set.held_out_stations`."
        ),
        LoggedMetric("held_out_events", "count", "How many events these are, 2,000 at most."),
    ),
    "DEC": (
        LoggedMetric("kl", "nat per event", "KL(P‖Q) over the steps since the last update."),
        LoggedMetric("kl_target", "nat per event", "KL(P‖Q) with the new P over the training set."),
        LoggedMetric("step_mse", _ERROR, "Mean over the steps since the last update, of all events."),
        LoggedMetric("mse", _ERROR, "Reconstruction error of the finished model."),
        LoggedMetric("loss", _ERROR, "MSE + γ·KL."),
        LoggedMetric("gamma", "", "The γ that was used; `idec` computes it."),
        LoggedMetric("label_change", "share", "Labels that differ from the update before."),
        LoggedMetric("entropy", "nat", "Of the memberships of an event, mean over events."),
        LoggedMetric("cluster_entropy", "nat", "Of the mean memberships."),
        LoggedMetric("updates", "count", "Updates of the target distribution."),
    ),
    "Clusters": (
        LoggedMetric("size_J", "events", "Events of cluster J."),
        LoggedMetric("smallest_cluster", "share", "Of the smallest cluster."),
        LoggedMetric(
            "silhouette", "−1 to 1", "In data space, which all methods have in common: compares methods and K."
        ),
        LoggedMetric("silhouette_aec", "−1 to 1", "In the latents of the frozen autoencoder."),
        LoggedMetric("silhouette_dec", "−1 to 1", "In DEC's own latents: rises by construction, do not choose by it."),
        LoggedMetric("silhouette_features", "−1 to 1", "In the features of another representation."),
        LoggedMetric("davies_bouldin", "", "Davies-Bouldin index, in the same features; less is better."),
        LoggedMetric("inner_product", "", "Of events with the mean of their class, mean."),
        LoggedMetric("mse_to_mean", "", "Mean squared difference of events from the mean of their class."),
        LoggedMetric("mae_to_mean", "", "Mean absolute difference of events from the mean of their class."),
        LoggedMetric("inertia", "", "Sum of squared distances of the features to their centre (k-means)."),
    ),
    "Representations and consensus": (
        LoggedMetric("dimensions", "count", "Features of a representation."),
        LoggedMetric(
            "train_error", "of the representation", "Its reconstruction error on the training split, if it has one."
        ),
        LoggedMetric("val_error", "of the representation", "The same on the validation split."),
        LoggedMetric(
            "lifetime", "share of the tree", "How long this number of clusters lives in the tree of a consensus."
        ),
        LoggedMetric(
            "mean_margin", "share of votes", "Between the greatest and the next membership of these assignments, mean."
        ),
        LoggedMetric("partitions", "count", "Groupings that voted."),
        LoggedMetric("left_out_partitions", "count", "Groupings that could not vote."),
        LoggedMetric(
            "left_out_agreement", "share", "Of events that their nearest others assign to their cluster of the tree."
        ),
    ),
    "Number of clusters (`cluster_count`; the step is K)": (
        LoggedMetric("stability", "ARI", "Agreement of clusters of random parts or bootstraps of the events."),
        LoggedMetric("gap_box", "", "Gap statistic against a uniform box."),
        LoggedMetric("gap_pca", "", "Gap statistic against a box along principal components."),
        LoggedMetric("gap_KIND_s", "", "Its standard error."),
        LoggedMetric(
            "gap_KIND_margin", "", "Gap(K) − Gap(K+1) + s(K+1); the first K at which it is not negative is named."
        ),
        LoggedMetric("gmm_aic", "", "Akaike's criterion of a Gaussian mixture; less is better."),
        LoggedMetric("gmm_bic", "", "Bayesian criterion of a Gaussian mixture; less is better."),
        LoggedMetric("reg_covar", "", "Added to the variances of that mixture."),
        LoggedMetric("sample", "events", "Events that the criteria were computed on."),
        LoggedMetric("suggested_k_CRITERION", "", "The K that a criterion names."),
    ),
    "Ranking of candidates": (
        LoggedMetric(
            "ranking_CRITERION",
            "as CRITERION",
            "Of every accepted model that was ranked: the criteria below, in its own run.",
        ),
        LoggedMetric("k", "", "Number of clusters of the best ranked model."),
        LoggedMetric("rank", "", "Its rank among all, 1 is best."),
        LoggedMetric("mean_rank", "", "Mean of its ranks by the criteria of the rule."),
        LoggedMetric("agreement", "ARI", "Mean agreement with the other candidates."),
        LoggedMetric(
            "hour_CRITERION",
            "ami, p, z",
            "What clusters say about the hour of the day within each station: adjusted mutual information, its p-value "
            "and standard deviations above permutations.",
        ),
        LoggedMetric("amplitude_CRITERION", "ami, p, z", "The same about the amplitude; no merit."),
        LoggedMetric(
            "same_source_CRITERION",
            "ami, p, z",
            "Events of one source at two stations in the same cluster, beyond chance.",
        ),
        LoggedMetric("support", "share", "Of bootstraps of the ranking in which the same model is best."),
    ),
    "Stability": (
        LoggedMetric("ari_with_model", "ARI", "Of each further training with the model that is assessed."),
        LoggedMetric("mean_ari", "ARI", "Mean over pairs of trainings."),
        LoggedMetric("smallest_ari", "ARI", "Of the pair that agrees least."),
        LoggedMetric("mean_agreement", "share", "Trainings that agree with the consensus label of an event, mean."),
        LoggedMetric("unanimous", "share", "Events on which all trainings agree."),
        LoggedMetric("trainings", "count", "Trainings that were compared."),
        LoggedMetric("failed_trainings", "count", "Trainings left out, because they diverged or have dead latents."),
        LoggedMetric("ami_PROPERTY", "AMI", "Adjusted mutual information of labels with station, hour or amplitude."),
        LoggedMetric("p_PROPERTY", "", "Its p-value under permutations."),
        LoggedMetric("p_restricted_PROPERTY", "", "The same with permutations within stations."),
        LoggedMetric("ari_without_STATION", "ARI", "On a station's events, of a training without that station."),
        LoggedMetric(
            "noise_NAME",
            "",
            "Windows without events beside events: how well their latents tell them apart (`auc_latents`), greatest "
            "membership and silhouette of both.",
        ),
    ),
    "Class model": (
        LoggedMetric("reviews", "count", "Reviewed events that it learned from."),
        LoggedMetric("simulated_reviews", "count", "Those by a simulated reviewer."),
        LoggedMetric("classes", "count", "Classes that it knows."),
        LoggedMetric("reviews_of_smallest_class", "count", "Reviewed events of the class that has fewest."),
        LoggedMetric("left_out", "count", "Reviewed events without features."),
        LoggedMetric("tested_classes", "count", "Classes that cross-validation could test."),
        LoggedMetric("tested_reviews", "count", "Reviewed events that it could test."),
        LoggedMetric("audits", "count", "Audits that were reviewed."),
        LoggedMetric("audit_accuracy", "share", "Of audits that are named right: the accuracy to quote."),
        LoggedMetric("audit_accuracy_BOUND", "share", "Bounds of its 95 % interval, `low` and `high`."),
        LoggedMetric("audit_coverage", "share", "Of audits whose conformal set holds the true class."),
        LoggedMetric("cv_accuracy", "share", "Of reviewed events that are named right in cross-validation."),
        LoggedMetric(
            "cv_weighted_accuracy", "share", "The same, each with the weight of the events that it stands for."
        ),
        LoggedMetric("cv_balanced_accuracy", "share", "Mean recall of the tested classes."),
        LoggedMetric("cv_coverage", "share", "Of reviewed events whose conformal set holds the true class."),
        LoggedMetric("cv_log_loss", "nat", "Of the calibrated probabilities."),
        LoggedMetric("cv_log_loss_uncalibrated", "nat", "Of the probabilities before calibration."),
        LoggedMetric("calibration_error", "", "Mean difference between the probability and how often it is right."),
        LoggedMetric(
            "promised_coverage", "share", "`class_model.coverage`: how often sets should hold the true class."
        ),
        LoggedMetric("assigned", "share", "Of events whose set holds one class and that are not new."),
    ),
    "Champion": (
        LoggedMetric("held_out_assigned", "share", "Of events of held-out stations that are assigned."),
        LoggedMetric("val_assigned", "share", "Of events of the validation split that are assigned."),
        LoggedMetric("held_out_novelty", "as the score", "Median novelty at held-out stations."),
        LoggedMetric("val_novelty", "as the score", "Median novelty of the validation split."),
    ),
    "System": (
        LoggedMetric(
            "system/NAME", "as NAME says", "MLflow's own measurements: processor, memory, disk, network, GPU."
        ),
    ),
}
"""All metrics by what they are of; a name that matches several is described by the first one."""

_HEAD = """\
# Metrics

This page is for those who compare runs in MLflow. It has all metrics, and is made by `ris reference metrics` from a
list that tests compare with what is logged. A part in capitals stands for any text. [MLflow](mlflow.md) says which
run has which. Their formulas are in [review](review.md#of-the-class-model),
[champion](champion.md#ranked-without-truth) and [method](method.md). ARI is the adjusted Rand index: 0 by chance, 1
for the same groups.
"""


def undescribed(names: Iterable[str]) -> set[str]:
    """Return the names of metrics that the list does not have."""
    known = [metric for metrics in METRICS.values() for metric in metrics]
    return {name for name in names if not any(metric.matches(name) for metric in known)}


def metrics_reference() -> str:
    """Return the list of metrics as Markdown."""
    lines = [_HEAD]
    for of, metrics in METRICS.items():
        lines += [f"## {of}\n", "| metric | unit | meaning |", "|---|---|---|"]
        lines += [f"| `{metric.name}` | {metric.unit} | {metric.meaning} |" for metric in metrics]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
