"""The champion on disk: which model labels, the class number of each of its clusters, and who was champion before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ris_core import config
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, to_text, write_json
from ris_core.storage.store import Store

_COPY = "champion.json"


class NoChampionError(FileNotFoundError):
    """The champion is asked for before a model was chosen."""


@dataclass(frozen=True)
class Former:
    """The champion before this one."""

    k: int
    model_version: str
    classes: tuple[int, ...]
    mlflow_versions: Mapping[str, str]


@dataclass(frozen=True)
class Champion:
    """The model that labels.

    Attributes
    ----------
    k
        Number of clusters.
    model_version
        K and digest of the weights; also the name of the folder that holds the champion's own copy of its files.
    origin
        Where the model came from, in words.
    classes
        Class number of each of the K clusters, in their order.
    next_class
        The smallest number that no class has had so far.
    classes_of
        Classes of every model that has been champion, by model version.
    normalisation
        That the model was trained with, as a mapping.
    novelty
        Digest of its novelty model.
    former
        Who was champion before; none for the first one.
    mlflow_run_id, mlflow_model, mlflow_model_version
        The run that trained it, the registered model and its version.
    mlflow_versions
        Versions of all registered models that hold it, by name.
    """

    k: int
    model_version: str
    origin: str
    classes: tuple[int, ...]
    next_class: int
    classes_of: Mapping[str, tuple[int, ...]]
    normalisation: Mapping[str, Any]
    novelty: str
    former: Former | None = None
    mlflow_run_id: str = ""
    mlflow_model: str = ""
    mlflow_model_version: str = ""
    mlflow_versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of all that decides about labels, besides the spectrograms."""
        return digest_of([self.model_version, self.classes, dict(self.normalisation), self.novelty])

    def normalisation_settings(self) -> config.NormalisationSettings:
        """Return the normalisation as a settings section."""
        return config.NormalisationSettings.model_validate(self.normalisation)

    def as_former(self) -> Former:
        """Return what is kept of this one once another is champion."""
        return Former(self.k, self.model_version, self.classes, self.mlflow_versions)


def version_of(k: int, digest: str) -> str:
    """Return the model version of K clusters and weights of a digest."""
    return f"k{k}-{digest}"


def label_digest(champion: Champion, settings: config.LabellingSettings) -> str:
    """Return the digest of all that decides about a label table, besides its spectrograms."""
    return digest_of([champion.digest, settings.reconstruction_error])


def read_champion(store: Store) -> Champion:
    """Return the champion.

    Raises
    ------
    NoChampionError
        There is none yet.
    DamagedFileError
        The record is damaged; says how to have it back.
    """
    if not store.champion.exists():
        raise NoChampionError(f"{store.champion}: there is no champion yet; materialize champion_model first")
    try:
        return _read_record(store.champion)
    except DamagedFileError as error:
        raise DamagedFileError(error.path, error.why, _remedy(store)) from error


def _read_record(path: Path) -> Champion:
    record = read_record(path, {f.name: object for f in fields(Champion)})
    try:
        former = record["former"]
        values = {f.name: record[f.name] for f in fields(Champion)} | {
            "classes": tuple(record["classes"]),
            "classes_of": {version: tuple(numbers) for version, numbers in record["classes_of"].items()},
            "former": None if former is None else Former(**former | {"classes": tuple(former["classes"])}),
        }
        return Champion(**values)
    except (TypeError, AttributeError) as error:
        raise DamagedFileError(path, f"not a record of this version: {error}") from error


def _remedy(store: Store) -> str:
    """Return how a damaged record is mended: by the newest copy that is sound, as it holds the class numbers."""
    copies = store.champion_model("").glob(f"*/{_COPY}")
    for copy in sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(OSError):
            _read_record(copy)
            return f"put its copy {copy} in its place, which keeps the class numbers"
    return "remove it and materialize champion_model again, which numbers the classes anew"


def champion_or_none(store: Store) -> Champion | None:
    """Return the champion, or none before there is one; raises `DamagedFileError` if the record is damaged."""
    return read_champion(store) if store.champion.exists() else None


def why_nothing_labels(store: Store) -> str:
    """Return why no station-day can be labelled: there is no champion, or its record is damaged; empty if one can."""
    try:
        read_champion(store)
    except NoChampionError:
        return "there is no champion yet that could label"
    except OSError as error:
        return str(error)
    return ""


def appoint(store: Store, champion: Champion, publish: Callable[[], None] = lambda: None) -> None:
    """Record a champion whose files are in their folder, and keep a copy of the record beside them.

    The record is written before `publish` tells others of it, and takes its place right after: if `publish` raises,
    nothing has changed here; if the process ends in between, the same choice again mends it.
    """
    folder = store.champion_model(champion.model_version)
    record = asdict(champion) | {"folder": store.relative(folder)}
    with replacing(store.champion) as temporary:
        temporary.write_text(to_text(record), encoding="utf-8")
        publish()
    write_json(folder / _COPY, record)


def class_names(settings: config.ChampionSettings, classes: Iterable[int]) -> dict[int, str]:
    """Return what each class is called: the user's name, else its number."""
    return {int(number): settings.names.get(int(number), str(number)) for number in classes}


def class_titles(settings: config.ChampionSettings, classes: Iterable[int]) -> dict[int, str]:
    """Return the number of each class with the user's name behind it, for legends."""
    return {int(number): f"{number} {settings.names.get(int(number), '')}".strip() for number in classes}


def names_of_nothing(settings: config.ChampionSettings, champion: Champion) -> dict[int, str]:
    """Return the names of the settings whose number no class has or has had."""
    return {number: name for number, name in settings.names.items() if number >= champion.next_class or number < 0}
