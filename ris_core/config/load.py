"""Settings from a YAML file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ris_core.config.environment import READERS, SeriesSettings
from ris_core.config.methods import CLUSTERERS, REPRESENTATIONS
from ris_core.config.settings import Settings
from ris_core.config.yaml_reading import Contents, Place, SettingsError, read_contents
from ris_core.detectors.detector import Detector
from ris_core.detectors.registry import DEFAULT, DETECTORS
from ris_core.masking import masked
from ris_core.section import Section
from ris_core.shipped_files import SHIPPED

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_CONFIG = SHIPPED / "config" / "demo.yaml"
PROVIDER_VARIABLE = "RIS_FDSN_PROVIDER"
_SHOWN = 200
_LINES = 20
_TEXT_WANTED = ("string_type", "literal_error", "enum", "path_type")


def _explain(error: ValidationError, contents: Contents) -> Iterator[str]:
    """Yield a line for each value that cannot be used."""
    for item in error.errors():
        way = _way(item, contents.values)
        place = _place(way, contents)
        key = ".".join(masked(str(part))[:_SHOWN] for part in way) or "(whole file)"
        message, value = item["msg"].removeprefix("Value error, "), item["input"]
        if item["type"].startswith("date_"):
            message = "a date is required, YEAR-MONTH-DAY, for example 2015-01-31"
        if item["type"] in ("extra_forbidden", "invalid_key"):
            said = f"{key}: this key is not known{_suggested(way, contents.values)}"
        elif item["type"] == "missing":
            said = f"{key}: this key is required"
        elif place and place.written is not None and item["type"].startswith(("date_", *_TEXT_WANTED)):
            said = f"{key} = {place.written[:_SHOWN]}: {message}, but YAML reads this as {place.read_as}"
            if item["type"] in _TEXT_WANTED:
                said += f"; put it in quotes: '{place.written[:_SHOWN]}'"
        elif way and not isinstance(value, Mapping):
            said = f"{key} = {_short(value)}: {message}"
        else:
            said = f"{key}: {message}"
        yield f"line {place.line}: {said}" if place else said


def _converted(settings: Settings, contents: Contents) -> Iterator[str]:
    """Yield a line for each value that was converted to a number or date although it is none: `yes`, or 0 as 1970."""
    for way, place in contents.places.items():
        read, used = _at(contents.values, way), _at(settings, way)
        wanted = "a date" if isinstance(used, date) else "a number"
        if (isinstance(read, bool) and isinstance(used, int | float | date) and not isinstance(used, bool)) or (
            isinstance(read, int | float) and isinstance(used, date)
        ):
            key = ".".join(map(str, way))
            said = f"{key} = {place.written}: YAML reads this as {place.read_as}, but {wanted} is required"
            yield f"line {place.line}: {said}"


def _at(values: Any, way: tuple[int | str, ...]) -> Any:
    """Return the value at a place in values of a file or in settings; None if the place does not exist."""
    for part in way:
        try:
            values = getattr(values, str(part)) if isinstance(values, Section) else values[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            return None
    return values


def _refusal(where: str, lines: Iterable[str]) -> SettingsError:
    said = list(lines)
    more = [f"and {len(said) - _LINES} more"] if len(said) > _LINES else []
    return SettingsError(f"{where}: {len(said)} setting(s) cannot be used\n  " + "\n  ".join(said[:_LINES] + more))


def _short(value: object) -> str:
    """Return a value as it is shown; masked before it is shortened, since masking does not find half an address."""
    text = masked(repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def _way(item: ErrorDetails, values: Any) -> tuple[int | str, ...]:
    """Return the keys of the file that lead to an error, without the kinds of alternatives that pydantic adds."""
    way: list[int | str] = []
    for part in item["loc"]:
        there = part in values if isinstance(values, Mapping) else isinstance(values, list) and isinstance(part, int)
        if there:
            values = values[part]
        if there or (item["type"] == "missing" and part == item["loc"][-1]):
            way.append(part)
    return tuple(way)


def _place(way: tuple[int | str, ...], contents: Contents) -> Place | None:
    """Return the place of a value, or of the section in which it is missing; None for the whole file."""
    for length in range(len(way), 0, -1):
        if (place := contents.places.get(way[:length])) is not None:
            return place
    return None


def _suggested(way: tuple[int | str, ...], values: Any) -> str:
    """Return the ending of a message that suggests a known key in place of an unknown one."""
    key = str(way[-1])
    if len(key) > _SHOWN:
        return ""
    possible, allowed = _sections_at(way[:-1], values)
    known = sorted({name for section in allowed for name in section.model_fields})
    if others := [kind for section in possible if key in section.model_fields for kind in _kind_of(section)]:
        return f" here; it belongs to {' and to '.join(' '.join(kind) for kind in others)}"
    near = difflib.get_close_matches(key.lower(), known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    elsewhere = dict.fromkeys(
        f"{name}.{key}"
        for name, field in Settings.model_fields.items()
        for section in _sections_in(field.annotation)
        if key in section.model_fields
    )
    if elsewhere:
        return f" here; did you mean {' or '.join(elsewhere)}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _sections_at(way: tuple[int | str, ...], values: Any) -> tuple[list[type[Section]], list[type[Section]]]:
    """Return the sections that are possible at a place of the file, and those among them of the kind that is named.

    If no kind is named, both are all alternatives; but without a method, the detector is the default.
    """
    possible: list[type[Section]] = [Settings]
    allowed = possible
    for part in way:
        values = values[part]
        if isinstance(part, str):
            fields = [section.model_fields[part] for section in allowed if part in section.model_fields]
            # A part that is no field is the name of an entry, as in `representations`.
            possible = [found for field in fields for found in _sections_in(field.annotation)] or possible
        named = {"method": DEFAULT.model_fields["method"].default, **(values if isinstance(values, Mapping) else {})}
        kinds = [s for s in possible if any(named.get(key) == kind for key, kind in _kind_of(s))]
        allowed = kinds or possible
    return possible, allowed


def _kind_of(section: type[Section]) -> list[tuple[str, str]]:
    """Return the key by which a section is chosen among others, with its value; none if it has no alternatives."""
    fields = ((key, section.model_fields.get(key)) for key in ("kind", "method", "reader"))
    return [(key, field.default) for key, field in fields if field is not None and isinstance(field.default, str)]


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    if annotation is Detector:
        yield from DETECTORS.sections
    elif annotation is SeriesSettings:
        yield from READERS.sections
    elif annotation is Section:
        # A section of any kind, as the entries of `representations` and `clusterers` are.
        for registry in (REPRESENTATIONS, CLUSTERERS):
            yield from registry.sections
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)


def config_path() -> Path:
    """Return the settings file that `RIS_CONFIG` names, or the demo's."""
    named = os.environ.get("RIS_CONFIG")
    if not named:
        return DEFAULT_CONFIG
    return _found(Path(named).expanduser())


