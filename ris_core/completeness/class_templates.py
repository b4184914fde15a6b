"""The templates of each class: waveforms of events near its centre, from the context that is kept of each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.champion import Champion, class_names
from ris_core.config import CompletenessSettings, Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.filters import flank
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.layout import Layout

# Templates are sought in the half of a class that is nearest to its centre.
_NEAR = 0.5


class NoTemplatesError(ValueError):
    """No event can be a template; the message says why, and what to do."""


@dataclass(frozen=True, eq=False)
class Template:
    """A waveform that stands for its class.

    Attributes
    ----------
    label, class_name
        The class.
    event_id
        The event that it was cut from.
    snr
        Of the event, dB.
    wave
        (C, n), C channels in the order of the settings, at the rate of the conditioned trace: the greatest magnitude in
        the channel of detections is 1.
    """

    label: int
    class_name: str
    event_id: str
    snr: float
    wave: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Templates:
    """The templates of all classes.

    Attributes
    ----------
    found
        The templates, by class and nearness to its centre.
    doubts
        What is to be known of them: classes without clear events, or without any.
    """

    found: tuple[Template, ...]
    doubts: tuple[str, ...]


def find_templates(layout: Layout, keys: Sequence[StationDay], champion: Champion, settings: Settings) -> Templates:
    """Return the templates of each class among the labelled events of station-days.

    The centre of a class is the mean of its events' features, each divided by its standard deviation over all events.
    Clear members of a class (label table: assigned) count, if it has any. Of the half of these that is nearest to the
    centre, those with `completeness.template_snr` count in the order of their distance; a class that has none takes
    those of greatest signal-to-noise ratio.

    Parameters
    ----------
    layout, keys
        The data root, and station-days that are labelled.
    champion
        The model that labelled them; other labels are left out.
    settings
        The network's settings.

    Raises
    ------
    NoTemplatesError
        No event is labelled by this model, or none has a context.
    DamagedFileError
        A table or a spectrogram file is damaged.
    """
    wanted = settings.completeness
    events = _labelled(layout, keys, champion)
    if not len(events):
        raise NoTemplatesError(
            f"{layout.root}: no event is labelled by {champion.model_version}; label first (`ris run`)"
        )
    names = class_names(settings.champion, events["label"].unique(), champion)
    found: list[Template] = []
    absent = class_names(settings.champion, set(champion.classes) - set(names), champion)
    doubts = [f"class {name}: it has no event in {len(keys)} station-days, so no template" for name in absent.values()]
    for label in sorted(names):
        members = events[events["label"] == label]
        if members["assigned"].any():
            members = members[members["assigned"]]
        else:
            doubts.append(f"class {names[label]}: no event is a clear member of it; templates are of doubtful ones")
        near = members.nsmallest(max(wanted.templates, int(_NEAR * len(members))), "distance")
        clear = near[near["snr"] >= wanted.template_snr]
        chosen = clear if len(clear) else near.nlargest(wanted.templates, "snr")
        name = names[label]
        of_class = _cut(layout, keys, chosen, label, name, settings)
        if not len(clear) and of_class:
            doubts.append(
                f"class {name}: no event near its centre has {wanted.template_snr:g} dB; the clearest has "
                f"{of_class[0].snr:.1f} dB, whose noise counts as signal"
            )
        elif not of_class:
            doubts.append(f"class {name}: no template, since its events near its centre have no whole context")
        found += of_class
    if not found:
        raise NoTemplatesError(
            f"{layout.root}: no event has a context that can be a template, as in events of earlier versions; process "
            "the station-days again (`ris backfill`)"
        )
    return Templates(tuple(found), tuple(doubts))


def _labelled(layout: Layout, keys: Sequence[StationDay], champion: Champion) -> pd.DataFrame:
    """Return number of the station-day, label, distance and SNR of the events that a model labelled."""
    parts = []
    for number, key in enumerate(keys):
        labels = tables.read_table(layout.labels(key), ["event_id", "label", "latent", "assigned", "model_version"])
        # Without a novelty model nothing is judged, and nothing is doubtful.
        labels["assigned"] = labels["assigned"].fillna(True).astype(bool)
        labels = labels[(labels["model_version"] == champion.model_version) & (labels["label"] >= 0)]
        if len(labels):
            snr = tables.read_table(layout.detections(key), ["event_id", "snr"])
            parts.append(labels.merge(snr, on="event_id", how="left").assign(day=number))
    if not parts:
        return pd.DataFrame(columns=["event_id", "label", "snr", "day", "distance", "assigned"])
    events = pd.concat(parts, ignore_index=True)
    features = np.stack(events.pop("latent").to_list()).astype(np.float64)
    spread = features.std(axis=0)
    features = features / np.where(spread > 0, spread, 1.0)
    label = events["label"].to_numpy()
    distance = np.empty(len(events))
    for one in np.unique(label):
        rows = label == one
        distance[rows] = np.linalg.norm(features[rows] - features[rows].mean(axis=0), axis=1)
    return events.assign(distance=distance)


def _cut(
    layout: Layout, keys: Sequence[StationDay], chosen: pd.DataFrame, label: int, name: str, settings: Settings
) -> list[Template]:
    wanted, found = settings.completeness, list[Template]()
    for event_id, day, snr in zip(chosen["event_id"], chosen["day"], chosen["snr"], strict=True):
        if len(found) == wanted.templates:
            break
        wave = _wave(layout, keys[int(day)], str(event_id), settings)
        if wave is not None:
            found.append(Template(label, name, str(event_id), float(snr), wave))
    return found


def _wave(layout: Layout, key: StationDay, event_id: str, settings: Settings) -> NDArray[np.float64] | None:
    """Return an event's samples with flanks (C, n); none if it has no context, or not all of it was recorded."""
    path = layout.spectrograms(key)
    rows = np.flatnonzero(spectrogram_file.read_column(path, "event_id") == event_id)
    events = spectrogram_file.read_spectrograms(path, rows[:1], ("waveform", "context"))
    if not len(events) or events.context is None or events.context_recorded is None:
        return None
    return windowed(
        events.context[0].astype(np.float64),
        events.context_recorded[0],
        events.context_lead,
        events.waveform.shape[-1],
        events.sampling_rate,
        settings.completeness,
        settings.channels.index(settings.channel),
    )


