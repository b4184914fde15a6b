"""What to do about errors of ris_core, in the words of this platform: which asset to materialize first."""

from collections.abc import Iterator
from contextlib import contextmanager

_REMEDIES = {
    "NotAcquiredError": "materialize raw_waveforms for it first",
    "NotProcessedError": "materialize spectrograms for it first",
    "NoChampionError": "materialize champion_model first",
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
