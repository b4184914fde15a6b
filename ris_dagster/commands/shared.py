"""Common parts of all commands: the application, the terminal, the network, and refusals."""

import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from ris_core.config import Settings, SettingsError, data_root, load_settings
from ris_core.masking import masked
from ris_core.plugins import PluginError
from ris_core.shipped_files import SHIPPED
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout, WrongNetworkError, open_layout

if TYPE_CHECKING:
    import dagster as dg


class _Commands(TyperGroup):
    """All commands; errors that stop every command and that no code can repair are one line without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            from ris_dagster.trouble import explained

            # Other errors keep their traceback: they are faults of the platform.
            if not (said := explained(error, _network.get("opened"))):
                raise
            refuse(said)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Deep embedded clustering of continuous seismic data.",
    epilog=f"Files that are named here, like config/demo.yaml and docs/method.md, are in {SHIPPED}",
)
# Messages contain paths and errors: "[x]" is not a colour in them, and ":key:" is not a picture.
console = Console(highlight=False, markup=False, emoji=False)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ris-dagster {metadata.version('ris-dagster')}, Python {platform.python_version()}, {SHIPPED}")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show version, Python and folder; end."),
    ] = False,
) -> None:
    # Commands draw into files only. A notebook hands on its own backend, which its environment alone may have.
    os.environ["MPLBACKEND"] = "Agg"


ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; the default is RIS_CONFIG, else the demo's.")
]


_network: dict[str, tuple[Settings, Layout]] = {}
"""The network of this process's command, so that errors can name its files."""


def refuse(error: Exception | str, code: int = 1) -> NoReturn:
    """Show what is wrong and end with a code: 2 if nothing could begin, else 1."""
    console.print(masked(str(error)), style="red", soft_wrap=True)
    raise typer.Exit(code) from (error if isinstance(error, Exception) else None)


def _layout(settings: Settings) -> Layout:
    from ris_core.storage.atomic import CannotWriteError

    try:
        return open_layout(settings)
    except (DamagedFileError, CannotWriteError):
        raise
    except OSError as error:
        raise CannotWriteError(
            f"the data root {data_root(settings)} cannot be made ({error.strerror}); set RIS_DATA to a folder"
        ) from error


def note_killed_runs(instance: "dg.DagsterInstance") -> None:
    """Tell Dagster which runs are over since their process was killed, and the user how many."""
    from ris_dagster.killed_runs import end_killed_runs

    if killed := end_killed_runs(instance):
        jobs = ", ".join(dict.fromkeys(run.job_name for run in killed))
        console.print(
            f"{len(killed)} run(s) whose process was killed are now failed in Dagster: {jobs}", soft_wrap=True
        )


@contextmanager
def terminating_raises() -> Iterator[None]:
    """Let SIGTERM raise `KeyboardInterrupt`, as it does while Dagster executes a run in this process."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def open_network(config: Path | None, writes: bool = False, adopts: bool = False) -> tuple[Settings, Layout]:
    """Return settings and layout of the network of a command, and prepare its Dagster home.

    Ends the command if they cannot be used, or if the data root was moved or copied, unless the command `adopts` it.
    For a command that `writes`, it also ends if the data root may not be written or the environment names no valid
    place to compute.
    """
    if config is not None:
        os.environ["RIS_CONFIG"] = str(config)
    from ris_core.storage.atomic import CannotWriteError, check_writable
    from ris_core.storage.sweep import sweep
    from ris_dagster.data_place import MovedRootError, require_place
    from ris_dagster.deployment import DeploymentError
    from ris_dagster.instance import WrongHomeError, prepare_home
    from ris_dagster.resources.compute import Compute
    from ris_dagster.resources.mlflow_store import MlflowStoreError
    from ris_dagster.resources.tracking import Tracking

    try:
        settings = load_settings()
        layout = _layout(settings)
        _network["opened"] = settings, layout
        if not adopts:
            require_place(settings, layout)
        if writes:
            Compute.from_environment()
            check_writable(layout.root)
            for doubt in settings.doubts():
                console.print(f"note: {doubt}", style="yellow", soft_wrap=True)
            if (swept := sweep(layout.root)).count:
                console.print(
                    f"Removed {swept.count} temporary files of processes that were killed ({swept.size / 1e6:.1f} MB)."
                )
        prepare_home(layout)
        Tracking.of(settings, layout.root)
        return settings, layout
    except (
        SettingsError,
        PluginError,
        WrongNetworkError,
        WrongHomeError,
        MovedRootError,
        DeploymentError,
        MlflowStoreError,
        CannotWriteError,
        DamagedFileError,
    ) as error:
        refuse(error, 2)
