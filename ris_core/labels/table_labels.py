"""Labels of the model beside a class model, which stand in the label tables of all events."""

from __future__ import annotations

import pandas as pd

from ris_core.clustering.champion import champion_or_none
from ris_core.config import Settings
from ris_core.labels.compared_models import ComparedModel
from ris_core.labels.kept_labels import labels_digest, write_kept
from ris_core.storage import tables
from ris_core.storage.layout import Layout

_BESIDE = "unsupervised_label"


def keep_table_labels(layout: Layout, settings: Settings, model: ComparedModel) -> None:
    """Keep the labels of the model beside the champion, from the label tables by this champion.

    Parameters
    ----------
    layout, settings
        The network.
    model
        The model, whose role is ``beside``.

    Raises
    ------
    DamagedFileError
        A file is damaged.
    """
    made_of = labels_digest(layout, model)
    champion = champion_or_none(layout)
    version = "" if champion is None else champion.model_version
    paths = [path for key in settings.station_days() if (path := layout.labels(key)).exists()]
    columns = ["event_id", "model_version", _BESIDE]
    frame = tables.read_tables(paths, columns, may_lack=[_BESIDE]) if paths else pd.DataFrame(columns=columns)
    frame = frame[(frame["model_version"] == version) & frame[_BESIDE].notna()]
    place = {number: cluster for cluster, number in enumerate(model.numbers or ())}
    cluster = frame[_BESIDE].astype(int).map(place).astype(int)
    found = pd.DataFrame({"event_id": frame["event_id"], "cluster": cluster, "sampled": True})
    write_kept(layout, model, made_of, found, everywhere=True, left_out=0)
