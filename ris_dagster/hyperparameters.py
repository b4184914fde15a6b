"""Training hyper-parameters as Dagster Config: the defaults are the settings' values, the launchpad may change them.

They do not include values that a partition fixes (batch size and learning rate of a trial, K). Before a run starts, the
launchpad refuses wrong types, unknown names and words that are not among the choices. A number out of bounds ends the
run at once.
"""

from typing import Any, TypeVar

import dagster as dg
from pydantic import BaseModel, Field, ValidationError, create_model
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
    "max_steps",
    "updates_per_epoch",
    "max_update_interval",
    "tolerance",
    "shuffle",
    "seed",
    "device",
)


_IN_WORDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _with_default(info: FieldInfo, value: Any) -> Any:
    """Return a field with its bounds in the description, because Dagster's schema has no bounds."""
    bounds = [
        f"{words} {getattr(constraint, name):g}"
        for constraint in info.metadata
        for name, words in _IN_WORDS.items()
        if getattr(constraint, name, None) is not None
    ]
    description = " ".join([info.description or "", *([f"Allowed: {' and '.join(bounds)}."] if bounds else [])])
    return Field(value, description=description.strip())


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


S = TypeVar("S", bound=BaseModel)


def override(section: S, config: dg.Config) -> S:
    """Return a section of the settings with the values of a configuration, validated again.

    Raises
    ------
    dagster.Failure
        A value is not allowed; one line says which value, and what is allowed.
    """
    try:
        return type(section).model_validate(section.model_dump() | config.model_dump())
    except ValidationError as error:
        raise dg.Failure(f"launchpad: {_in_one_line(error)}", allow_retries=False) from None


def _in_one_line(error: ValidationError) -> str:
    said = []
    for one in error.errors(include_url=False):
        name = ".".join(map(str, one["loc"]))
        why = one["msg"].removeprefix("Value error, ")
        said.append(f"{name} = {one['input']!r}: {why}" if name else why)
    return "; ".join(said)
