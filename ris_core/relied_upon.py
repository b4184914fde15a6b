"""One sentence for the user when an installed package lacks something beyond its public API that the platform uses."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata


class UnsupportedVersionError(RuntimeError):
    """An installed package lacks a part that the platform relies on; the message names the supported versions."""


@contextmanager
def relying_on(package: str, module: str) -> Iterator[None]:
    """Turn an error of a missing or changed part of a package into one that names the versions.

    Parameters
    ----------
    package
        Name of the distribution, as in ``pyproject.toml``.
    module
        Name of the module that relies on it, for the message.

    Raises
    ------
    UnsupportedVersionError
        The body raised `ImportError`, `AttributeError` or `TypeError`.
    """
    try:
        yield
    except (ImportError, AttributeError, TypeError) as error:
        raise UnsupportedVersionError(what_is_missing(package, module, error)) from error


def what_is_missing(package: str, module: str, error: BaseException) -> str:
    """Return a sentence that says what an installed package lacks, its version and the supported ones."""
    return (
        f"{package} {metadata.version(package)} is installed and no longer has what {module} relies on ({error}); "
        f"ris-dagster supports {package} {supported_versions(package)}: install one of these, or see CONTRIBUTING.md, "
        "upgrading"
    )


def supported_versions(package: str) -> str:
    """Return the range of versions of a package that ``pyproject.toml`` requires, such as ``<4,>=3.5``."""
    name = re.escape(package)
    for requirement in metadata.requires("ris-dagster") or ():
        if found := re.fullmatch(rf"{name}\s*(?:\[[^]]*\])?\s*([<>=!~][^;]*)(?:;.*)?", requirement):
            return found[1].strip()
    raise LookupError(f"ris-dagster does not require {package}")
