"""The state of everything that is trained: there, missing, out of step or damaged; in words for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ris_core import config
from ris_core.clustering.candidate_models import read_candidate
from ris_core.clustering.champion import Champion, champion_or_none, names_without_a_class
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.features import features_are_current, inputs_of
from ris_core.clustering.model_record import record_of
from ris_core.clustering.novelty import NoveltyModel
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.models.model_file import WeightsError, read_description
from ris_core.representations.fitted import NoRepresentationError, read_fitted
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance
from ris_core.training.aec_choice import chosen_aec, read_choice
from ris_core.training.doubts import aec_doubts
from ris_core.training.trials import read_trial
from ris_core.training.trials import verdict as trial_verdict

_UNUSABLE = (OSError, WeightsError, ValueError, KeyError)
"""What loaders raise about files that are absent, damaged or of something else; the message names the file."""


@dataclass(frozen=True)
class ModelState:
    """The state of a trial or of a model with clusters.

    Attributes
    ----------
    is_there
        Whether it has been trained from the current training set (with clusters: and representation) and can be read.
    is_trained
        Whether it has been trained at all; what cannot be read counts as trained.
    why
        Why it does not exist; empty if it does.
    accepted
        Whether it may be used, by the current settings.
    reasons
        Why it may not.
    doubts
        What speaks against it, though it may be used.
    metrics
        Its scores by name; none for those that are not defined.
    """

    is_there: bool
    is_trained: bool = True
    why: str = ""
    accepted: bool = False
    reasons: str = ""
    doubts: tuple[str, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ChoiceState:
    """The state of the chosen autoencoder.

    Attributes
    ----------
    name
        Name of the trial or of the imported model; empty if it has none.
    model
        Its state.
    """

    name: str
    model: ModelState


def _missing(why: str, is_trained: bool = True) -> ModelState:
    return ModelState(False, is_trained, why)


def _there(judged: Acceptance, doubts: tuple[str, ...], metrics: Mapping[str, float | None]) -> ModelState:
    return ModelState(True, True, "", judged.passed, "; ".join(judged.reasons), doubts, metrics)


def trial_states(layout: Layout, aec: config.AecSettings) -> dict[str, ModelState]:
    """Return the state of every trial of the grid, by name."""
    return {key: _trial(layout, key, aec) for key in aec.grid.trials()}


def _trial(layout: Layout, key: str, aec: config.AecSettings) -> ModelState:
    try:
        found = read_trial(layout, key)
        if found is None:
            return _missing("not trained", is_trained=False)
        return _there(trial_verdict(found.metrics, aec), aec_doubts(found.metrics), found.metrics)
    except _UNUSABLE as error:
        return _missing(str(error))


def candidate_states(
    layout: Layout,
    name: CandidateName,
    candidates: config.CandidatesSettings,
    normalisation: config.NormalisationSettings,
) -> dict[int, ModelState]:
    """Return the state of the model of a candidate for every K that it has by the settings."""
    return {k: _candidate(layout, name, k, candidates.dec, normalisation) for k in candidates.counts_of(name)}


def _candidate(
    layout: Layout, name: CandidateName, k: int, dec: config.DecSettings, normalisation: config.NormalisationSettings
) -> ModelState:
    try:
        kept = read_candidate(layout, name, k)
        if kept is None:
            return _missing("not trained", is_trained=False)
        if kept.record.inputs != inputs_of(layout, name.representation, normalisation):
            what = "autoencoder" if name.representation == AEC_DEC.representation else "representation"
            return _missing(f"trained from another {what} or training set than the current ones")
        return _there(kept.record.verdict(dec), kept.record.doubts(dec), kept.record.metrics)
    except _UNUSABLE as error:
        return _missing(str(error))


def representation_state(
    layout: Layout, name: str, candidates: config.CandidatesSettings, normalisation: config.NormalisationSettings
) -> str:
    """Return the state of a representation other than the autoencoder, in words."""
    try:
        found = read_fitted(layout, name)
        if not features_are_current(layout, name, candidates, normalisation):
            return "damaged, or not what the current training set and settings would give"
    except NoRepresentationError:
        return "not fitted"
    except _UNUSABLE as error:
        return str(error)
    errors = {"training": found.metrics.get("train_error"), "validation": found.metrics.get("val_error")}
    said = ", ".join(f"{what} error {value:.3g}" for what, value in errors.items() if value is not None)
    return f"{found.metrics.get('dimensions'):.0f} dimensions{', ' if said else ''}{said}"


def training_set_state(layout: Layout) -> str:
    """Return the state of the training set, in words."""
    if not layout.training_set.exists():
        return "not drawn"
    try:
        info = spectrogram_file.read_info(layout.training_set)
    except _UNUSABLE as error:
        return str(error)
    train = info.summary.get("train")
    return f"{info.events} events" + ("" if train is None else f", {info.events - train} of them for validation")


def choice_state(layout: Layout, aec: config.AecSettings) -> ChoiceState:
    """Return the state of the chosen autoencoder."""
    if not layout.aec_choice.exists():
        return ChoiceState("", _missing("none is chosen", is_trained=False))
    name = ""
    try:
        choice = read_choice(layout)
        name = choice.trial
        chosen_aec(layout)
        trial = None if choice.is_imported else read_trial(layout, name)
        metrics = choice.metrics if trial is None else trial.metrics
        model = _there(trial_verdict(metrics, aec), aec_doubts(metrics), metrics)
    except _UNUSABLE as error:
        return ChoiceState(name, _missing(str(error)))
    return ChoiceState(name, model)


def champion_state(layout: Layout) -> str:
    """Return which model labels, in words, or why none can."""
    try:
        champion = champion_or_none(layout)
        if champion is None:
            return "none is chosen"
        load_copy(layout.champion_model(champion.model_version))
        if champion.companion is not None:
            load_copy(layout.champion_model(champion.companion.model_version))
        _novelty(layout, champion)
    except _UNUSABLE as error:
        return str(error)
    return champion.model_version


def champion_doubts(layout: Layout, dec: config.DecSettings, names: config.ChampionSettings) -> tuple[str, ...]:
    """Return what speaks against the model that labels, why it has no threshold, and names that are of no class.

    Parameters
    ----------
    layout
        The data root.
    dec, names
        Sections `dec` (`tolerance`) and `champion` (`names`).
    """
    try:
        champion = champion_or_none(layout)
        if champion is None:
            return ()
        said = read_description(layout.champion_model(champion.model_version))
        record = record_of(said.metadata)
        novelty = _novelty(layout, champion)
    except _UNUSABLE:
        return ()  # `champion_state` says it
    nameless = names_without_a_class(names, champion)
    return (
        *record.doubts(dec, champion.classes),
        *([novelty.note] if novelty is not None and novelty.note else []),
        *(["its reviews are those of a simulated reviewer, or some of them"] if said.spec.get("simulated") else []),
        *_name_doubts(champion, names),
        *(f"champion.names: {number} ({name}) is the number of no class so far" for number, name in nameless.items()),
    )


def _novelty(layout: Layout, champion: Champion) -> NoveltyModel | None:
    """Return the novelty model of a champion; none for a class model."""
    if champion.reviewed:
        return None
    return NoveltyModel.load(novelty_path(layout, champion.model_version, champion.novelty), champion.novelty)


def _name_doubts(champion: Champion, settings: config.ChampionSettings) -> list[str]:
    """Return the classes that settings and reviews call by different names."""
    apart = {n: name for n, name in champion.names.items() if settings.names.get(n, name) != name}
    return [
        f"champion.names: class {number} is called {settings.names[number]}, but {name} in the reviews; the name of "
        "the settings is shown"
        for number, name in sorted(apart.items())
        if number in champion.classes
    ]
