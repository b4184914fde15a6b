"""Completeness of a network: a sample of station-days, templates in their noise, and the amplitudes that are found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import pandas as pd

from ris_core.clustering.champion import read_champion
from ris_core.completeness.at_hand import station_days_at_hand
from ris_core.completeness.class_templates import Template, find_templates
from ris_core.completeness.completeness_file import (
    ALL,
    NOISIEST,
    Completeness,
    completeness_schema,
    completeness_stamp,
    write_completeness,
)
from ris_core.completeness.injection import COLUMNS, inject_day
from ris_core.completeness.logistic import fit_logistic
from ris_core.config import CompletenessSettings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import conditioned_day
from ris_core.processing.condition import BadWaveformError
from ris_core.processing.instrument import UNITS
from ris_core.station_days.station_days import StationDays

Note = Callable[[str], None]


NOT_AT_HAND = (
    "no waveform of a processed station-day is at hand, as with retention.raw: drop_after_processing; keep some and "
    "acquire them again"
)


class NoWaveformsAtHandError(ValueError):
    """No waveform is at hand, so that nothing can be said of completeness; the message says why, and what to do."""


def make_completeness(days: StationDays, note: Note = lambda text: None) -> tuple[Completeness, str]:
    """Find out which events of each class the detector would find, and write the result.

    Parameters
    ----------
    days
        The network.
    note
        Is told of each station-day that is done.

    Returns
    -------
    tuple
        The result, and the digest of its table.

    Raises
    ------
    NoChampionError
        No model labels.
    NoTemplatesError
        No event can be a template.
    NoWaveformsAtHandError
        The events were imported; or the spectrograms are not made from the trace of detections, so that their context
        cannot be added to it.
    DamagedFileError
        A file is damaged.
    """
    started = time.perf_counter()
    settings, layout = days.settings, days.layout
    champion = read_champion(layout)
    _require_waveforms(days)
    labelled = [k for k in settings.station_days() if layout.labels(k).exists() and layout.detections(k).exists()]
    templates = find_templates(layout, _sample(labelled, settings.completeness), champion, settings)
    doubts = list(templates.doubts)
    used, without, parts = list[StationDay](), dict[str, str](), list[pd.DataFrame]()
    for station in days.stations:
        at_hand = station_days_at_hand(days, station)
        chosen = _spread(at_hand, settings.completeness, station)
        for key in chosen:
            try:
                rows = _of_day(days, key, templates.found)
            except (OSError, BadWaveformError) as error:
                doubts.append(f"{key} is left out: {error}")
                continue
            used.append(key)
            parts.append(rows)
            note(f"{key}: {int(rows['detected'].sum())} of {len(rows)} templates found")
        if not at_hand:
            without[station] = NOT_AT_HAND
        elif not any(key.station == station for key in used):
            without[station] = "none of its station-days could be read"
        elif not sum(len(rows) for rows, key in zip(parts, used, strict=True) if key.station == station):
            without[station] = "no place for a template between its detections and gaps"
    injections = pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))
    found = Completeness(
        table=amplitudes(injections, settings.completeness),
        injections=injections,
        unit=UNITS[settings.response.detection_trace],
        station_days=tuple(str(key) for key in used),
        without=without,
        doubts=tuple(doubts),
        seconds=time.perf_counter() - started,
        confidence=settings.completeness.confidence,
    )
    return found, write_completeness(layout, found, completeness_stamp(days, champion, used))


def amplitudes(injections: pd.DataFrame, wanted: CompletenessSettings) -> pd.DataFrame:
    """Return the amplitudes at which 50 and 90 % of the templates are found.

    Parameters
    ----------
    injections
        As `inject_day` returns them, of any stations.
    wanted
        Section `completeness`: `least` and `confidence`.

    Returns
    -------
    DataFrame
        For each station and class a row for all noise and for each quartile of the station's noise, with the columns of
        `completeness_schema`. Where no amplitude can be given it is NaN, and `note` says why.
    """
    rows: list[dict[str, object]] = []
    for station, of_station in injections.groupby("station", sort=True):
        noise = of_station["noise"].to_numpy(dtype=np.float64)
        edges = np.quantile(noise, [0.25, 0.5, 0.75])
        quartile = np.searchsorted(edges, noise, side="right") + 1
        for (label, name), members in of_station.assign(quartile=quartile).groupby(["label", "class_name"], sort=True):
            for number in range(ALL, NOISIEST + 1):
                chosen = quartile == number if number else np.ones(len(noise), bool)
                some = members if number == ALL else members[members["quartile"] == number]
                here = noise[chosen]
                said = {
                    "station": station,
                    "label": label,
                    "class_name": name,
                    "noise_quartile": number,
                    "noise_low": here.min() if here.size else np.nan,
                    "noise_high": here.max() if here.size else np.nan,
                }
                rows.append(said | _amplitudes(some, wanted))
    return pd.DataFrame(rows, columns=completeness_schema().names)


def _amplitudes(some: pd.DataFrame, wanted: CompletenessSettings) -> dict[str, object]:
    detected = some["detected"].to_numpy(dtype=bool)
    values: dict[str, object] = {"injected": len(some), "detected": int(detected.sum()), "note": ""}
    names = [(share, f"amplitude_{share}") for share in (50, 90)]
    values |= {f"{name}{end}": np.nan for _, name in names for end in ("", "_low", "_high")}
    if len(some) < wanted.least:
        return values | {"note": f"{len(some)} templates; {wanted.least} are needed (completeness.least)"}
    amplitude = some["amplitude"].to_numpy(dtype=np.float64)
    if detected.all() or not detected.any():
        which, change = ("all", "lower amplitude_low") if detected.all() else ("none", "raise amplitude_high")
        return values | {"note": f"{which} of {len(some)} templates found: {change} of the section completeness"}
    fit = fit_logistic(amplitude, detected)
    if not fit.rises:
        return values | {"note": "detection does not become more probable with the amplitude"}
    notes = []
    for share, name in names:
        value, low, high = fit.amplitude_at(share / 100, wanted.confidence)
        if amplitude.min() <= value <= amplitude.max():
            values |= {name: value, f"{name}_low": low, f"{name}_high": high}
        else:
            notes.append(f"{share} % lie at {value:.3g}, outside of the amplitudes of the templates")
    return values | {"note": "; ".join(notes)}


def _require_waveforms(days: StationDays) -> None:
    settings = days.settings
    if settings.imported:
        raise NoWaveformsAtHandError(
            f"{days.layout.root}: its events were imported without waveforms, so that nothing can be said of what a "
            "detector would find"
        )
    trace, other = settings.response.detection_trace, settings.response.spectrogram_trace
    if trace != other:
        raise NoWaveformsAtHandError(
            f"response.detection_trace is {trace} and response.spectrogram_trace {other}: templates come from the "
            "context of the spectrograms and cannot be added to another trace; give both the same trace"
        )


def _of_day(days: StationDays, key: StationDay, templates: Sequence[Template]) -> pd.DataFrame:
    from ris_core.threads import one_thread

    segments = days.acquire.segments(key)
    recorded = [code for code, found in segments.items() if found]
    inventory = days.acquire.inventory(key.station, recorded) if recorded else None
    with one_thread("blas"):
        traces = conditioned_day(segments, key, days.settings, inventory).traces
        return inject_day(traces, key, days.settings, templates)


def _sample(keys: Sequence[StationDay], wanted: CompletenessSettings) -> list[StationDay]:
    """Return some station-days among which templates are sought, in their order."""
    if len(keys) <= wanted.template_station_days:
        return list(keys)
    chosen = np.random.default_rng([wanted.seed]).choice(len(keys), wanted.template_station_days, replace=False)
    return [keys[int(number)] for number in np.sort(chosen)]


def _spread(keys: Sequence[StationDay], wanted: CompletenessSettings, station: str) -> list[StationDay]:
    """Return some station-days, one drawn from each of as many stretches of equal length."""
    rng = np.random.default_rng([wanted.seed, crc32(station.encode())])
    parts = np.array_split(np.arange(len(keys)), min(wanted.station_days, len(keys))) if keys else []
    return [keys[int(rng.choice(part))] for part in parts]
