"""The provenance of every product: settings, step version and input."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Stamp:
    """Provenance of a file.

    Attributes
    ----------
    settings
        Digest of the settings sections that made it.
    version
        Version of the step, raised by hand when its results change.
    inputs
        Digest of its input.
    """

    settings: str
    version: str
    inputs: str

    def as_dict(self) -> dict[str, str]:
        """Return the stamp as plain strings."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Any) -> Stamp | None:
        """Read a stamp from a mapping of strings; none if a part is absent."""
        try:
            return cls(str(values["settings"]), str(values["version"]), str(values["inputs"]))
        except KeyError:
            return None
