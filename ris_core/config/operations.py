"""Settings of the work that goes on by itself. They decide when something is made, never what is made."""

from __future__ import annotations

from croniter import croniter
from pydantic import Field, field_validator

from ris_core.section import Hours, Section


class OperationsSettings(Section):
    """What goes on by itself, how much of it at once, and when it is given up."""

    daily_update: bool = Field(
        False, description="Whether the schedule `daily_update` runs: the newest complete day is acquired (ours)."
    )
    daily_update_cron: str = Field(
        "30 2 * * *", description="When `daily_update` looks: minute, hour, day, month, weekday; UTC (ours)."
    )
    latency: Hours = Field(
        2.0,
        ge=0,
        le=24 * 90,
        description="Time after the padding of a day has passed until its data are there to be asked for, h (ours).",
    )
    catch_up: bool = Field(
        False, description="Whether the sensor `catch_up` runs: what was never acquired or failed is asked for (ours)."
    )
    following: bool = Field(
        False, description="Whether the sensor `following` runs: what is acquired is processed and labelled (ours)."
    )
    relabel: bool = Field(
        False, description="Whether the sensor `relabel` runs: tables of former champions are made again (ours)."
    )
    retrain: bool = Field(
        False, description="Whether the sensor `retrain` runs: models are trained anew on what has come in (ours)."
    )
    failure_alert: bool = Field(True, description="Whether the sensor `failure_alert` reports failed runs (ours).")
    purge: bool = Field(False, description="Whether the schedule `purge` clears the logs of old runs (ours).")
    station_days_per_run: int = Field(
        340, ge=1, le=10_000, description="Most station-days of one run: ten days of 34 stations (ours)."
    )
    station_days_per_tick: int = Field(
        680, ge=1, le=10_000, description="Most station-days that one tick of a sensor asks for (ours)."
    )
    runs_in_flight: int = Field(
        4, ge=1, le=100, description="A sensor asks for no more while this many of its runs wait or work (ours)."
    )
    attempts: int = Field(
        5, ge=1, le=100, description="Failed attempts after which a station-day is left until it is reset (ours)."
    )
    attempt_wait: Hours = Field(
        1.0,
        ge=0,
        le=24 * 30,
        description="Wait of `catch_up` after a failed attempt, h; it doubles from attempt to attempt (ours).",
    )
    relabel_runs_in_flight: int = Field(
        1, ge=1, le=100, description="The same for `relabel`, which gives way to the daily work (ours)."
    )
    retrain_unseen: float = Field(
        0.5, gt=0, le=1, description="Share of events from station-days that the models have not seen (ours)."
    )
    retrain_unassigned: float = Field(
        0.2, gt=0, le=1, description="Share of those unseen events that the champion does not assign (ours)."
    )
    retrain_least_events: int = Field(
        1000, ge=1, description="Unseen events below which no training is asked for, whatever their share (ours)."
    )
    purge_after_days: int = Field(
        90,
        ge=1,
        description="Age at which the logs of a finished run are cleared; products' records stay, days (ours).",
    )

    @field_validator("daily_update_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        # Dagster takes the five fields alone; croniter would also take seconds and years.
        if len(value.split()) != 5 or not croniter.is_valid(value):
            raise ValueError(
                "not a cron expression of five fields (minute, hour, day, month, weekday), like '30 2 * * *'"
            )
        return value