def _found(path: Path) -> Path:
    """Return a path of the working folder, else that of a file that comes with the code (``config/demo.yaml``)."""
    shipped = SHIPPED / path
    return shipped if not path.exists() and shipped.exists() else path


def load_settings(path: Path | str | None = None) -> Settings:
    """Read settings from a YAML file, by default the one that `RIS_CONFIG` names.

    If the source is a data centre, `RIS_FDSN_PROVIDER` overrides its address. The environment is read only here.
    Workers receive settings as JSON, and so use the same data centre.

    Raises
    ------
    SettingsError
        The file is absent, is not YAML, or a value cannot be used; names file, line, key, value and what is allowed.
    """
    path = _found(Path(path)) if path is not None else config_path()
    contents = read_contents(path)
    content = contents.values
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected keys and values, for example 'network:'; found {type(content).__name__}")
    source = content.get("source")
    provider = os.environ.get(PROVIDER_VARIABLE) if isinstance(source, dict) and source.get("kind") == "fdsn" else None
    if provider:
        contents.values = content | {"source": dict(source or {}, provider=provider)}
        contents.places.pop(("source", "provider"), None)
    where = f"{path} with source.provider from {PROVIDER_VARIABLE}" if provider else str(path)
    try:
        settings = Settings.model_validate(contents.values)
    except ValidationError as error:
        # Without its cause: pydantic's message repeats values, which may be credentials.
        raise _refusal(where, _explain(error, contents)) from None
    if converted := list(_converted(settings, contents)):
        raise _refusal(where, converted)
    return settings


def data_root(settings: Settings) -> Path:
    """Return the folder of all products of a network: `RIS_DATA`/<network name>, by default ./data/<network name>.

    Raises
    ------
    SettingsError
        RIS_DATA is an address, not a folder.
    """
    named = os.environ.get("RIS_DATA") or "data"
    if "://" in named:
        raise SettingsError(
            f"RIS_DATA = {masked(named)!r} is an address, not a folder: products need a file system with random reads, "
            "renames and locks; set it to a folder, and synchronise finished products with the store"
        )
    return Path(named).expanduser().resolve() / settings.network.name
