"""The links of a network on disk: tests, verdicts, files, and whether they are current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from ris_core import versions
from ris_core.clustering.champion import champion_or_none
from ris_core.config.links import TIDAL_KINDS, LinksSettings
from ris_core.contracts.stamp import Stamp
from ris_core.links.label_inputs import UNTESTED, label_inputs
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.link_schema import LAGS, LINKS, PHASES, SCHEMAS, SPECTRA, VERDICTS
from ris_core.links.link_verdict import verdicts, with_q
from ris_core.links.schuster import schuster_spectrum
from ris_core.links.station_links import StationLinks, station_links
from ris_core.links.tidal_phase import TESTED
from ris_core.links.truth_events import truth_inputs
from ris_core.rates.confusion import Confusion
from ris_core.rates.labelled_time import catalogue_fingerprint
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

LINKS_AGAIN = "test the links again (job test_links), or let `ris run` do it"
_PERIODS = 300


class NoLinksError(FileNotFoundError):
    """Links have not been tested yet."""


@dataclass(frozen=True, eq=False)
class FinishedLinks:
    """Links as they were written.

    Attributes
    ----------
    verdicts, effects, phases, lags, spectra
        Columns of the schemas of `link_schema`.
    tides
        One row per class and tested constituent: what can be claimed for the network.
    summary
        ``events`` (where they come from), ``labels`` (how wrong labels are dealt with), ``noise``, ``without_series``
        (terms that have none), ``doubts``, ``stations``, ``first``, ``last``.
    content
        Digest of the table of stations.
    """

    verdicts: pd.DataFrame = field(repr=False)
    effects: pd.DataFrame = field(repr=False)
    phases: pd.DataFrame = field(repr=False)
    lags: pd.DataFrame = field(repr=False)
    spectra: pd.DataFrame = field(repr=False)
    tides: pd.DataFrame = field(repr=False)
    summary: Mapping[str, Any]
    content: str


def make_links(network: StationDays, workers: int = 1) -> FinishedLinks:
    """Test all classes of a network against its series and the tide, and write the tables.

    Parameters
    ----------
    network
        The network.
    workers
        Stations at once.

    Raises
    ------
    NoCatalogueError, NoLabelledEventsError, NoLiveTimeError
        There are no labelled events, or nothing is known of the time without events.
    ValueError
        `links.events` is truth, but the network is not synthetic.
    DamagedFileError
        A file that is read is damaged.
    """
    layout, settings, links = network.layout, network.settings, network.settings.links
    stamp = _stamp(network)
    confusion: Confusion | None = None
    doubts: tuple[str, ...] = ()
    if links.events == "truth":
        inputs: Sequence[LinkInputs] = truth_inputs(settings)
        labels = "labels are the truth"
        events = (
            f"NOT the labels: the truth of the synthetic network at {links.truth_events_per_day:g} true events per "
            "station-day (a lower rate, drawn anew, not thinned), found by chance by their SNR"
        )
    else:
        found = label_inputs(network)
        inputs, confusion, labels, doubts = found.stations, found.confusion, found.labels, found.doubts
        events = "the catalogue"
    results: list[StationLinks] = Parallel(workers)(
        delayed(station_links)(station, links, confusion, untested=UNTESTED) for station in inputs
    )
    effects = with_q(_joined([one.effects for one in results], LINKS))
    phases = _phases_with_q(_joined([one.phases for one in results], PHASES))
    frames = {
        LINKS: effects,
        VERDICTS: verdicts(effects, links.false_discovery, links.share, links.least_stations)
        if len(effects)
        else _empty(VERDICTS),
        PHASES: phases,
        LAGS: _joined([one.lags for one in results], LAGS),
        SPECTRA: _spectra(inputs),
    }
    used = {name for station in inputs for name in station.terms}
    tidal = {term.kind for term in links.terms if term.kind in TIDAL_KINDS and term.name in used}
    if len(tidal) == 1:
        doubts = (
            *doubts,
            f"of {' and '.join(TIDAL_KINDS)} only {tidal.pop()} has a series: read its links as links with the tide, "
            "since the two can be told apart only together",
        )
    start, end = (inputs[0].edges[0], inputs[0].edges[-1]) if inputs else (0, 0)
    summary: dict[str, Any] = {
        "events": events,
        "labels": labels,
        "noise": sorted({station.noise_source for station in inputs}),
        "without_series": [term.name for term in links.terms if term.name not in used],
        "doubts": list(doubts),
        "stations": [station.station for station in inputs],
        "first": str(pd.Timestamp(start, tz="UTC")),
        "last": str(pd.Timestamp(end, tz="UTC")),
    }
    content = ""
    for name, schema in SCHEMAS.items():
        content = tables.write_table(layout.analysis(name), frames[name], schema, stamp, summary)
    tides = tidal_verdicts(phases, links)
    return FinishedLinks(frames[VERDICTS], effects, phases, frames[LAGS], frames[SPECTRA], tides, summary, content)


def link_notes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a reader of a table or figure of links must know, in whole sentences."""
    noise = "; ".join(name or "not known: do not believe links with wind" for name in summary["noise"])
    return (
        f"Events: {summary['events']}; {summary['first'][:10]} to {summary['last'][:10]}, {len(summary['stations'])} "
        "stations.",
        f"Wrong labels: {summary['labels']}.",
        f"Noise: {noise or 'not known'}.",
    )


