"""Whether a data root is still where MLflow's records say, and what refuses to go on if it is not."""

from contextlib import suppress
from pathlib import Path

from ris_core.config import Settings
from ris_core.storage.atomic import CannotWriteError
from ris_core.storage.layout import Layout
from ris_core.storage.place import is_data_root, is_same_folder, place_record, record_place, recorded_place
from ris_dagster.mlflow_adapter.places import location_of, root_of_artifacts
from ris_dagster.resources.mlflow_store import sqlite_file
from ris_dagster.resources.tracking import Tracking


class MovedRootError(ValueError):
    """A data root was moved or copied, and records in it name files at its earlier place."""


def require_place(settings: Settings, layout: Layout) -> None:
    """Refuse a data root that was moved or copied and not adopted yet; record the place of one that has no record.

    Nothing is asked of a data root whose runs go to an MLflow server: their places are the server's.

    Raises
    ------
    MovedRootError
        The root was elsewhere when its place was recorded, or MLflow's records name files of another place.
    DamagedFileError
        The record of the place cannot be read.
    """
    tracking = Tracking.of(settings, layout.root)
    if tracking.is_remote:
        return
    if place_record(layout.root).exists():
        before = earlier_place(layout, recorded_place(layout.root))
    else:
        located = _located(tracking)
        if located is None:
            return
        before = earlier_place(layout, root_of_artifacts(located))
        if before is None:
            with suppress(OSError, CannotWriteError):  # a root that may only be read is looked at again next time
                record_place(layout.root)
    if before is not None:
        raise MovedRootError(_refusal(layout.root, before))


def earlier_place(layout: Layout, named: Path | None) -> Path | None:
    """Return a place that something names, unless it is that of the data root or leads to the same folder."""
    return None if named is None or is_same_folder(named, layout.root) else named


def earlier_places(layout: Layout, tracking: Tracking) -> list[Path]:
    """Return all places that the record of the data root and MLflow's experiment name and where it is not.

    Raises
    ------
    DamagedFileError
        The record of the place cannot be read.
    """
    named = [recorded_place(layout.root), root_of_artifacts(_located(tracking))]
    return list(dict.fromkeys(found for one in named if (found := earlier_place(layout, one)) is not None))


def _located(tracking: Tracking) -> str | None:
    """Return where MLflow keeps the network's artifacts; empty if it has none, None if it cannot be asked now."""
    from sqlalchemy.exc import SQLAlchemyError

    file = sqlite_file(tracking.uri)
    if file is not None and not file.exists():
        return ""
    try:
        return location_of(tracking.uri, tracking.experiment) or ""
    except (SQLAlchemyError, UnicodeError):
        return None  # damaged, full or absent: what uses it says so


def _refusal(root: Path, before: Path) -> str:
    if is_data_root(before):
        return (
            f"{root} is a copy of {before}: MLflow's records in it still name files there, and runs would write into "
            "the original. Let `ris adopt` rewrite them; the original is not touched"
        )
    return (
        f"{root} was at {before} when its place was recorded: MLflow's records still name files there. Let `ris adopt` "
        "rewrite them. If it is the same folder under another mount point (a container, another host), mount it at "
        f"{before} instead, since only one of the two places can be recorded"
    )
