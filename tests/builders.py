"""Small networks for tests: SDS archives of minutes instead of days, and settings that train in seconds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
import yaml
from click.testing import Result
from dagster_internals import stale_status
from obspy import Stream, Trace, UTCDateTime
from store import Store
from typer.testing import CliRunner

from ris_core.config import Settings, load_settings
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import Layout
from ris_dagster import jobs
from ris_dagster.adoption import adopt
from ris_dagster.analysis_jobs import analysis_jobs
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.cli import app
from ris_dagster.data_place import earlier_places
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance
from ris_dagster.method_runs import all_jobs
from ris_dagster.partitions import partition_key, range_tags
from ris_dagster.resources.tracking import Tracking

DAYS = (date(2020, 3, 1), date(2020, 3, 2), date(2020, 3, 3))
STATIONS = ("AA", "BB")
RATE = 100
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ENVIRONMENT = (
    "RIS_CONFIG",
    "RIS_DATA",
    "DAGSTER_HOME",
    "RIS_DEPLOYMENT",
    "RIS_EVENT_BATCHES",
    "MLFLOW_TRACKING_URI",
    "RIS_MLFLOW_DATABASE",
    "PGPASSWORD",
    "RIS_MLFLOW_STORE",
    "RIS_MLFLOW_UI",
    "RIS_COMPUTE",
    "RIS_WORKERS",
    "RIS_DASK_ADDRESS",
    "RIS_FDSN_PROVIDER",
    "RIS_FDSN_USER",
    "RIS_FDSN_PASSWORD",
    "RIS_FDSN_EIDA_TOKEN",
    "RIS_ALERT_WEBHOOK",
    "RIS_ALERT_SMTP_URL",
    "RIS_ALERT_SMTP_TO",
    "RIS_ALERT_SMTP_FROM",
    "RIS_DAGSTER_UI",
)


def own_environment(environment: pytest.MonkeyPatch, data: Path) -> None:
    """Clear all that the platform reads from the environment, and set RIS_DATA to a folder."""
    for name in ENVIRONMENT:
        # Set before it is deleted, so that it is restored after any change by the code.
        environment.setenv(name, "")
        environment.delenv(name)
    environment.setenv("RIS_DATA", str(data))
    environment.setenv("MPLBACKEND", "Agg")


def sds_path(root: Path, station: str, day: date) -> Path:
    return root / SeedId("XX", station, "", "HHZ").sds_path(day)


def trace_path(root: Path, trace: Trace, day: date) -> Path:
    """Return where an SDS archive keeps a trace's samples of a day."""
    s = trace.stats
    return root / SeedId(s.network, s.station, s.location, s.channel).sds_path(day)


def spoil(path: Path) -> Path:
    """Write something that is no miniSEED."""
    path.write_bytes(b"this is not miniSEED" * 400)
    return path


def write_day(root: Path, station: str, day: date, minutes: int = 10, hours: Sequence[int] = (6,)) -> Path:
    """Write a file that holds some minutes from each hour UTC: noise, and a burst of one of three pitches each 35 s."""
    rng = np.random.default_rng([*station.encode(), day.toordinal()])
    traces = []
    for hour in hours:
        samples = rng.normal(0, 20, minutes * 60 * RATE)
        t = np.arange(2 * RATE) / RATE
        for number, start in enumerate(range(45 * RATE, samples.size - 10 * RATE, 35 * RATE)):
            pitch, ringing = ((5.0, 0.30), (9.0, 0.15), (14.0, 0.08))[number % 3]
            amplitude = rng.uniform(2000, 6000)
            burst = amplitude * np.exp(-t / ringing) * np.sin(2 * np.pi * pitch * (1 + rng.normal(0, 0.03)) * t)
            samples[start : start + t.size] += burst
        header = {
            "network": "XX",
            "station": station,
            "location": "",
            "channel": "HHZ",
            "sampling_rate": RATE,
            "starttime": UTCDateTime(day.year, day.month, day.day, hour),
        }
        traces.append(Trace(samples.round().astype(np.int32), header))
    path = sds_path(root, station, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    Stream(traces).write(str(path), format="MSEED", encoding="STEIM2")
    return path


def write_archive(root: Path, stations: Sequence[str] = STATIONS, days: Sequence[date] = DAYS) -> Path:
    for station in stations:
        for day in days:
            write_day(root, station, day)
    return root


def sds_values(
    archive: Path, name: str = "small", stations: Sequence[str] = STATIONS, days: Sequence[date] = DAYS
) -> dict[str, Any]:
    return {
        "network": {"name": name, "code": "XX"},
        "stations": [{"code": code, "latitude": -78.0, "longitude": 170.0 + n} for n, code in enumerate(stations)],
        "first_day": days[0].isoformat(),
        "last_day": days[-1].isoformat(),
        "source": {"kind": "sds", "root": str(archive)},
        "aec": {"grid": {"batch_size": [8], "learning_rate": [2e-3]}, "max_epochs": 1},
        "cluster_count": {"k_max": 4, "sample": 200, "n_init": 1, "references": 2, "repeats": 2},
        "dec": {"k": [2, 3], "n_init": 1, "max_epochs": 1},
        "stability": {"seeds": 2, "held_out_stations": 1, "permutations": 50, "noise_windows": 40},
    }


def write_yaml(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Opened:
    """A network with its definitions and its persistent instance."""

    settings: Settings
    store: Store
    config: Path
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    @property
    def days(self) -> StationDays:
        return self.store.days

    def reloaded(self) -> "Opened":
        """Return it with definitions that are loaded again, as a code location is reloaded."""
        return replace(self, definitions=build_definitions(self.settings, self.definitions.resources or {}))

    @property
    def tracking(self) -> Tracking:
        found = (self.definitions.resources or {})["tracking"]
        assert isinstance(found, Tracking)
        return found

    def run(
        self, job: str, partition: str | None = None, config: dict[str, Any] | None = None, **tags: str
    ) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config=QUIET | (config or {}),
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
        )

    def run_block(self, job: str) -> dg.ExecuteInProcessResult:
        """Run a job of station-days over all of them."""
        stations = [s.code for s in self.settings.stations]
        days = self.settings.days()
        return self.run(job, **range_tags(stations, days[0], days[-1]))

    def materialization(self, asset: str, key: StationDay) -> dg.AssetMaterialization | None:
        """Return the latest materialization of a station-day."""
        found = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[str(partition_key(key))]), limit=1
        ).records
        return found[0].asset_materialization if found else None

    def stale(self, asset: str, key: StationDay) -> str:
        """Return what the UI says of a station-day: ``FRESH``, ``STALE`` or ``MISSING``."""
        return stale_status(self.instance, self.definitions, asset, str(partition_key(key)))

    def latest(self, *asset: str) -> dg.AssetMaterialization:
        event = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None and event.asset_materialization is not None, f"{asset} was never materialized"
        return event.asset_materialization


