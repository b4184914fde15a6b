"""Commands about a network as a whole: its settings, its state, all stages in order, its environment."""

import shlex
import time
from contextlib import closing
from typing import Annotated

import typer

from ris_core.config import Settings, SettingsError, SyntheticSettings, config_path, load_settings
from ris_core.plugins import PluginError, load_plugins
from ris_dagster.commands.shared import (
    ConfigOption,
    app,
    console,
    note_killed_runs,
    open_network,
    refuse,
    terminating_raises,
)


@app.command("check-config")
def check_config(
    config: ConfigOption = None,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Request the stations' metadata from a data centre; without it no request is sent."),
    ] = False,
) -> None:
    """Read the settings, show what they describe, and test whether the source has what they name.

    Ends with 2 if a setting cannot be used, with 1 if something is missing (an archive's folder, a station's files or
    StationXML), else with 0.
    """
    from ris_core.waveforms.source_check import check_source

    try:
        settings = load_settings(config)
    except (SettingsError, PluginError) as error:
        refuse(error, 2)
    days = settings.days()
    findings = check_source(settings, ask)
    missing = sum(finding.wrong for finding in findings)
    verdict = f"the settings can be used, but {missing} thing(s) are missing" if missing else "good"
    console.print(f"{config or config_path()}: {verdict}", soft_wrap=True)
    console.print(
        f"  network {settings.network.code}, {len(settings.stations)} stations, {_channels(settings)}", soft_wrap=True
    )
    takes = settings.input_spec()
    console.print(
        f"  preset {settings.preset or 'none'}, profile {settings.profile}: {takes.band[0]:g}-{takes.band[1]:g} Hz, "
        f"{takes.window:g} s, {takes.frequencies} frequencies x {takes.times} times of {'+'.join(takes.components)}",
        soft_wrap=True,
    )
    console.print(
        f"  {settings.first_day} ... {settings.last_day or 'open'}: {len(days) * len(settings.stations)} station-days"
    )
    console.print(f"  source {settings.source.kind}", soft_wrap=True)
    console.print(f"  {_candidates(settings)}", soft_wrap=True)
    console.print(f"  champion {_champion(settings)}", soft_wrap=True)
    for plugin in load_plugins():
        console.print(f"  plug-in {plugin}", soft_wrap=True)
    for doubt in settings.doubts():
        console.print(f"  note: {doubt}", style="yellow", soft_wrap=True)
    for finding in findings:
        kind, style = ("missing", "red") if finding.wrong else ("note", "yellow")
        console.print(f"  {kind}: {finding.text}", style=style, soft_wrap=True)
    if missing:
        raise typer.Exit(1)


def _champion(settings: Settings) -> str:
    """Return which model is going to label, in words."""
    name, k = settings.champion_candidate, settings.champion.k
    if name is None:
        return "the best ranked accepted candidate" + ("" if k is None else f", K = {k}")
    return f"{name}, " + (f"the accepted K with the best {settings.k_criterion_of(name)}" if k is None else f"K = {k}")


def _candidates(settings: Settings) -> str:
    """Return what is trained, in words."""
    of_counts: dict[tuple[int, ...], list[str]] = {}
    for name in settings.candidates:
        of_counts.setdefault(settings.counts_of(name), []).append(name)
    named = "; ".join(f"{', '.join(names)}, K = {', '.join(map(str, counts))}" for counts, names in of_counts.items())
    trials = len(settings.aec.grid.trials())
    trained = f"; {trials} trial{'s' if trials > 1 else ''} of the autoencoder" if settings.has_autoencoder else ""
    return f"candidates {named}{trained}"


def _channels(settings: Settings) -> str:
    """Return the channels in words, and on which of them events are detected if there are several."""
    if len(settings.channels) == 1:
        return f"channel {settings.channel}"
    by_sum = settings.components.detect_on == "vector_sum"
    detected = f"their vector sum, named after {settings.channel}" if by_sum else settings.channel
    return f"channels {', '.join(settings.channels)} (events on {detected})"


