"""What the log of a training says of its training set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ris_core.config import TrainingSetSettings
from ris_core.contracts.run_log import RunLog
from ris_core.training.training_set import TrainingSet


def data_parameters(profile: str, sampling: TrainingSetSettings, data: TrainingSet) -> dict[str, Any]:
    """Return the parameters that describe a training set, beside the data set itself.

    Parameters
    ----------
    profile
        Name of the profile of the settings.
    sampling
        Section `training_set`: `seed`.
    data
        The training set.
    """
    return {
        "profile": profile,
        "normalisation": data.normalisation.scale,
        "training_set_seed": sampling.seed,
        "training_events": len(data.train),
        "validation_events": len(data.val),
    }


def log_training_set(log: RunLog, path: Path, data: TrainingSet) -> None:
    """Log the training set, whose file is at a path, as the data set of a training."""
    shape = (len(data), len(data.frequency), len(data.time))
    sizes = {"train": len(data.train), "validation": len(data.val)}
    log.dataset("training_set", data.digest, path, shape, **sizes)
