"""Texts with absolute places of a data root follow it to where it is now."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_BEFORE = r"(?<![\w./%\\-])"
"""A path does not begin inside another one."""
_AFTER = r"(?=[/\"'?#]|\Z)"
"""Another folder may begin with the same name."""


@dataclass(frozen=True)
class Relocation:
    """A data root that was at one place and is at another.

    Attributes
    ----------
    before, now
        The absolute paths.
    """

    before: Path
    now: Path

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """The ways in which the earlier path is written: plain, escaped in an address, escaped in JSON."""
        return tuple(dict.fromkeys(one for _, one, _ in self._ways))

    @cached_property
    def _ways(self) -> list[tuple[re.Pattern[str], str, str]]:
        plain, now = str(self.before), str(self.now)
        address, its_now = self.before.as_uri(), self.now.as_uri()
        written = [
            (address, its_now),
            (f"sqlite:///{plain}", f"sqlite:///{now}"),
            (plain, now),
            (json.dumps(plain)[1:-1], json.dumps(now)[1:-1]),
        ]
        # What has followed stays, also where the root is now below the place where it was.
        return [
            (re.compile(f"{_BEFORE}(?!{re.escape(other)}{_AFTER}){re.escape(one)}{_AFTER}"), one, other)
            for one, other in dict(written).items()
        ]

    def follow(self, text: str) -> str:
        """Return a text in which all places in the data root are those of now; places elsewhere stay."""
        for pattern, one, other in self._ways:
            if one in text:
                text = pattern.sub(other.replace("\\", r"\\"), text)
        return text
