"""Models from their arrays and the JSON beside them; those that are no networks are written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ris_core.contracts.input_spec import InputSpec
from ris_core.models.model_file import JSON_FILE, WEIGHTS_FILE, ModelDescription, parts_digest, plain
from ris_core.plugins import load_plugins
from ris_core.registry import UnknownKindError
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json
from ris_core.storage.tensors import Arrays

Model = TypeVar("Model")


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
        ``representation``, ``clusters`` or ``classes``.
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


def build_model(
    folder: Path,
    build: Callable[[ModelDescription, Arrays], Model],
    description: ModelDescription,
    arrays: Arrays,
    remedy: str,
) -> Model:
    """Return the model that `build` makes of a description and its arrays, which were read from a folder.

    Raises
    ------
    UnknownKindError
        It is of a plug-in that is not installed here; the message names it.
    DamagedFileError
        The two do not belong together. If it was made by another version of a plug-in, the message says so.
    """
    made_by = [str(name) for name in description.metadata.get("plugins", ())]
    try:
        return build(description, arrays)
    except UnknownKindError as error:
        named = f"; it was made by the plug-in {' and '.join(made_by)}: install what is missing" if made_by else ""
        raise UnknownKindError(f"{folder}: {error}{named}") from error
    except (KeyError, TypeError, ValueError) as error:
        installed = {str(plugin) for plugin in load_plugins()}
        other = [name for name in made_by if name not in installed]
        named = (
            f"; it was made by the plug-in {' and '.join(other)}, which is not installed in this version"
            if other
            else ""
        )
        why = f"not the arrays of this {description.network}: {error}{named}"
        raise DamagedFileError(folder / WEIGHTS_FILE, why, remedy) from error
