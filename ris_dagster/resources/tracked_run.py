"""An open MLflow run, to which trainings log."""

import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_dagster.mlflow_adapter.data_sets import training_input

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = logging.getLogger(__name__)


class TrackedRun:
    """An open MLflow run of one asset (and partition): the `ris_core.contracts.run_log.RunLog` of its training.

    An earlier process may have begun the run and died. Its logged values are not logged again: MLflow would keep a
    point twice, and refuse a parameter.

    Attributes
    ----------
    run_id, url
        Identifier and address of the MLflow run.
    links
        Identifiers of the MLflow run and the Dagster run, for records of models.
    pictures
        PNGs of the logged figures, by name; Dagster's metadata show the same ones, so each is drawn once.
    """

    def __init__(
        self, client: "MlflowClient", run: "Run", url: str, links: Mapping[str, str], note: Callable[[str], None]
    ) -> None:
        self._client, self._note = client, note
        self.run_id: str = run.info.run_id
        self.url, self.links = url, links
        self.pictures: dict[str, bytes] = {}
        self._parameters: dict[str, str] = dict(run.data.params)
        self._logged_before = set(run.data.metrics)
        self._steps: dict[str, set[int]] = {}

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log parameters; those that the run already has keep their value."""
        from mlflow.entities import Param

        texts = {name: as_text(value) for name, value in values.items()}
        for name in texts.keys() & self._parameters.keys():
            if texts[name] != self._parameters[name]:
                logger.warning(
                    "run %s began with %s = %s and continues with %s",
                    self.run_id,
                    name,
                    self._parameters[name],
                    texts[name],
                )
        added = {name: text for name, text in texts.items() if name not in self._parameters}
        if added:
            self._client.log_batch(self.run_id, params=[Param(name, text) for name, text in added.items()])
            self._parameters |= added

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log the metrics of one step in one call, without values that are not finite and without existing points."""
        from mlflow.entities import Metric

        finite = {n: float(v) for n, v in values.items() if v is not None and math.isfinite(v)}
        fresh = {name: value for name, value in finite.items() if step not in self._steps_of(name)}
        if not fresh:
            return
        now = int(time.time() * 1000)
        self._client.log_batch(self.run_id, metrics=[Metric(name, value, now, step) for name, value in fresh.items()])
        for name in fresh:
            self._steps[name].add(step)

    def _steps_of(self, name: str) -> set[int]:
        if name not in self._steps:
            before = self._client.get_metric_history(self.run_id, name) if name in self._logged_before else []
            self._steps[name] = {int(point.step) for point in before}
        return self._steps[name]

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self._client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in values.items()])

    def figure(self, figure: "Figure", name: str) -> None:
        """Log a figure as figures/NAME.png."""
        from ris_core.figures.image import to_png

        png = self.pictures[name] = to_png(figure)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.png"
            path.write_bytes(png)
            self._client.log_artifact(self.run_id, str(path), "figures")

    def text(self, text: str, path: str) -> None:
        """Log a text file, for example a table as CSV."""
        self._client.log_text(self.run_id, text, path)

    def note(self, line: str) -> None:
        """Write a line into Dagster's log."""
        self._note(line)

    def dataset(self, name: str, digest: str, path: Path, shape: Sequence[int], **sizes: int) -> None:
        """Log the data set of the training, as for `mlflow.data`; no data are read.

        Parameters
        ----------
        name, digest
            Name and digest of the data set.
        path
            Its file, on this machine.
        shape
            Shape of its float32 array, events first.
        **sizes
            Numbers of events of its parts, by name.
        """
        self._client.log_inputs(self.run_id, [training_input(name, digest, path, shape, **sizes)])


def as_text(value: Any) -> str:
    """Return a parameter for MLflow: plain numbers, so that runs can be sorted by them; other values as JSON."""
    if value is None or isinstance(value, str):
        return value or "none"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value)
