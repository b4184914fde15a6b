"""MLflow tracking: one run per training partition, which always ends and is linked with Dagster both ways."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ris_core.config import Settings
from ris_core.memory import memory_named
from ris_core.storage.layout import Layout
from ris_dagster.links import to_dagster_run, to_mlflow_run
from ris_dagster.mlflow_adapter import mlflow_tags
from ris_dagster.mlflow_adapter.answers import says_that_it_is_absent
from ris_dagster.mlflow_adapter.first_page import BEST_TAG, better, note_of_group
from ris_dagster.mlflow_adapter.global_store import use_store
from ris_dagster.mlflow_adapter.system_metrics import system_metrics
from ris_dagster.resources.environment import environment_tags, git_tags
from ris_dagster.resources.mlflow_store import locked
from ris_dagster.resources.tracked_run import TrackedRun
from ris_dagster.resources.tracking_store import TrackingStore
from ris_dagster.resources.unfinished_runs import ATTEMPTS_TAG, Attempt, go_on_or_begin, heartbeat, take_over

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ris_core.clustering.novelty import NoveltyModel
    from ris_dagster.resources.registry import ModelVersion

CHAMPION_ALIAS, FORMER_ALIAS = "champion", "former_champion"
logger = logging.getLogger(__name__)


class Tracking(TrackingStore):
    """The runs and registered models of one network in its MLflow store."""

    def parent(self, kind: str, digest: str) -> str:
        """Return the id of the parent run of a grid or sweep over one data set; it is created at first use."""
        experiment = self.prepare()
        name = f"{kind} {digest}"
        with locked(self.uri):
            client = self._client()
            query = f"tags.`ris.parent` = '{name}'"
            found = client.search_runs([experiment], query, max_results=1)
            if found:
                return str(found[0].info.run_id)
            tags = {"ris.parent": name, **note_of_group(kind, digest), **git_tags()}
            run = client.create_run(experiment, run_name=name, tags=tags)
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
        """Open an MLflow run for the asset and partition of a Dagster context, and end it in any case.

        A run of the same asset, partition and configuration is continued if it failed, was killed, or was left by a
        process that has died. So a training that is materialized again after a crash is one run. A finished run does
        not change: a further materialization is a new run.

        Parameters
        ----------
        context
            Context of the asset.
        name
            Name of the run.
        configuration
            Digest of settings and input.
        parent
            Parent run in MLflow's list.
        device
            Device of the computation, by the settings' name.

        Raises
        ------
        TrackingError
            MLflow cannot be reached, or refuses logged values.
        TooLittleMemoryError
            There is too little memory for the body of the run.
        """
        from mlflow.exceptions import MlflowException

        experiment = self.prepare()
        client = self._client()
        partition = context.partition_key if context.has_partition_key else ""
        attempt = Attempt(context.asset_key.to_user_string(), partition, configuration, context.run_id)
        tags = {**(mlflow_tags.of_parent(parent) if parent else {}), **environment_tags(device)}
        link = to_dagster_run(context.run_id, not self.is_remote)
        with locked(self.uri):
            earlier = take_over(client, experiment, attempt, context.instance)
            run = go_on_or_begin(client, experiment, name, earlier, attempt, tags, link)
        run_id = str(run.info.run_id)
        if earlier is not None:
            context.log.info(f"MLflow run {run_id} continues, attempt {run.data.tags[ATTEMPTS_TAG]}")
        links = {"mlflow_run_id": run_id, "dagster_run_id": context.run_id}
        tracked = TrackedRun(client, run, to_mlflow_run(experiment, run_id), links, context.log.info)
        status = "FAILED"
        try:
            with memory_named(name), heartbeat(client, run_id), system_metrics(run_id):
                yield tracked
            if parent is not None:
                self._show_best(client, parent, run_id)
            status = "FINISHED"
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            status = "KILLED"
            raise
        except MlflowException as error:
            raise self._error(error) from error
        finally:
            self._end(client, run_id, status)

    def _show_best(self, client: "MlflowClient", parent: str, run_id: str) -> None:
        """Give a parent the metrics of a run, if that is accepted and better than those before."""
        run = client.get_run(run_id)
        if run.data.tags.get("accepted") != "true":
            return
        with locked(self.uri):
            for name, value in (shown := better(run.data.metrics, client.get_run(parent).data.metrics)).items():
                client.log_metric(parent, name, value)
            if shown:
                client.set_tag(parent, BEST_TAG, run.info.run_name)

    def add_metrics(self, run_id: str, values: Mapping[str, float]) -> None:
        """Add metrics to a run that has ended, unless it already has these values.

        Raises
        ------
        TrackingError
            There is no such run, or MLflow refuses them.
        """
        from mlflow.exceptions import MlflowException

        client = self._client()
        try:
            before = client.get_run(run_id).data.metrics
            for name, value in values.items():
                if before.get(name) != value:
                    client.log_metric(run_id, name, value)
        except MlflowException as error:
            raise self._error(error) from error

    def known_run(self, run_id: str) -> str:
        """Return the id of a run, or an empty one if MLflow has no such run: its database may be new."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client().get_run(run_id).info.run_id) if run_id else ""
        except MlflowException as error:
            if not says_that_it_is_absent(error):
                raise self._error(error) from error
            logger.warning(
                "MLflow at %s no longer has the run %s; its model is registered without it", self.uri, run_id
            )
            return ""

    def has_finished(self, run_id: str) -> bool:
        """Return whether a run exists and has FINISHED."""
        from mlflow.exceptions import MlflowException

        try:
            return bool(self._client().get_run(run_id).info.status == "FINISHED")
        except MlflowException as error:
            if says_that_it_is_absent(error):
                return False
            raise self._error(error) from error

    def _end(self, client: "MlflowClient", run_id: str, status: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.set_terminated(run_id, status)
        except MlflowException as error:
            if status == "FINISHED":
                raise self._error(error) from error
            # The user should see the first error; the next attempt ends or continues this run.
            logger.warning("run %s could not be ended as %s: %s", run_id, status, error)

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
            self._client(), experiment, settings, layout, folder, run_id, novelty, classes
        )

    def model_versions(self, name: str) -> "list[ModelVersion]":
        """Return all versions of a registered model, the latest first."""
        from ris_dagster.resources import registry

        return registry.versions(self._client(), name)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Move an alias to a version of a registered model, in one call, so that it always leads to a version."""
        self._client().set_registered_model_alias(name, alias, version)

    def drop_alias(self, name: str, alias: str) -> None:
        """Take an alias away from a registered model; nothing is done if the model or the alias does not exist."""
        from mlflow.exceptions import MlflowException

        client = self._client()
        try:
            if alias in client.get_registered_model(name).aliases:
                client.delete_registered_model_alias(name, alias)
        except MlflowException as error:
            if not says_that_it_is_absent(error):
                raise self._error(error) from error

    def download_version(self, name: str, version: str, folder: Path) -> Path:
        """Fetch the files of a version of a registered model into a folder, and return their path."""
        import mlflow

        use_store(self.uri)
        fetched = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}", dst_path=str(folder))
        return Path(fetched)
