"""MLflow's model registry: packaged models, logged and registered once, and their aliases."""

import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.storage.layout import Layout

if TYPE_CHECKING:
    import numpy as np
    from mlflow import MlflowClient
    from numpy.typing import NDArray

    from ris_core.clustering.novelty import NoveltyModel
    from ris_core.contracts.events import Events
    from ris_core.serving.package import Contents

DIGEST_TAG, TAKES_TAG, SIMULATED_TAG = "ris.digest", "ris.takes", "ris.simulated_reviews"


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model."""

    name: str
    version: str
    run_id: str
    tags: dict[str, str]


def registered_name(settings: Settings, candidate: CandidateName) -> str:
    """Return the name of the registered model of a candidate, whose versions can be chosen."""
    of = "dec" if candidate == AEC_DEC else f"{candidate.representation}-{candidate.clusterer}"
    return f"{settings.network.name}-{of}"


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

    An autoencoder becomes ``NETWORK-aec``, a model with clusters what `registered_name` says. A model of spectrograms
    takes these; if it has clusters and one component, ``NAME-waveforms`` takes conditioned windows. A model that needs
    anything else takes arrays by name (`ris_core.serving.package.ways_of`). The same contents of the same run are
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
        For a model with clusters: how novelty is scored, and the class of each of its clusters.

    Raises
    ------
    NoPackageError
        It needs code that cannot travel with a package, or something of the events that a package does not take in.
    InputMismatchError
        The training set is not such as the model was trained on.
    """
    from ris_core.clustering.cluster_model import ClusterModel
    from ris_core.processing.spectrograms import plan
    from ris_core.serving.example import example_events, one_array
    from ris_core.serving.package import contents_of, packaged_model

    constants, model = plan(settings.spectrogram, settings.conditioning), packaged_model(folder)
    if isinstance(model, ClusterModel):
        name = registered_name(settings, model.name)
    else:
        name = f"{settings.network.name}-{model.kind}"
    registered = {}
    events = example_events(layout.training_set, model)
    for contents in contents_of(settings, folder, model, events, novelty, classes):
        takes, arrays = contents.takes, contents.arrays
        called = f"{name}-waveforms" if takes == "waveforms" else name
        example = one_array(events, takes, constants) if arrays is None else arrays.of_events(events)
        registered[called] = _register(client, called, contents, example, events, run_id, experiment)
    return registered


def _register(
    client: "MlflowClient",
    name: str,
    contents: "Contents",
    example: "NDArray[np.float32] | dict[str, NDArray[Any]]",
    events: "Events",
    run_id: str,
    experiment: str,
) -> str:
    """Log a package as a model of a run and register it, unless that was done before; return its version."""
    import mlflow
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import Schema, TensorSpec

    from ris_core.clustering.cluster_model import ClusterModel
    from ris_core.serving.example import example_answer
    from ris_core.serving.package import ARTIFACT, Package, members_of
    from ris_core.serving.package_code import package_code, pinned_requirements

    digest = contents.digest()
    for found in versions(client, name):
        if (found.run_id, found.tags.get(DIGEST_TAG)) == (run_id, digest):
            return found.version
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / ARTIFACT
        contents.write(folder)
        package = Package.open(folder)
        members = members_of(package.model)
        code, entry = package_code(member.__module__ for member, _ in members).copy(Path(temporary))
        requirements = pinned_requirements(plugin for _, plugin in members if plugin is not None)
        answer = example_answer(package, example, events)
        inputs: list[Any]
        if isinstance(example, dict):
            inputs = [TensorSpec(v.dtype, (-1, *v.shape[1:]), n) for n, v in example.items()]
        else:
            free = (-1, -1) if contents.takes == "waveforms" else (-1, *example.shape[1:])
            inputs = [TensorSpec(example.dtype, free)]
        signature = ModelSignature(
            inputs=Schema(inputs),
            outputs=Schema([TensorSpec(v.dtype, (-1, *v.shape[1:]), n) for n, v in answer.items()]),
        )
        tags = {DIGEST_TAG: digest, TAKES_TAG: contents.takes}
        if isinstance(package.model, ClusterModel) and package.model.classes is not None:
            tags[SIMULATED_TAG] = str(package.model.classes.simulated).lower()
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
                pip_requirements=requirements,
                metadata={
                    "takes": contents.takes,
                    "classes": list(contents.classes),
                    **({"class_names": list(contents.names)} if contents.names else {}),
                    "input": package.input.as_record(),
                    **({} if contents.arrays is None else contents.arrays.common),
                },
                tags=tags,
                registered_model_name=name,
            )
    return str(info.registered_model_version)


def versions(client: "MlflowClient", name: str) -> list[ModelVersion]:
    """Return all versions of a registered model, the latest first; an empty list if there is no such model."""
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])
    return [ModelVersion(v.name, str(v.version), v.run_id or "", dict(v.tags)) for v in found]
