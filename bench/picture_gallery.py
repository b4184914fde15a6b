"""The page of the documentation that shows every figure: pictures from a run of the demo, each with what it says.

Run ``python -m bench.picture_gallery`` after the demo with its analysis:

    make demo
    ris run --config config/demo.yaml
    python -m bench.picture_gallery

It reads the pictures that Dagster keeps of each asset (none is drawn again), writes those of `FIGURES` to
docs/images/gallery, and writes docs/gallery.md anew. A figure that `FIGURES` does not know ends it: give it its line.
Pictures of the web pages are taken by ``bench.explorer_pictures``.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from bench.small_pictures import small
from ris_core.config import PROJECT_ROOT, load_settings
from ris_core.station_days.station_days import StationDays
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance

CONFIG = PROJECT_ROOT / "config" / "demo.yaml"
PAGE = PROJECT_ROOT / "docs" / "gallery.md"
IMAGES = PROJECT_ROOT / "docs" / "images" / "gallery"
_PICTURE = re.compile(r"!\[([^\]]*)\]\(data:image/png;base64,([^)]+)\)")
_LATEST, _AIM_BYTES = 200, 25_000
"""Materializations of an asset that are looked at, newest first, since a station-day without data has no picture; and
bytes of a picture above which it gets fewer colours."""

FIGURES: dict[str, dict[str, dict[str, str]]] = {
    "Station-days": {
        "raw_waveforms": {"day": "The samples of a day as they came, an hour a row, with gaps in grey."},
        "detections": {"day": "The conditioned day, and what the detector found in it."},
        "spectrograms": {"samples": "Some events of the day: power over frequency and time."},
        "attributes": {"attributes": "How the attributes of a day's events are distributed."},
        "availability": {"availability": "What there is of each station-day, and how much of the day was recorded."},
    },
    "Training": {
        "training_set": {"samples": "Events that the models learn from, drawn at random over all station-days."},
        "aec_trials": {
            "loss": "The error of the autoencoder over the epochs, on events that it learns from and on others.",
            "reconstructions": "What goes into the autoencoder, its latents, and what it draws from these.",
        },
    },
    "Clusters and the champion": {
        "latent_features": {
            "latent_space": "The latents of all events, by their two principal components.",
            "t_sne": "The same latents by t-SNE, which keeps neighbours and not distances.",
        },
        "cluster_count": {"curves": "Criteria over K. They often disagree, so all are shown."},
        "gmm_clusters": {"latent_space": "The clusters from which DEC begins."},
        "dec_models": {
            "history": "The course of DEC: its losses, and how many labels still change.",
            "label_change_figure": "How many events DEC moved from each initial cluster to which.",
            "clusters": "Of each cluster the decoded centroid, the mean, and events from near to far.",
            "latent_space": "The clusters of DEC in the space of latents.",
            "t_sne": "The same by t-SNE.",
            "silhouettes": "How much nearer each event is to its own cluster than to the next one.",
            "distances": "How far events are from the centroid of their cluster.",
            "distance_change": "The same before DEC and after it.",
        },
        "representations/attributes": {
            "latent_space": "The attributes of all events, by their two principal components.",
            "t_sne": "The same by t-SNE.",
        },
        "candidates/attributes/consensus": {
            "clusters": "Clusters by the attributes: the mean, and events from near to far.",
            "spectra": "Their spectra, in dB above the noise.",
            "latent_space": "The clusters by principal components of the attributes.",
            "t_sne": "The same by t-SNE.",
            "silhouettes": "How well events fit their own cluster.",
            "distances": "How far events are from the centroid of their cluster.",
            "lifetimes": "How long each number of clusters lasts when the tree of the consensus is cut.",
        },
        "candidates": {"ranking": "All candidates side by side by criteria that need no truth."},
        "stability": {
            "Agreement of trainings": "How far trainings with other seeds, or without a station, agree (ARI).",
            "Agreement with the consensus": "Where the clusters lie apart from the consensus of all trainings.",
            "Association of the labels": "What the labels go with: station, hour, amplitude. A strong tie warns.",
        },
        "champion_model": {
            "figure_classes": "The classes of the model that labels: means, and events from near to far.",
            "figure_spectra": "Their spectra, in dB above the noise.",
            "figure_latent_space": "The classes in the space of features.",
            "figure_class_change": "Which classes of the champion before became which.",
        },
    },
    "Reviews": {
        "review_queue": {"next": "The events that would teach most, next to be reviewed."},
        "class_model": {
            "confusion": "Classes by the reviewers against those by the class model, cross-validated.",
            "audit_confusion": "The same of the audits alone, which were drawn at random.",
            "reliability": "Whether an event that is said to be of a class with 80 % is of it in 80 of 100 cases.",
            "coverage": "How often the true class is in the conformal set.",
            "class_scores": "Precision and recall of each class, with intervals.",
        },
    },
    "Analysis": {
        "event_catalogue": {"overview": "Events over time, and which classes follow one another more than by chance."},
        "event_map": {"map": "All events in two dimensions: what lies together looks alike."},
        "class_rates": {
            "counts": "Events by station and class.",
            "map": "The shares of the classes at each station, on a map.",
            "rates": "Events per live hour of each class over time, and when the stations were live.",
            "hours": "Events by hour of the day and month.",
            "cumulative": "Events added up over time, beside the live time.",
        },
        "class_statistics": {
            "picture_distributions": "Amplitudes and peak frequencies of the classes.",
            "picture_label_change": "What DEC changed in the labels of all events.",
        },
        "completeness": {"picture": "From which amplitude on the detector finds events of each class in the noise."},
        "environment_series": {"coverage": "An environmental series, and where it has values."},
        "environment_panels": {"week_S01": "Environmental series above the counts of each class."},
        "environment_links": {
            "verdict_picture": "Which classes follow which series, with intervals, and which claims cannot be made.",
            "phase_picture": "At which phases of the tide events happen.",
            "schuster_picture": "Whether events prefer a phase of any period (Schuster spectra).",
        },
        "truth_scores": {"recall_curve": "Of the synthetic network: which share of true events was found, by SNR."},
    },
}
"""Headings of the page, assets, keys of their metadata, and what each picture shows."""
_ALIKE = {("environment_panels", "week_S03")}
"""Pictures of which another one is shown."""

_WEB = {
    "explorer_events": ("The explorer: map of events, timeline, and one event", "explorer"),
    "explorer_map": ("The map of events, coloured by station", "explorer"),
    "explorer_timeline": ("Rates over time, and the calendar of station-days", "explorer"),
    "explorer_stations": ("The stations: shares of classes, live time", "explorer"),
    "explorer_gallery": ("The gallery: events in the order of novelty", "explorer"),
    "explorer_classes": ("The page Classes: what each class is, and how sure", "explorer"),
    "explorer_review": ("The page Review: the event to judge and what resembles it", "explorer"),
    "explorer_models": ("The page Models: two models side by side", "explorer"),
    "dagster_station_day": ("Dagster: a station-day with its pictures", "operations"),
    "mlflow_compare": ("MLflow: models compared", "mlflow"),
    "mlflow_compare_trials": ("MLflow: trials compared", "mlflow"),
}
"""Pictures of web pages in docs/images, and the page that describes each."""


_ABOUT = """# Gallery

