"""Our own MLflow server: the variables of its environment."""

import os
from collections.abc import Collection

_HOSTS = "MLFLOW_SERVER_ALLOWED_HOSTS"


def environment_of_server(uri: str, hosts: Collection[str]) -> dict[str, str]:
    """Return the variables with which ``mlflow server`` uses a store and answers under some names alone.

    Parameters
    ----------
    uri
        Address of the store. It is not on the command line, which every user of the machine can read.
    hosts
        Names and addresses under which it answers, on any port. ``MLFLOW_SERVER_ALLOWED_HOSTS`` in the environment
        overrides them.
    """
    return {
        "MLFLOW_BACKEND_STORE_URI": uri,
        # Nothing here uses its background jobs, which would start further processes.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # Neither the server nor its pages send anything elsewhere.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        _HOSTS: os.environ.get(_HOSTS) or _as_patterns(hosts),
    }


def _as_patterns(hosts: Collection[str]) -> str:
    """Return hosts in the form that MLflow reads: patterns, with and without port, where `[` begins a choice."""
    named = [(f"[{h}]", f"[[]{h}]") if ":" in h else (h, h) for h in sorted(hosts)]
    return ",".join(part for host, pattern in named for part in (host, f"{pattern}:*"))


def records_in_folders() -> bool:
    """Return whether the environment lets MLflow record runs in a folder of files, which it refuses otherwise."""
    return os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in ("1", "true")
