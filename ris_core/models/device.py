"""Cores and devices of the networks."""

from __future__ import annotations

import torch

from ris_core.threads import cores


def use_cores() -> int:
    """Let torch compute on all cores that this process may use (`cores`), and return their number."""
    number = cores()
    torch.set_num_threads(number)
    return number


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device of a name: ``auto`` takes CUDA, else MPS, else the CPU.

    Raises
    ------
    ValueError
        The name is not known, or this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, is_there in available.items() if is_there))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device '{name}' is not known; use auto, cpu, cuda or mps") from error
    if not available.get(device.type, False):
        usable = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise ValueError(f"device '{name}' is not available on this machine; use auto or one of: {usable}")
    return device
