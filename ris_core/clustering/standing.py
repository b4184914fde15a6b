"""What has become of everything that is trained: there, missing, of something else, damaged; in words for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core.clustering.champion import champion_or_none, names_without_a_class
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.dec_models import read_dec, trained_models
from ris_core.clustering.dec_models import verdict as dec_verdict
from ris_core.clustering.novelty import NoveltyModel
from ris_core.models.weights import WeightsError, read_description
from ris_core.storage import spectrogram_file
from ris_core.storage.store import Store
from ris_core.training.doubts import aec_doubts, dec_doubts
from ris_core.training.trials import chosen_aec, read_choice, read_trial
from ris_core.training.trials import verdict as trial_verdict

_UNUSABLE = (OSError, WeightsError, ValueError, KeyError)
"""What loaders raise over files that are absent, damaged or of something else; the message names the file."""


@dataclass(frozen=True)
class Standing:
    """A trial or a DEC.

    Attributes
    ----------
    metadata
        That it was saved with; none where it is not there, or not of the input of now.
    why
        Why there are none.
    accepted
        Whether it may be used, by the settings of now.
    reasons
        Why it may not.
    doubts
        What speaks against it, though it may.
    """

    metadata: Mapping[str, Any] | None = None
    why: str = ""
    accepted: bool = False
    reasons: str = ""
    doubts: tuple[str, ...] = ()


def trials_standing(store: Store) -> dict[str, Standing]:
    """Return what has become of every trial of the grid."""
    return {key: _trial(store, key) for key in store.settings.aec.grid.trials()}


def _trial(store: Store, key: str) -> Standing:
    try:
        found = read_trial(store, key)
        if found is None:
            return Standing(why="not trained")
        judged = trial_verdict(found["metadata"], store.settings.aec)
    except _UNUSABLE as error:
        return Standing(why=str(error))
    doubts = aec_doubts(found["metadata"]["metrics"])
    return Standing(found["metadata"], accepted=judged.passed, reasons="; ".join(judged.reasons), doubts=doubts)


def models_standing(store: Store) -> dict[int, Standing]:
    """Return what has become of the DEC of every K of the settings."""
    return {k: _model(store, k) for k in store.settings.dec.k}


def _model(store: Store, k: int) -> Standing:
    try:
        if read_dec(store, k) is None:
            return Standing(why="not trained")
        found = trained_models(store, [k]).get(k)
        if found is None:
            return Standing(why="trained from another autoencoder or training set than those of now")
        judged = dec_verdict(found, store.settings.dec)
    except _UNUSABLE as error:
        return Standing(why=str(error))
    doubts = dec_doubts(found, store.settings.dec)
    return Standing(found, accepted=judged.passed, reasons="; ".join(judged.reasons), doubts=doubts)


def training_set_standing(store: Store) -> str:
    """Return what there is of a training set, in words."""
    if not store.training_set.exists():
        return "not drawn"
    try:
        info = spectrogram_file.read_info(store.training_set)
    except _UNUSABLE as error:
        return str(error)
    train = info.summary.get("train")
    return f"{info.events} events" + ("" if train is None else f", {info.events - train} of them for validation")


def choice_standing(store: Store) -> tuple[str, Standing]:
    """Return the name of the chosen autoencoder (empty where none can be told), and what has become of it."""
    if not store.aec_choice.exists():
        return "", Standing(why="none is chosen")
    name = ""
    try:
        choice = read_choice(store)
        name = str(choice["trial"])
        chosen_aec(store)
        metadata = choice if "imported" in choice else (read_trial(store, name) or {})["metadata"]
        judged = trial_verdict(metadata, store.settings.aec)
    except _UNUSABLE as error:
        return name, Standing(why=str(error))
    doubts = aec_doubts(metadata["metrics"])
    return name, Standing(metadata, accepted=judged.passed, reasons="; ".join(judged.reasons), doubts=doubts)


def champion_standing(store: Store) -> str:
    """Return which model labels, in words, or why none can."""
    try:
        champion = champion_or_none(store)
        if champion is None:
            return "none is chosen"
        load_copy(store.champion_model(champion.model_version))
        NoveltyModel.load(novelty_path(store, champion.model_version, champion.novelty), champion.novelty)
    except _UNUSABLE as error:
        return str(error)
    return champion.model_version


def champion_doubts(store: Store) -> tuple[str, ...]:
    """Return what speaks against the model that labels, and names of the settings that are of no class."""
    try:
        champion = champion_or_none(store)
        if champion is None:
            return ()
        metadata = read_description(store.champion_model(champion.model_version))["metadata"]
    except _UNUSABLE:
        return ()  # `champion_standing` says it
    strange = names_without_a_class(store.settings.champion, champion)
    return (
        *dec_doubts(metadata, store.settings.dec),
        *(f"champion.names: {number} ({name}) is the number of no class so far" for number, name in strange.items()),
    )
