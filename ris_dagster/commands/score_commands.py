"""The command that compares methods with the truth of synthetic networks."""

from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import app, console, refuse


@app.command()
def scores(
    configs: Annotated[list[Path], typer.Argument(help="Settings files of synthetic networks that have been scored.")],
) -> None:
    """Show the methods of synthetic networks side by side: how well their classes agree with the truth.

    Says where the report of a network is, if there is one. Ends with 1 if a network has not been scored.
    """
    from ris_core.config import SettingsError, SyntheticSettings, load_settings
    from ris_core.plugins import PluginError
    from ris_core.report.report_state import FILE as REPORT
    from ris_core.storage.damage import DamagedFileError
    from ris_core.storage.layout import Layout
    from ris_core.truth.score_file import FILE, read_scores
    from ris_dagster import jobs
    from ris_dagster.score_comparison import (
        MEANINGS,
        by_agreement,
        compared_methods,
        comparison_table,
        meaning,
        where_dec_loses,
    )
    from ris_dagster.summary import next_steps

    methods, reports = [], []
    for config in configs:
        try:
            settings = load_settings(config)
        except (SettingsError, PluginError) as error:
            refuse(error, 2)
        if not isinstance(settings.source, SyntheticSettings):
            refuse(f"{config}: the network {settings.network.name} is not synthetic, so it has no truth", 2)
        try:
            layout = Layout.of(settings)
            methods += compared_methods(settings, read_scores(layout.analysis(FILE)))
            reports += [path] if (path := layout.analysis(REPORT)).exists() else []
        except FileNotFoundError:
            refuse(
                f"{config}: the network {settings.network.name} has no scores; run "
                f"`ris run --config {config}`, or of its jobs {jobs.SCORE}"
            )
        except DamagedFileError as error:
            refuse(error)
    methods = by_agreement(methods)
    console.print(comparison_table(methods))
    console.print(meaning(methods), soft_wrap=True)
    for line in where_dec_loses(methods):
        console.print(line, soft_wrap=True)
    console.print("What the scores mean:")
    for name, words in MEANINGS.items():
        console.print(f"  {name}: {words}", soft_wrap=True)
    for path in reports:
        console.print(f"What the classes say, for a browser: {path}", soft_wrap=True)
    for line in next_steps():
        console.print(line, soft_wrap=True)
