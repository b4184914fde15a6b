"""Settings: environmental series, each with the reader of its files, and the figures that set them over counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from ris_core.config.sources import StationSettings
from ris_core.config.units import PLAUSIBLE, accumulated, conversion
from ris_core.registry import Registry
from ris_core.section import Degrees, ExpandedPath, Hours, Metres, Seconds, Section

Kind = Literal["temperature", "wind", "ice", "wave_height", "tide", "tilt", "melt", "radiation", "pressure", "other"]


class SeriesSettings(Section):
    """What every series has, whatever reads it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name of the series, which is its partition and file.")
    kind: Kind = Field(description="What the quantity is; it decides the unit in which values are kept.")
    unit: str | None = Field(
        None, description="Unit of the values in the file; none: the file or the format says it. It is converted."
    )
    station: str | None = Field(None, description="Station at whose place the series is taken; none: see latitude.")
    latitude: Degrees | None = Field(None, ge=-90, le=90, description="Latitude of the place, degrees north (WGS84).")
    longitude: Degrees | None = Field(
        None, ge=-180, le=360, description="Longitude of the place, degrees east (WGS84)."
    )
    noise_covariate: bool = Field(
        False,
        description="Whether the quantity makes noise and so hides events, as wind does: it is then a measure of noise "
        "in tests of significance, and no cause (ours).",
    )
    longest_gap: Hours = Field(
        6.0, gt=0, description="Two values further apart than this have nothing between them, h (ours)."
    )
    range: tuple[float, float] | None = Field(
        None, description="Least and greatest possible value, in the kept unit; none: those of the kind (ours)."
    )
    on_fault: Literal["refuse", "leave_out"] = Field(
        "refuse",
        description="What is done with values out of range, times out of order and contradictory values of one time: "
        "refuse the file, or sort it and leave such values out, counted (ours).",
    )

    needs_place: ClassVar[bool] = False

    @model_validator(mode="after")
    def _place(self) -> SeriesSettings:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(f"series {self.name}: give latitude and longitude, or neither")
        if self.station is not None and self.latitude is not None:
            raise ValueError(f"series {self.name}: give station, or latitude and longitude, not both")
        if self.needs_place and not self.has_place:
            raise ValueError(f"series {self.name}: give station, or latitude and longitude; they say where it is taken")
        return self

    @model_validator(mode="after")
    def _unit_fits(self) -> SeriesSettings:
        if self.kind == "other" and self.unit is None:
            raise ValueError(f"series {self.name}: a series of kind other needs its unit; write '1' if it has none")
        if self.unit is not None and not accumulated(self.unit):
            conversion(self.kind, self.unit)
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"series {self.name}: range: the first number must be the smaller one")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest possible value, in the kept unit."""
        return self.range or PLAUSIBLE.get(self.kind, (float("-inf"), float("inf")))

    @property
    def has_place(self) -> bool:
        """Whether the settings say where the series is taken."""
        return self.station is not None or self.latitude is not None


class FileSeriesSettings(SeriesSettings):
    """A series from files."""

    path: ExpandedPath = Field(
        description="File, or several by * and ?, whose rows are put together; a relative path begins in "
        "environment_files of the data root."
    )


class CsvSeriesSettings(FileSeriesSettings):
    """Text with a line for each value: ISO-8601 time and number; a time without offset is UTC."""

    reader: Literal["csv"] = "csv"
    time_column: str = Field("time", description="Name of the column of times (ours).")
    value_column: str = Field("value", description="Name of the column of values (ours).")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Sign between columns (RFC 4180: a comma).")
    missing: tuple[str, ...] = Field(
        ("", "NaN", "nan", "NA", "null"), description="Texts that stand for a missing value (ours)."
    )
    accumulated: Hours | None = Field(
        None,
        gt=0,
        description="Time before each instant over which a value in J/m2 was added up, h; it becomes the mean of that "
        "time in W/m2.",
    )

    @model_validator(mode="after")
    def _states_unit(self) -> CsvSeriesSettings:
        if self.unit is None:
            raise ValueError(f"series {self.name}: a csv file does not say its unit; give `unit`")
        return self


class NetcdfSeriesSettings(FileSeriesSettings):
    """A variable on a grid of latitudes and longitudes (xarray): at the nearest point, or as mean over a box."""

    reader: Literal["netcdf"] = "netcdf"
    variable: str = Field(description="Name of the variable, for example t2m, swh or siconc of ERA5.")
    second_variable: str | None = Field(
        None, description="Second component of a vector, for example v10 beside u10: the value is the vector's length."
    )
    box: tuple[float, float, float, float] | None = Field(
        None,
        description="South, west, north and east of a box over whose points the mean is taken, weighted by area; none: "
        "the nearest point.",
    )
    accumulated: Hours = Field(
        1.0,
        gt=0,
        description="Time before each instant over which a variable in J/m2 was added up, h (ERA5: 1); it becomes the "
        "mean of that time in W/m2.",
    )

    @model_validator(mode="after")
    def _somewhere(self) -> NetcdfSeriesSettings:
        if self.has_place == (self.box is not None):
            raise ValueError(
                f"series {self.name}: give a place (station, or latitude and longitude) or a box, not both"
            )
        if self.box is not None and not -90 <= self.box[0] < self.box[2] <= 90:
            raise ValueError(f"series {self.name}: box: south, west, north, east; south lies below north")
        return self


class AmrdcSeriesSettings(FileSeriesSettings):
    """Automatic weather stations as text of the Antarctic Meteorological Research and Data Center."""

    reader: Literal["amrdc"] = "amrdc"
    kind: Literal["temperature", "pressure", "wind"] = Field(description="Which of its columns is read.")


class NsidcSeriesSettings(FileSeriesSettings):
    """Sea ice concentration of NSIDC-0051: netCDF of version 2, or binary files of version 1.1; mean over a box."""

    reader: Literal["nsidc"] = "nsidc"
    kind: Literal["ice"] = "ice"
    longest_gap: Hours = Field(
        72.0, gt=0, description="Two days further apart than this have nothing between them, h (ours)."
    )
    rows: tuple[int, int] = Field(
        (220, 280),
        description="First row of the box, and the row after its last one; row 0 is the northernmost (code).",
    )
    columns: tuple[int, int] = Field((120, 180), description="First column, and the column after the last one (code).")
    radius: Metres | None = Field(
        None, gt=0, description="Cells whose centre is this near to the place, m, in place of the box (ours)."
    )

    @model_validator(mode="after")
    def _inside(self) -> NsidcSeriesSettings:
        for name, (low, high), most in (("rows", self.rows, 332), ("columns", self.columns, 316)):
            if not 0 <= low < high <= most:
                raise ValueError(f"series {self.name}: {name}: two numbers from 0 to {most}, the smaller one first")
        if (self.radius is None) == self.has_place:
            raise ValueError(f"series {self.name}: give a place and a radius, or neither, for rows and columns")
        return self


class MatSeriesSettings(FileSeriesSettings):
    """A variable of a MATLAB file: with datenums or dates beside it, or in equal steps; a row for each station."""

    reader: Literal["mat"] = "mat"
    variable: str = Field(description="Name of the variable: z of the published tide, a of the published swell.")
    time_variable: str | None = Field(
        None, description="Variable of MATLAB datenums or of dates as text; none: equal steps from `start`."
    )
    start: datetime | None = Field(None, description="Time of the first value, UTC, of values in equal steps.")
    step: Seconds | None = Field(None, gt=0, description="Time from one value to the next, s.")
    stations: tuple[str, ...] = Field(
        (), description="Stations of the rows of a matrix, in their order; none: those of the settings (code)."
    )
    borrowed: dict[str, str] = Field(
        default_factory=dict, description="Station whose row is read for another one, by the code of that one (code)."
    )

    @model_validator(mode="after")
    def _has_times(self) -> MatSeriesSettings:
        if (self.time_variable is None) != (self.start is not None and self.step is not None):
            raise ValueError(f"series {self.name}: give time_variable, or start and step")
        if self.unit is None:
            raise ValueError(f"series {self.name}: a MATLAB file does not say its unit; give `unit`")
        return self


class _PredictedSettings(SeriesSettings):
    kind: Literal["tide"] = "tide"
    longest_gap: Hours = Field(2.0, gt=0, description="As of other series; predictions have no gaps (ours).")
    step: Seconds = Field(600.0, gt=0, le=3600, description="Time between predictions, s (code: 10 min).")


class TideSeriesSettings(_PredictedSettings):
    """The tide of a model whose files the user has, predicted by pyTMD for the days of the network."""

    reader: Literal["tide"] = "tide"
    needs_place: ClassVar[bool] = True
    folder: ExpandedPath = Field(
        description="Folder in which the model's files lie as pyTMD expects them, for example with "
        "CATS2008_v2023/CATS2008_v2023.nc; a relative path begins in environment_files of the data root."
    )
    model: str = Field("CATS2008-v2023", description="Name of the model in pyTMD's database (Padman et al. 2008).")
    definition: ExpandedPath | None = Field(
        None, description="pyTMD's definition file (JSON) of a model that is not in its database, in place of `model`."
    )
    apply_flexure: bool = Field(
        False, description="Whether heights are scaled by the model's ice flexure, near grounding lines."
    )
    infer_minor: bool = Field(True, description="Whether minor constituents are inferred from the others (pyTMD).")
    extrapolate_within: Metres = Field(
        0.0, ge=0, description="Distance to the model's nearest wet point from which a value is taken, m (ours: none)."
    )


class HarmonicsSeriesSettings(_PredictedSettings):
    """The tide by harmonics that utide fits to another series, predicted for the days of the network."""

    reader: Literal["harmonics"] = "harmonics"
    needs_place: ClassVar[bool] = True
    fit_to: str = Field(description="Name of the series of tide heights to which harmonics are fitted.")
    constituents: tuple[str, ...] | None = Field(
        None, min_length=1, description="Names of constituents; none: those that the length of the series separates."
    )


class SyntheticSeriesSettings(SeriesSettings):
    """A series of the synthetic network's own environment, which drives its events."""

    reader: Literal["synthetic"] = "synthetic"
    kind: Literal["temperature", "wind", "ice", "wave_height", "tide", "tilt"] = Field(description="Which of them.")
    longest_gap: Hours = Field(2.0, gt=0, description="As of other series; these have no gaps (ours).")


