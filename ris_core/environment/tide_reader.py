"""The tide of a model, predicted by pyTMD (Sutterley) from files that the user has."""

from __future__ import annotations

import json
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config.environment import TideSeriesSettings
from ris_core.environment.reader import DOCS, Found, NoSourceError, Part, SeriesReader, extra, sha256_of, states
from ris_core.storage.damage import DamagedFileError, damage_named

_AGAIN = "get the model's files again; docs/environment.md says where"


class TideReader(SeriesReader[TideSeriesSettings]):
    """Predicts tide heights at a place for the days of the network, in equal steps.

    Height follows the sea surface; with flexure it is that of the ice, which bends near a grounding line.
    """

    def inputs(self) -> Any:
        """Return the files of the model's folder, the place and the days."""
        folder = self._folder()
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            raise NoSourceError(f"series {self.settings.name}: {folder} has no files of a tide model; {DOCS}")
        return [self.around.place(self.settings), self.around.span(), states(files), states(self._definition())]

    def read(self) -> Found:
        """Return the predictions; raises as the class says."""
        series, folder = self.settings, self._folder()
        latitude, longitude = self.around.place(series)
        first, stop = self.around.span()
        time = np.arange(first, stop + 1, round(series.step * 1e9), dtype=np.int64)
        with warnings.catch_warnings():  # importing pyTMD silences warnings of the whole process
            height, files = self._heights(time, latitude, longitude)
        values = np.asarray(height, dtype=np.float64).ravel()
        if not np.isfinite(values).any():
            raise self.fault(
                files[0],
                f"the model has no tide at {latitude:g}, {longitude:g}: land, or outside",
                "correct the place, or give extrapolate_within",
            )
        name = series.definition.name if series.definition else series.model
        source = f"tide: {name}" + (", with flexure" if series.apply_flexure else "")
        where = f"{name} in {folder}"
        return Found((Part(where, time, values),), "m", source, sha256_of(files))

    def _heights(self, time: NDArray[np.int64], latitude: float, longitude: float) -> tuple[Any, list[Path]]:
        """Return what pyTMD predicts, and the files that it reads."""
        series, folder = self.settings, self._folder()
        compute, io = extra("pyTMD.compute"), extra("pyTMD.io")
        files = self._files(io, folder)
        try:
            with damage_named(files[0], _AGAIN):
                found = compute.tide_elevations(
                    np.array([longitude]),
                    np.array([latitude]),
                    time.astype("datetime64[ns]"),
                    directory=None if series.definition else folder,
                    model=None if series.definition else series.model,
                    definition_file=self._resolved(folder) if series.definition else None,
                    type="time series",
                    standard="datetime",
                    extrapolate=series.extrapolate_within > 0,
                    cutoff=series.extrapolate_within / 1e3,
                    apply_flexure=series.apply_flexure,
                    infer_minor=series.infer_minor,
                )
        except DamagedFileError as error:
            if isinstance(error.__cause__, KeyError) and "flexure" in str(error.__cause__):
                raise self.fault(files[0], "the model has no flexure", "set apply_flexure to false") from error
            raise
        return found, files

    def _files(self, io: Any, folder: Path) -> list[Path]:
        """Return the files of the model; raises `NoSourceError` if they are not there."""
        series = self.settings
        known = io.model.ocean_elevation()
        if series.definition is None and series.model not in known:
            raise self.fault("model", f"pyTMD knows no {series.model!r}", f"it knows {', '.join(known)}")
        try:
            if series.definition is None:
                model = io.model(folder).from_database(series.model, group="z")
            else:
                with damage_named(series.definition, "correct it; pyTMD's documentation has its keys"):
                    model = io.model().from_file(self._resolved(folder))
        except FileNotFoundError as error:
            raise NoSourceError(
                f"series {series.name}: {error}: there is no such file of {series.model}; {DOCS}"
            ) from error
        group = model.z
        named = group.model_file if isinstance(group.model_file, list) else [group.model_file]
        if (grid := getattr(group, "grid_file", None)) is not None:
            named = [*named, grid]
        found = sorted(Path(str(name)) for name in named)
        if not found:
            raise NoSourceError(f"series {series.name}: {folder} has no file that the definition names; {DOCS}")
        return found

    def _resolved(self, folder: Path) -> StringIO:
        """Return the definition with whole paths: given a folder, pyTMD takes every file for one of several."""
        definition = json.loads(self._definition()[0].read_text(encoding="utf-8"))
        for group in (value for value in definition.values() if isinstance(value, dict)):
            for key in ("model_file", "grid_file"):
                if isinstance(group.get(key), str):
                    group[key] = str(folder / group[key])
                elif isinstance(group.get(key), list):
                    group[key] = [str(folder / name) for name in group[key]]
        return StringIO(json.dumps(definition))

    def _folder(self) -> Path:
        folder = self.around.path(self.settings.folder)
        if not folder.is_dir():
            raise NoSourceError(f"series {self.settings.name}: {folder}: there is no such folder; {DOCS}")
        return folder

    def _definition(self) -> list[Path]:
        if self.settings.definition is None:
            return []
        path = self.around.path(self.settings.definition)
        if not path.is_file():
            raise NoSourceError(f"series {self.settings.name}: {path}: there is no such definition file; {DOCS}")
        return [path]
