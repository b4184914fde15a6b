"""The command that writes pages of the reference."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import app


class _Page(StrEnum):
    SETTINGS = "settings"
    COMMANDS = "commands"
    METRICS = "metrics"


@app.command()
def reference(
    page: Annotated[_Page, typer.Argument(help="Which page.")],
    output: Annotated[Path | None, typer.Option(help="A file to write; by default it is printed.")] = None,
) -> None:
    """Print a page of the reference: every key of the settings, every command, or every metric in MLflow."""
    from ris_core.config.settings_reference import settings_reference
    from ris_core.contracts.metric_names import metrics_reference
    from ris_core.storage.atomic import replacing
    from ris_dagster.commands.command_reference import command_reference

    if page is _Page.SETTINGS:
        text = settings_reference()
    else:
        text = metrics_reference() if page is _Page.METRICS else command_reference(app)
    if output is None:
        typer.echo(text, nl=False)
        return
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
