"""The tide by harmonics that utide (Codiga 2011) fits to a series of heights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ris_core.config.environment import HarmonicsSeriesSettings
from ris_core.environment.reader import Found, NoSourceError, Part, SeriesReader, extra
from ris_core.environment.series import load_series
from ris_core.storage import tables

SHORTEST_DAYS = 29.0
"""Below a spring-neap cycle, M2 and S2, and K1 and O1, are not told apart well enough to predict."""


class HarmonicsReader(SeriesReader[HarmonicsSeriesSettings]):
    """Fits harmonics to another series of this network and predicts it for the days of the network, without gaps."""

    def inputs(self) -> Any:
        """Return the content of the fitted series, the place and the days."""
        path = self.around.layout.environment(self.settings.fit_to)
        if not path.exists():
            raise NoSourceError(
                f"series {self.settings.name}: {path}: {self.settings.fit_to} has not been read; read it first"
            )
        return [self.around.place(self.settings), self.around.span(), tables.read_stamp(path)[1]]

    def read(self) -> Found:
        """Return the predictions.

        Raises
        ------
        FaultySeriesError
            The series is shorter than 29 days.
        """
        utide = extra("utide")
        series = self.settings
        self.inputs()
        given = load_series(self.around.layout, series.fit_to)
        days = (given.time[-1] - given.time[0]) / 86_400e9
        if days < SHORTEST_DAYS:
            raise self.fault(
                series.fit_to,
                f"{days:.1f} days are too few to tell tides apart ({SHORTEST_DAYS:g})",
                "take a longer one",
            )
        latitude, _ = self.around.place(series)
        fitted = utide.solve(
            given.time.astype("datetime64[ns]"),
            given.value,
            lat=latitude,
            method="ols",
            conf_int="none",
            trend=False,
            constit=list(series.constituents) if series.constituents else "auto",
            verbose=False,
        )
        first, stop = self.around.span()
        time = np.arange(first, stop + 1, round(series.step * 1e9), dtype=np.int64)
        values = np.asarray(utide.reconstruct(time.astype("datetime64[ns]"), fitted, verbose=False).h, dtype=np.float64)
        at_given = utide.reconstruct(given.time.astype("datetime64[ns]"), fitted, verbose=False).h
        explained = 1.0 - float(np.var(given.value - at_given) / np.var(given.value))
        names = ", ".join(str(name) for name in fitted.name)
        notes = (f"constituents {names}; they explain {explained:.1%} of the variance of {series.fit_to}",)
        digest = str(self.inputs()[2])
        part = Part(f"harmonics of {series.fit_to}", time, values)
        return Found((part,), given.unit, f"harmonics of {series.fit_to} ({digest})", "", notes)
