"""The figures of a champion: its classes with their names, and how they differ from the previous classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ris_core import config
from ris_core.clustering.champion import class_titles
from ris_core.clustering.cluster_model import decoded_spectra, decoded_spectrograms
from ris_core.clustering.distances import near_to_far, own_distance
from ris_core.clustering.scores import class_means
from ris_core.figures.cluster_spectra import centroid_spectra
from ris_core.figures.gallery import cluster_gallery
from ris_core.figures.latent_space import label_change, latent_space
from ris_core.labels.appointment import Appointment
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import input_spec_of, read_column
from ris_core.training.samples import of_file

_EXAMPLES = 4


def champion_figures(
    layout: Layout, found: Appointment, settings: config.ChampionSettings
) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a champion by name; each is drawn when the iterator reaches it.

    Parameters
    ----------
    layout, found
        The data root, and the champion.
    settings
        Section `champion`: `names`.

    Yields
    ------
    tuple
        Name and figure: ``classes``, ``spectra`` if the representation is one of spectra, ``latent_space`` of
        two features or more and, if there was a champion before, ``class_change``.
    """
    titles = class_titles(settings, range(found.champion.next_class), found.champion)
    yield "classes", _gallery(layout, found, titles)
    spectra = decoded_spectra(found.model)
    if spectra is not None:
        order = np.argsort(found.champion.classes)
        yield (
            "spectra",
            centroid_spectra(
                spectra[order],
                read_column(layout.training_set, "frequency"),
                np.array(found.matching.sizes)[order],
                title="Spectra of the classes",
                names=[titles[found.champion.classes[int(cluster)]] for cluster in order],
                numbers=sorted(found.champion.classes),
                components=found.model.input.components,
            ),
        )
    if found.model.dimensions > 1:
        yield "latent_space", latent_space(found.labels.latent, found.classes(), names=titles)
    if found.before is not None:
        change = pd.crosstab(found.before, found.classes())
        change = change.rename(index=titles, columns=titles)
        yield "class_change", label_change(change, before="class before", after="class", title="Classes")


def _gallery(layout: Layout, found: Appointment, titles: dict[int, str]) -> Figure:
    champion, labels = found.champion, found.labels
    normalisation = champion.normalisation_settings()
    samples = of_file(layout.training_set, normalisation, in_memory=False)
    distance = own_distance(labels.latent, found.model.centroids, labels.cluster, labels.probability)
    rows = near_to_far(distance, labels.cluster, champion.k, _EXAMPLES)
    order = np.argsort(champion.classes)
    decoded = decoded_spectrograms(found.model)
    return cluster_gallery(
        None if decoded is None else decoded[order],
        class_means(samples, labels.cluster, champion.k)[order],
        {place: samples.take(rows[int(cluster)]) for place, cluster in enumerate(order) if len(rows[int(cluster)])},
        np.array(found.matching.sizes)[order],
        read_column(layout.training_set, "frequency"),
        read_column(layout.training_set, "time"),
        decibel=normalisation.scale == "decibel",
        title="Classes",
        names=[titles[champion.classes[int(cluster)]] for cluster in order],
        components=input_spec_of(layout.training_set).components,
    )
