"""Cores and devices of the networks."""

from __future__ import annotations

import os

import joblib
import torch


def cores() -> int:
    """Return the number of cores that this process may use.

    In a container or a Slurm job it is the share of the machine. If ``OMP_NUM_THREADS`` is set, it decides instead.
    """
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) > 0 else int(joblib.cpu_count())


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
