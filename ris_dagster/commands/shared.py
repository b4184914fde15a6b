"""What all commands share: the application, the terminal, the network they are about, and how they refuse."""

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from ris_core.config import Settings, SettingsError, load_settings
from ris_core.masking import masked
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Store, WrongNetworkError


class _Commands(TyperGroup):
    """All commands; a damaged file that one of them cannot go on without is a line, no traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DamagedFileError as error:
            refuse(error)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Deep embedded clustering of continuous seismic data.",
)
console = Console(highlight=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; by default RIS_CONFIG, else the demo's.")
]


def refuse(error: Exception, code: int = 1) -> NoReturn:
    """Say what is wrong and end with a code: 2 where nothing could begin, else 1."""
    console.print(masked(str(error)), style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code) from error


def open_network(config: Path | None, writes: bool = False) -> tuple[Settings, Store]:
    """Return settings and store of the network that a command is about, its Dagster home prepared.

    Ends the command if they cannot be used, or if it `writes` and the data root may not be written.
    """
    if config is not None:
        os.environ["RIS_CONFIG"] = str(config)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from ris_core.storage.atomic import CannotWriteError, check_writable
    from ris_core.storage.sweep import sweep
    from ris_dagster.deployment import DeploymentError
    from ris_dagster.instance import WrongHomeError, prepare_home
    from ris_dagster.resources.mlflow_store import MlflowStoreError
    from ris_dagster.resources.tracking import of_store

    try:
        settings = load_settings()
        store = Store(settings)
        if writes:
            check_writable(store.root)
            if (swept := sweep(store.root)).count:
                console.print(
                    f"Removed {swept.count} temporary files of processes that were killed ({swept.size / 1e6:.1f} MB)."
                )
        prepare_home(store)
        of_store(store)
        return settings, store
    except (
        SettingsError,
        WrongNetworkError,
        WrongHomeError,
        DeploymentError,
        MlflowStoreError,
        CannotWriteError,
        DamagedFileError,
    ) as error:
        refuse(error, 2)
