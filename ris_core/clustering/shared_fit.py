"""What the models of all K of a candidate have in common, on disk: made by the first training, read by the others."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock
from numpy.typing import NDArray

from ris_core import config, versions
from ris_core.clustering.clusterer import Clusterer, Shared
from ris_core.clustering.latents import ClusteringInputs
from ris_core.contracts.candidate_name import CandidateName
from ris_core.section import Section, digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.tensors import read_arrays, write_arrays

logger = logging.getLogger(__name__)

_CONFIGURATION = "configuration"
_REMEDY = "train a K of the candidate again, or let `ris run` do it"


def shared_configuration(
    inputs: ClusteringInputs, name: CandidateName, candidates: config.CandidatesSettings, seed: int
) -> tuple[str, ...]:
    """Return the digest of all that decides about what the models of a candidate have in common.

    Where the clusterer leaves something out because its package is not installed, a second one stands for what was
    made with it, which is not made again without it.
    """
    absent = candidates.absent_of(name.clusterer)
    clusterers = [candidates.clusterer_digest(name.clusterer, without) for without in dict.fromkeys((absent, ()))]
    shared = [versions.CANDIDATE, inputs.representation, inputs.training_set, str(name)]
    return tuple(digest_of([*shared, clusterer, seed]) for clusterer in clusterers)


def read_shared(path: Path, kind: type[Clusterer], configurations: Collection[str]) -> Shared | None:
    """Return what a file holds; none if there is no file, or it is of another configuration.

    Raises
    ------
    DamagedFileError
        The file is damaged.
    """
    try:
        arrays, about = read_arrays(path, _REMEDY, digest_needed=True)
    except FileNotFoundError:
        return None
    if about.get(_CONFIGURATION) not in configurations:
        return None
    with damage_named(path, _REMEDY):
        return kind.build_shared(about, arrays)


def shared_fit(
    path: Path, kind: type[Clusterer], z: NDArray[Any], settings: Section, seed: int, configurations: Sequence[str]
) -> Shared | None:
    """Return what the clusters of all K have in common, from its file, or made and written to it.

    A damaged file, and one of another configuration, is replaced. One process makes it, while others wait for it.

    Parameters
    ----------
    path
        The file; it is not written if the clusterer shares nothing.
    kind, z, settings, seed
        The class of the clusterer, and the parameters of its `share`.
    configurations
        Digests of all that decides about it (`shared_configuration`): that of what is made here, then others that are
        as good.

    Raises
    ------
    ValueError
        As `Clusterer.share`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        try:
            found = read_shared(path, kind, configurations)
        except DamagedFileError as error:
            logger.warning("made again: %s", error)
            found = None
        if found is not None:
            return found
        made = kind.share(z, settings, seed)
        if made is not None:
            write_arrays(path, made.arrays(), {**made.about(), _CONFIGURATION: configurations[0]})
    return made
