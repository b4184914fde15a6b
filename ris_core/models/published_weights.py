"""Import of the weights that Jenkins et al. (2021) published: ``AEC_Params_Final.pt``, ``DEC_Params_Final.pt``."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from ris_core.listing import some
from ris_core.models.model_file import WeightsError
from ris_core.models.networks import LATENT_DIM, Aec, Dec
from ris_core.models.plain_pickle import FLOATS, NotPlainError, check_plain

_CENTROIDS = "clustering.weights"
_PREFIXES = {"encoder.": "encoder.encoder.", "expand.": "decoder.latent2dec.", "decoder.": "decoder.decoder."}
_SHOWN = 6
_LARGEST = 2**28
_LARGEST_PICKLE = 2**20
_ZIP = b"PK\x03\x04"
_PICKLE = "data.pkl"
_MEMBERS = {_PICKLE, "version", "byteorder", ".format_version", ".storage_alignment"}


def _published_name(name: str) -> str:
    own = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    return _PREFIXES[own] + name.removeprefix(own)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NotPlainError("not a file")
        with path.open("rb") as file:
            content = _loaded(file)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file") from error
    except NotPlainError as error:
        raise WeightsError(f"{path}: not a PyTorch file of plain weights ({error})") from error
    except (OSError, MemoryError) as error:
        raise WeightsError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'too little memory'})"
        ) from error
    except Exception as error:  # zipfile and torch raise errors of many kinds for damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise WeightsError(f"{path}: not a PyTorch file of plain weights ({reason})") from error
    for what, is_wrong in (
        ("more values than are stored", _is_spread),
        ("not finite", _is_not_finite),
        ("not finite as float32", lambda value: _is_not_finite(value.to(torch.float32))),
    ):
        if wrong := [name for name, value in content.items() if is_wrong(value)]:
            raise WeightsError(f"{path}: {what}: {some(wrong, _SHOWN)}")
    return {name: value.to(torch.float32) for name, value in content.items()}


def _loaded(file: BinaryIO) -> dict[str, Tensor]:
    """Load a state dict; PyTorch only gets a copy of the checked bytes."""
    size = os.fstat(file.fileno()).st_size
    if size > _LARGEST:
        raise NotPlainError(f"it has {size} bytes; at most {_LARGEST} are read")
    if file.read(len(_ZIP)) != _ZIP:
        raise NotPlainError("not the archive that PyTorch writes since version 1.6; load it there and save it again")
    copy = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(copy, "w") as checked:
        members = archive.infolist()
        packed = [each.filename for each in members if each.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise NotPlainError(f"{packed[0][:100]!r} in it is packed; PyTorch stores weights as they are")
        if sum(each.file_size for each in members) > size:
            raise NotPlainError("it declares more than it holds")
        found = {each.filename.partition("/")[2]: each for each in members}
        listing = found.get(_PICKLE)
        if listing is None or len(found) != len(members):
            raise NotPlainError(f"there is not one {_PICKLE} in it")
        if listing.file_size > _LARGEST_PICKLE:
            raise NotPlainError(f"its {_PICKLE} has {listing.file_size} bytes; at most {_LARGEST_PICKLE} are read")
        kinds = check_plain(archive.read(listing))
        others = [f"{name} of {kind}" for name, kind in kinds.items() if kind not in FLOATS]
        if others:
            raise NotPlainError(f"floating-point numbers are needed; there is {some(others, _SHOWN)}")
        for name, each in found.items():
            if name in _MEMBERS or name.startswith("data/"):
                checked.writestr(f"weights/{name}", archive.read(each))
    copy.seek(0)
    content: dict[str, Tensor] = torch.load(copy, weights_only=True, map_location="cpu")
    return dict(content)


def _is_spread(value: Tensor) -> bool:
    """Return whether a tensor repeats stored values: by repetition it could declare any size."""
    return value.numel() * value.element_size() > value.untyped_storage().nbytes()


def _is_not_finite(value: Tensor) -> bool:
    return not bool(torch.isfinite(value).all())


def import_published(path: Path | str) -> Aec | Dec:
    """Read published weights; the file decides whether they are an autoencoder's or a DEC's, and its K.

    Raises
    ------
    WeightsError
        The file is not a state dict of the published form; the message names the file and what is missing, unexpected
        or of a wrong shape.
    """
    path = Path(path)
    found = _read(path)
    aec = Aec()
    expected = {_published_name(name): name for name in aec.state_dict()}
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected and name != _CENTROIDS]
    if missing or unexpected:
        parts = [f"missing {some(missing, _SHOWN)}"] if missing else []
        parts += [f"unexpected {some(unexpected, _SHOWN)}"] if unexpected else []
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
        raise WeightsError(f"{path}: not the published autoencoder or DEC: wrong shape of {some(wrong, _SHOWN)}")

    aec.load_state_dict(weights)
    if _CENTROIDS in found:
        return Dec.from_aec(aec, found[_CENTROIDS])
    return aec
