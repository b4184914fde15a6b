"""The environment of the synthetic network, which drives its events."""

from __future__ import annotations

from typing import Any

import numpy as np

from ris_core.config.environment import SyntheticSeriesSettings
from ris_core.config.sources import SyntheticSettings
from ris_core.environment.reader import Found, Part, SeriesReader

_UNITS = {
    "temperature": "degC",
    "wind": "m/s",
    "ice": "fraction",
    "wave_height": "m",
    "tide": "m",
    "tilt": "urad",
}


class SyntheticReader(SeriesReader[SyntheticSeriesSettings]):
    """Gives an hourly series of the whole truth catalogue."""

    def inputs(self) -> Any:
        """Return what the environment follows from."""
        source, settings = self._source(), self.around.settings
        days = [source.catalogue_first_day.isoformat(), source.catalogue_last_day.isoformat()]
        return [source.seed, *days, [station.longitude for station in settings.stations]]

    def read(self) -> Found:
        """Return the values by the hour."""
        from ris_core.synthetic.event_catalogue import network_environment

        source, kind = self._source(), self.settings.kind
        environment = network_environment(source, self.around.settings.stations)
        values = np.asarray(getattr(environment, kind), dtype=np.float64)
        part = Part(f"synthetic {kind}", environment.time, values)
        return Found((part,), _UNITS[kind], f"synthetic: {kind} of generator seed {source.seed}")

    def _source(self) -> SyntheticSettings:
        source = self.around.settings.source
        if not isinstance(source, SyntheticSettings):
            raise self.fault("source", "the network is not synthetic", "take another reader")
        return source
