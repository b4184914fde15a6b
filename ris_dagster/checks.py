"""Checks that look at what is there now, apart from the asset's own run."""

from typing import Any

import dagster as dg

from ris_dagster.assets.training import TRAINING_SET
from ris_dagster.resources.data_store import DataStore

DRAWN_FROM = dg.AssetCheckKey(TRAINING_SET, "drawn_from_what_is_there")


def build_checks() -> list[dg.AssetChecksDefinition]:
    """Return the stand-alone checks."""

    @dg.asset_check(
        asset=TRAINING_SET,
        name=DRAWN_FROM.name,
        description="The station-days that the training set was drawn from are those of now.",
    )
    def drawn_from_what_is_there(store: DataStore) -> Any:
        from ris_core.training.training_set import changed_since

        opened = store.open()
        if not opened.training_set.exists():
            return dg.AssetCheckResult(passed=False, description="There is no training set.")
        changed = changed_since(opened)
        return dg.AssetCheckResult(
            passed=not any(changed.values()),
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(f"{len(keys)} station-days {how}" for how, keys in changed.items() if keys) or None,
            metadata={how: keys[:20] for how, keys in changed.items()},
        )

    return [drawn_from_what_is_there]
