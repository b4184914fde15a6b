"""MLflow tracking: one run per training partition, ended whatever happens, linked with Dagster both ways."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from ris_core.config import Settings
from ris_core.masking import masked
from ris_core.memory import memory_named
from ris_core.storage.layout import Layout
from ris_core.storage.store import Store
from ris_dagster.resources.environment import environment_tags, git_tags
from ris_dagster.resources.mlflow_store import locked, store_uri
from ris_dagster.resources.tracked_run import TrackedRun, system_metrics
from ris_dagster.resources.unfinished_runs import ATTEMPTS_TAG, Attempt, go_on_or_begin, heartbeat, take_over

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ris_core.clustering.novelty import NoveltyModel
    from ris_dagster.resources.registry import ModelVersion

CHAMPION_ALIAS, FORMER_ALIAS = "champion", "former_champion"
logger = logging.getLogger(__name__)
_DEFAULT_UI = "http://127.0.0.1:5000"
_TRIES, _ANSWER_S = 3, 10


class TrackingError(RuntimeError):
    """The MLflow store cannot be used; the message names it."""


class Tracking(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The MLflow store of one network."""

    uri: str = Field(description="Tracking URI: a database (sqlite:///…, postgresql+psycopg2://…) or an MLflow server.")
    artifacts: str = Field(description="Where artifacts of a new experiment go (a folder as file:// URI).")
    experiment: str = Field(description="Name of the experiment: the network's name.")
    ui: str = Field(_DEFAULT_UI, description="Address of the MLflow UI, for links.")

    @classmethod
    def of(cls, settings: Settings, store_root: Path) -> "Tracking":
        """Return the tracking of a network; `mlflow_store.store_uri` says where it lies."""
        folder = store_root / "mlflow"
        uri = store_uri(folder)
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
        if self.is_remote:
            self._ask_whether_it_answers()
        with locked(self.uri), self._database_named():
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
    def _database_named(self) -> Iterator[None]:
        """Tell of a damaged, full or closed SQLite in one line; MLflow passes on SQLAlchemy's errors."""
        from ris_dagster.resources.mlflow_store import sqlite_file
        from ris_dagster.trouble import explained_database

        try:
            yield
        except Exception as error:
            file = sqlite_file(self.uri)
            if file is None or not (said := explained_database(error, [file])):
                raise
            raise TrackingError(said) from error

    def _ask_whether_it_answers(self) -> None:
        """Ask the server for its health first: any other call would be repeated for minutes before it fails."""
        from mlflow.exceptions import MlflowException
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        try:
            http_request(
                get_default_host_creds(self.uri),
                "/health",
                "GET",
                max_retries=_TRIES,
                backoff_factor=1,
                timeout=_ANSWER_S,
            )
        except MlflowException as error:
            raise TrackingError(
                f"the MLflow server at {self.uri} does not answer ({masked(str(error.__cause__ or error))}); start it, "
                "or set MLFLOW_TRACKING_URI to one that runs, or unset it to use the SQLite store in the data root"
            ) from error

    def url(self, experiment_id: str, run_id: str) -> str:
        """Return the address of a run in the MLflow UI."""
        return f"{self.ui}/#/experiments/{experiment_id}/runs/{run_id}"

    def parent(self, kind: str, digest: str) -> str:
        """Return the id of the parent run of a grid or sweep over one data set; created at first use."""
        from mlflow import MlflowClient

        experiment = self.prepare()
        name = f"{kind} {digest}"
        with locked(self.uri):
            client = MlflowClient(self.uri)
            query = f"tags.`ris.parent` = '{name}'"
            found = client.search_runs([experiment], query, max_results=1)
            if found:
                return str(found[0].info.run_id)
            run = client.create_run(experiment, run_name=name, tags={"ris.parent": name, **git_tags()})
            client.set_terminated(run.info.run_id, "FINISHED")
            return str(run.info.run_id)

    @contextmanager
    def run(
        self,
        context: dg.AssetExecutionContext,
        name: str,
        configuration: str,
        parent: str | None = None,
        device: str = "cpu",
    ) -> Iterator[TrackedRun]:
        """Open an MLflow run for the asset and partition of a Dagster context and end it, whatever happens.

        A run of the same asset, partition and configuration that failed, was killed, or was left by a process that has
        died goes on; so a training that is materialized again after a crash is one run. What has finished stays as it
        is: asked for again, it is a new run.

        Parameters
        ----------
        context
            Of the asset.
        name
            Name of the run.
        configuration
            Digest of settings and input.
        parent
            Run that this one is shown under.
        device
            Where it computes, by the settings' name.

        Raises
        ------
        TrackingError
            MLflow cannot be reached or refuses what is logged.
        TooLittleMemoryError
            There is too little memory for what is done meanwhile.
        """
        import mlflow
        from mlflow.exceptions import MlflowException

        experiment = self.prepare()
        client = mlflow.MlflowClient(self.uri)
        partition = context.partition_key if context.has_partition_key else ""
        attempt = Attempt(context.asset_key.to_user_string(), partition, configuration, context.run_id)
        tags = {**({"mlflow.parentRunId": parent} if parent else {}), **environment_tags(device)}
        _point_mlflow_at(self.uri)
        with locked(self.uri):
            earlier = take_over(client, experiment, attempt, context.instance)
            run = go_on_or_begin(client, experiment, name, earlier, attempt, tags)
        run_id = str(run.info.run_id)
        if earlier is not None:
            context.log.info(f"MLflow run {run_id} goes on, attempt {run.data.tags[ATTEMPTS_TAG]}")
        links = {"mlflow_run_id": run_id, "dagster_run_id": context.run_id}
        tracked = TrackedRun(client, run, self.url(experiment, run_id), links, context.log.info)
        status = "FAILED"
        try:
            with memory_named(name), heartbeat(client, run_id), system_metrics(run_id):
                yield tracked
            status = "FINISHED"
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            status = "KILLED"
            raise
        except MlflowException as error:
            raise self._error(error) from error
        finally:
            self._end(client, run_id, status)

    def add_metrics(self, run_id: str, values: Mapping[str, float]) -> None:
        """Add metrics to a run that has ended, where they are not there yet with these values.

        Raises
        ------
        TrackingError
            There is no such run, or MLflow refuses them.
        """
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        client = MlflowClient(self.uri)
        try:
            before = client.get_run(run_id).data.metrics
            for name, value in values.items():
                if before.get(name) != value:
                    client.log_metric(run_id, name, value)
        except MlflowException as error:
            raise self._error(error) from error

    def known_run(self, run_id: str) -> str:
        """Return the id of a run, or an empty one if MLflow has no such run: its database may be a new one."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            return str(MlflowClient(self.uri).get_run(run_id).info.run_id) if run_id else ""
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise self._error(error) from error
            logger.warning(
                "MLflow at %s no longer has the run %s; its model is registered without it", self.uri, run_id
            )
            return ""

    def has_finished(self, run_id: str) -> bool:
        """Return whether a run is there and has FINISHED."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            return bool(MlflowClient(self.uri).get_run(run_id).info.status == "FINISHED")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise self._error(error) from error

    def _end(self, client: "MlflowClient", run_id: str, status: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.set_terminated(run_id, status)
        except MlflowException as error:
            if status == "FINISHED":
                raise self._error(error) from error
            # What went wrong before is what the user should see; the next attempt ends or continues this run.
            logger.warning("run %s could not be ended as %s: %s", run_id, status, error)

    def _error(self, error: Exception) -> TrackingError:
        return TrackingError(
            f"MLflow at {self.uri}: {masked(str(error))}. Materialized again, the training goes on where its "
            "checkpoint stands"
        )

    def register_packaged(
        self,
        settings: Settings,
        layout: Layout,
        folder: Path,
        run_id: str,
        novelty: "NoveltyModel | None" = None,
        classes: Sequence[int] = (),
    ) -> dict[str, str]:
        """Register a trained model; see `registry.register_packaged`."""
        from ris_dagster.resources import registry

        experiment = self.prepare()
        return registry.register_packaged(
            self._client_for_models(), experiment, settings, layout, folder, run_id, novelty, classes
        )

    def model_versions(self, name: str) -> "list[ModelVersion]":
        """Return all versions of a registered model, the latest first."""
        from ris_dagster.resources import registry

        return registry.versions(self._client_for_models(), name)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Move an alias to a version of a registered model: one call, so that it always leads to a version."""
        self._client_for_models().set_registered_model_alias(name, alias, version)

    def download_version(self, name: str, version: str, folder: Path) -> Path:
        """Fetch the files of a version of a registered model into a folder, and return where they lie."""
        import mlflow

        self._client_for_models()
        fetched = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}", dst_path=str(folder))
        return Path(fetched)

    def _client_for_models(self) -> "MlflowClient":
        import mlflow

        # What logs a model has no client of its own.
        _point_mlflow_at(self.uri)
        return mlflow.MlflowClient(self.uri)


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
