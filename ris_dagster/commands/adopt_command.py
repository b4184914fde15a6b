"""The command that lets a moved or copied data root use its own files."""

from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse


@app.command()
def adopt(
    config: ConfigOption = None,
    own_databases: Annotated[
        bool,
        typer.Option(
            "--own-databases",
            help="The databases outside the data root (Postgres) are copies, or no longer used by the original.",
        ),
    ] = False,
    ended: Annotated[
        bool,
        typer.Option("--ended", help="Runs that are recorded as working have ended, on whatever machine they were."),
    ] = False,
) -> None:
    """Let a data root that was moved or copied use its own files: rewrite the places that MLflow's records name.

    The original of a copy is not touched. Ends with 1 if something works on the data root, or an original may use the
    same databases. Where nothing was moved, nothing is changed.
    """
    from ris_dagster.adoption import AdoptionError, adopt
    from ris_dagster.resources.mlflow_store import MlflowStoreError

    settings, layout = open_network(config, writes=True, adopts=True)
    try:
        done = adopt(settings, layout, own_databases, ended)
    except (AdoptionError, MlflowStoreError) as error:
        refuse(error)
    if not done.before:
        console.print(f"{layout.root} is where its records say; nothing was rewritten.", soft_wrap=True)
        return
    was = "a copy of" if done.copied else "moved from"
    console.print(f"{layout.root} ({was} {', '.join(map(str, done.before))}) was adopted:", soft_wrap=True)
    for one in done.rows:
        console.print(f"  {one.rows} rows of {one.table}.{one.column} in MLflow's database", soft_wrap=True)
    console.print(f"  {done.files} descriptions of logged models")
    if done.unfinished:
        console.print(
            f"{done.unfinished} run(s) worked on the original when it was copied: end them in Dagster (Terminate, with "
            "Force), since nothing else can tell that they are not of this data root.",
            style="yellow",
            soft_wrap=True,
        )