READERS: Registry[SeriesSettings] = Registry("reader", "reader")
"""What reads an environmental series: members are of `ris_core.environment.reader.SeriesReader`."""
READERS.add(CsvSeriesSettings, "ris_core.environment.csv_reader:CsvReader")
READERS.add(NetcdfSeriesSettings, "ris_core.environment.netcdf_reader:NetcdfReader")
READERS.add(AmrdcSeriesSettings, "ris_core.environment.amrdc_reader:AmrdcReader")
READERS.add(NsidcSeriesSettings, "ris_core.environment.nsidc_reader:NsidcReader")
READERS.add(MatSeriesSettings, "ris_core.environment.mat_reader:MatReader")
READERS.add(TideSeriesSettings, "ris_core.environment.tide_reader:TideReader")
READERS.add(HarmonicsSeriesSettings, "ris_core.environment.harmonics_reader:HarmonicsReader")
READERS.add(SyntheticSeriesSettings, "ris_core.environment.synthetic_reader:SyntheticReader")

AnySeries = Annotated[SerializeAsAny[SeriesSettings], BeforeValidator(READERS.parse)]
"""A section of the settings that is one of the registered readers."""


def check_series(series: Sequence[SeriesSettings], stations: Sequence[StationSettings], synthetic: bool) -> None:
    """Raise `ValueError` for series with one name, or that name stations or series that there are not.

    Parameters
    ----------
    series
        All series of the settings.
    stations
        The network's stations.
    synthetic
        Whether the network is synthetic.
    """
    names, codes = [one.name for one in series], [one.code for one in stations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"environment: {', '.join(twice)} is the name of several series; give each its own")
    for one in series:
        if one.station is not None and one.station not in codes:
            raise ValueError(f"environment: series {one.name}: {one.station} is not among the stations")
        if isinstance(one, SyntheticSeriesSettings) and not synthetic:
            raise ValueError(f"environment: series {one.name}: only a synthetic network has its own environment")
        if isinstance(one, HarmonicsSeriesSettings):
            fitted = next((other for other in series if other.name == one.fit_to), None)
            if fitted is None or fitted.kind != "tide" or isinstance(fitted, HarmonicsSeriesSettings):
                raise ValueError(
                    f"environment: series {one.name}: fit_to ({one.fit_to}) is no series of tide heights by another "
                    "reader"
                )
