"""Labels of finished trainings, kept in a file until all are done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ris_core.clustering.recipe import Labels
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.tensors import read_arrays, write_arrays

logger = logging.getLogger(__name__)


class Trainings:
    """Labels of finished trainings by name, kept in a file until all are done.

    Parameters
    ----------
    path
        The file.
    configuration
        Digest of all that decides about them. Trainings of another configuration are not used.
    """

    def __init__(self, path: Path, configuration: str) -> None:
        self._path, self._configuration = path, configuration
        self._done: dict[str, Labels] = {}
        try:
            found, about = read_arrays(path, "the trainings start again from the first", digest_needed=True)
            if about.get("configuration") == configuration:
                self._done = found
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            logger.warning("finished trainings: %s", error)

    def labels(self, name: str, make: Callable[[], Labels]) -> Labels:
        """Return the labels of a training, which is made unless it is done already."""
        if name not in self._done:
            self._done[name] = np.ascontiguousarray(make(), dtype=np.int32)
            write_arrays(self._path, self._done, {"configuration": self._configuration})
        return self._done[name]

    def clear(self) -> None:
        """Remove the file: all is done."""
        self._path.unlink(missing_ok=True)
