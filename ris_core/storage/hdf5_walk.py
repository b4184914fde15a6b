"""A process that walks through HDF5 files, so that a file that makes the library loop or crash harms no other process.

`ris_core.storage.hdf5_probe` starts it and sends requests as lines of JSON. A request has ``path``, ``kind``, ``only``
and ``seconds`` of processor time. The answer has ``why``, which is empty for a good file, or ``circumstance`` if the
file is not the cause. A walk that takes longer, or crashes, ends the process.
"""

from __future__ import annotations

import errno
import json
import math
import os
import resource
import select
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5o, h5t, h5z

from ris_core.storage.hdf5 import circumstance
from ris_core.storage.hdf5_objects import BUILT_IN, OWN, UnsafeHdf5Error, check_place, open_entry

FILTERS = {"own": OWN, "published": BUILT_IN}
LONGEST_TEXT = 2**16
"""Most bytes of one text of a dataset, for example one event of a published catalogue."""
_LARGEST_ATTRIBUTE = 2**26
_SMALL = 2**20
_BLOCK = 2**24
_TEXTS_AT_ONCE = 256
_POINTER = 16
_MEMORY = 2**31
_IDLE_SECONDS = 60.0


def walk(path: Path, kind: str, only: Sequence[str] | None = None) -> None:
    """Go through all groups, attributes and datasets of a file as a reader would.

    Texts, small datasets, and data with a codec but no checksum are read. For other data only the list of chunks is
    read: each chunk must exist and lie within the file. Data without a codec, or with HDF5's Fletcher-32 checksum,
    cannot harm the reader.

    Parameters
    ----------
    path
        The file.
    kind
        ``own`` or ``published``: decides which filters the data may have.
    only
        Paths of the datasets to be read, if not all are; others may declare data that they do not hold.

    Raises
    ------
    UnsafeHdf5Error
        The file leads out of itself, or declares data that it does not hold.
    Exception
        Any error of the library over damage.
    """
    with h5py.File(path, "r") as file:
        size = path.stat().st_size
        known = {h5o.get_info(file.id).addr}
        waiting: list[tuple[str, Any]] = [("", h5g.open(file.id, b"/"))]
        while waiting:
            name, found = waiting.pop()
            _read_attributes(found, name or "/")
            if isinstance(found, h5d.DatasetID):
                check_place(found, name, FILTERS[kind])
                if only is None or name in only:
                    _check_dataset(found, name, size)
            elif isinstance(found, h5g.GroupID):
                for entry in found:
                    inner = open_entry(found, entry, where := f"{name}/{entry.decode(errors='replace')}")
                    if (address := h5o.get_info(inner).addr) not in known:
                        known.add(address)
                        waiting.append((where, inner))


def _read_attributes(found: Any, name: str) -> None:
    for number in range(h5a.get_num_attrs(found)):
        attribute = h5a.open(found, index=number)
        said = f"attribute {attribute.name.decode(errors='replace')} of {name}"
        if math.prod(attribute.shape) * attribute.get_type().get_size() > _LARGEST_ATTRIBUTE:
            raise UnsafeHdf5Error(f"{said} is larger than {_LARGEST_ATTRIBUTE} bytes")
        if attribute.get_space().get_simple_extent_type() != h5py.h5s.NULL:
            h5py.AttributeManager(_Holder(found))[attribute.name]


class _Holder:
    """The part of an object from which `h5py.AttributeManager` is made."""

    def __init__(self, found: Any) -> None:
        self.id = found


