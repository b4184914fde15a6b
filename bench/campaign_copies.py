"""The training set of the paper's size for `bench.campaign`: changed copies of the events of its archive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout

_PIXEL_NOISE = 0.1
_WAVEFORM_NOISE = 0.05
_GAIN = 0.5
_BLOCK = 1024
_MICROSECONDS = 6
Floats = NDArray[np.float32]


def write_copies(settings: Settings, original: Layout, to: Layout, events: int) -> None:
    """Write a training set of some number of events, all of them copies of those of another training set.

    Copies are scaled, every value of their spectrograms is multiplied by lognormal noise, and noise is added to their
    waveforms. So no two events are the same, but they are no other events either: such a set tells how long a training
    takes, not how good it is.

    Parameters
    ----------
    settings
        Those of the network: what made the spectrograms, and the share that is held out for validation.
    original, to
        The data root that has the training set, and the one that gets it.
    events
        Number of copies.
    """
    path = original.training_set
    found, info = spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path)
    held_out = max(1, round(settings.training_set.validation_fraction * events))
    validation = np.arange(events) >= events - held_out
    summary = info.summary | {"of": events, "train": events - held_out}
    to.training_set.parent.mkdir(parents=True, exist_ok=True)
    stamp, processing = Stamp("bench", "1", info.content), settings.processing_json()
    spectrogram_file.write_spectrograms(
        to.training_set, copies(found, events), stamp, processing, summary, validation=validation
    )


def copies(found: Events, events: int) -> Events:
    """Return changed copies of events, in an order that repeats; every copy has an identifier of its own."""
    rows = np.arange(events) % len(found)
    number = np.arange(events) // len(found)
    random = np.random.default_rng(0)
    gain = np.exp(random.normal(0.0, _GAIN, events)).astype(np.float32)
    taken = found.take(rows)
    values: dict[str, Any] = {"spectrogram": _multiplied(taken.spectrogram, gain**2, random)}
    if taken.context is None:
        values["waveform"] = _noisy(taken.waveform, gain, random)
    else:
        values["context"] = _noisy(taken.context, gain, random)
        values["waveform"] = _cut(values["context"], taken.context_lead, taken.waveform)
    if taken.noise_psd is not None:
        values["noise_psd"] = taken.noise_psd * _column(gain**2, taken.noise_psd)
    names = [
        f"{name[:-_MICROSECONDS]}{(int(name[-_MICROSECONDS:]) + later) % 10**_MICROSECONDS:0{_MICROSECONDS}d}"
        for name, later in zip(taken.event_id, number.tolist(), strict=True)
    ]
    return replace(taken, event_id=tuple(names), **values)


def _column(gain: Floats, array: Floats) -> Floats:
    return gain.reshape(-1, *[1] * (array.ndim - 1))


def _multiplied(power: Floats, gain: Floats, random: np.random.Generator) -> Floats:
    for start in range(0, len(power), _BLOCK):
        part = power[start : start + _BLOCK]
        part *= np.exp(_PIXEL_NOISE * random.standard_normal(part.shape, dtype=np.float32))
        part *= _column(gain[start : start + _BLOCK], part)
    return power


def _noisy(samples: Floats, gain: Floats, random: np.random.Generator) -> Floats:
    for start in range(0, len(samples), _BLOCK):
        part = samples[start : start + _BLOCK]
        part += _WAVEFORM_NOISE * part.std(axis=-1, keepdims=True) * random.standard_normal(part.shape, np.float32)
        part *= _column(gain[start : start + _BLOCK], part)
    return samples


def _cut(context: Floats, lead: int, waveform: Floats) -> Floats:
    cut = context[..., lead : lead + waveform.shape[-1]]
    return np.ascontiguousarray(cut.reshape(waveform.shape))
