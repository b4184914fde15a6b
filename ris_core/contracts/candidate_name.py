"""The name of a candidate: a representation with a clusterer, like ``spectra/gmm``."""

from __future__ import annotations

import re
from dataclasses import dataclass

PATTERN = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
"""What names of representations and clusterers look like: they are parts of paths and of names of steps."""
_LONGEST = 40
_RESERVED = {
    "representation": re.compile("champions|imported|dec|gmm"),
    "clusterer": re.compile(r"initial|fitted|bs\d+_lr.*"),
}
"""Names of other folders of models: `models/champions`, `models/imported`; `models/dec` and `models/gmm`, which earlier
versions made; within a representation the initial clusters, what is fitted, and the autoencoder's trials."""


def check_name(sort: str, name: str) -> str:
    """Return a name of a representation or clusterer; raises `ValueError` if it cannot be one.

    Parameters
    ----------
    sort
        What is named: ``representation`` or ``clusterer``.
    name
        The name.
    """
    if re.fullmatch(PATTERN, name) is None or len(name) > _LONGEST:
        raise ValueError(
            f"{name!r} is no name of a {sort}: at most {_LONGEST} small letters and digits, the first a letter, with "
            "single underscores between them"
        )
    if _RESERVED[sort].fullmatch(name):
        raise ValueError(f"{name!r} is reserved and cannot name a {sort}; choose another name")
    return name


@dataclass(frozen=True, order=True)
class CandidateName:
    """A representation with a clusterer.

    Attributes
    ----------
    representation, clusterer
        Their names.
    """

    representation: str
    clusterer: str

    @classmethod
    def of(cls, text: str) -> CandidateName:
        """Return the name that a text like ``spectra/gmm`` gives; raises `ValueError`."""
        parts = text.split("/")
        if len(parts) != 2:
            raise ValueError(f"{text!r} is no candidate: write REPRESENTATION/CLUSTERER, like aec/dec or spectra/gmm")
        return cls(check_name("representation", parts[0]), check_name("clusterer", parts[1]))

    def __str__(self) -> str:
        return f"{self.representation}/{self.clusterer}"

    def with_k(self, k: int) -> str:
        """Return the name of its model of K clusters, like ``spectra/gmm/k=6``."""
        return f"{self}/k={k}"


AEC_DEC = CandidateName("aec", "dec")
"""Deep embedded clustering as published: the candidate that needs no settings."""

REVIEWED = "reviewed"
"""The clusterer of a class model: its clusters are the classes of reviewed events. It is trained by `class_model`."""
