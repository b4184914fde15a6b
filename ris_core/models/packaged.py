"""The MLflow model of a package. MLflow runs this file to load it (models from code); nothing is unpickled."""

from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ris_core.models.package import Package

ARTIFACT = "package"


class PackagedModel(PythonModel):
    """Answers for spectrograms, or for conditioned windows, with arrays by name; see `Package.answer`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the package among the model's artifacts."""
        self._package = Package.open(Path(context.artifacts[ARTIFACT]))

    def predict(self, context: PythonModelContext, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the answers for a batch of events."""
        return self._package.answer(model_input)


mlflow.models.set_model(PackagedModel())
