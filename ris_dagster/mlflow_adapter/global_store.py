"""The store that MLflow's global functions use."""

import os

_VARIABLE = "MLFLOW_TRACKING_URI"


def use_store(uri: str) -> None:
    """Make MLflow's global functions use a store, in this process alone.

    MLflow writes the address into the environment as well, where another network of this process would take it for
    its own. So the environment is put back.
    """
    import mlflow

    named = os.environ.get(_VARIABLE)
    mlflow.set_tracking_uri(uri)
    if named is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = named