def labelling_jobs(settings: Settings) -> list[str]:
    """Return the jobs that lead from waveforms to labels: all but those that assess or analyse the labels."""
    left_out = {jobs.ASSESS, *analysis_jobs(settings)}
    return [name for name in all_jobs(settings, BINDINGS) if name not in left_out]


def ris(*arguments: object) -> Result:
    """Give the command `ris` in this process, on a terminal wide enough for paths."""
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "500"}, catch_exceptions=False)


Open = Callable[..., Opened]


@contextmanager
def opened(config: Path, **resources: Any) -> Iterator[Opened]:
    """Open the network of a settings file; RIS_DATA and the like must be set. A copy is adopted."""
    settings = load_settings(config)
    store = Store(settings)
    if earlier_places(store, Tracking.of(settings, store.root)):
        adopt(settings, store)
    with open_instance(store) as instance:
        yield Opened(settings, store, config, build_definitions(settings, resources), instance)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Return what the failed step said."""
    (event,) = [e for e in result.all_events if e.is_step_failure]
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return data.user_failure_data.description or ""
    assert data.error is not None
    return (data.error.cause or data.error).message


def products(layout: Layout) -> dict[str, bytes]:
    """Return the bytes of every product, without the Dagster home, the MLflow layout and the place of the root."""
    return {
        path.relative_to(layout.root).as_posix(): path.read_bytes()
        for path in sorted(layout.root.rglob("*"))
        if path.is_file() and path.relative_to(layout.root).parts[0] not in ("dagster", "mlflow", "place.json")
    }


ENVIRONMENT_VALUES: dict[str, Any] = {
    "environment": [
        {"name": "temperature", "reader": "synthetic", "kind": "temperature"},
        {"name": "wind", "reader": "synthetic", "kind": "wind", "noise_covariate": True},
        {"name": "tide", "reader": "synthetic", "kind": "tide"},
    ],
    "environment_figures": [{"name": "two_days", "stations": ["S01"], "series": ["temperature", "wind", "tide"]}],
}
"""Sections of a synthetic network with environmental series."""


def synthetic_values() -> dict[str, Any]:
    """Return settings of two stations and two days, of which two station-days have data (rendering takes seconds)."""
    return {
        "network": {"name": "tiny", "code": "SY"},
        "stations": [
            {"code": "S01", "latitude": -81.5, "longitude": -176.5},
            {"code": "S02", "latitude": -80.2, "longitude": -178.0},
        ],
        "first_day": "2015-01-10",
        "last_day": "2015-01-11",
        "source": {"kind": "synthetic", "events_per_day": 200, "missing": ["S02/2015-01-10", "S01/2015-01-11"]},
        # Few epochs of small batches: enough to beat the mean spectrogram, which the fixture's checks show.
        "aec": {"grid": {"batch_size": [8, 16], "learning_rate": [2e-3]}, "max_epochs": 8},
        "cluster_count": {"k_max": 5, "sample": 200, "n_init": 2, "references": 2, "repeats": 2},
        "dec": {"k": [3, 4], "n_init": 2, "max_epochs": 2},
        "stability": {"seeds": 2, "held_out_stations": 1, "permutations": 50, "noise_windows": 40},
    }
