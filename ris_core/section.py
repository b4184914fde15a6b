"""Building blocks of settings: frozen sections, quantities with units, paths from the environment, and digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _in_unit(unit: str) -> BeforeValidator:
    pattern = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")

    def parse(value: object) -> object:
        if not isinstance(value, str | bool):
            return value
        match = pattern.match(str(value))
        if match is None or match[2] not in ("", unit):
            raise ValueError(f"give a number in {unit}, for example '1.5 {unit}' or 1.5")
        return float(match[1])

    return BeforeValidator(parse, json_schema_input_type=float | str)


def _unit(unit: str) -> tuple[Any, ...]:
    return (_in_unit(unit), Field(json_schema_extra={"unit": unit}))


Seconds = Annotated[float, *_unit("s")]
Hours = Annotated[float, *_unit("h")]
Hertz = Annotated[float, *_unit("Hz")]
Degrees = Annotated[float, *_unit("deg")]
Megabytes = Annotated[float, *_unit("MB")]
Metres = Annotated[float, *_unit("m")]

_ENV = re.compile(r"\$\{(\w+)\}")


def _expand_env(value: object) -> object:
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            raise ValueError(f"the environment variable {match[1]} is not set; set it, or write the value here")
        return found

    return _ENV.sub(replace, value)


ExpandedText = Annotated[str, BeforeValidator(_expand_env)]
ExpandedPath = Annotated[Path, BeforeValidator(_expand_env), AfterValidator(lambda p: p.expanduser())]


class Section(BaseModel):
    """A frozen part of the settings in which unknown keys and numbers that are not finite are refused."""

    # A value from a file may contain a password by mistake; tracebacks must not show it.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    def digest(self) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the section's canonical JSON."""
        return digest_of(self.model_dump(mode="json"))


def digest_of(value: object) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