def _empty(name: str) -> pd.DataFrame:
    frame: pd.DataFrame = SCHEMAS[name].empty_table().to_pandas()
    return frame


def _joined(parts: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else _empty(name)


def _phases_with_q(phases: pd.DataFrame) -> pd.DataFrame:
    """Return phases with q: over the classes of a station, of each constituent for itself."""
    parts = [with_q(own.reset_index(drop=True)) for _, own in phases.groupby("constituent", sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else phases.assign(q=np.nan)


def tidal_verdicts(phases: pd.DataFrame, links: LinksSettings) -> pd.DataFrame:
    """Return one row per class and tested constituent: whether it keeps to the tide at enough stations.

    Columns as `VERDICT_SCHEMA`, with `constituent` in place of `series`; the effect is the excess.
    """
    own = phases[phases["constituent"].isin(TESTED)].rename(columns={"excess": "effect"})
    if own.empty:
        return pd.DataFrame(columns=["class_name", "constituent", "verdict", "why"])
    keys = ("class_name", "constituent")
    return verdicts(own, links.false_discovery, links.share, links.least_stations, keys)


def _spectra(inputs: Sequence[LinkInputs]) -> pd.DataFrame:
    rows = []
    for station in inputs:
        for place, name in enumerate(station.classes):
            counts = station.counts[:, place]
            if counts.sum() < 2 or len(counts) < 48:
                continue
            found = schuster_spectrum(counts, station.live)
            bins = np.geomspace(found.period[-1], found.period[0] * 1.0001, _PERIODS + 1)
            of = np.clip(np.digitize(found.period, bins) - 1, 0, _PERIODS - 1)
            frame = pd.DataFrame({"of": of, "period": found.period, "log_p": found.log_p, "expected": found.expected})
            least = frame.loc[frame.groupby("of")["log_p"].idxmin()].drop(columns="of")
            rows.append(least.assign(class_name=name, station=station.station))
    return _joined(rows, SPECTRA)


def _stamp(network: StationDays) -> Stamp:
    layout, settings = network.layout, network.settings
    said: list[Any] = [
        settings.links.model_dump(mode="json"),
        [station.model_dump(mode="json") for station in settings.stations],
    ]
    if settings.links.events == "truth":
        return Stamp(digest_of(said), versions.LINKS, digest_of(settings.source.model_dump(mode="json")))
    said += [
        [section.model_dump(mode="json") for section in settings.environment],
        settings.rates.model_dump(mode="json"),
        {str(number): name for number, name in settings.champion.names.items()},
    ]
    champion = champion_or_none(layout)
    read = [layout.environment(section.name) for section in settings.environment]
    inputs = [
        catalogue_fingerprint(layout),
        None if champion is None else [champion.digest, champion.reviewed],
        [tables.read_stamp(path)[1] if path.exists() else None for path in read],
    ]
    return Stamp(digest_of(said), versions.LINKS, digest_of(inputs))


def links_are_current(network: StationDays) -> bool:
    """Return whether the tables are undamaged and what the present catalogue, series and settings would give."""
    try:
        wanted = _stamp(network)
        for name in SCHEMAS:
            path = network.layout.analysis(name)
            tables.verify(path)
            if tables.read_stamp(path)[0] != wanted:
                return False
    except (FileNotFoundError, DamagedFileError):
        return False
    return True


def load_links(layout: Layout, name: str = LINKS) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return one of the tables of links by its file, and what is said of all (`FinishedLinks.summary`).

    Raises
    ------
    NoLinksError
        There is none.
    DamagedFileError
        It is damaged.
    """
    path = layout.analysis(name)
    if not path.exists():
        raise NoLinksError(f"{path}: links have not been tested yet; {LINKS_AGAIN}")
    return tables.read_table(path), tables.read_summary(path)