def _check_dataset(found: h5d.DatasetID, name: str, size: int) -> None:
    made = found.get_create_plist()
    codes = [made.get_filter(number)[0] for number in range(made.get_nfilters())]
    declared = math.prod(found.shape) * _size_of_one(found)
    if made.get_layout() == h5d.CHUNKED:
        _check_chunks(found, name, made.get_chunk(), bool(codes), size)
    elif declared and (found.get_storage_size() != declared or declared > size):
        raise UnsafeHdf5Error(f"{name} declares {declared} bytes, of which {found.get_storage_size()} are stored")
    if not declared:
        return
    dataset = h5py.Dataset(found)
    if h5py.check_string_dtype(dataset.dtype) is not None:
        _read_texts(dataset, name)
    elif found.get_type().get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM):
        raise UnsafeHdf5Error(f"{name} is of type {dataset.dtype}; numbers or texts are needed")
    elif declared <= _SMALL or not (set(codes) <= BUILT_IN or codes[-1] == h5z.FILTER_FLETCHER32):
        row = max(1, declared // max(1, len(dataset))) if dataset.shape else declared
        _in_pieces(dataset, max(1, _BLOCK // row), lambda _: None)


def _check_chunks(found: h5d.DatasetID, name: str, chunk: tuple[int, ...], packed: bool, size: int) -> None:
    needed = math.prod(math.ceil(n / c) for n, c in zip(found.shape, chunk, strict=True))
    full = math.prod(chunk) * _size_of_one(found)
    largest = full + full // 8 + 2**16 if packed else full
    there = 0

    def look(stored: Any) -> None:
        nonlocal there
        there += 1
        if stored.byte_offset is None or stored.byte_offset + stored.size > size or stored.size > largest:
            raise UnsafeHdf5Error(f"{name}: a chunk of {stored.size} bytes does not lie within the file")
        if stored.filter_mask:
            raise UnsafeHdf5Error(f"{name}: a chunk is not packed like the others")

    if needed > size:  # every chunk has an entry in the file
        raise UnsafeHdf5Error(f"{name} declares {found.shape[0]} rows in {needed} chunks; the file has {size} bytes")
    found.chunk_iter(look)
    if there != needed:
        raise UnsafeHdf5Error(f"{name} declares {found.shape[0]} rows in {needed} chunks, of which {there} are stored")


def _size_of_one(found: h5d.DatasetID) -> int:
    """Return the size of one value in the file, bytes; a text of any length counts as its pointer."""
    kind = found.get_type()
    variable = isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()
    return _POINTER if variable else int(kind.get_size())


def _read_texts(dataset: h5py.Dataset, name: str) -> None:
    def look(values: Any) -> None:
        longest = max((len(value) for value in np.ravel(values)), default=0)
        if longest > LONGEST_TEXT:
            raise UnsafeHdf5Error(f"{name} holds a text of {longest} bytes; at most {LONGEST_TEXT} are read")

    if dataset.dtype.itemsize > LONGEST_TEXT:
        raise UnsafeHdf5Error(f"{name} has texts of {dataset.dtype.itemsize} bytes; at most {LONGEST_TEXT} are read")
    _in_pieces(dataset, _TEXTS_AT_ONCE, look)


def _in_pieces(dataset: h5py.Dataset, rows: int, look: Callable[[Any], None]) -> None:
    if not dataset.shape:
        look(dataset[()])
        return
    for start in range(0, len(dataset), rows):
        look(dataset[start : start + rows])


def _answer(request: dict[str, Any], own_limit: bool) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_PROF, request["seconds"])
    try:
        walk(Path(request["path"]), request["kind"], request["only"])
    except UnsafeHdf5Error as error:
        return {"why": str(error)}
    except Exception as error:  # noqa: BLE001 - the library raises errors of all kinds
        outer = circumstance(error)
        if outer is not None and outer.errno == errno.ENOMEM and own_limit:
            return {"why": f"reading it takes more than {_MEMORY >> 30} GB of memory"}
        if outer is not None:
            return {"circumstance": [outer.errno, outer.strerror]}
        return {"why": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {"why": ""}


def main() -> None:
    """Answer requests until the input ends, or no request comes for a minute."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends a walk that takes too long, even inside the library
    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    own_limit = before == resource.RLIM_INFINITY or before >= _MEMORY
    if own_limit:
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Output of a library must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests = os.fdopen(0, "rb", buffering=0)
    while select.select([requests], [], [], _IDLE_SECONDS)[0] and (line := requests.readline()):
        print(json.dumps(_answer(json.loads(line), own_limit)), file=answers, flush=True)


if __name__ == "__main__":
    main()
