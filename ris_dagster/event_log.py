"""The instance class that dagster.yaml of every home names; with RIS_EVENT_BATCHES=0 it writes as Dagster itself does.

Homes hold the names of this module and of the class, so neither may change.
"""

from typing import Any

from ris_dagster.deployment import batches_wanted, way_back_named


def __getattr__(name: str) -> Any:
    """Return the class when Dagster opens a home. Only the one that is wanted is imported.

    So the way back also works where an upgrade of Dagster breaks the batches.
    """
    if name != "BatchingInstance":
        raise AttributeError(f"{__name__} has no {name}")
    if batches_wanted():
        with way_back_named():
            from ris_dagster.adapter.batching_sqlite import BatchingInstance

            return BatchingInstance
    from ris_dagster.adapter.consolidated_instance import ConsolidatedInstance

    return ConsolidatedInstance
