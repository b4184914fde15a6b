"""What a training needs to continue after it was killed: one file, replaced at the end of each epoch."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.tensors import read_arrays, write_arrays

logger = logging.getLogger(__name__)

FILE = "checkpoint.safetensors"
_STATE = "state"


class Checkpoint:
    """The checkpoint of one training.

    Parameters
    ----------
    folder
        The folder of the trained model.
    configuration
        Digest of everything that decides about the training; a checkpoint of another configuration is not used.
    """

    def __init__(self, folder: Path, configuration: str) -> None:
        self.path = folder / FILE
        self.configuration = configuration

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint by tensors, by name, and a state that can be written as JSON."""
        content = {name: value.detach().cpu().contiguous().numpy() for name, value in tensors.items()}
        write_arrays(self.path, content, {"configuration": self.configuration, _STATE: json.dumps(state)})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return tensors and state, or None if there is no checkpoint of this configuration, or it is damaged."""
        try:
            arrays, about = read_arrays(self.path, "training begins again from the start", digest_needed=True)
            if about.get("configuration") != self.configuration:
                return None
            with damage_named(self.path, "training begins again from the start"):
                state: dict[str, Any] = json.loads(about[_STATE])
        except FileNotFoundError:
            return None
        except DamagedFileError as error:
            logger.warning("checkpoint %s", error)
            return None
        return {name: torch.from_numpy(values) for name, values in arrays.items()}, state

    def clear(self) -> None:
        """Remove the checkpoint: the training is complete."""
        self.path.unlink(missing_ok=True)


def of_model(name: str, model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network by name, as a checkpoint keeps them."""
    return {f"{name}.{key}": value for key, value in model.state_dict().items()}


def into_model(name: str, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load weights from a checkpoint into a network, which keeps its memory order and device."""
    model.load_state_dict({key: tensors[f"{name}.{key}"] for key in model.state_dict()})


def of_optimiser(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the moments and step counts of an optimiser by name."""
    return {
        f"optimiser.{index}.{key}": value
        for index, values in optimiser.state_dict()["state"].items()
        for key, value in values.items()
    }


def into_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load moments and step counts from a checkpoint into a new optimiser over the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".")
            parameter = parameters[int(index)]
            if key != "step":
                # In the memory order of the parameter, since fused steps go through both together.
                value = torch.empty_like(parameter).copy_(value)  # noqa: PLW2901
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
