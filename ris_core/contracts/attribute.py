"""What an attribute of an event is."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "ours"


@dataclass(frozen=True)
class Attribute:
    """One attribute.

    Attributes
    ----------
    name
        Of its column; of one in a window with the window's length, like ``centroid_4s``.
    unit
        Its unit; ``log2(s)`` is the logarithm to the base 2 of a time in seconds. Empty if it has none.
    meaning
        What it is, with its formula.
    range
        Where its values lie.
    source
        Where it is from.
    """

    name: str
    unit: str
    meaning: str
    range: str
    source: str = OURS
