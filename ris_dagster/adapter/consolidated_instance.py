"""An instance that keeps events in Dagster's consolidated SQLite database where dagster.yaml names no storage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import yaml

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.instance.ref import InstanceRef
    from dagster._serdes import ConfigurableClassData


class ConsolidatedInstance(dg.DagsterInstance):
    """Dagster's instance with its event log in one SQLite database instead of one for each run.

    Attributes
    ----------
    event_log
        Module and name of the class that keeps the events.
    """

    event_log: ClassVar[tuple[str, str]] = ("dagster._core.storage.event_log", "ConsolidatedSqliteEventLogStorage")

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return the settings that dagster.yaml may hold for this class: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Return the parts of an instance that dagster.yaml does not name; called by Dagster."""
        with relying_on("dagster", __name__):
            usual = InstanceRef.config_defaults(base_dir)
            module, name = cls.event_log
            events = ConfigurableClassData(module, name, yaml.safe_dump({"base_dir": str(Path(base_dir) / "history")}))
            parts = {"run_storage": usual["run_storage"], "event_log_storage": events}
            parts["schedule_storage"] = usual["schedule_storage"]
            storage = ConfigurableClassData(
                "dagster._core.storage.legacy_storage",
                "CompositeStorage",
                yaml.safe_dump({name: part._asdict() for name, part in parts.items() if part}),
            )
            return {**usual, "event_log_storage": events, "storage": storage}
