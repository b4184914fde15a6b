"""The command that writes the data dictionary."""

from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import app


@app.command()
def dictionary(
    output: Annotated[Path | None, typer.Option(help="A file to write; by default it is printed.")] = None,
) -> None:
    """Print the data dictionary: all tables of a data root, with the unit, meaning and source of each column."""
    from ris_core.access.data_dictionary import data_dictionary, write_dictionary

    if output is None:
        typer.echo(data_dictionary(), nl=False)
    else:
        write_dictionary(output)
