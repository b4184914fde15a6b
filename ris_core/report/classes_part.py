"""The classes: how many events each has, what they look like, and how far they lie from their centre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.clustering.champion import read_champion
from ris_core.figures.class_portrait import class_portrait
from ris_core.figures.distance_curves import distance_distributions
from ris_core.report.cautions import reviews
from ris_core.report.class_members import ClassMembers, class_members
from ris_core.report.html_elements import Html, heading, note, picture, table
from ris_core.report.report_part import PartAbsentError
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError

_COLUMNS = (
    "event_id",
    "station",
    "time_on",
    "label",
    "class_name",
    "probability",
    "assigned",
    "reviewed",
    "peak_counts",
    "snr",
    "peak_frequency",
    "duration",
    "distance",
)
_TITLES = {
    "share": "share (%)",
    "clear": "clear members (%)",
    "peak": "median |peak| (counts)",
    "snr": "median SNR (dB)",
    "frequency": "median peak frequency (Hz)",
    "duration": "median duration (s)",
}
_MOST_PORTRAITS = 24


def classes(days: StationDays) -> Sequence[Html]:
    """Return the table of the classes, a portrait of each, and the distances of their events to their centres."""
    events = load_catalogue(days.layout, columns=_COLUMNS)
    events = events[events["label"] != NO_LABEL].reset_index(drop=True)
    if events.empty:
        raise PartAbsentError("no event of the catalogue has a label")
    _, simulated = reviews(days)
    pieces = [
        table(_class_table(events), _TITLES | ({"reviewed": "reviewed (simulated)"} if simulated else {})),
        note("Clear members are those that the model does not call novel, or whose class is certain."),
        heading("Gallery"),
        note(
            "Of each class: its centroid decoded by the model (if it has a decoder), the mean of a sample of events, "
            "and members from the nearest to the centre to the farthest, with features, spectrogram and trace."
        ),
    ]
    try:
        for members in class_members(days, read_champion(days.layout), events):
            if len(pieces) > _MOST_PORTRAITS + 4:
                pieces.append(note(f"Portraits of more than {_MOST_PORTRAITS} classes are left out."))
                break
            pieces.append(_portrait(members, int((events["label"] == members.label).sum()), len(events)))
    except (FileNotFoundError, DamagedFileError) as error:
        pieces.append(note(f"Portraits are left out: {error}"))
    known = events[np.isfinite(events["distance"].to_numpy(dtype=float))]
    if len(known):
        far, label = known["distance"].to_numpy(dtype=float), known["label"].to_numpy()
        shown = distance_distributions(far, label, "Distance of events to the centre of their class")
        pieces += [heading("Distances to the centre of the class"), picture(shown, "CDF and PDF of distances by class")]
    return pieces


def _class_table(events: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (label, name), own in events.groupby(["label", "class_name"], sort=True):
        by_station = own["station"].value_counts()
        rows.append(
            {
                "number": str(label),
                "name": name,
                "events": len(own),
                "share": 100 * len(own) / len(events),
                "clear": 100 * float(own["assigned"].mean()),
                "reviewed": int(own["reviewed"].notna().sum()),
                "most at": f"{by_station.index[0]} ({by_station.iloc[0]:,})",
                "peak": float(own["peak_counts"].abs().median()),
                "snr": float(own["snr"].median()),
                "frequency": float(own["peak_frequency"].median()),
                "duration": float(own["duration"].median()),
            }
        )
    return pd.DataFrame(rows)


def _portrait(members: ClassMembers, count: int, total: int) -> Html:
    name = str(members.label) if members.name == str(members.label) else f"{members.label} {members.name}"
    fig = class_portrait(
        members.events.spectrogram,
        members.events.waveform,
        members.events.frequency,
        members.events.time,
        mean=members.mean,
        decoded=members.decoded,
        features=members.features,
        centre=members.centre,
        distance=members.distance,
        title=f"Class {name}: {count:,} events ({100 * count / total:.1f} %)",
        unit=members.events.unit,
    )
    number = "Distance to the centre" if members.has_distance else "One minus the probability of the class"
    said = (
        f"{number} above each member. Mean of {members.of_mean} events. Members: {', '.join(members.events.event_id)}"
    )
    return picture(fig, f"Class {name}: centroid, mean and members from near to far", said)
