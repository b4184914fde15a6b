"""Tags of runs that MLflow's web page reads."""

NOTE = "mlflow.note.content"
"""Description of a run, in Markdown."""


def of_parent(run_id: str) -> dict[str, str]:
    """Return the tag of a run that is shown under another one."""
    return {"mlflow.parentRunId": run_id}


def of_source(commit: str, changed: bool) -> dict[str, str]:
    """Return the tags that say which commit a run was made with, and whether files differed from it."""
    return {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": str(changed).lower()}
