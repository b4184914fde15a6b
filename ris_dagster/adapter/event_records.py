"""What Dagster's event log says beyond what its instance answers."""

import dagster as dg


def latest_record(instance: dg.DagsterInstance) -> int:
    """Return the number of the newest event of the whole event log, 0 if it is empty."""
    return instance.event_log_storage.get_maximum_record_id() or 0
