"""Candidates on disk: the model of a representation and a clusterer for each K, with the record of its training."""

from __future__ import annotations

from collections.abc import Iterable

from ris_core import config, versions
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.features import inputs_of
from ris_core.clustering.latents import ClusteringInputs
from ris_core.clustering.model_record import KeptModel, ModelRecord, record_of
from ris_core.clustering.open_models import open_model
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.models.model_file import JSON_FILE, ModelDescription, read_description, require_sound
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout


def train_again(name: CandidateName) -> str:
    """Return the remedy for damaged files of a candidate."""
    what = "the DEC" if name == AEC_DEC else f"the candidate {name}"
    return f"train {what} of this K again, or let `ris run` do it"


def read_candidate(layout: Layout, name: CandidateName, k: int) -> KeptModel | None:
    """Return digest and record of the model of a candidate for K; none if it has not been trained.

    Raises
    ------
    DamagedFileError
        The description is damaged, or is of another K or candidate.
    """
    folder = layout.candidate(name, k)
    path = folder / JSON_FILE
    if not path.exists():
        return None
    remedy = train_again(name)
    description = read_description(folder, remedy)
    if description.n_clusters != k:
        raise DamagedFileError(path, f"it is of K = {description.n_clusters}", remedy)
    with damage_named(path, remedy):
        record = record_of(description.metadata)
    if record.name != name:
        raise DamagedFileError(path, f"it is of the candidate {record.name}", remedy)
    return KeptModel(description.digest, record)


def load_candidate(layout: Layout, name: CandidateName, k: int) -> tuple[ClusterModel, ModelDescription]:
    """Return the model of a candidate for K and what is said of it.

    Raises
    ------
    WeightsError
        It has not been trained.
    UnknownKindError
        Its representation or its clusterer is of a plug-in that is not installed here.
    DamagedFileError
        Its files are damaged, or of another K or candidate.
    """
    read_candidate(layout, name, k)
    return open_model(layout.candidate(name, k), train_again(name))


def trained_candidates(
    layout: Layout, name: CandidateName, counts: Iterable[int], normalisation: config.NormalisationSettings
) -> dict[int, ModelRecord]:
    """Return the record of every model of a candidate that was trained from what is current, by K.

    Parameters
    ----------
    layout, name
        The data root, and the candidate.
    counts
        The K to look at.
    normalisation
        Section `normalisation`, which is part of the training set's digest.

    Raises
    ------
    FileNotFoundError
        The representation has not been fitted (no autoencoder is chosen), or there is no training set.
    DamagedFileError
        A description is damaged.
    """
    found = {k: kept.record for k in counts if (kept := read_candidate(layout, name, k)) is not None}
    inputs = inputs_of(layout, name.representation, normalisation) if found else None
    return {k: record for k, record in found.items() if record.inputs == inputs}


def candidate_configuration(
    inputs: ClusteringInputs,
    name: CandidateName,
    k: int,
    candidates: config.CandidatesSettings,
    seed: int,
    complete: bool = False,
) -> str:
    """Return the digest of all that decides about the model of a representation and a clusterer.

    Parameters
    ----------
    inputs
        What it is trained from.
    name, k
        The candidate, and its number of clusters.
    candidates
        What its names mean.
    seed
        Of the clusterer (`dec.seed`).
    complete
        As if every package that the clusterer can use were installed here.
    """
    absent = () if complete else candidates.absent_of(name.clusterer)
    return digest_of(
        [
            versions.CANDIDATE,
            inputs.representation,
            inputs.training_set,
            str(name),
            k,
            candidates.clusterer_digest(name.clusterer, absent),
            seed,
        ]
    )


def candidate_is_current(
    layout: Layout,
    name: CandidateName,
    k: int,
    candidates: config.CandidatesSettings,
    normalisation: config.NormalisationSettings,
) -> bool:
    """Return whether the model of a candidate other than DEC is undamaged and what the settings would give now.

    A model that was made with a package that is not installed here is current as well.
    """
    if str(name) not in candidates.candidates or k not in candidates.counts_of(name):
        return False
    try:
        found = trained_candidates(layout, name, [k], normalisation).get(k)
        if found is None or found.inputs is None:
            return False
        what = (found.inputs, name, k, candidates, candidates.dec.seed)
        if found.configuration not in {candidate_configuration(*what, complete) for complete in (False, True)}:
            return False
        require_sound(layout.candidate(name, k), train_again(name))
    except (FileNotFoundError, DamagedFileError):
        return False
    return True
