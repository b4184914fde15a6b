"""MLflow tracking: one run per training partition, ended whatever happens, linked with Dagster both ways."""

import fcntl
import logging
import math
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from ris_core.config import PROJECT_ROOT, Settings
from ris_core.storage.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

ASSET_TAG, PARTITION_TAG, CONFIGURATION_TAG = "ris.asset", "ris.partition", "ris.configuration"
CHAMPION_ALIAS = "champion"
_DEFAULT_UI = "http://127.0.0.1:5000"


class TrackedRun:
    """An open MLflow run of one asset (and partition)."""

    def __init__(self, client: "MlflowClient", run: "Run", url: str) -> None:
        self._client = client
        self.run_id: str = run.info.run_id
        self.url = url

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log parameters."""
        from mlflow.entities import Param

        self._client.log_batch(self.run_id, params=[Param(k, str(v)) for k, v in values.items()])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log the metrics of one step in one call; values that are not finite are left out."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = [Metric(k, float(v), now, step) for k, v in values.items() if v is not None and math.isfinite(v)]
        if finite:
            self._client.log_batch(self.run_id, metrics=finite)

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        for name, value in values.items():
            self._client.set_tag(self.run_id, name, value)

    def figure(self, figure: "Figure", name: str) -> None:
        """Log a figure as figures/NAME.png."""
        self._client.log_figure(self.run_id, figure, f"figures/{name}.png")

    def text(self, text: str, path: str) -> None:
        """Log a text file, for example a table as CSV."""
        self._client.log_text(self.run_id, text, path)

    def dataset(self, name: str, digest: str, path: str, events: int) -> None:
        """Log the data set that the run was trained on."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entity = Dataset(
            name=name,
            digest=digest,
            source_type="local",
            source=f'{{"uri": "{path}"}}',
            profile=f'{{"events": {events}}}',
        )
        self._client.log_inputs(self.run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])])


