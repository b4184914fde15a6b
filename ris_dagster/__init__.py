"""The orchestration: thin Dagster definitions over `ris_core`."""
