"""Defaults of values that are not given: of a preset (values for one kind of network), then of the profile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ris_core.config.processing import FLANK, ConditioningSettings
from ris_core.config.yaml_reading import read_contents

FOLDER = Path(__file__).parent / "presets"
_ALTERNATIVE = "method"

RECOMMENDED: dict[str, Any] = {
    "conditioning": {"decimation": "zero_phase_fir", "shortest_segment": 45.0},
    "spectrogram": {"duration": 10.0, "hop": 0.1, "duplicate_within": 0.2},
    "normalisation": {"scale": "decibel"},
    "aec": {
        "grid": {"batch_size": [32], "learning_rate": [2e-3]},
        "latent": "linear",
        "input_scale": "unit_rms",
        "time_shift": 8,
        "schedule": "cosine",
        "max_epochs": 25,
    },
    "dec": {"shuffle": True, "objective": "idec", "max_steps": 2000, "max_update_interval": 100},
    "novelty": {"score": "auto"},
    "candidates": ["attributes/consensus", "aec/dec"],
}
"""Defaults of the profile `recommended`; docs/benchmarks.md says what each part brings. The shortest segment holds the
detector's warm-up and a spectrogram; duplicates are two steps apart at most, as in the presets."""

_NOT_OF_IMPORTED = ("spectrogram", "candidates")


def known_presets() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def preset_values(name: str) -> dict[str, Any]:
    """Return the values of a preset by section; raises `ValueError` naming the known ones for another name."""
    known = known_presets()
    if name not in known:
        raise ValueError(f"preset: {name} is not known; known: {', '.join(known)}")
    values: dict[str, Any] = read_contents(FOLDER / f"{name}.yaml").values
    return values


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a settings file completed by those of its preset and of its profile.

    The band of the deconvolution is that of the trace, as far as its flank allows, unless it is given.

    Raises
    ------
    ValueError
        There is no such preset.
    """
    found = dict(values)
    if isinstance(name := found.get("preset"), str):
        found = _under(preset_values(name), found)
    if isinstance(response := found.get("response", {}), Mapping):
        found["response"] = _band_of(found.get("conditioning")) | dict(response)
    return _under(_recommended(found.get("source")), found) if found.get("profile") == "recommended" else found


def _recommended(source: object) -> dict[str, Any]:
    """Return the profile's defaults for a source.

    The windows of imported events are those of their file, and nothing is known around them that attributes need.
    """
    imported = isinstance(source, Mapping) and source.get("kind") == "published"
    return {name: values for name, values in RECOMMENDED.items() if not (imported and name in _NOT_OF_IMPORTED)}


def _band_of(conditioning: object) -> dict[str, float]:
    """Return the given corners of the trace's band; none if the section cannot be used, which is said elsewhere.

    The upper one lies low enough for its flank to end below half the sampling rate.
    """
    if not isinstance(conditioning, Mapping):
        return {}
    with suppress(ValidationError):
        used = ConditioningSettings.model_validate(conditioning)
        highest = math.floor(used.sampling_rate / 2 / FLANK * 1000) / 1000
        if highest <= used.band_low:
            return {}
        corners = {"band_low": used.band_low, "band_high": min(used.band_high, highest)}
        return {corner: value for corner, value in corners.items() if corner in conditioning}
    return {}


def _under(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values completed with defaults, section by section; validation handles values that are no mapping.

    A section for another method than the defaults' is not completed: its values mean something else.
    """
    merged = dict(defaults) | dict(values)
    for name in defaults.keys() & values.keys():
        ours, theirs = defaults[name], values[name]
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping) and not _of_another_method(ours, theirs):
            merged[name] = _under(ours, theirs)
    return merged


def _of_another_method(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return _ALTERNATIVE in ours and theirs.get(_ALTERNATIVE, ours[_ALTERNATIVE]) != ours[_ALTERNATIVE]
