"""What has become of everything that is trained, as rows of a table for a terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ris_core.storage.store import Store

if TYPE_CHECKING:
    from ris_core.clustering.standing import Standing

Rows = list[tuple[str, str]]


def model_rows(store: Store) -> Rows:
    """Return name and text of what there is, and of what is missing, collapsed or damaged; nothing of it raises."""
    from ris_core.clustering import standing

    choice = standing.choice_standing(store)
    return [
        ("training set", standing.training_set_standing(store)),
        *_trial_rows(standing.trials_standing(store)),
        *_imported_rows(store),
        ("AEC validation MSE", _choice(*choice)),
        *_doubts(choice[1].doubts),
        *_dec_rows(standing.models_standing(store)),
        ("champion", standing.champion_standing(store)),
        *_doubts(standing.champion_doubts(store)),
    ]


def _doubts(doubts: Sequence[str]) -> Rows:
    return [("  worth a look", doubt) for doubt in doubts]


def _trial_rows(trials: "Mapping[str, Standing]") -> Rows:
    trained = {key: found for key, found in trials.items() if found.metadata is not None}
    rows = [("trials trained", f"{len(trained)} of {len(trials)}")]
    rows += [(f"trial {key}", found.why) for key, found in trials.items() if found.why not in ("", "not trained")]
    if trained and not any(found.accepted for found in trained.values()):
        rows.append(("trials that may be chosen", "none, so that no autoencoder can be chosen"))
        rows += [(f"trial {key}", found.reasons) for key, found in trained.items()]
    return rows


def _imported_rows(store: Store) -> Rows:
    from ris_core.models.imported_models import imported_names, read_imported

    rows = []
    for name in imported_names(store):
        try:
            found = read_imported(store, name)
            rows.append((f"imported {name}", "gone" if found is None else str(found["network"])))
        except OSError as error:
            rows.append((f"imported {name}", str(error)))
    return rows


def _choice(name: str, found: "Standing") -> str:
    if found.metadata is None:
        return ": ".join(part for part in (name, found.why) if part)
    metrics = found.metadata["metrics"]
    mse, mean, pca = (number(metrics.get(n), ".3g") for n in ("val_mse", "mean_spectrogram_mse", "pca9_mse"))
    return f"{mse} ({name}; mean spectrogram {mean}, PCA-9 {pca})"


def _dec_rows(models: "Mapping[int, Standing]") -> Rows:
    rows = []
    for k, found in models.items():
        if found.metadata is not None:
            metrics = found.metadata["metrics"]
            # What it passed says nothing of how good the classes are.
            verdict = (
                "may label (clusters of enough events, apart)" if found.accepted else f"may not label: {found.reasons}"
            )
            updates, silhouette = number(metrics.get("updates"), ".0f"), number(metrics.get("silhouette"), ".3f")
            rows.append((f"DEC K = {k}", f"{updates} updates, silhouette {silhouette}, {verdict}"))
            rows += _doubts(found.doubts)
        elif found.why != "not trained":
            rows.append((f"DEC K = {k}", found.why))
    missing = [str(k) for k, found in models.items() if found.why == "not trained"]
    if missing:
        rows.append(("DEC not trained", f"K = {', '.join(missing)}"))
    return rows


def number(value: float | None, form: str) -> str:
    """Return a number as text, or that it is not defined: scores of clusters that have collapsed are not."""
    return "undefined" if value is None or math.isnan(value) else format(value, form)
