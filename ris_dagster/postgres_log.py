"""The storage that dagster.yaml of homes on Postgres names; with RIS_EVENT_BATCHES=0 it is Dagster's own.

Homes hold the names of this module and of the class, so neither may change.
"""

from typing import Any

from ris_dagster.deployment import batches_wanted, way_back_named


def __getattr__(name: str) -> Any:
    """Return the class when Dagster opens a home. Only the one that is wanted is imported."""
    if name != "BatchingPostgresStorage":
        raise AttributeError(f"{__name__} has no {name}")
    if batches_wanted():
        with way_back_named():
            from ris_dagster.adapter.batching_postgres import BatchingPostgresStorage

            return BatchingPostgresStorage
    from dagster_postgres import DagsterPostgresStorage

    return DagsterPostgresStorage
