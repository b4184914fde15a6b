"""Settings: which classes are tested against which environmental series, and when a link may be claimed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ris_core.section import Hours, Section

TIDAL_KINDS = ("tide", "tilt")
"""Kinds of series that go by the tide: their lag is a phase, so that they have no further lags."""


class LinkTermSettings(Section):
    """One tested quantity: a series of a kind, and what is made of it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name in tables and figures.")
    kind: str = Field(description="Kind of the series (section `environment`).")
    series: str | None = Field(
        None, description="Name of the series; none: that of the station, else the nearest of the kind (ours)."
    )
    transform: Literal["value", "square", "log", "rate", "falling"] = Field(
        "value",
        description="value; square; log: natural logarithm, for a power law; rate: change per hour; falling: the rate "
        "with its sign turned (ours).",
    )
    mean: Hours = Field(
        1.0, ge=1, description="Length of the centred running mean that is taken before the transform, h (ours)."
    )


DEFAULT_TERMS = (
    LinkTermSettings(name="wave_height", kind="wave_height", transform="log"),
    LinkTermSettings(name="temperature", kind="temperature", mean=24.0),
    LinkTermSettings(name="cooling", kind="temperature", transform="falling", mean=6.0),
    LinkTermSettings(name="tilt", kind="tilt"),
    LinkTermSettings(name="falling_tide", kind="tide", transform="falling"),
    LinkTermSettings(name="ice", kind="ice", mean=24.0),
    LinkTermSettings(name="melt", kind="melt", mean=24.0),
    LinkTermSettings(name="pressure", kind="pressure", mean=6.0),
)
"""Swell as a power law of its height, which single storms decide less than its square (measured); cold and its growth
(MacAyeal et al. 2018); tilt and the fall of the tide (Olinger et al. 2019); ice and melt (Jenkins et al. 2021)."""


class LinksSettings(Section):
    """Links between classes and environmental series."""

    events: Literal["labels", "truth"] = Field(
        "labels",
        description="labels: the catalogue; truth: of a synthetic network alone, its catalogue of all years at the "
        "rate `truth_events_per_day`, with simulated detection: days of labels can show neither season nor tide.",
    )
    truth_events_per_day: float = Field(
        42.0,
        gt=0,
        le=5000,
        description="True events per station-day of `events: truth`; about a third is detected, 14 a day beside the 17 "
        "of the published archive. Lower than that of the waveforms: a thinned catalogue has no swarms (ours).",
    )
    terms: tuple[LinkTermSettings, ...] = Field(
        DEFAULT_TERMS, description="Tested quantities; those without a series are left out, which the result says."
    )
    noise: Literal["auto", "series", "events", "none"] = Field(
        "auto",
        description="What is known of the noise, which hides events, by the hour. series: those with "
        "`noise_covariate`, like wind; events: the level before each trigger; auto: series if there are any, else "
        "events; none: links with whatever makes noise must not be believed (ours).",
    )
    longest_gap: Hours = Field(
        3.0,
        gt=0,
        description="Values of a series further apart than this have nothing between them, h; a longer gap "
        "of the series' own settings stands (ours).",
    )
    noise_gap: Hours = Field(
        12.0,
        gt=0,
        description="Events further apart than this have no known noise level between them: such hours are left out, h "
        "(ours).",
    )
    annual_harmonics: int = Field(4, ge=0, le=12, description="Harmonics of the year in the regression (measured).")
    solar_harmonics: int = Field(
        2, ge=1, le=6, description="Harmonics of the day; their products with those of the year too (measured)."
    )
    tide_timing: Hours = Field(
        0.5,
        ge=0,
        le=6,
        description="Error of the times of tidal series, or of their phase, h: a tidal term counts with the greatest p "
        "of series that are this much earlier, in time, and later. Tilt and the fall of the tide may differ by 23 "
        "degrees, and half an hour is 7 (measured).",
    )
    cluster_days: float = Field(
        7.0, gt=0, description="Hours of this many days may depend on each other in any way, d (measured)."
    )
    least_clusters: float = Field(
        10.0, ge=2, description="Effective number of clusters below which nothing is claimed (measured)."
    )
    least_events: int = Field(
        100, ge=1, description="Events of a class at a station below which nothing is claimed (ours)."
    )
    most_explained: float = Field(
        0.95,
        gt=0,
        le=1,
        description="Share of a term's variance that the calendar, or all else in the regression, may explain: above "
        "it the term cannot be told from that (ours; a variance inflation factor of 20).",
    )
    false_discovery: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Rate of false discoveries that Benjamini & Yekutieli (2001) keep at each station.",
    )
    share: float = Field(
        2.0 / 3.0, gt=0, le=1, description="Share of the stations that must show a link, all with one sign (measured)."
    )
    least_stations: int = Field(
        2, ge=1, description="Stations that a class must be tested at: one alone replicates nothing (ours)."
    )
    lag_hours: tuple[int, ...] = Field(
        (1, 24, 72), description="Edges of the bins of distributed lags, h before the event; tides have none (ours)."
    )
    longest_lag: Hours = Field(72.0, gt=0, description="Longest lag of the correlation of residuals, h (ours).")
    guard_days: float = Field(
        14.0, gt=0, description="Circular shifts shorter than this are not compared with, d (measured)."
    )
    folds: int = Field(5, ge=2, description="Folds of the cross-validated gain (ours).")
    fold_days: float = Field(14.0, gt=0, description="Length of the blocks that folds consist of, d (ours).")
    draws: int = Field(200, ge=20, description="Draws of the confusion, which carry its uncertainty (ours).")
    least_tested: int = Field(
        100,
        ge=1,
        description="Tested events that each class needs before counts are unmixed; with 100 up to one link of five "
        "was false, with 500 one of a hundred (measured).",
    )
    seed: int = Field(0, ge=0, description="Seed of the draws and of the simulated detection (ours).")

    @model_validator(mode="after")
    def _named_once(self) -> LinksSettings:
        names = [term.name for term in self.terms]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"links.terms: {', '.join(twice)} given more than once; every name may be given only once")
        if list(self.lag_hours) != sorted(set(self.lag_hours)) or any(hours < 1 for hours in self.lag_hours):
            raise ValueError("links.lag_hours must ascend, from 1 on")
        return self
