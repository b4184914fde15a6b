"""Contract tests: what another package must keep doing, since a module of ours relies on it beyond its public API."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

import pytest


@contextmanager
def relied_upon(package: str, what: str, by: str) -> Iterator[None]:
    """Fail with a sentence that says what changed in a package, who relies on it, and where to read on.

    Parameters
    ----------
    package
        Name of the distribution.
    what
        What it must do, as a sentence.
    by
        The module of ours that relies on it.
    """
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        raise AssertionError(
            f"{package} {metadata.version(package)} changed what {by} relies on: {what}. Change {by} and nothing else; "
            f"CONTRIBUTING.md, upgrading, says what to do. {type(error).__name__}: {error}"
        ) from error
