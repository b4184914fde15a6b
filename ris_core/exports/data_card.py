"""README.md of a release: what it is, how it was made, its numbers, limits and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.clustering.champion import Champion
from ris_core.exports.export_dictionary import READ_CSV
from ris_core.exports.export_run import Exported
from ris_core.exports.model_folder import USE
from ris_core.exports.release_words import METHOD_DOI, ReleaseWords
from ris_core.report.cautions import OF_A_PART
from ris_core.station_days.station_days import StationDays

_FILES = {
    "data/events.csv, data/events.parquet": "all events, one row each",
    "data/quakeml/": "the same as QuakeML 1.2, by station and month",
    "data/stations.gpkg, data/stations.parquet": "stations with live hours, counts and rates",
    "data/tables.md": "data dictionary: unit, meaning and source of each column",
    "model/": "the model that gave the labels: weights, novelty, requirements; code, under model/code/LICENSE",
    "report.html": "one page with figures of classes, rates and quality, for a browser",
    "settings.yaml": "all settings, defaults included; paths of this machine are variables",
    "provenance.json": "versions, digests of settings, model and tables",
    "CITATION.cff, datacite.json": "how to cite; metadata for a repository",
    "LICENSE.txt": "the licence of all but model/code",
    "SHA256SUMS": "checksums: `sha256sum --check SHA256SUMS`, or `ris release --verify FOLDER`",
}


@dataclass(frozen=True)
class CardNumbers:
    """What the card says beside words.

    Attributes
    ----------
    stations
        Rows with station, latitude, longitude, events; live_hours where known.
    period
        Days of the first and the last event.
    cautions
        Sentences that must be known before anything else.
    left_out
        What is not in the release, and why.
    """

    stations: pd.DataFrame
    period: tuple[str, str]
    cautions: Sequence[str]
    left_out: Sequence[str]


def abstract_of(network: StationDays, words: ReleaseWords, total: int, numbers: CardNumbers) -> str:
    """Return what the release is, in sentences."""
    settings = network.settings
    called = settings.network.title or f"the network {settings.network.code}"
    said = [
        *([words.description] if words.description else []),
        *(text for text in numbers.cautions if not text.startswith(OF_A_PART)),
        f"{total:,} detections of {len(numbers.stations)} stations of {called}, {numbers.period[0]} to "
        f"{numbers.period[1]}, with their classes. Events are detections of single stations and are not located.",
    ]
    return " ".join(said)


def data_card(
    network: StationDays, words: ReleaseWords, found: Exported, champion: Champion | None, numbers: CardNumbers
) -> str:
    """Return README.md."""
    settings = network.settings
    detector = settings.detector.model_dump(mode="json")["method"]
    takes = settings.input_spec()
    made = [
        f"Waveforms: {settings.source.kind}; channels {', '.join(settings.channels)}.",
        f"Conditioned to {takes.band[0]:g}-{takes.band[1]:g} Hz at {takes.sampling_rate:g} Hz; detector {detector}; "
        f"spectrograms of {takes.window:g} s."
        if not settings.imported
        else "Events and spectrograms were imported from a published file.",
        "No model labels these events."
        if champion is None
        else f"Labels: model {champion.candidate}, {champion.k} classes, version {champion.model_version}; "
        + (
            "classes are those of reviewers."
            if champion.reviewed
            else "classes are clusters that no reviewer has named, unless the settings name them."
        ),
        f"Method: Jenkins et al. (2021), doi {METHOD_DOI}, and what docs/method.md of ris-dagster adds.",
    ]
    limits = [
        "One source that several stations heard is an event at each of them.",
        "Events below the detector's threshold are not here; report.html says what is known of completeness.",
        "A membership is not the chance that a class is right; the column probability_kind says which it is.",
        *found.notes,
    ]
    lines = [f"# {words.title}", "", f"Version {words.version}, {words.released}. Licence: {words.licence}.", ""]
    lines += [abstract_of(network, words, found.total, numbers), ""]
    lines += [
        "## Know first",
        "",
        *_items(
            numbers.cautions
            or ["The waveforms are not synthetic, and no review is simulated; nothing else was checked."]
        ),
    ]
    lines += ["", "## How it was made", "", *_items(made), "", "## Classes", ""]
    lines += _table(["class", "name", "events"], [[n, found.names[n], f"{k:,}"] for n, k in found.events.items()])
    if NO_LABEL in found.events:
        lines += ["", "Class -1 has no label: its events were not labelled by the present model."]
    lines += ["", "## Stations", ""]
    lines += _table(list(numbers.stations.columns), numbers.stations.to_numpy().tolist())
    lines += ["", "## Limits", "", *_items(limits), "", "## Files", ""]
    lines += _table(["file", "what it is"], [[f"`{name}`", about] for name, about in _FILES.items()])
    lines += ["", "Not in this release:", "", *_items(numbers.left_out)] if numbers.left_out else []
    lines += ["", "## Reading", "", "In the folder data:", "", "```python", READ_CSV.rstrip(), "```"]
    if champion is not None:
        lines += ["", "The model, with the packages of model/requirements.txt:", "", "```python", USE.rstrip(), "```"]
    lines += ["", "## Citation", "", _citation(words), ""]
    return "\n".join(lines)


def _citation(words: ReleaseWords) -> str:
    names = "; ".join(one.name for one in words.creators)
    doi = f" https://doi.org/{words.doi}" if words.doi else ""
    return (
        f"{names} ({words.released.year}): {words.title}. Version {words.version}. {words.publisher}.{doi}\n\n"
        f"Cite the method as well: https://doi.org/{METHOD_DOI}"
    )


def _items(texts: Sequence[str]) -> list[str]:
    return [f"- {text}" for text in texts]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return [line(head), line(["---"] * len(head)), *(line(row) for row in rows)]
