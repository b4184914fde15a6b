"""What MLflow's pages of an experiment show first: a description, saved views with columns, best metrics of groups.

MLflow keeps the columns of a table in the browser, so no server can set those that appear at first. It can keep
*views*: named columns, filters and orders, as tags of the experiment. The address of a view opens it, and the button
*Views* lists all.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

_KIND, _NOTE, _VIEW = "mlflow.experimentKind", "mlflow.note.content", "mlflow.sharedViewState."
_WIDTH = 110
_SEEN = {
    "mlflow.workflowType": '"machine_learning"',
    "mlflow.assistant.fab.autoOpenedOnFirstLoad": "true",
    "mlflow.settings.telemetry.enabled": "false",
    "mlflow.telemetry.info.alert.dismissed": "true",
}
"""What a browser that comes for the first time should remember, as MLflow's page keeps it: the pages for trainings
rather than those for language models; that the panel of its assistant was opened once; that nothing is sent to
MLflow's makers, and that this was said."""
BEST_TAG = "ris.best"
"""Tag of a parent run: the name of the run whose metrics it shows."""
_BEST: dict[str, tuple[bool, tuple[str, ...]]] = {
    "best_val_mse": (False, ("best_val_mse", "mean_spectrogram_mse", "pca9_mse", "live_latents")),
    "silhouette": (True, ("silhouette", "smallest_cluster")),
}
"""Metrics by which runs of a group are compared, the first that a run has: greater is better, and what is shown."""


@dataclass(frozen=True)
class _View:
    """A saved view of the table of runs."""

    key: str
    name: str
    about: str
    runs: str
    order: str
    columns: tuple[str, ...]

    def tag(self, at_ms: int) -> str:
        """Return the value of its tag, made at a time (ms since 1970)."""
        state = {
            "searchFilter": self.runs,
            "orderByKey": self.order,
            "orderByAsc": True,
            "selectedColumns": list(self.columns),
            "columnOrder": list(self.columns),
            "columnWidths": dict.fromkeys(self.columns, _WIDTH),
        }
        return json.dumps({"name": self.name, "createdAt": at_ms, "updatedAt": at_ms, "state": json.dumps(state)})


def _tags(*names: str) -> tuple[str, ...]:
    return tuple(f"tags.`{name}`" for name in names)


def _metrics(*names: str) -> tuple[str, ...]:
    return tuple(f"metrics.`{name}`" for name in names)


_CLUSTERS = _View(
    "ris-clusters",
    "Clusters of every model",
    "every representation with a clusterer, for each number of clusters K, the first ranked first",
    "tags.`ris.candidate` LIKE '%'",
    "metrics.`ranking_rank`",
    (
        *_tags("ris.candidate", "ris.k", "accepted"),
        *_metrics("ranking_rank", "silhouette", "smallest_cluster", "label_change"),
        "attributes.`Duration`",
    ),
)
_VIEWS = (
    _CLUSTERS,
    _View(
        "ris-autoencoders",
        "Autoencoders",
        "every point of the grid, the least error first",
        "tags.`ris.asset` = 'aec_trials'",
        "metrics.`best_val_mse`",
        (
            "params.`batch_size`",
            "params.`learning_rate`",
            *_metrics("best_val_mse", "mean_spectrogram_mse", "pca9_mse", "live_latents"),
            *_tags("accepted"),
            "attributes.`Duration`",
        ),
    ),
)
_MEANINGS = (
    (
        "`best_val_mse`",
        "error of an autoencoder on events that it was not trained on, mean over pixels",
        "below `mean_spectrogram_mse` and `pca9_mse`: what a mean and nine principal components reach",
    ),
    ("`silhouette`", "how far apart the clusters are, in the spectrograms, -1 to 1", "greater; compares models and K"),
    ("`smallest_cluster`", "share of the events that the smallest cluster holds", "not near 0"),
    ("`ranking_rank`", "place among all accepted models, ranked without truth", "1"),
    ("`label_change`", "share of events that changed their cluster at the last update of DEC", "near 0"),
    (
        "`accepted` (a tag)",
        "whether a model may label: clusters of enough events, apart; not how good its classes are",
        "true",
    ),
)
"""Metrics of the views, what they mean, and which values are good."""
_DESCRIPTION = """\
Trainings of the network {network}: autoencoders, clusterings and classifiers, each a run. A run without a parent
groups those over one data set and shows the metrics of the best of them; its tag `{best}` names that one.

Views of the runs with their columns, also under *Views* above the table:

{views}

| metric | meaning | good |
|---|---|---|
{meanings}

The page *MLflow* of the documentation (docs/mlflow.md) has all metrics, and how to compare, load and serve models."""


def tags_of_experiment(network: str, experiment_id: str) -> dict[str, str]:
    """Return the tags of an experiment that its pages are made of: kind, description and saved views.

    Parameters
    ----------
    network
        Name of the network.
    experiment_id
        The experiment, for links to its views.
    """
    links = "\n".join(f"- [{one.name}]({_page(experiment_id, one)}): {one.about}" for one in _VIEWS)
    meanings = "\n".join(f"| {' | '.join(row)} |" for row in _MEANINGS)
    now = int(time.time() * 1000)
    return {
        _KIND: "custom_model_development",
        _NOTE: _DESCRIPTION.format(network=network, best=BEST_TAG, views=links, meanings=meanings),
        # The newest is the first in the list.
        **{f"{_VIEW}{one.key}": one.tag(now - place) for place, one in enumerate(_VIEWS)},
    }


def first_page(experiment_id: str) -> str:
    """Return the address of the runs of an experiment, with columns, after that of the server."""
    return f"/{_page(experiment_id, _CLUSTERS)}"


def _page(experiment_id: str, view: _View) -> str:
    # Without the first parameter, a new browser shows the pages for language models.
    query = f"workflowType=machine_learning&viewStateShareKey={view.key}"
    return f"#/experiments/{experiment_id}/runs?{query}"


def with_first_settings(page: str) -> str:
    """Return MLflow's page with a script that gives a new browser our settings; what a browser has stays.

    Raises
    ------
    ValueError
        The page is not as expected.
    """
    kept = {f"{name}_v1": value for name, value in _SEEN.items()}
    script = (
        f"<script>for (const [key, value] of Object.entries({json.dumps(kept)})) "
        "if (localStorage.getItem(key) === null) localStorage.setItem(key, value);</script>"
    )
    if "<script" not in page:
        raise ValueError("the page of MLflow has no script")
    return page.replace("<script", f"{script}<script", 1)


def note_of_group(kind: str, digest: str) -> dict[str, str]:
    """Return the description of a parent run, as its tag."""
    text = (
        f"The runs of `{kind}` over one data set (digest {digest}). The metrics are those of the best accepted run, by "
        f"{' or '.join(f'`{name}`' for name in _BEST)}; the tag `{BEST_TAG}` names it."
    )
    return {_NOTE: text}


def better(found: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of a run that its parent should show; none if the parent shows those of a better run.

    Parameters
    ----------
    found, before
        Metrics of the run, and of its parent.
    """
    for name, (greater, shown) in _BEST.items():
        if name in found:
            if name in before and (found[name] <= before[name] if greater else found[name] >= before[name]):
                return {}
            return {one: found[one] for one in shown if one in found}
    return {}
