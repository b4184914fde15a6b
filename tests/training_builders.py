"""The training set of a store, with the sections of its own settings."""

from store import Store

from ris_core.training import aec_choice, event_sources, training_draw, trials
from ris_core.training.event_sources import ChangedSources, EventSources, sources_of
from ris_core.training.training_draw import DrawnTrainingSet
from ris_core.training.training_set import TrainingSet, load


def sources_in(store: Store) -> EventSources:
    """Return the station-days to draw from."""
    return sources_of(store.days.process, store.station_days(), store.settings.training_set)


def draw_set(store: Store) -> DrawnTrainingSet:
    """Draw the training set."""
    settings = store.settings
    return training_draw.draw(
        store, sources_in(store), settings.training_set, settings.normalisation, settings.processing_json()
    )


def load_set(store: Store) -> TrainingSet:
    """Load the training set."""
    return load(store, store.settings.training_set, store.settings.normalisation)


def set_is_current(store: Store) -> bool:
    """Return whether the training set is current."""
    return event_sources.is_current(store, sources_in(store), store.settings.training_set)


def changed_sources(store: Store) -> ChangedSources:
    """Return how the station-days differ from those of the draw."""
    return event_sources.changed_since(store, sources_in(store))


def trial_current(store: Store, key: str) -> bool:
    """Return whether a trial is current."""
    return trials.trial_is_current(store, key, store.settings.aec, store.settings.normalisation)


def choice_current(store: Store) -> bool:
    """Return whether the choice of the autoencoder is current."""
    return aec_choice.choice_is_current(store, store.settings.aec, store.settings.normalisation)
