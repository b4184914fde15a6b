"""Settings of the automatic work. They decide when something is made, never what is made."""

from __future__ import annotations

from croniter import croniter
from pydantic import Field, field_validator

from ris_core.section import Hours, Section


class OperationsSettings(Section):
    """What runs automatically, how much of it at once, and when a station-day is given up."""

    daily_update: bool = Field(
        False, description="Whether the schedule `daily_update` runs: the newest complete day is acquired (ours)."
    )
    daily_update_cron: str = Field(
        "30 2 * * *", description="When `daily_update` runs: minute, hour, day, month, weekday; UTC (ours)."
    )
    latency: Hours = Field(
        2.0,
        ge=0,
        le=24 * 90,
        description="Time from the end of a day's padding until its data can be requested, h (ours).",
    )
    catch_up: bool = Field(
        False,
        description="Whether the sensor `catch_up` runs: station-days never acquired or failed are requested (ours).",
    )
    following: bool = Field(
        False, description="Whether the sensor `following` runs: what is acquired is processed and labelled (ours)."
    )
    relabel: bool = Field(
        False, description="Whether the sensor `relabel` runs: tables of former champions are made again (ours)."
    )
    cataloguing: bool = Field(
        False,
        description="Whether the sensor `cataloguing` runs: the catalogue of events and the rates follow new labels "
        "(ours).",
    )
    retrain: bool = Field(
        False,
        description="Whether the sensor `retrain` runs: models are trained again after many new events (ours).",
    )
    failure_alert: bool = Field(True, description="Whether the sensor `failure_alert` reports failed runs (ours).")
    purge: bool = Field(False, description="Whether the schedule `purge` clears the logs of old runs (ours).")
    station_days_per_run: int = Field(
        340, ge=1, le=10_000, description="Most station-days of one run: ten days of 34 stations (ours)."
    )
    station_days_per_tick: int = Field(
        680, ge=1, le=10_000, description="Most station-days that one tick of a sensor requests (ours)."
    )
    runs_in_flight: int = Field(
        4, ge=1, le=100, description="A sensor requests no more while this many of its runs wait or work (ours)."
    )
    attempts: int = Field(
        5, ge=1, le=100, description="Failed attempts after which a station-day is given up until it is reset (ours)."
    )
    attempt_wait: Hours = Field(
        1.0,
        ge=0,
        le=24 * 30,
        description="Wait of `catch_up` after a failed attempt, h; it doubles from attempt to attempt (ours).",
    )
    relabel_runs_in_flight: int = Field(
        1, ge=1, le=100, description="The same for `relabel`; few, so that the daily work goes first (ours)."
    )
    retrain_unseen: float = Field(
        0.5, gt=0, le=1, description="Share of events from station-days that the models have not seen (ours)."
    )
    retrain_unassigned: float = Field(
        0.2, gt=0, le=1, description="Share of those unseen events that the champion does not assign (ours)."
    )
    retrain_least_events: int = Field(
        1000, ge=1, description="Fewest unseen events for a training, for any share (ours)."
    )
    purge_after_days: int = Field(
        90,
        ge=1,
        description="Age at which the logs of a finished run are removed, days; records of products are kept (ours).",
    )

    @field_validator("daily_update_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        # Only these five fields are a schedule; croniter also accepts seconds and years.
        if len(value.split()) != 5 or not croniter.is_valid(value):
            raise ValueError(
                "not a cron expression of five fields (minute, hour, day, month, weekday), like '30 2 * * *'"
            )
        return value
