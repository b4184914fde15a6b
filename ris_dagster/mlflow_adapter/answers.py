"""What MLflow's errors mean."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException


def says_that_it_is_absent(error: "MlflowException") -> bool:
    """Return whether an error says that MLflow does not have the requested run or model."""
    return str(error.error_code) == "RESOURCE_DOES_NOT_EXIST"