@app.command()
def status(config: ConfigOption = None) -> None:
    """Show what exists, is missing, failed or out of date, with the size on disk and the expected size."""
    from ris_core.station_days.state import states_of
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.summary import damage_lines, failures_table, odd_lines, outdated_lines, status_table

    settings, layout = open_network(config)
    days = BINDINGS.station_days(settings, layout)
    states = states_of(days)
    console.print(status_table(settings, layout, states))
    failures = failures_table(states)
    if failures is not None:
        console.print(failures)
    for line in (*outdated_lines(days, states), *odd_lines(states)):
        console.print(line, soft_wrap=True)
    for line in damage_lines(states):
        console.print(line, style="red", soft_wrap=True)


@app.command()
def run(
    config: ConfigOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only this job (or `analysis`: all of the analysis); may be given several times."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Run all jobs but this one, or `analysis`; may be given several times.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also train again what is current.")] = False,
    at_once: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trials, or numbers of clusters, that are trained at once: each in a process of its own, with its "
            "share of the cores.",
        ),
    ] = 1,
) -> None:
    """Run all stages in order through Dagster, with progress; what is current on disk is not made again."""
    from ris_core.review.summary import is_reviewed
    from ris_core.station_days.state import states_of
    from ris_dagster.analysis_jobs import GROUP, analysis_jobs
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.instance import open_instance
    from ris_dagster.jobs import recording_jobs
    from ris_dagster.launching import definitions_here
    from ris_dagster.method_runs import all_jobs, run_jobs
    from ris_dagster.resources.tracking import Tracking
    from ris_dagster.run_processes import RunProcesses
    from ris_dagster.summary import damage_lines, next_steps, odd_lines, run_tables

    settings, layout = open_network(config, writes=True)
    days = BINDINGS.station_days(settings, layout)
    names = all_jobs(settings, BINDINGS, reviewed=bool(only) or is_reviewed(layout))
    group = {GROUP: analysis_jobs(settings)}
    for option, asked in (("--only", only), ("--without", without)):
        if unknown := [name for name in asked or [] if name not in (*names, *group)]:
            each = "".join(f" {option} {part.strip()}" for part in unknown[0].split(","))
            repeat = f"; repeat the option for each job:{each}" if "," in unknown[0] else ""
            refuse(f"{option} {unknown[0]}: no such job{repeat}; known are {', '.join([*names, *group])}", 2)
    left, left_out = (
        {name for one in asked or [] for name in group.get(one, (one,))} for asked in (only or names, without)
    )
    chosen = [name for name in names if name in left - left_out]
    started = time.monotonic()
    if not recording_jobs(settings).isdisjoint(chosen):
        Tracking.of(settings, layout.root).prepare()
    with (
        open_instance(layout) as instance,
        definitions_here(settings) as definitions,
        closing(RunProcesses(settings, layout, at_once)) as processes,
    ):
        note_killed_runs(instance)
        try:
            with terminating_raises():
                failed = run_jobs(
                    definitions, instance, days, chosen, again, console.print, processes if at_once > 1 else None
                )
        except KeyboardInterrupt:
            console.print("Interrupted: finished work is kept; the same command continues from there.")
            raise typer.Exit(130) from None
    states = states_of(days)
    for table in run_tables(settings, layout, states):
        console.print(table)
    for line in odd_lines(states):
        console.print(line, soft_wrap=True)
    for line in damage_lines(states):
        console.print(line, style="red", soft_wrap=True)
    console.print(
        f"{time.monotonic() - started:.0f} s; products, Dagster and MLflow are in {layout.root}", soft_wrap=True
    )
    if isinstance(settings.source, SyntheticSettings):
        console.print("What the scores mean, and where DEC loses: `ris scores`", soft_wrap=True)
    for line in next_steps():
        console.print(line, soft_wrap=True)
    if failed:
        console.print(f"{len(failed)} run(s) failed:", style="red")
        for item in failed:
            console.print(f"  {item.run.job} {item.run.what} ({item.run_id}): {item.error}")
        raise typer.Exit(1)


@app.command()
def env(config: ConfigOption = None) -> None:
    """Print the environment in which Dagster's own commands see this network, and its MLflow store (for `eval`)."""
    from ris_dagster.instance import prepare_home
    from ris_dagster.resources.tracking import Tracking

    settings, layout = open_network(config)
    values = {
        "RIS_CONFIG": config_path().resolve(),
        "RIS_DATA": layout.root.parent,
        "DAGSTER_HOME": prepare_home(layout),
        "RIS_MLFLOW_STORE": Tracking.of(settings, layout.root).uri,
    }
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(str(value))}")
