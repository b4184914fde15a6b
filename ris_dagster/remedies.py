"""What to do about errors of ris_core, in the words of this platform: which asset to materialize first."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_REMEDIES = {
    "NotAcquiredError": "materialize raw_waveforms for it first",
    "NotProcessedError": "materialize spectrograms for it first",
    "NoChampionError": "materialize champion_model first",
    "NoCurrentLabelsError": "materialize label_tables first",
    "NoTemplatesError": "materialize spectrograms and label_tables first",
    "NoTrainingSetError": "materialize training_set first",
    "NoTrainedTrialError": "materialize aec_trials",
    "NoChosenAecError": "materialize aec_weights first",
    "AnotherAecError": "materialize aec_weights again",
    "NoLatentsError": "materialize latent_features first",
    "LatentsOutOfStepError": "materialize latent_features again",
    "NoInitialClustersError": "materialize gmm_clusters first",
    "ClustersOutOfStepError": "materialize latent_features and gmm_clusters again",
    "NoRepresentationError": "materialize the representation first",
    "FeaturesOutOfStepError": "materialize the representation again",
    "NoTrainedModelError": "materialize the asset of the candidate for this K",
    "NoCatalogueError": "materialize event_catalogue first",
    "NoLabelledEventsError": "materialize label_tables, then event_catalogue",
    "NoLabelsOfChampionError": "materialize label_tables first",
    "NoEventMapError": "materialize event_map first",
    "NoRatesError": "materialize class_rates first",
    "NoStatisticsError": "materialize class_statistics first",
    "NoSeriesError": "materialize environment_series for it first",
    "RankingOutOfStepError": "materialize candidates first",
    "NoClassModelError": "materialize class_model first",
    "NoTrainedDecError": "materialize gmm_clusters and dec_models",
    "DecOutOfStepError": "materialize gmm_clusters and dec_models for it with the values of the settings, not with "
    "others from the launchpad, or set stability.k to another K",
    "CandidateOutOfStepError": "materialize its representation and the candidate for this K, or set "
    "stability.candidate and stability.k to others",
}
"""By the name of the error's class: the errors of workers arrive as text, and importing the classes loads torch."""


def remedy_for(error: BaseException | str) -> str:
    """Return what to do about an error; empty if there is nothing to say.

    Parameters
    ----------
    error
        The error, or the text "CLASS: message" of an error that a worker has sent.
    """
    if isinstance(error, str):
        return _REMEDIES.get(error.partition(":")[0], "")
    return next((_REMEDIES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _REMEDIES), "")


def with_remedy(error: BaseException | str) -> str:
    """Return an error as text, with what to do about it."""
    return "; ".join(part for part in (str(error), remedy_for(error)) if part)


@contextmanager
def remedies_noted() -> Iterator[None]:
    """Add to an error what to do about it, as a note, which Dagster shows below the error's message."""
    try:
        yield
    except Exception as error:
        if remedy := remedy_for(error):
            error.add_note(remedy)
        raise


def noting_remedies(function: F) -> F:
    """Decorate the function of an asset so that its errors say what to do about them, as `remedies_noted` does."""
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            with remedies_noted():
                yield from function(*arguments, **named)

    else:

        @functools.wraps(function)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            with remedies_noted():
                return function(*arguments, **named)

    return cast(F, wrapped)
