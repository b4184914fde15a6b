"""MLflow's model registry: packaged models, logged and registered once, and their aliases."""

import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.config import Settings
from ris_core.storage.layout import Layout

if TYPE_CHECKING:
    import numpy as np
    from mlflow import MlflowClient
    from numpy.typing import NDArray

    from ris_core.clustering.novelty import NoveltyModel
    from ris_core.serving.package import Contents

DIGEST_TAG, TAKES_TAG = "ris.digest", "ris.takes"


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model."""

    name: str
    version: str
    run_id: str
    tags: dict[str, str]


def register_packaged(
    client: "MlflowClient",
    experiment: str,
    settings: Settings,
    layout: Layout,
    folder: Path,
    run_id: str,
    novelty: "NoveltyModel | None" = None,
    classes: Sequence[int] = (),
) -> dict[str, str]:
    """Register a trained model as a package, and return the version for each name in the registry.

    An autoencoder becomes ``NETWORK-aec``, which takes spectrograms; a DEC becomes ``NETWORK-dec``, which takes
    spectrograms, and ``NETWORK-dec-waveforms``, which takes conditioned windows. The same contents of the same run are
    registered once.

    Parameters
    ----------
    client
        Client of the store that MLflow's global functions use.
    experiment
        Id of the experiment that the models belong to.
    settings, layout
        The network. The input example is two events of its training set.
    folder
        Folder of the trained model.
    run_id
        The run that trained the model; empty if there is none.
    novelty, classes
        For a DEC: how novelty is scored, and the class of each of its clusters.
    """
    from ris_core.models.weights import read_description
    from ris_core.processing.spectrograms import plan
    from ris_core.serving.example import example_events
    from ris_core.serving.package import Contents, Takes

    kind = read_description(folder).network
    constants = plan(settings.spectrogram, settings.conditioning)
    names: dict[str, Takes] = {f"{settings.network.name}-{kind}": "spectrograms"}
    if kind == "dec":
        names[f"{settings.network.name}-dec-waveforms"] = "waveforms"
    registered = {}
    for name, takes in names.items():
        contents = Contents(folder, takes, settings.conditioning, settings.spectrogram, novelty, classes)
        example = example_events(layout.training_set, takes, constants)
        registered[name] = _register(client, name, contents, example, run_id, experiment)
    return registered


def _register(
    client: "MlflowClient",
    name: str,
    contents: "Contents",
    example: "NDArray[np.float32]",
    run_id: str,
    experiment: str,
) -> str:
    """Log a package as a model of a run and register it, unless that was done before; return its version."""
    import mlflow
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import Schema, TensorSpec

    from ris_core.serving.package import ARTIFACT, Package
    from ris_core.serving.package_code import package_code, pinned_requirements

    digest = contents.digest()
    for found in versions(client, name):
        if (found.run_id, found.tags.get(DIGEST_TAG)) == (run_id, digest):
            return found.version
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / ARTIFACT
        contents.write(folder)
        code, entry = package_code().copy(Path(temporary))
        package = Package.open(folder)
        answer = package.answer(example)
        free = (-1, -1) if contents.takes == "waveforms" else (-1, *example.shape[1:])
        signature = ModelSignature(
            inputs=Schema([TensorSpec(example.dtype, free)]),
            outputs=Schema([TensorSpec(v.dtype, (-1, *v.shape[1:]), n) for n, v in answer.items()]),
        )
        tags = {DIGEST_TAG: digest, TAKES_TAG: contents.takes}
        # Model.log itself would put it into the default experiment, whose artifacts lie in the working directory.
        logged = client.create_logged_model(experiment, name, run_id or None, tags)
        # MLflow writes its progress to the terminal, and a hint that type annotations could give the schema.
        with redirect_stderr(io.StringIO()):
            info = Model.log(
                artifact_path=None,
                name=name,
                model_id=logged.model_id,
                flavor=mlflow.pyfunc,
                run_id=run_id or None,
                python_model=str(entry),
                artifacts={ARTIFACT: str(folder)},
                code_paths=[str(code)],
                signature=signature,
                input_example=example,
                pip_requirements=pinned_requirements(),
                metadata={
                    "takes": contents.takes,
                    "classes": list(contents.classes),
                    "input": package.input.as_record(),
                },
                tags=tags,
                registered_model_name=name,
            )
    return str(info.registered_model_version)


def versions(client: "MlflowClient", name: str) -> list[ModelVersion]:
    """Return all versions of a registered model, the latest first; an empty list if there is no such model."""
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])
    return [ModelVersion(v.name, str(v.version), v.run_id or "", dict(v.tags)) for v in found]
