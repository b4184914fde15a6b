"""The layout of a data root: the path of every product of one network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ris_core.config import Settings, data_root
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName, check_name
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import StationDay
from ris_core.storage.earlier_layout import move_folders
from ris_core.storage.json_records import read_json, write_json


class WrongNetworkError(ValueError):
    """The data root belongs to another network."""


@lru_cache(maxsize=4096)
def _part(name: str) -> str:
    """Return a name that may be part of a path; raises `ValueError` if it could lead out of its folder."""
    if name in (".", "..") or any(sign in name for sign in "/\\\0"):
        raise ValueError(f"{name!r} is not a name of a station or a model: it would lead out of the data folder")
    return name


@lru_cache(maxsize=4096)
def _folder(root: Path, *parts: str) -> Path:
    """Return a folder; the same ones are needed for each day of a station."""
    return root.joinpath(*parts)


@lru_cache(maxsize=1024)
def _of_day(root: Path, folder: str, key: StationDay, suffix: str) -> Path:
    """Return the path of a station-day's file in a folder; it is needed several times while one is looked at."""
    return _folder(root, _part(folder), f"station={_part(key.station)}") / f"day={key.day}{suffix}"


@lru_cache(maxsize=1024)
def _spectrograms(root: Path, key: StationDay) -> Path:
    return _folder(root, "spectrograms", _part(key.station)) / f"{key.day}.h5"


