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
        description="The training set was drawn from the present station-days.",
    )
    def drawn_from_what_is_there(store: DataStore) -> Any:
        from ris_core.training.event_sources import changed_since, sources_of

        layout = store.layout()
        if not layout.training_set.exists():
            return dg.AssetCheckResult(passed=False, description="There is no training set.")
        with store.station_days().look() as days:
            sources = sources_of(days.process, days.all(), store.settings.training_set)
        differ = changed_since(layout, sources)
        changed = {"new": differ.new, "gone": differ.gone, "changed": differ.changed}
        said = [f"{len(keys)} station-days {how}" for how, keys in changed.items() if keys]
        if differ.surroundings:
            said.append("the same events, with another context or noise spectrum: draw again, models stay as they are")
        return dg.AssetCheckResult(
            passed=not differ,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(said) or None,
            metadata={how: list(keys[:20]) for how, keys in changed.items()},
        )

    return [drawn_from_what_is_there]
