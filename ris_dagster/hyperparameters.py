"""Training hyper-parameters as Dagster Config: the settings' values are the defaults, the launchpad may change them.

What a partition fixes (batch size and learning rate of a trial, K) is not part of these.
"""

from typing import Any, TypeVar

import dagster as dg
from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from ris_core.config import Settings

_AEC = (
    "latent",
    "input_scale",
    "time_shift",
    "schedule",
    "precision",
    "max_epochs",
    "patience",
    "seed",
    "restarts",
    "device",
)
_DEC = (
    "objective",
    "gamma",
    "gamma_relative",
    "batch_size",
    "learning_rate",
    "schedule",
    "precision",
    "max_epochs",
    "updates_per_epoch",
    "tolerance",
    "shuffle",
    "seed",
    "device",
)


def _with_default(info: FieldInfo, value: Any) -> Any:
    bounds = {
        name: getattr(constraint, name)
        for constraint in info.metadata
        for name in ("gt", "ge", "lt", "le")
        if getattr(constraint, name, None) is not None
    }
    return Field(value, description=info.description, **bounds)


def _config(name: str, section: BaseModel, fields: tuple[str, ...]) -> type[dg.Config]:
    definitions: dict[str, Any] = {}
    for field in fields:
        info = type(section).model_fields[field]
        definitions[field] = (info.annotation, _with_default(info, getattr(section, field)))
    return create_model(name, __base__=dg.Config, **definitions)


def aec_config(settings: Settings) -> type[dg.Config]:
    """Return the configuration of a trial, with the settings' values as defaults."""
    return _config("AecTraining", settings.aec, _AEC)


def gmm_config(settings: Settings) -> type[dg.Config]:
    """Return the configuration of the initial clusters."""
    return _config("InitialClusters", settings.dec, ("initialisation", "centroids", "n_init", "seed"))


def dec_config(settings: Settings) -> type[dg.Config]:
    """Return the configuration of a DEC training, with the settings' values as defaults."""
    return _config("DecTraining", settings.dec, _DEC)


def values(config: dg.Config) -> dict[str, Any]:
    """Return a configuration as a mapping of plain values."""
    return config.model_dump()


S = TypeVar("S", bound=BaseModel)


def override(section: S, config: dg.Config) -> S:
    """Return a section of the settings with the values of a configuration, validated again."""
    return type(section).model_validate(section.model_dump() | config.model_dump())