@dataclass(frozen=True)
class Layout:
    """Paths of one network's products under one root. Nothing is read from disk here.

    Attributes
    ----------
    root
        The data root of the network.
    name
        Name of the network.
    network, location, channel
        Codes, which are part of the names of files; the channel is that of detections.
    """

    root: Path
    name: str
    network: str
    location: str
    channel: str

    @classmethod
    def of(cls, settings: Settings, root: Path | None = None) -> Layout:
        """Return the layout of a network, by default in its data root under RIS_DATA."""
        where = root if root is not None else data_root(settings)
        return cls(where, settings.network.name, settings.network.code, settings.location, settings.channel)

    def waveform(self, key: StationDay, channel: str | None = None) -> Path:
        """Path of a stored raw station-day (miniSEED, with its padding), by default of the channel of detections."""
        seed_id = SeedId(self.network, _part(key.station), self.location, channel or self.channel)
        return self.root / "waveforms" / seed_id.sds_path(key.day)

    def inventory(self, station: str) -> Path:
        """Path of a station's StationXML."""
        return self.root / "inventory" / f"{self.network}.{_part(station)}.xml"

    def acquisition(self, key: StationDay) -> Path:
        """Path of the acquisition record of a station-day (JSON)."""
        return _of_day(self.root, "acquisition", key, ".json")

    def detections(self, key: StationDay) -> Path:
        """Path of a detection table (Parquet)."""
        return self.table("detections", key)

    def spectrograms(self, key: StationDay) -> Path:
        """Path of a spectrogram file (HDF5)."""
        return _spectrograms(self.root, key)

    def live(self, key: StationDay) -> Path:
        """Path of the table of live intervals (Parquet)."""
        return self.table("live", key)

    def attributes(self, key: StationDay) -> Path:
        """Path of a table of attributes (Parquet)."""
        return self.table("attributes", key)

    def labels(self, key: StationDay) -> Path:
        """Path of a label table (Parquet)."""
        return self.table("labels", key)

    def table(self, name: str, key: StationDay) -> Path:
        """Path of a further table of a station-day (Parquet), of a stage that has its own folder."""
        return _of_day(self.root, name, key, ".parquet")

    @property
    def training_set(self) -> Path:
        """Path of the training set (HDF5)."""
        return self.root / "training" / "training_set.h5"

    @property
    def latent_features(self) -> Path:
        """Path of the latents of the training set (Parquet)."""
        return self.root / "training" / "latent_features.parquet"

    def features(self, representation: str) -> Path:
        """Path of the features of the training set by a representation other than the autoencoder (Parquet)."""
        return self.root / "training" / "features" / f"{check_name('representation', representation)}.parquet"

    @property
    def cluster_count(self) -> Path:
        """Path of the table of criteria over K (Parquet)."""
        return self.root / "training" / "cluster_count.parquet"

    def aec(self, trial: str) -> Path:
        """Folder of a trial's model."""
        return self.root / "models" / "aec" / _part(trial)

    @property
    def aec_choice(self) -> Path:
        """Path of the record of the chosen trial (JSON)."""
        return self.root / "models" / "aec" / "chosen.json"

    def initial_clusters(self, k: int) -> Path:
        """Folder of the initial clusters for K, from which DEC starts."""
        return self.root / "models" / "aec" / "initial" / f"k={k}"

    def dec(self, k: int) -> Path:
        """Folder of the DEC model for K."""
        return self.candidate(AEC_DEC, k)

    def representation(self, name: str) -> Path:
        """Folder of a fitted representation other than the autoencoder, whose trials have a folder each."""
        return self.root / "models" / check_name("representation", name) / "fitted"

    def candidate(self, name: CandidateName, k: int) -> Path:
        """Folder of the model of a candidate for K."""
        representation = check_name("representation", name.representation)
        return self.root / "models" / representation / check_name("clusterer", name.clusterer) / f"k={k}"

    def shared(self, name: CandidateName) -> Path:
        """Path of what the models of a candidate for all K have in common (safetensors)."""
        return self.candidate(name, 0).parent / "shared.safetensors"

    def imported(self, name: str) -> Path:
        """Folder of an imported model."""
        return self.root / "models" / "imported" / _part(name)

    @property
    def champion(self) -> Path:
        """Path of the record of the champion (JSON)."""
        return self.root / "models" / "champion.json"

    def champion_model(self, model_version: str) -> Path:
        """Folder of a champion's own copy of its model."""
        return self.root / "models" / "champions" / _part(model_version)

    def analysis(self, name: str) -> Path:
        """Path of a file of the analysis."""
        return self.root / "analysis" / _part(name)

    def catalogue(self, year: int, month: int) -> Path:
        """Path of the catalogue of a month (Parquet)."""
        return self.root / "catalogue" / f"year={year:04d}" / f"month={month:02d}.parquet"

    @property
    def dictionary(self) -> Path:
        """Path of the data dictionary (Markdown)."""
        return self.root / "tables.md"

    @property
    def environment_files(self) -> Path:
        """Folder of the files that environmental series are read from, unless their paths are absolute."""
        return self.root / "environment_files"

    def environment(self, series: str) -> Path:
        """Path of an environmental series (Parquet)."""
        return self.root / "environment" / f"{_part(series)}.parquet"

    @property
    def reviews(self) -> Path:
        """Path of the review log (JSON lines)."""
        return self.root / "reviews" / "log.jsonl"

    @property
    def review_queue(self) -> Path:
        """Path of the suggestions for reviewers (Parquet)."""
        return self.root / "reviews" / "queue.parquet"

    @property
    def dagster_home(self) -> Path:
        """Folder of the Dagster instance."""
        return self.root / "dagster"

    @property
    def mlflow(self) -> Path:
        """Folder of the MLflow store."""
        return self.root / "mlflow"

    def relative(self, path: Path) -> str:
        """Return a path as seen from the data root, for records and metadata."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def failure(self, stage: str, key: StationDay) -> Path:
        """Path of the record of a failed attempt (JSON)."""
        return self.failures(stage, key.station) / f"day={key.day}.json"

    def failures(self, stage: str, station: str) -> Path:
        """Folder of the records of a station's failed attempts at a stage."""
        return _folder(self.root, "failures", _part(stage), f"station={_part(station)}")


def open_layout(settings: Settings, root: Path | None = None) -> Layout:
    """Return the layout of a network in a root that belongs to it; makes and marks the root if absent.

    Models that an earlier version has put elsewhere are moved to their place (`earlier_layout.move_folders`).

    Raises
    ------
    WrongNetworkError
        The root is marked for another network.
    """
    layout = Layout.of(settings, root)
    marker = layout.root / "network.json"
    mine = {"name": layout.name, "code": layout.network}
    if not marker.exists():
        write_json(marker, mine)
    elif (theirs := read_json(marker)) != mine:
        raise WrongNetworkError(
            f"{layout.root} holds network {theirs}, but the settings describe {mine}; "
            "give the network another name or set RIS_DATA to another folder"
        )
    models = layout.root / "models"
    move_folders({models / "dec": models / "aec" / "dec", models / "gmm": models / "aec" / "initial"})
    return layout
