"""The MLflow store of a network: where it is, whether it answers, and its experiment."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dagster as dg
from pydantic import Field

from ris_core.config import Settings
from ris_core.masking import masked
from ris_core.storage.place import is_same_folder
from ris_dagster.database_trouble import explained_database
from ris_dagster.mlflow_adapter.first_page import tags_of_experiment
from ris_dagster.mlflow_adapter.global_store import use_store
from ris_dagster.mlflow_adapter.places import root_of_artifacts
from ris_dagster.resources.mlflow_server import why_silent
from ris_dagster.resources.mlflow_store import locked, sqlite_file, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient


class TrackingError(RuntimeError):
    """The MLflow store cannot be used; the message names it."""


class TrackingStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The MLflow store of one network."""

    uri: str = Field(description="Tracking URI: a database (sqlite:///…, postgresql+psycopg2://…) or an MLflow server.")
    artifacts: str = Field(description="Where artifacts of a new experiment go (a folder as file:// URI).")
    experiment: str = Field(description="Name of the experiment: the network's name.")

    @classmethod
    def of(cls, settings: Settings, store_root: Path) -> Self:
        """Return the tracking of a network; `mlflow_store.store_uri` says where it lies."""
        folder = store_root / "mlflow"
        return cls(uri=store_uri(folder), artifacts=(folder / "artifacts").as_uri(), experiment=settings.network.name)

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
        if self.is_remote and (why := why_silent(self.uri)):
            raise TrackingError(
                f"the MLflow server at {self.uri} does not answer ({why}); start it, or set MLFLOW_TRACKING_URI to one "
                "that runs, or unset it to use the SQLite store in the data root"
            )
        with locked(self.uri), self._database_named():
            client = MlflowClient(self.uri)
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                location = None if self.is_remote else self.artifacts
                try:
                    found = client.get_experiment(client.create_experiment(self.experiment, artifact_location=location))
                except MlflowException:
                    # Another host on the same server was faster.
                    found = client.get_experiment_by_name(self.experiment)
                    if found is None:
                        raise
            self._require_own_artifacts(str(found.artifact_location))
            experiment_id = str(found.experiment_id)
            # What people have written there stays.
            for name, value in tags_of_experiment(self.experiment, experiment_id).items():
                if name not in found.tags:
                    client.set_experiment_tag(experiment_id, name, value)
            return experiment_id

    def _require_own_artifacts(self, location: str) -> None:
        """Refuse an experiment whose artifacts lie in another data root: they would be written there."""
        theirs, mine = root_of_artifacts(location), root_of_artifacts(self.artifacts)
        if self.is_remote or theirs is None or mine is None or is_same_folder(theirs, mine):
            return
        raise TrackingError(
            f"the experiment {self.experiment} of MLflow at {self.uri} keeps its artifacts in {theirs}, not in {mine}: "
            "if this data root was moved or copied from there, let `ris adopt` rewrite the places; if both are in use, "
            "give this one a database of its own"
        )

    @contextmanager
    def _database_named(self) -> Iterator[None]:
        """Tell of a damaged, full or closed SQLite in one line; MLflow passes on SQLAlchemy's errors."""
        try:
            yield
        except Exception as error:
            file = sqlite_file(self.uri)
            if file is None or not (said := explained_database(error, [file])):
                raise
            raise TrackingError(said) from error

    def _client(self) -> "MlflowClient":
        """Return a client of the store, which MLflow's global functions use from here on as well."""
        from mlflow import MlflowClient

        use_store(self.uri)
        return MlflowClient(self.uri)

    def _error(self, error: Exception) -> TrackingError:
        return TrackingError(
            f"MLflow at {self.uri}: {masked(str(error))}. Materialize the asset again: the training "
            "continues from its checkpoint"
        )
