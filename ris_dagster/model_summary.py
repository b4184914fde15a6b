"""The state of everything that is trained, as rows of a table for a terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.storage.layout import Layout

if TYPE_CHECKING:
    from ris_core.clustering.model_states import ChoiceState, ModelState

Rows = list[tuple[str, str]]


def model_rows(layout: Layout, settings: Settings, each_count: bool = True) -> Rows:
    """Return name and text of what there is, and of what is missing, collapsed or damaged; nothing of it raises.

    Parameters
    ----------
    layout
        The data root.
    settings
        Sections `aec`, `dec`, `normalisation`, `champion` and `candidates`.
    each_count
        Whether each number of clusters has a row of its own, or all of a candidate one together.
    """
    from ris_core.clustering import model_states

    rows_of = _candidate_rows if each_count else _short_candidate_rows
    candidates = [
        row
        for name in settings.candidate_names
        for row in rows_of(name, model_states.candidate_states(layout, name, settings, settings.normalisation))
    ]
    return [
        ("training set", model_states.training_set_state(layout)),
        *(_autoencoder_rows(layout, settings) if settings.has_autoencoder else _imported_rows(layout)),
        *(
            (
                f"representation {name}",
                model_states.representation_state(layout, name, settings, settings.normalisation),
            )
            for name in settings.fitted_representations
        ),
        *candidates,
        *_ranking_rows(layout, settings),
        *_review_rows(layout, settings),
        ("champion", model_states.champion_state(layout)),
        *_doubts(model_states.champion_doubts(layout, settings.dec, settings.champion)),
    ]


def _autoencoder_rows(layout: Layout, settings: Settings) -> Rows:
    from ris_core.clustering import model_states

    choice = model_states.choice_state(layout, settings.aec)
    return [
        *_trial_rows(model_states.trial_states(layout, settings.aec)),
        *_imported_rows(layout),
        ("AEC validation MSE", _choice(choice)),
        *_doubts(choice.model.doubts),
    ]


def _ranking_rows(layout: Layout, settings: Settings) -> Rows:
    """Return the best ranked of several candidates; of one alone there is nothing to choose from."""
    from ris_core.clustering.ranking_file import ranking_state

    if not settings.has_ranking:
        return []
    best, doubts = ranking_state(layout, settings)
    return [("best ranked", best), *_doubts(doubts)]


def _review_rows(layout: Layout, settings: Settings) -> Rows:
    """Return what there is of reviews and the class model; nothing if nobody has reviewed anything."""
    from ris_core.review.class_candidate import class_model_state
    from ris_core.review.summary import review_summary

    try:
        found = review_summary(layout, settings)
    except OSError as error:
        return [("reviews", str(error))]
    state = found.state
    if not state.words:
        return []
    audits, apart = int(state.reviewed()["audit"].sum()), len(state.conflicting)
    said = f"{found.reviewed} events, {audits} of them audits, {len(state.classes)} classes"
    said += f"; {apart} in conflict" if apart else ""
    said += "; some by a simulated reviewer" if state.simulated else ""
    model = class_model_state(layout, settings)
    since = f"; {found.since} events reviewed since" if found.since and model.is_there else ""
    verdict = model.why if not model.is_there else "may label" if model.accepted else f"may not label: {model.reasons}"
    return [
        ("reviews", said),
        (f"class model {settings.class_model_name}", f"{verdict}{since}"),
        *_doubts(model.doubts),
    ]


def _doubts(doubts: Sequence[str]) -> Rows:
    return [("  worth a look", doubt) for doubt in doubts]


def _trial_rows(trials: "Mapping[str, ModelState]") -> Rows:
    trained = {key: found for key, found in trials.items() if found.is_there}
    rows = [("trials trained", f"{len(trained)} of {len(trials)}")]
    rows += [(f"trial {key}", found.why) for key, found in trials.items() if found.is_trained and found.why]
    if trained and not any(found.accepted for found in trained.values()):
        rows.append(("trials that may be chosen", "none, so that no autoencoder can be chosen"))
        rows += [(f"trial {key}", found.reasons) for key, found in trained.items()]
    return rows


def _imported_rows(layout: Layout) -> Rows:
    from ris_core.models.imported_models import imported_names, read_imported

    rows = []
    for name in imported_names(layout):
        try:
            found = read_imported(layout, name)
            rows.append((f"imported {name}", "gone" if found is None else found.network))
        except OSError as error:
            rows.append((f"imported {name}", str(error)))
    return rows


def _choice(found: "ChoiceState") -> str:
    if not found.model.is_there:
        return ": ".join(part for part in (found.name, found.model.why) if part)
    metrics = found.model.metrics
    mse, mean, pca = (number(metrics.get(n), ".3g") for n in ("val_mse", "mean_spectrogram_mse", "pca9_mse"))
    return f"{mse} ({found.name}; mean spectrogram {mean}, PCA-9 {pca})"


def _candidate_rows(name: CandidateName, models: "Mapping[int, ModelState]") -> Rows:
    called, rows = "DEC" if name == AEC_DEC else str(name), []
    for k, found in models.items():
        if found.is_there:
            # The verdict says nothing about how good the classes are.
            verdict = (
                "may label (clusters of enough events, apart)" if found.accepted else f"may not label: {found.reasons}"
            )
            updates = f"{number(found.metrics.get('updates'), '.0f')} updates, " if name == AEC_DEC else ""
            silhouette = number(found.metrics.get("silhouette"), ".3f")
            rows.append((f"{called} K = {k}", f"{updates}silhouette {silhouette}, {verdict}"))
            rows += _doubts(found.doubts)
        elif found.is_trained:
            rows.append((f"{called} K = {k}", found.why))
    missing = [str(k) for k, found in models.items() if not found.is_trained]
    if missing:
        rows.append((f"{called} not trained", f"K = {', '.join(missing)}"))
    return rows


def _short_candidate_rows(name: CandidateName, models: "Mapping[int, ModelState]") -> Rows:
    """Return how many numbers of clusters are there, and a row for each that cannot be read."""
    called = "DEC" if name == AEC_DEC else str(name)
    there = {k: found for k, found in models.items() if found.is_there}
    said = [f"{len(there)} of {len(models)} K trained", f"{sum(found.accepted for found in there.values())} may label"]
    defined = {k: s for k, found in there.items() if (s := found.metrics.get("silhouette")) and not math.isnan(s)}
    if defined:
        best = max(defined, key=lambda k: defined[k])
        said.append(f"greatest silhouette {defined[best]:.3f} (K = {best})")
    if doubts := sum(len(found.doubts) for found in there.values()):
        said.append(f"{doubts} worth a look: `ris status`")
    broken = {k: found.why for k, found in models.items() if found.is_trained and not found.is_there}
    return [(called, ", ".join(said)), *((f"{called} K = {k}", why) for k, why in broken.items())]


def number(value: float | None, form: str) -> str:
    """Return a number as text; scores of clusters that have collapsed are undefined."""
    return "undefined" if value is None or math.isnan(value) else format(value, form)