def windowed(
    context: NDArray[np.float64],
    recorded: NDArray[np.int32],
    lead: int,
    length: int,
    rate: float,
    wanted: CompletenessSettings,
    channel: int,
) -> NDArray[np.float64] | None:
    """Return the part of a context that holds the event, with flanks, its greatest magnitude in a channel being 1.

    Parameters
    ----------
    context, recorded
        (C, samples) and (C, 2): the context, and which of its samples were recorded.
    lead, length
        Samples before the spectrogram's first one, and number of those behind the spectrogram.
    rate
        Hz.
    wanted
        Section `completeness`: `margin`.
    channel
        Number of the channel of detections.

    Returns
    -------
    ndarray or None
        (C, n); none if the channel of detections lacks a sample of it, or is zero.
    """
    margin = round(wanted.margin * rate)
    first, stop = max(0, lead - margin), min(context.shape[-1], lead + length + margin)
    if recorded[channel][0] > first or recorded[channel][1] < stop:
        return None
    wave = context[:, first:stop].copy()
    before, after = lead - first, stop - lead - length
    # A context shorter than the window leaves no margin: then the flanks lie inside the window.
    before, after = before if before > 0 else margin, after if after > 0 else margin
    before, after = min(before, wave.shape[-1] // 2), min(after, wave.shape[-1] // 2)
    if before:
        wave[:, :before] *= flank(before)
    if after:
        wave[:, -after:] *= flank(after)[::-1]
    peak = float(np.abs(wave[channel]).max())
    return wave / peak if peak > 0 else None
