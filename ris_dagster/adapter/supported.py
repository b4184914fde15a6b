"""One sentence for the user when the installed Dagster lacks something that the adapter relies on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata


class UnsupportedDagsterError(RuntimeError):
    """The installed Dagster lacks an internal part that the platform relies on; the message names both versions."""


@contextmanager
def relying_on_dagster(module: str) -> Iterator[None]:
    """Turn an error of a missing or changed part of Dagster into one that names the versions.

    Parameters
    ----------
    module
        Name of the adapter module, for the message.

    Raises
    ------
    UnsupportedDagsterError
        The body raised `ImportError`, `AttributeError` or `TypeError`.
    """
    try:
        yield
    except (ImportError, AttributeError, TypeError) as error:
        raise UnsupportedDagsterError(what_is_missing(module, error)) from error


def what_is_missing(module: str, error: BaseException) -> str:
    """Return a sentence that says what the installed Dagster lacks, its version and the supported ones."""
    return (
        f"Dagster {metadata.version('dagster')} is installed and no longer has what {module} relies on ({error}); "
        f"ris-dagster supports Dagster {supported_versions()}: install one of these, or see CONTRIBUTING.md, "
        "upgrading Dagster"
    )


def supported_versions() -> str:
    """Return the range of versions of Dagster that the package requires, such as ``<1.14,>=1.13.27``."""
    for requirement in metadata.requires("ris-dagster") or ():
        if found := re.fullmatch(r"dagster\s*([<>=!~][^;]*)", requirement):
            return found[1].strip()
    raise LookupError("ris-dagster does not require Dagster")
