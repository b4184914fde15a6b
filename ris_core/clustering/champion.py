"""The champion on disk: the model that labels, the class number of each of its clusters, and the champion before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ris_core import config
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.events import Part
from ris_core.contracts.reviewed_classes import Renamed, renames_of
from ris_core.plugins import load_plugins
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, to_text, write_json
from ris_core.storage.layout import Layout

_COPY = "champion.json"
_LATER = ("candidate", "needs", "plugins", "names", "renames", "reviewed", "companion")
"""Fields that earlier versions did not write."""


class NoChampionError(FileNotFoundError):
    """No model has been chosen to label."""


@dataclass(frozen=True)
class Former:
    """The champion before this one."""

    k: int
    model_version: str
    classes: tuple[int, ...]
    mlflow_versions: Mapping[str, str]
    candidate: str = str(AEC_DEC)


@dataclass(frozen=True)
class Companion:
    """The model without reviews whose clusters stand beside the classes of a class model.

    Attributes
    ----------
    candidate, k, model_version
        As in `Champion`; its files lie with those of the champions.
    classes
        Class number of each of its clusters.
    """

    candidate: str
    k: int
    model_version: str
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Champion:
    """The model that labels.

    Attributes
    ----------
    k
        Number of clusters.
    model_version
        Of the model (`ClusterModel.version`); also the name of the folder that holds the champion's own copy of its
        files.
    origin
        Where the model came from, in words.
    classes
        Class number of each of the K clusters, in their order.
    next_class
        The smallest number that no class has had so far.
    classes_of
        Classes of every model that has been champion, by model version.
    normalisation
        Normalisation that the model was trained with, as plain values.
    novelty
        Digest of its novelty model; empty for a class model, which says itself what is new.
    former
        The champion before; none for the first one.
    mlflow_run_id, mlflow_model, mlflow_model_version
        The run that trained it, the registered model and its version.
    mlflow_versions
        Versions of all registered models that hold it, by name.
    candidate
        Representation and clusterer, like ``aec/dec``, which earlier versions did not write.
    needs
        The great arrays of the events that the model reads, which earlier versions did not write.
    plugins
        What the plug-ins are called that have the code of the models (`Plugin.called`).
    reviewed
        Whether it is a class model, which was trained on reviews.
    names
        Name by the reviews of each class that a class model has had so far, by number.
    renames
        Renames of the review log that `names` follow, in its order; none if an earlier version chose the champion.
    companion
        What stands beside a class model; none if there was no such model, and for other champions.
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
    candidate: str = str(AEC_DEC)
    needs: tuple[Part, ...] = ("spectrogram",)
    plugins: tuple[str, ...] = ()
    reviewed: bool = False
    names: Mapping[int, str] = field(default_factory=dict)
    renames: tuple[Renamed, ...] | None = None
    companion: Companion | None = None

    @property
    def needs_surroundings(self) -> bool:
        """Whether labels depend on what lies around the events, beside spectrograms and waveforms."""
        return not {"spectrogram", "waveform"}.issuperset(self.needs)

    @property
    def digest(self) -> str:
        """Digest of all that decides about labels, except the spectrograms."""
        said: list[Any] = [self.model_version, self.classes, dict(self.normalisation), self.novelty]
        if self.reviewed:
            beside = None if self.companion is None else asdict(self.companion)
            said += [{str(number): name for number, name in self.names.items()}, beside]
        return digest_of(said)

    def normalisation_settings(self) -> config.NormalisationSettings:
        """Return the normalisation as a settings section."""
        return config.NormalisationSettings.model_validate(self.normalisation)

    def as_former(self) -> Former:
        """Return what is kept of this one once another is champion."""
        return Former(self.k, self.model_version, self.classes, self.mlflow_versions, self.candidate)


def label_digest(champion: Champion, settings: config.LabellingSettings) -> str:
    """Return the digest of all that decides about a label table, except its spectrograms."""
    # Another version of a plug-in may give other labels by the same model.
    made_by = [str(plugin) for plugin in load_plugins() if plugin.called in champion.plugins]
    return digest_of([champion.digest, settings.reconstruction_error, *made_by])


