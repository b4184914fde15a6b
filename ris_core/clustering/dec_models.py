"""DEC models on disk: one of each K, with the record of its training."""

from __future__ import annotations

from ris_core import config, versions
from ris_core.clustering.candidate_models import read_candidate, train_again, trained_candidates
from ris_core.clustering.initial_clusters import InitialClusters, clusters_are_current, read_clusters
from ris_core.clustering.model_record import ModelRecord
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.model_file import ModelDescription, require_sound
from ris_core.models.networks import Dec
from ris_core.models.weights import load_network, save_model
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout


def save_dec(layout: Layout, model: Dec, record: ModelRecord, takes: InputSpec) -> str:
    """Write a DEC model and its record to the folder of its K; returns the digest of the weights.

    Parameters
    ----------
    layout, model, record
        The data root, the model, and what is kept beside its weights.
    takes
        What the network takes in.
    """
    return save_model(layout.dec(model.n_clusters), model, record.as_metadata(model.n_clusters), takes)


def load_dec(layout: Layout, k: int) -> tuple[Dec, ModelDescription]:
    """Return the network of the DEC of K and what is said of it.

    Raises
    ------
    WeightsError
        It has not been trained.
    DamagedFileError
        Its files are damaged or of another K.
    """
    read_candidate(layout, AEC_DEC, k)
    return load_network(layout.dec(k), Dec, train_again(AEC_DEC))


def dec_configuration(clusters: InitialClusters, dec: config.DecSettings) -> str:
    """Return the digest of all that decides about the weights of the DEC that starts from some clusters."""
    return digest_of([versions.DEC, clusters.description(), dec.training_values()])


def dec_is_current(
    layout: Layout, k: int, dec: config.DecSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether the DEC of K is undamaged and what the settings and the initial clusters would give now."""
    if k not in dec.k:
        return False
    try:
        found = trained_candidates(layout, AEC_DEC, [k], normalisation).get(k)
        if found is None or not clusters_are_current(layout, k, dec, normalisation):
            return False
        if found.configuration != dec_configuration(read_clusters(layout, k, normalisation), dec):
            return False
        require_sound(layout.dec(k), train_again(AEC_DEC))
    except (FileNotFoundError, DamagedFileError):
        return False
    return True
