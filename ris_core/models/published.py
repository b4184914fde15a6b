"""Import of the weights that Jenkins et al. (2021) published: ``AEC_Params_Final.pt``, ``DEC_Params_Final.pt``."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ris_core.models.networks import LATENT_DIM, Aec, Dec
from ris_core.models.weights import WeightsError

_CENTROIDS = "clustering.weights"
_PREFIXES = {"encoder.": "encoder.encoder.", "expand.": "decoder.latent2dec.", "decoder.": "decoder.decoder."}
_SHOWN = 6


def _published_name(name: str) -> str:
    own = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    return _PREFIXES[own] + name.removeprefix(own)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path}: not a PyTorch file of plain weights ({reason})") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise WeightsError(f"{path}: expected a state dict of tensors by name, found {type(content).__name__}")
    return {str(name): value for name, value in content.items()}


def import_published(path: Path | str) -> Aec | Dec:
    """Read published weights; the file decides whether they are an autoencoder's or a DEC's, and its K.

    Raises
    ------
    WeightsError
        The file is not a state dict of the published form; names the file and what is missing, unexpected or of a
        wrong shape.
    """
    path = Path(path)
    found = _read(path)
    aec = Aec()
    expected = {_published_name(name): name for name in aec.state_dict()}
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected and name != _CENTROIDS]
    if missing or unexpected:
        parts = [f"missing {_listed(missing)}"] if missing else []
        parts += [f"unexpected {_listed(unexpected)}"] if unexpected else []
        raise WeightsError(f"{path}: not the published autoencoder or DEC: {'; '.join(parts)}")

    weights = {name: found[published] for published, name in expected.items()}
    wrong = [
        f"{_published_name(name)} {tuple(weights[name].shape)} instead of {tuple(own.shape)}"
        for name, own in aec.state_dict().items()
        if weights[name].shape != own.shape
    ]
    if _CENTROIDS in found and (found[_CENTROIDS].ndim != 2 or found[_CENTROIDS].shape[1] != LATENT_DIM):
        wrong.append(f"{_CENTROIDS} {tuple(found[_CENTROIDS].shape)} instead of (K, {LATENT_DIM})")
    if wrong:
        raise WeightsError(f"{path}: not the published autoencoder or DEC: wrong shape of {_listed(wrong)}")
    unusable = [name for name, value in found.items() if not bool(torch.isfinite(value).all())]
    if unusable:
        raise WeightsError(f"{path}: not finite: {_listed(unusable)}")

    aec.load_state_dict(weights)
    if _CENTROIDS in found:
        return Dec.from_aec(aec, found[_CENTROIDS])
    return aec
