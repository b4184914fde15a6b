"""Links between Dagster and MLflow. They name no host and no port: each server leads to the other one."""

import os

DAGSTER_UI, MLFLOW_UI = "RIS_DAGSTER_UI", "RIS_MLFLOW_UI"
TO_DAGSTER, TO_MLFLOW = "/dagster", "/mlflow"
"""Paths on the servers of `ris ui` below which all addresses lead to the other one."""


def dagster_address() -> str:
    """Return where Dagster is served: RIS_DAGSTER_UI, else the default of `ris ui`."""
    return os.environ.get(DAGSTER_UI) or "http://127.0.0.1:3000"


def mlflow_address() -> str:
    """Return where MLflow is served: RIS_MLFLOW_UI, an MLflow server of the environment, or the default of `ris ui`."""
    server = os.environ.get("MLFLOW_TRACKING_URI", "")
    return os.environ.get(MLFLOW_UI) or (server if server.startswith("http") else "http://127.0.0.1:5000")


def to_mlflow_run(experiment_id: str, run_id: str) -> str:
    """Return the link from Dagster to a run in MLflow."""
    return f"{TO_MLFLOW}/experiments/{experiment_id}/runs/{run_id}"


def to_dagster_run(run_id: str, server_is_ours: bool) -> str:
    """Return a Dagster run as Markdown for a page of MLflow; it is a link unless nothing says where Dagster is.

    Parameters
    ----------
    run_id
        Of the Dagster run.
    server_is_ours
        Whether `ris ui` serves MLflow; another server knows no way to Dagster, so that the link names RIS_DAGSTER_UI.
    """
    server = TO_DAGSTER if server_is_ours else os.environ.get(DAGSTER_UI, "").rstrip("/")
    return f"[Dagster run {run_id}]({server}/runs/{run_id})" if server else f"Dagster run {run_id}"