def read_champion(layout: Layout) -> Champion:
    """Return the champion.

    Raises
    ------
    NoChampionError
        No champion has been chosen yet.
    DamagedFileError
        The record is damaged. The message says how to restore it.
    """
    if not layout.champion.exists():
        raise NoChampionError(f"{layout.champion}: no champion has been chosen yet")
    try:
        return _read_record(layout.champion)
    except DamagedFileError as error:
        raise DamagedFileError(error.path, error.why, _remedy(layout)) from error


def _read_record(path: Path) -> Champion:
    names = [f.name for f in fields(Champion)]
    record = read_record(path, {name: object for name in names if name not in _LATER})
    try:
        former = record["former"]
        values = {name: record[name] for name in names if name in record} | {
            "classes": tuple(record["classes"]),
            "classes_of": {version: tuple(numbers) for version, numbers in record["classes_of"].items()},
            "former": None if former is None else Former(**former | {"classes": tuple(former["classes"])}),
        }
        values |= {name: tuple(values[name]) for name in ("needs", "plugins") if name in values}
        if "names" in values:
            values["names"] = {int(number): str(name) for number, name in values["names"].items()}
        if values.get("renames") is not None:
            values["renames"] = renames_of(values["renames"])
        if (beside := values.get("companion")) is not None:
            values["companion"] = Companion(**beside | {"classes": tuple(beside["classes"])})
        return Champion(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(path, f"not a record of this version: {error}") from error


def _remedy(layout: Layout) -> str:
    """Return how to mend a damaged record: the newest undamaged copy holds the same class numbers."""
    copies = layout.champion_model("").glob(f"*/{_COPY}")
    for copy in sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(OSError):
            _read_record(copy)
            return f"put its copy {copy} in its place, which keeps the class numbers"
    return "remove it and choose the champion again; its classes then get new numbers"


def champion_or_none(layout: Layout) -> Champion | None:
    """Return the champion, or none if none has been chosen; raises `DamagedFileError` if the record is damaged."""
    return read_champion(layout) if layout.champion.exists() else None


def why_nothing_labels(layout: Layout) -> str:
    """Return why no station-day can be labelled (no champion, or a damaged record); empty if they can."""
    try:
        read_champion(layout)
    except NoChampionError:
        return "no champion has been chosen yet"
    except OSError as error:
        return str(error)
    return ""


def appoint(layout: Layout, champion: Champion, publish: Callable[[], None] = lambda: None) -> None:
    """Record a champion whose files are in their folder, and keep a copy of the record beside them.

    The record is written to a temporary file first, then `publish` is called, then the file is renamed into place.
    If `publish` raises, nothing has changed here. If the process ends in between, choosing the same champion again
    completes the change.

    Parameters
    ----------
    layout
        The data root.
    champion
        The new champion.
    publish
        Tells others of the new champion, for example a model registry.
    """
    folder = layout.champion_model(champion.model_version)
    record = asdict(champion) | {"folder": layout.relative(folder)}
    with replacing(layout.champion) as temporary:
        temporary.write_text(to_text(record), encoding="utf-8")
        publish()
    write_json(folder / _COPY, record)


def class_names(
    settings: config.ChampionSettings, classes: Iterable[int], champion: Champion | None = None
) -> dict[int, str]:
    """Return what each class is called: the settings' name, else that of the reviews, else its number.

    Parameters
    ----------
    settings
        Section `champion`: `names`.
    classes
        Class numbers.
    champion
        The champion, which knows the names by the reviews; none: there are no such names.
    """
    names = _all_names(settings, champion)
    return {int(number): names.get(int(number), str(number)) for number in classes}


def class_titles(
    settings: config.ChampionSettings, classes: Iterable[int], champion: Champion | None = None
) -> dict[int, str]:
    """Return the number of each class, followed by its name (`class_names`) if it has one, for legends."""
    names = _all_names(settings, champion)
    return {int(number): f"{number} {names.get(int(number), '')}".strip() for number in classes}


def _all_names(settings: config.ChampionSettings, champion: Champion | None) -> dict[int, str]:
    return {**({} if champion is None else champion.names), **settings.names}


def names_without_a_class(settings: config.ChampionSettings, champion: Champion) -> dict[int, str]:
    """Return the names in the settings whose number no class has or ever had."""
    return {number: name for number, name in settings.names.items() if number >= champion.next_class or number < 0}
