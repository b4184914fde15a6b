"""Statistics of the model that labels: how alike the events of a class are, and what DEC changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ris_core.clustering.candidate_models import load_candidate, trained_candidates
from ris_core.clustering.champion import Champion, class_names, read_champion
from ris_core.clustering.champion_files import load_copy
from ris_core.clustering.initial_clusters import read_clusters
from ris_core.clustering.scores import class_table, label_change_table, silhouettes, subsample
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.labels.champion_copy import label_training_set
from ris_core.statistics.statistics_schema import LABEL_CHANGE, PERFORMANCE, SCHEMAS
from ris_core.storage.layout import Layout
from ris_core.training.samples import of_file


class NoModelStatisticsError(FileNotFoundError):
    """There is no model that a table could be made of; the message says what to do."""


def performance(layout: Layout, settings: Settings) -> pd.DataFrame:
    """Return how alike the events of each class of the champion are, on the training set.

    Means of inner product, squared and absolute differences from the class mean are over all events of the training
    set, silhouettes over a sample of them (`statistics.silhouette_sample`).

    Raises
    ------
    NoModelStatisticsError
        There is no training set.
    NoChampionError
        No model labels.
    DamagedFileError
        A file is damaged.
    InputMismatchError
        The champion takes in other events than those of the training set.
    """
    champion = read_champion(layout)
    if not layout.training_set.exists():
        raise NoModelStatisticsError(f"{layout.training_set}: there is no training set (job draw_training_set)")
    model = load_copy(layout.champion_model(champion.model_version))
    labels = label_training_set(layout, model, settings.labelling, reconstruction=False)
    samples = of_file(layout.training_set, champion.normalisation_settings(), in_memory=False)
    sample = settings.statistics.silhouette_sample
    table = class_table(samples, labels.cluster, champion.k, sample)
    drawn = subsample(len(labels.cluster), sample, seed=0)
    scores = silhouettes(np.asarray(labels.latent)[drawn], [labels.cluster[drawn]])[0]
    own = labels.cluster[drawn]
    with np.errstate(invalid="ignore", divide="ignore"):
        of_features = np.bincount(own, scores, minlength=champion.k) / np.bincount(own, minlength=champion.k)
    names = class_names(settings.champion, champion.classes, champion)
    found = pd.DataFrame(
        {
            "label": np.array(champion.classes, np.int32),
            "class_name": [names[number] for number in champion.classes],
            "events": table["size"].to_numpy(np.int64),
            "share": table["share"].to_numpy(float),
            "inner_product": table["inner_product"].to_numpy(float),
            "mse": table["mse"].to_numpy(float),
            "mae": table["mae"].to_numpy(float),
            "silhouette_data": table["silhouette"].to_numpy(float),
            "silhouette_features": of_features,
            "sampled": table["sampled"].to_numpy(np.int64),
        }
    )
    return found.sort_values("label", ignore_index=True).reindex(columns=SCHEMAS[PERFORMANCE].names)


def dec_count(layout: Layout, settings: Settings, champion: Champion | None) -> int:
    """Return the K of the DEC whose labels are compared with the initial clusters.

    It is that of a champion (or of what stands beside it) that is a DEC, else `champion.k` if there is such a DEC, else
    the least K that was trained.

    Raises
    ------
    NoModelStatisticsError
        No DEC of the present training set was trained.
    """
    if not settings.has_dec:
        raise NoModelStatisticsError(
            f"{AEC_DEC} is not among the candidates of the settings, so there is no label change"
        )
    try:
        trained = sorted(trained_candidates(layout, AEC_DEC, settings.counts_of(AEC_DEC), settings.normalisation))
    except FileNotFoundError as error:
        raise NoModelStatisticsError(str(error)) from error
    if not trained:
        raise NoModelStatisticsError(f"no DEC of the present training set was trained (job train_dec, {layout.root})")
    ours = [champion, None if champion is None else champion.companion]
    wanted = [one.k for one in ours if one is not None and one.candidate == str(AEC_DEC)]
    wanted += [] if settings.champion.k is None else [settings.champion.k]
    return next((k for k in wanted if k in trained), trained[0])


def label_change(layout: Layout, settings: Settings, k: int) -> pd.DataFrame:
    """Return the events of the training set by their initial cluster and by that of the DEC trained from it.

    Raises
    ------
    OutOfStepError, FileNotFoundError
        Initial clusters or DEC are absent, or not of the present training set.
    DamagedFileError
        Their files are damaged.
    """
    before = read_clusters(layout, k, settings.normalisation).start.labels
    model, _ = load_candidate(layout, AEC_DEC, k)
    after = label_training_set(layout, model, settings.labelling, reconstruction=False).cluster
    counts = label_change_table(before, after, k).to_numpy()
    rows, columns = np.divmod(np.arange(k * k), k)
    of_before = counts.sum(axis=1)[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(of_before > 0, counts.reshape(-1) / of_before, np.nan)
    found = pd.DataFrame(
        {
            "k": np.full(k * k, k, np.int32),
            "before": rows.astype(np.int32),
            "after": columns.astype(np.int32),
            "events": counts.reshape(-1).astype(np.int64),
            "share_of_before": share,
        }
    )
    return found.reindex(columns=SCHEMAS[LABEL_CHANGE].names)
