"""`ris adopt`: a data root that was moved or copied takes over the records that name files at its earlier place."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil

from ris_core.config import Settings
from ris_core.storage.atomic import replacing
from ris_core.storage.layout import Layout
from ris_core.storage.place import is_data_root, record_place
from ris_dagster.data_place import earlier_places
from ris_dagster.instance import open_instance
from ris_dagster.mlflow_adapter.places import ARTIFACTS, Rewritten, TooLongError, rewrite
from ris_dagster.processes import executing_process, has_ended
from ris_dagster.relocation import Relocation
from ris_dagster.resources.mlflow_store import locked, sqlite_file
from ris_dagster.resources.tracking import Tracking
from ris_dagster.resources.workers import forget_scheduler, serves

_WORKING = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_NAMED = 5


class AdoptionError(RuntimeError):
    """A data root cannot be adopted now; the message says why and what to do."""


@dataclass(frozen=True)
class Adopted:
    """What an adoption did.

    Attributes
    ----------
    before
        The earlier places; empty if the root is where its records say.
    copied
        Whether an original is still there.
    rows
        Rewritten values of MLflow's database, by table and column.
    files
        Number of files of logged models that were rewritten.
    unfinished
        Runs that Dagster's records of a copy count as working: they are the original's.
    """

    before: tuple[Path, ...]
    copied: bool
    rows: tuple[Rewritten, ...]
    files: int
    unfinished: int


def adopt(settings: Settings, layout: Layout, own_databases: bool = False, ended: bool = False) -> Adopted:
    """Rewrite all absolute places in a data root so that they name its own files, and record its place.

    Files of logged models are rewritten one by one, then MLflow's database in one transaction, then the place is
    recorded. What is interrupted is completed by the next adoption; one without a need changes nothing.

    Parameters
    ----------
    settings, layout
        The network.
    own_databases
        The databases outside the data root are not used by an original any more, or are copies.
    ended
        Runs that are recorded as working have ended, although this machine cannot see that.

    Raises
    ------
    AdoptionError
        Runs go to an MLflow server, something works on this root, an original may use the same databases, or the new
        path is too long for MLflow's database.
    DamagedFileError
        The record of the place cannot be read.
    """
    root, tracking = layout.root, Tracking.of(settings, layout.root)
    if tracking.is_remote:
        raise AdoptionError(
            f"runs go to the MLflow server {tracking.uri}, which keeps the places of its files itself: there is "
            "nothing to adopt. For the records in the data root, unset MLFLOW_TRACKING_URI and repeat this"
        )
    before = earlier_places(layout, tracking)
    if not before:
        record_place(root)
        return Adopted((), False, (), 0, 0)
    originals = [place for place in before if is_data_root(place)]
    if originals and not own_databases and (shared := list(_outside(layout, tracking))):
        raise AdoptionError(
            f"{' and '.join(shared)} may be used by the original {originals[0]} as well. Give the copy databases of "
            "its own (of Postgres: pg_dump, createdb, psql), or remove the original; then repeat this with "
            "--own-databases"
        )
    _refuse_what_works(root)
    unfinished = _unfinished(layout)
    if originals:
        forget_scheduler(root)
    else:
        if unfinished and not ended:
            names = ", ".join(run.run_id[:8] for run in unfinished[:_NAMED])
            raise AdoptionError(
                f"{len(unfinished)} run(s) are recorded as working ({names}), and this machine cannot see that their "
                "processes have ended; end them where they run, then repeat this with --ended"
            )
        if serves(root):
            raise AdoptionError(f"`ris workers` serves {root}; end it, then repeat this")
    files, rows = 0, []
    for place in before:
        relocation = Relocation(place, root)
        files += _rewrite_models(root.joinpath(*ARTIFACTS), relocation)
        file = sqlite_file(tracking.uri)
        if file is None or file.exists():
            try:
                with locked(tracking.uri):
                    rows += rewrite(tracking.uri, relocation)
            except TooLongError as error:
                raise AdoptionError(str(error)) from error
    record_place(root)
    return Adopted(tuple(before), bool(originals), tuple(rows), files, len(unfinished))


def _outside(layout: Layout, tracking: Tracking) -> Iterator[str]:
    """Yield the databases that do not lie in the data root, and so were not copied with it."""
    file = sqlite_file(tracking.uri)
    if file is None or not file.resolve().is_relative_to(layout.root):
        yield f"MLflow's database {tracking.uri}"
    home = Path(os.environ.get("DAGSTER_HOME") or layout.dagster_home).resolve()
    if not home.is_relative_to(layout.root):
        yield f"the Dagster home {home}"
    storage = home / "ris-deployment"
    if storage.exists() and storage.read_text(encoding="utf-8").strip() == "postgres":
        yield "Dagster's database in Postgres"


def _refuse_what_works(root: Path) -> None:
    """Refuse if a process of this machine has a file of the data root open: each server has its log."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            if process.pid not in ours and any(Path(f.path).is_relative_to(root) for f in process.open_files()):
                found.append(f"{process.pid} ({' '.join(process.cmdline()[:4])[:80]})")
        except (psutil.Error, OSError):
            continue  # it has ended, or belongs to another user
    if found:
        raise AdoptionError(
            f"{len(found)} process(es) work in {root}: {', '.join(found[:_NAMED])}; end `ris ui`, `ris explore` and "
            "all runs over it, then repeat this"
        )


def _unfinished(layout: Layout) -> list[dg.DagsterRun]:
    with open_instance(layout) as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=list(_WORKING)))
        return [run for run in runs if not has_ended(executing_process(run))]


def _rewrite_models(artifacts: Path, relocation: Relocation) -> int:
    """Let the descriptions of logged models, which name their own folder, follow; return how many were changed."""
    count = 0
    for path in artifacts.rglob("MLmodel"):
        text = path.read_text(encoding="utf-8")
        if (new := relocation.follow(text)) != text:
            with replacing(path) as temporary:
                temporary.write_text(new, encoding="utf-8")
            count += 1
    return count
