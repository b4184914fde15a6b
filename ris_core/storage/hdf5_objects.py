"""Objects of an HDF5 file, opened without following anything that leads out of the file.

HDF5 silently follows links to other files, virtual datasets and data in external files, so a foreign file could show
any file of this machine as its own data. Here each step of a path must be a plain entry.
"""

from __future__ import annotations

import math

import h5py
import hdf5plugin
from h5py import h5d, h5g, h5l, h5o, h5z

BUILT_IN = frozenset({h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32})
"""Filters of foreign files: those of HDF5 itself, which are safe with any input."""
OWN = BUILT_IN | {h5z.FILTER_LZF, *hdf5plugin.FILTERS.values()}
"""Filters of our own files: all codecs of hdf5plugin, since users may have packed the files again."""
LARGEST_CHUNK = 2**28


class UnsafeHdf5Error(ValueError):
    """An HDF5 file leads out of itself, or declares data that it does not hold; the message names the object."""


def dataset(file: h5py.File, path: str, filters: frozenset[int] = OWN) -> h5py.Dataset | None:
    """Open a dataset by its path; returns none if it does not exist.

    Raises
    ------
    UnsafeHdf5Error
        A step of the path is a link, or the data are not in this file or packed with another filter.
    """
    opened: h5py.h5g.GroupID | h5d.DatasetID = file.id
    walked = ""
    for part in path.strip("/").split("/"):
        if not isinstance(opened, h5g.GroupID) or not opened.links.exists(part.encode()):
            return None
        walked += f"/{part}"
        opened = open_entry(opened, part.encode(), walked)
    if not isinstance(opened, h5d.DatasetID):
        return None
    check_place(opened, walked, filters)
    return h5py.Dataset(opened, readonly=True)


def open_entry(group: h5py.h5g.GroupID, name: bytes, path: str) -> h5g.GroupID | h5d.DatasetID | h5py.h5t.TypeID:
    """Open an entry of a group, which must not be a link."""
    kind = group.links.get_info(name).type
    if kind == h5l.TYPE_EXTERNAL:
        target = b":".join(group.links.get_val(name)).decode(errors="replace")
        raise UnsafeHdf5Error(f"{path} is a link to another file ({target!r})")
    if kind != h5l.TYPE_HARD:
        raise UnsafeHdf5Error(f"{path} is a link to another place in the file")
    return h5o.open(group, name)


def check_place(found: h5d.DatasetID, path: str, filters: frozenset[int]) -> None:
    """Raise `UnsafeHdf5Error` unless a dataset's data lie in its own file, packed with known filters."""
    made = found.get_create_plist()  # tested first: asking for the size of a virtual dataset opens other files
    if made.get_layout() == h5d.VIRTUAL:
        raise UnsafeHdf5Error(f"{path} is a virtual dataset, whose data are in other files")
    if made.get_external_count():
        raise UnsafeHdf5Error(f"{path} has its data in other files")
    for number in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(number)
        if code not in filters:
            said = name.decode(errors="replace")
            raise UnsafeHdf5Error(f"{path} is packed with the filter {code} ({said!r}), which is not accepted")
    if made.get_layout() == h5d.CHUNKED:
        size = math.prod(made.get_chunk()) * found.get_type().get_size()
        if size > LARGEST_CHUNK:
            raise UnsafeHdf5Error(f"{path} is divided into chunks of {size} bytes; at most {LARGEST_CHUNK} are read")
