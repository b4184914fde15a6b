"""What an MLflow run says of the training set it works on."""

from typing import TYPE_CHECKING, Any

from ris_core.config import Settings
from ris_dagster.resources.tracked_run import TrackedRun

if TYPE_CHECKING:
    from ris_core.storage.store import Store
    from ris_core.training.training_set import TrainingSet


def data_parameters(settings: Settings, data: "TrainingSet") -> dict[str, Any]:
    """Return what an MLflow run says of its training set, beside the data set itself."""
    return {
        "profile": settings.profile,
        "normalisation": data.normalisation.scale,
        "training_set_seed": settings.training_set.seed,
        "training_events": len(data.train),
        "validation_events": len(data.val),
    }


def log_data(run: TrackedRun, store: "Store", data: "TrainingSet") -> None:
    """Log the training set as the data set of an MLflow run."""
    shape = (len(data), len(data.frequency), len(data.time))
    sizes = {"train": len(data.train), "validation": len(data.val)}
    run.dataset("training_set", data.digest, store.training_set, shape, **sizes)
