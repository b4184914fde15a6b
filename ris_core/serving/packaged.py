"""The MLflow model of a package. MLflow runs this file to load it (models from code); nothing is unpickled."""

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext  # type: ignore[attr-defined]  # documented, not re-exported

from ris_core.serving.package import ARTIFACT, Package


class PackagedModel(PythonModel):
    """Answers for spectrograms, or for conditioned windows, with arrays by name; see `Package.answer`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the package among the model's artifacts."""
        self._package = Package.open(Path(context.artifacts[ARTIFACT]))

    # Without annotations: MLflow would take them as the schema of the input, which the signature gives.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return the answers for a batch of events."""
        return self._package.answer(model_input)


mlflow.models.set_model(PackagedModel())