class Tracking(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The MLflow store of one network."""

    uri: str = Field(description="Tracking URI: a database (sqlite:///…, postgresql://…) or an MLflow server.")
    artifacts: str = Field(description="Where artifacts of a new experiment go (a folder as file:// URI).")
    experiment: str = Field(description="Name of the experiment: the network's name.")
    ui: str = Field(_DEFAULT_UI, description="Address of the MLflow UI, for links.")

    @classmethod
    def of(cls, settings: Settings, store_root: Path) -> "Tracking":
        """Return the tracking of a network: MLFLOW_TRACKING_URI if set, else SQLite in the data root."""
        folder = store_root / "mlflow"
        local = f"sqlite:///{folder / 'mlflow.db'}"
        uri = os.environ.get("MLFLOW_TRACKING_URI") or local
        server = uri if uri.startswith("http") else _DEFAULT_UI
        return cls(
            uri=uri,
            artifacts=(folder / "artifacts").as_uri(),
            experiment=settings.network.name,
            ui=os.environ.get("RIS_MLFLOW_UI") or server,
        )

    @property
    def is_remote(self) -> bool:
        """Whether runs go to an MLflow server, rather than to a database."""
        return self.uri.startswith("http")

    def prepare(self) -> str:
        """Create the store and the experiment once and return the experiment's id.

        Several processes that open a fresh database at once would all migrate it, so this is done under a lock.
        """
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        with self._lock():
            client = MlflowClient(self.uri)
            found = client.get_experiment_by_name(self.experiment)
            if found is not None:
                return str(found.experiment_id)
            location = None if self.is_remote else self.artifacts
            try:
                return str(client.create_experiment(self.experiment, artifact_location=location))
            except MlflowException:
                # Another host on the same server was faster.
                found = client.get_experiment_by_name(self.experiment)
                if found is None:
                    raise
                return str(found.experiment_id)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if not self.uri.startswith("sqlite:///"):
            yield
            return
        path = Path(self.uri.removeprefix("sqlite:///")).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def url(self, experiment_id: str, run_id: str) -> str:
        """Return the address of a run in the MLflow UI."""
        return f"{self.ui}/#/experiments/{experiment_id}/runs/{run_id}"

    def parent(self, kind: str, digest: str) -> str:
        """Return the id of the parent run of a grid or sweep over one data set; created at first use."""
        from mlflow import MlflowClient

        experiment = self.prepare()
        name = f"{kind} {digest}"
        with self._lock():
            client = MlflowClient(self.uri)
            query = f"tags.`ris.parent` = '{name}'"
            found = client.search_runs([experiment], query, max_results=1)
            if found:
                return str(found[0].info.run_id)
            run = client.create_run(experiment, run_name=name, tags={"ris.parent": name, **_git_tags()})
            client.set_terminated(run.info.run_id, "FINISHED")
            return str(run.info.run_id)

    @contextmanager
    def run(
        self,
        context: dg.AssetExecutionContext,
        name: str,
        configuration: str,
        parameters: Mapping[str, Any],
        parent: str | None = None,
    ) -> Iterator[TrackedRun]:
        """Open an MLflow run for the asset and partition of a Dagster context and end it, whatever happens.

        Parameters
        ----------
        context
            Of the asset.
        name
            Name of the run.
        configuration
            Digest of settings and input; what an earlier, interrupted attempt at the same left open is ended as KILLED.
        parameters
            Logged at the start.
        parent
            Run that this one is shown under.
        """
        import mlflow

        experiment = self.prepare()
        client = mlflow.MlflowClient(self.uri)
        asset = context.asset_key.to_user_string()
        partition = context.partition_key if context.has_partition_key else ""
        self._end_interrupted(client, experiment, asset, partition)
        tags = {
            ASSET_TAG: asset,
            PARTITION_TAG: partition,
            CONFIGURATION_TAG: configuration,
            "dagster.run_id": context.run_id,
            **({"mlflow.parentRunId": parent} if parent else {}),
            **_git_tags(),
        }
        _point_mlflow_at(self.uri)
        run = client.create_run(experiment, run_name=name, tags=tags)
        tracked = TrackedRun(client, run, self.url(experiment, run.info.run_id))
        status = "FAILED"
        try:
            # The fluent run is what system metrics and log_model attach to.
            mlflow.start_run(run_id=run.info.run_id, log_system_metrics=True)
            tracked.parameters(parameters)
            yield tracked
            status = "FINISHED"
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            status = "KILLED"
            raise
        finally:
            mlflow.end_run(status)

    def _end_interrupted(self, client: "MlflowClient", experiment: str, asset: str, partition: str) -> None:
        query = f"tags.`{ASSET_TAG}` = '{asset}' and tags.`{PARTITION_TAG}` = '{partition}' and status = 'RUNNING'"
        for run in client.search_runs([experiment], query):
            client.set_terminated(run.info.run_id, "KILLED")

    def register(self, run_id: str, model: Any, example: Any, name: str, alias: str | None = None) -> str:
        """Log a torch model (exported program, no pickle) to a finished run, register it, and return its version.

        A run's model is registered once; asked for again, only the alias moves.

        Parameters
        ----------
        run_id
            The run that trained the model.
        model
            A torch module from unit-norm spectrograms (B, 1, 87, 100) to one tensor.
        example
            Input of a batch of two or more, float32.
        name, alias
            Registered model, and the alias that moves to the new version.
        """
        import mlflow
        import torch
        from mlflow.models import infer_signature

        client = mlflow.MlflowClient(self.uri)
        # A run trains one model, so what it has registered is this one.
        found = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
        if found:
            version = str(found[0].version)
        else:
            _point_mlflow_at(self.uri)
            module = model.eval()
            with torch.inference_mode():
                answer = module(torch.from_numpy(example)).numpy()
            with mlflow.start_run(run_id=run_id):
                info = mlflow.pytorch.log_model(
                    module,
                    name="model",
                    input_example=example,
                    signature=infer_signature(example, answer),
                    serialization_format="pt2",
                    pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],
                    registered_model_name=name,
                )
            version = str(info.registered_model_version)
        if alias:
            client.set_registered_model_alias(name, alias, version)
        return version


def of_store(store: Store) -> Tracking:
    """Return the tracking of an open store."""
    return Tracking.of(store.settings, store.root)


def _point_mlflow_at(uri: str) -> None:
    """Make MLflow's global functions use a store.

    MLflow writes it into the environment as well, where another network of this process would take it for its own.
    """
    import mlflow

    named = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if named is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = named


def _git_tags() -> dict[str, str]:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": found.stdout.strip()}
