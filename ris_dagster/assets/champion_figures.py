"""The figures of a champion: its classes with their names, and what became of the classes before."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ris_core.labels.appointment import Appointment
    from ris_core.storage.store import Store

FIGURES = {
    "classes": "Classes: decoded centroid, mean, events from near to far",
    "latent_space": "Latent space by class",
    "class_change": "Classes by the champion before, and now",
}
_EXAMPLES = 4


def champion_figures(store: "Store", found: "Appointment") -> Iterator[tuple[str, "Figure"]]:
    """Yield the figures of a champion by name, drawn when they are asked for."""
    import pandas as pd

    from ris_core.clustering.champion import class_titles
    from ris_core.figures.latent_space import label_change, latent_space

    settings = store.settings.champion
    titles = class_titles(settings, range(found.champion.next_class))
    yield "classes", _gallery(store, found, titles)
    yield "latent_space", latent_space(found.labels.latent, found.classes(), names=titles)
    if found.before is not None:
        change = pd.crosstab(found.before, found.classes())
        change = change.rename(index=titles, columns=titles)
        yield "class_change", label_change(change, before="class before", after="class", title="Classes")


def _gallery(store: "Store", found: "Appointment", titles: dict[int, str]) -> "Figure":
    import numpy as np

    from ris_core.clustering.distances import near_to_far, own_distance
    from ris_core.clustering.scores import class_means
    from ris_core.figures.gallery import cluster_gallery
    from ris_core.models.inference import decode
    from ris_core.storage.spectrogram_file import read_column
    from ris_core.training.samples import of_file

    champion, labels, model = found.champion, found.labels, found.model
    normalisation = champion.normalisation_settings()
    samples = of_file(store.training_set, normalisation, in_memory=False)
    centroids = model.clustering.centroids.detach().cpu().numpy()
    distance = own_distance(labels.latent, centroids, labels.cluster)
    rows = near_to_far(distance, labels.cluster, champion.k, _EXAMPLES)
    order = np.argsort(champion.classes)
    return cluster_gallery(
        decode(model, centroids)[order],
        class_means(samples, labels.cluster, champion.k)[order],
        {place: samples.take(rows[int(cluster)]) for place, cluster in enumerate(order) if len(rows[int(cluster)])},
        np.array(found.matching.sizes)[order],
        read_column(store.training_set, "frequency"),
        read_column(store.training_set, "time"),
        decibel=normalisation.scale == "decibel",
        title="Classes",
        names=[titles[champion.classes[int(cluster)]] for cluster in order],
    )