Every figure of the demo, and where it comes from. A figure is drawn when its asset is made: Dagster shows it with the
asset, MLflow with the run, and the report has those of the analysis. Made by `python -m bench.picture_gallery` from a
run of [config/demo.yaml](../config/demo.yaml)."""
_BROWSER = """
## In the browser

`ris ui` serves these pages. `python -m bench.explorer_pictures` takes the pictures of the explorer."""


@dataclass(frozen=True)
class Found:
    """A picture that Dagster keeps: its asset and key, its title, and the PNG."""

    asset: str
    key: str
    title: str
    png: bytes

    @property
    def file(self) -> str:
        """Name of its file."""
        return re.sub(r"\W+", "_", f"{self.asset}_{self.key}".lower()) + ".png"


def pictures(config: Path) -> Iterator[Found]:
    """Yield the latest picture of every key of every asset of a network.

    Parameters
    ----------
    config
        Its settings file; RIS_DATA says where the data are.
    """
    settings = load_settings(config)
    with open_instance(StationDays.open(settings).layout) as instance:
        graph = build_definitions(settings).resolve_asset_graph()
        for asset in sorted(graph.get_all_asset_keys()):
            records = instance.fetch_materializations(asset, limit=_LATEST).records
            seen: set[str] = set()
            for record in records:
                made = record.asset_materialization
                for key, value in {} if made is None else made.metadata.items():
                    if isinstance(value, dg.MarkdownMetadataValue) and key not in seen:
                        for title, png in _PICTURE.findall(value.value or ""):
                            seen.add(key)
                            yield Found(asset.to_user_string(), key, title, base64.b64decode(png))


def page(found: dict[tuple[str, str], Found]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _ABOUT
    for heading, assets in FIGURES.items():
        yield f"\n## {heading}"
        for asset, figures in assets.items():
            for key, about in figures.items():
                if (one := found.get((asset, key))) is not None:
                    yield f"\n### {one.title}: `{asset}`\n\n{about} Asset `{asset}`, `{key}` of its metadata."
                    yield f"\n![{one.title}](images/gallery/{one.file})"
    yield _BROWSER
    for name, (about, where) in _WEB.items():
        yield f"\n{about} ([more]({where}.md)).\n\n![{about}](images/{name}.png)"


def main() -> None:
    """Read the command line, and write the pictures and the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.picture_gallery", allow_abbrev=False)
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings of the network that was run")
    asked = parser.parse_args()
    known = {(asset, key) for assets in FIGURES.values() for asset, keys in assets.items() for key in keys}
    found = {(one.asset, one.key): one for one in pictures(asked.config)}
    if unknown := sorted(found.keys() - known - _ALIKE):
        sys.exit(f"no line in FIGURES for {', '.join(f'{asset} {key}' for asset, key in unknown)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.glob("*.png"):
        old.unlink()
    for one in (found[name] for name in sorted(known & found.keys())):
        (IMAGES / one.file).write_bytes(small(one.png, _AIM_BYTES))
    PAGE.write_text("\n".join(page(found)) + "\n", encoding="utf-8")
    for asset, key in sorted(known - found.keys()):
        print(f"absent, and left out: {key} of {asset}; it was not made in this run of the network")
    sizes = [path.stat().st_size for path in IMAGES.glob("*.png")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.2f} MB, the largest {max(sizes) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
