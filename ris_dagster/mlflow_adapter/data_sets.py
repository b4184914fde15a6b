"""A data set that is too large to be read for MLflow: its record, made from what is known of it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.relied_upon import relying_on

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


def training_input(name: str, digest: str, path: Path, shape: Sequence[int], **sizes: int) -> "DatasetInput":
    """Return the data set that a run trains on, as `mlflow.data` would record an array that it had read.

    Parameters
    ----------
    name, digest
        Of the data set.
    path
        Its file, on this machine.
    shape
        Of its float32 array, events first.
    **sizes
        Numbers of events of its parts, by name.
    """
    import numpy as np
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.types import Schema, TensorSpec

    with relying_on("mlflow", __name__):
        from mlflow.data.schema import TensorDatasetSchema

        schema = TensorDatasetSchema(Schema([TensorSpec(np.dtype(np.float32), (-1, *shape[1:]))])).to_dict()
    entity = Dataset(
        name=name,
        digest=digest,
        source_type="local",
        source=json.dumps({"uri": str(path)}),
        schema=json.dumps(schema),
        profile=json.dumps({"num_rows": shape[0], "num_elements": math.prod(shape), **sizes}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])
