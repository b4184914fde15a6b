"""Models that are no networks, written as arrays beside a JSON that says how to build them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ris_core.contracts.input_spec import InputSpec
from ris_core.models.weights import JSON_FILE, WEIGHTS_FILE, parts_digest, plain
from ris_core.storage.atomic import replacing
from ris_core.storage.json_records import write_json


def save_parts(
    folder: Path | str,
    kind: str,
    n_clusters: int | None,
    arrays: Mapping[str, NDArray[Any]],
    spec: Mapping[str, Any],
    metadata: Mapping[str, Any],
    takes: InputSpec,
) -> str:
    """Write a model that is no network to `folder`, as `save_model` writes networks, and return its digest.

    Parameters
    ----------
    folder
        Made if it does not exist; an older model in it is replaced.
    kind
        ``representation`` or ``clusters``.
    n_clusters
        Number of clusters; none for a representation.
    arrays, spec
        All that the model is built from; `spec` holds plain values.
    metadata, takes
        As for `save_model`.
    """
    folder = Path(folder)
    contiguous = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    digest = parts_digest(contiguous, spec)
    description = {
        "network": kind,
        "n_clusters": n_clusters,
        "digest": digest,
        "input": takes.as_record(),
        "spec": plain(spec),
        "metadata": plain(metadata),
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(safetensors.numpy.save(contiguous))
    write_json(folder / JSON_FILE, description)
    return digest
