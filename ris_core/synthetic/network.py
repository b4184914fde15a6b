"""The synthetic network: waveforms of requested days, metadata, truth and environment."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from obspy import Inventory, Stream, Trace, UTCDateTime

from ris_core.config import SYNTHETIC_COMPONENTS, Settings, SyntheticSettings
from ris_core.synthetic.event_catalogue import catalogue_between, check_day, network_environment, station_catalogue
from ris_core.synthetic.families import FAMILIES, NAMES
from ris_core.synthetic.ice_environment import DAY_NS, Environment, day_ns
from ris_core.synthetic.noise import band_power, render_noise
from ris_core.synthetic.outages import first_sample, gaps, is_missing, segments
from ris_core.synthetic.rendering import REACH_NS, EventRenderer, Rendered, signal_ns
from ris_core.synthetic.seismometer import SAMPLING_RATE, build_inventory
from ris_core.synthetic.site import WARM_C, build_site
from ris_core.synthetic.wavelets import RATE

# An event may ring this long after its end, and its sub-sample shift this long before its start.
_MARGIN_NS = 1_000_000_000


class SyntheticNetwork:
    """The embedded ice-shelf network with ground truth.

    Everything follows from the settings. Days may be rendered in any order and in any process, and neighbouring days
    have identical samples where they overlap.
    """

    in_place = False

    def __init__(self, settings: Settings, channel: str | None = None):
        """Describe the network of the settings; raises `ValueError` if their source is not the synthetic network.

        Parameters
        ----------
        settings
            The network's settings.
        channel
            The channel that is rendered; by default that of detections.
        """
        if not isinstance(settings.source, SyntheticSettings):
            raise ValueError(f"source.kind is '{settings.source.kind}'; the synthetic network needs 'synthetic'")
        self.settings = settings
        self._source = settings.source
        self.channel = channel or settings.channel
        self._component = SYNTHETIC_COMPONENTS[self.channel[-1]]

    def fetch(self, station: str, day: date) -> Stream:
        """Return the raw samples of a station-day with its padding: 200 Hz, int32 counts, UTC.

        The stream is empty for a missing station-day, and has several traces if there are gaps or clock steps.

        Raises
        ------
        KeyError
            The station is not in the settings.
        ValueError
            The day lies outside the truth catalogue.
        """
        self.settings.station(station)
        check_day(self._source, day)
        if is_missing(self._source, station, day):
            return Stream()
        padding = round(self.settings.conditioning.padding * SAMPLING_RATE)
        first = first_sample(day) - padding
        stop = first_sample(day + timedelta(days=1)) + padding
        rendered = self._samples(station, first, stop)
        samples = np.rint(rendered, out=rendered).astype(np.int32)
        days = [day + timedelta(days=offset) for offset in (-1, 0, 1)]
        header = {
            "network": self.settings.network.code,
            "station": station,
            "location": self.settings.location,
            "channel": self.channel,
            "sampling_rate": SAMPLING_RATE,
        }
        stream = Stream()
        step_ns = round(1e9 / SAMPLING_RATE)
        for segment in segments(self._source, station, days, first, stop):
            start = UTCDateTime(ns=segment.first * step_ns + segment.late_ns)
            data = samples[segment.first - first : segment.stop - first].copy()
            stream.append(Trace(data, header={**header, "starttime": start}))
        return stream

    def inventory(self, station: str) -> Inventory:
        """Return the metadata and response of a station; rendered counts are ground motion through this response."""
        return build_inventory(self.settings, station)

    def environment(self) -> pd.DataFrame:
        """Return the hourly environment of the whole catalogue.

        Returns
        -------
        DataFrame
            `time` (UTC), `temperature_c`, `wind_m_s`, `ice_concentration`, `significant_wave_height_m`, `tide_m` and
            `tilt` (µrad, positive where the shelf slopes down to the ice front).
        """
        return self._environment.frame(self._source.catalogue_first_day, self._source.catalogue_last_day)

    def truth(self, first_day: date | None = None, last_day: date | None = None) -> pd.DataFrame:
        """Return the truth of the days (inclusive; by default all), one row per source event and station.

        Returns
        -------
        DataFrame
            `source_id` (the same at all stations that record one source), `family`, `station`, `time` (UTC, onset of
            the energy), `peak_time` (nominal centre of the strongest half second), `sustained_until` (envelope 3 dB
            below its peak, after the chirp, the tremor or the last burst), `end_time` (envelope 20 dB below its peak),
            `snr_db` (of the vertical, 3-20 Hz, against the expected noise at that time), `frequency_hz` (dominant),
            `back_azimuth_deg` (direction from the station to the source, clockwise from north), and
            `recorded` (False on missing station-days and in gaps).
        """
        first_day = first_day or self._source.catalogue_first_day
        last_day = last_day or self._source.catalogue_last_day
        check_day(self._source, first_day)
        check_day(self._source, last_day)
        start, stop = day_ns(first_day), day_ns(last_day) + DAY_NS
        frames = []
        for place, station in enumerate(self.settings.stations):
            events = catalogue_between(self._catalogue(station.code), start, stop)
            code, onset = events["family_code"].to_numpy(), events["onset"].to_numpy()
            shared = code == NAMES.index("regional")
            source_id = (np.where(shared, 0, place + 1) << 40) + (code << 32) + events["number"].to_numpy()
            frames.append(
                pd.DataFrame(
                    {
                        "source_id": source_id,
                        "family": np.array(NAMES, dtype=object)[code],
                        "station": station.code,
                        "time": pd.to_datetime(onset, utc=True),
                        "peak_time": pd.to_datetime(events["peak"].to_numpy(), utc=True),
                        "sustained_until": pd.to_datetime(events["sustained"].to_numpy(), utc=True),
                        "end_time": pd.to_datetime(events["end"].to_numpy(), utc=True),
                        "snr_db": events["snr_db"].to_numpy(),
                        "frequency_hz": events["frequency"].to_numpy(),
                        "back_azimuth_deg": events["back_azimuth"].to_numpy(),
                        "recorded": self._recorded(station.code, onset, events["peak"].to_numpy()),
                    }
                )
            )
        table = pd.concat(frames, ignore_index=True)
        return table.sort_values(["time", "station", "source_id"], kind="stable", ignore_index=True)

    def window_energy(self, station: str, window_start: ArrayLike, window_stop: ArrayLike) -> pd.DataFrame:
        """Return the energy of each family in the vertical in time windows, 3-20 Hz, in counts²·s.

        Energies of single events are added; interference between events is left out. The column `noise` is the
        energy expected of the noise.

        Parameters
        ----------
        station : str
            Station code.
        window_start, window_stop : int arrays of shape (N,)
            ns since 1970, UTC.

        Returns
        -------
        DataFrame of N rows in the order of the windows, one column per family and `noise`.
        """
        starts = np.asarray(window_start, dtype=np.int64)
        stops = np.asarray(window_stop, dtype=np.int64)
        if starts.shape != stops.shape or np.any(stops <= starts):
            raise ValueError("window_start and window_stop must have the same length, every stop after its start")
        table = self._catalogue(station)
        onset = table["onset"].to_numpy()
        until = onset + signal_ns(table)
        low = np.searchsorted(onset, starts - REACH_NS)
        high = np.searchsorted(onset, stops + _MARGIN_NS)
        renderer = self._renderer(station)
        energy = np.zeros((len(starts), len(NAMES)))
        wave: dict[int, Rendered] = {}
        step_ns = round(1e9 / RATE)
        codes = table["family_code"].to_numpy()
        for row in np.argsort(starts, kind="stable"):
            begin, end = int(low[row]), int(high[row])
            for gone in [index for index in wave if index < begin]:
                del wave[gone]
            heard = begin + np.flatnonzero(until[begin:end] > starts[row])
            fresh = [index for index in heard.tolist() if index not in wave]
            wave.update(zip(fresh, map(renderer.band, renderer.events(table.iloc[fresh])), strict=True))
            for index in heard.tolist():
                first = wave[index].first
                a = max(0, -(-int(starts[row]) // step_ns) - first)
                b = max(0, -(-int(stops[row]) // step_ns) - first)
                energy[row, codes[index]] += float(np.sum(wave[index].samples[a:b] ** 2)) / RATE
        frame = pd.DataFrame(energy, columns=[family.name for family in FAMILIES])
        environment, middle = self._environment, starts + (stops - starts) // 2
        warm = environment.at(environment.temperature, middle) > WARM_C
        power = band_power(build_site(self._source.seed, station), environment.at(environment.wind, middle), warm)
        frame["noise"] = power * (stops - starts) / 1e9
        return frame

    @property
    def _environment(self) -> Environment:
        return network_environment(self._source, self.settings.stations)

    def _catalogue(self, station: str) -> pd.DataFrame:
        self.settings.station(station)
        return station_catalogue(self._source, self.settings.stations, station)

    def _renderer(self, station: str) -> EventRenderer:
        seed = self._source.seed
        return EventRenderer(seed, station, build_site(seed, station), self._environment, self._component)

    def _samples(self, station: str, first: int, stop: int) -> NDArray[np.float32]:
        """Return noise and events of the samples [first, stop), counted at 200 Hz from 1970, counts."""
        seed = self._source.seed
        site = build_site(seed, station)
        samples = render_noise(seed, station, site, self._environment, first, stop - first, self._component)
        step_ns = round(1e9 / SAMPLING_RATE)
        # In every window the same events are added to a sample in the same order, so float32 sums are equal.
        nearby = catalogue_between(self._catalogue(station), first * step_ns - REACH_NS, stop * step_ns + _MARGIN_NS)
        self._renderer(station).add(samples, first, nearby)
        return samples

    def _recorded(self, station: str, onset: NDArray[np.int64], peak: NDArray[np.int64]) -> NDArray[np.bool_]:
        recorded = np.ones(len(onset), dtype=np.bool_)
        step_ns = round(1e9 / SAMPLING_RATE)
        for text in {*self._source.missing, *self._source.gaps}:
            code, _, day_text = text.partition("/")
            if code != station:
                continue
            day = date.fromisoformat(day_text)
            if is_missing(self._source, station, day):
                recorded &= (onset < day_ns(day)) | (onset >= day_ns(day) + DAY_NS)
            for low, high in gaps(self._source, station, day):
                recorded &= (peak < low * step_ns) | (onset >= high * step_ns)
        return recorded
