"""A settings file as plain values, with the line of each.

YAML is permissive: it uses the last of two equal keys, reads `NO` as false, `010` as 8 and `12:30` as 750, and a small
file can stand for a huge one. Values that YAML reads differently from how they look are refused, or messages name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from ris_core.masking import masked

_REMEDY = "give the path of a settings file, or set RIS_CONFIG"
_MOST_BYTES = 1_000_000
_MOST_VALUES = 50_000
_DEEPEST = 50
_SHOWN = 100
_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "null": "nothing",
    "timestamp": "a date",
}
_ALLOWED_TAGS = {_TAG + name for name in (*_SCALARS, "seq", "map", "merge", "value")}


class SettingsError(ValueError):
    """The settings file cannot be used; the message names file, line, key, value and what is allowed.

    Credentials in repeated values are masked.
    """

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


@dataclass(frozen=True)
class Place:
    """The place of a value in the file.

    Attributes
    ----------
    line
        Line of its key, or of the value in a list; from 1.
    written
        The text of a value without quotes that YAML does not read as text; else None.
    read_as
        What YAML reads it as, in words.
    """

    line: int
    written: str | None = None
    read_as: str = ""


@dataclass
class Contents:
    """The content of a settings file: its values, and their places by the keys and indices that lead to them."""

    values: Any
    places: dict[tuple[str | int, ...], Place] = field(default_factory=dict)


class _RefusalError(Exception):
    """An error in a line; its message is without the file's name."""

    def __init__(self, mark: yaml.Mark, what: str) -> None:
        super().__init__(f"line {mark.line + 1}: {what}")


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses files that are nested too deeply or too long."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth, self._values = self._depth + 1, self._values + 1
        if self._depth > _DEEPEST:
            raise _RefusalError(mark, f"nested more than {_DEEPEST} deep; settings need no more than 6")
        if self._values > _MOST_VALUES:
            raise _RefusalError(mark, f"more than {_MOST_VALUES} keys and values")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def read_contents(path: Path) -> Contents:
    """Read a YAML file.

    Raises
    ------
    SettingsError
        The file cannot be read, is not one document of YAML, or YAML reads it differently from how it looks.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: the settings file cannot be read ({error.strerror}); {_REMEDY}") from None
    except ValueError as error:
        raise SettingsError(f"{str(path)!r}: no file can have this name ({error}); {_REMEDY}") from None
    if len(data) > _MOST_BYTES:
        raise SettingsError(f"{path}: larger than {_MOST_BYTES / 1e6:g} MB, too large for a settings file; {_REMEDY}")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{path}: not valid YAML: line {line}: byte 0x{data[error.start]:02x} is not text in {error.encoding}; "
            "save the file as UTF-8"
        ) from None
    # Errors are raised without their cause, which repeats lines of the file and may show credentials.
    try:
        return _contents(text)
    except _RefusalError as error:
        raise SettingsError(f"{path}: {error}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SettingsError(
            f"{path}: not valid YAML: line {line}: the character U+{int(error.character):04X} is not allowed"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {_explained(error)}") from None
    except RecursionError:
        raise SettingsError(f"{path}: not valid YAML: nested too deeply") from None


def _explained(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    context = f" ({error.context}" + (
        f" that begins in line {error.context_mark.line + 1})" if error.context_mark else ")"
    )
    hint = "; indent with spaces, not tabs" if "'\\t'" in (error.problem or "") else ""
    if "expected a single document" in (error.context or ""):
        return f"{where}a second document begins ('---'); settings are one"
    return f"{where}{error.problem}{context if error.context else ''}{hint}"


def _contents(text: str) -> Contents:
    loader = _Loader(text)
    node = loader.get_single_node()
    found = Contents(None)
    if node is not None:
        _refuse_endless(node)
        found.values = _value(loader, node, (), found.places, node.start_mark)
    return found


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _refuse_endless(root: yaml.Node) -> None:
    """Refuse aliases (`*name`) that contain themselves, or that together stand for too many values."""
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node), 0)
        if known is None:
            raise _RefusalError(node.start_mark, "what is named here with '&' contains itself ('*')")
        if not known:
            if isinstance(node, yaml.MappingNode):
                _refuse_twice(node)
            sizes[id(node)] = None
            known = 1 + sum(map(size, _children(node)))
            if known > _MOST_VALUES:
                raise _RefusalError(
                    node.start_mark, f"with its aliases ('*') this stands for more than {_MOST_VALUES} values"
                )
            sizes[id(node)] = known
        return known

    size(root)


def _value(
    loader: _Loader,
    node: yaml.Node,
    way: tuple[str | int, ...],
    places: dict[tuple[str | int, ...], Place],
    mark: yaml.Mark,
) -> Any:
    """Return the value of a node, and record its place and the places of all it contains."""
    name = ".".join(map(str, way)) or "settings"
    if node.tag not in _ALLOWED_TAGS:
        raise _RefusalError(node.start_mark, f"{name}: the tag {_short(node.tag)} is not allowed; leave it out")
    places[way] = Place(mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        places[way], value = _scalar(loader, node, name, mark)
        return value
    if isinstance(node, yaml.SequenceNode):
        if node.tag != _TAG + "seq":
            raise _RefusalError(node.start_mark, f"{name}: a list cannot be {_short(node.tag)}")
        return [_value(loader, item, (*way, n), places, item.start_mark) for n, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode) or node.tag != _TAG + "map":
        raise _RefusalError(node.start_mark, f"{name}: keys with values cannot be {_short(node.tag)}")
    try:
        loader.flatten_mapping(node)
    except ConstructorError as error:
        raise _RefusalError(
            error.problem_mark or node.start_mark, f"{name}: '<<' takes a mapping or a list of them"
        ) from None
    values = {}
    for key_node, value_node in node.value:
        key = _key(loader, key_node, name)
        # If '<<' adds a key that is also written here, the written one comes later and counts.
        values[key] = _value(loader, value_node, (*way, key), places, key_node.start_mark)
    return values


def _key(loader: _Loader, node: yaml.Node, name: str) -> str | int:
    if not isinstance(node, yaml.ScalarNode):
        what = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        raise _RefusalError(
            node.start_mark, f"{name}: not valid YAML for settings: a key is {what}, but must be a name"
        )
    if node.tag not in _ALLOWED_TAGS:
        raise _RefusalError(node.start_mark, f"{name}: the tag {_short(node.tag)} is not allowed; leave it out")
    place, value = _scalar(loader, node, name, node.start_mark)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _RefusalError(
            node.start_mark,
            f"{name}: YAML reads the key {node.value} as {place.read_as}; write '{node.value}' in quotes",
        )
    return value


def _scalar(loader: _Loader, node: yaml.ScalarNode, name: str, mark: yaml.Mark) -> tuple[Place, Any]:
    kind, text = node.tag.removeprefix(_TAG), str(node.value)
    if kind in ("merge", "value"):
        raise _RefusalError(mark, f"{name}: '{text}' has a special meaning in YAML; put it in quotes if it is text")
    if kind not in _SCALARS:
        raise _RefusalError(mark, f"{name} = {masked(text)[:_SHOWN]}: this cannot be {_short(node.tag)}")
    try:
        value = loader.construct_object(node)
    except Exception as error:  # noqa: BLE001 - PyYAML converts unchecked: KeyError, ValueError, OverflowError, ...
        if kind == "timestamp":
            what = f"there is no such date ({error}); write YEAR-MONTH-DAY, for example 2015-01-31"
        else:
            what = f"this cannot be read as {_SCALARS[kind]} ({_short(node.tag)})"
        raise _RefusalError(mark, f"{name} = {masked(text)[:_SHOWN]}: {what}") from None
    if node.style is not None or kind == "str":
        return Place(mark.line + 1), value
    if kind in ("int", "float"):
        _refuse_misread(text, value, name, mark)
    return Place(mark.line + 1, text, _read_as(kind, value)), value


def _refuse_misread(text: str, value: float, name: str, mark: yaml.Mark) -> None:
    """Refuse numbers that YAML 1.1 reads differently from how they look: `010` as 8, `12:30` as 750."""
    digits = text.lstrip("+-").replace("_", "")
    if ":" in text:
        advice = "write the number in one unit"
    elif digits.isdigit() and abs(value) != int(digits):
        advice = "write the number without leading zeros"
    else:
        return
    raise _RefusalError(
        mark,
        f"{name} = {text}: YAML reads this as the number {value}; put it in quotes if it is text ('{text}'), "
        f"or {advice}",
    )


def _read_as(kind: str, value: Any) -> str:
    if kind == "bool":
        return "true" if value else "false"
    return "nothing (null)" if kind == "null" else f"the {'date' if kind == 'timestamp' else 'number'} {value}"


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen = set()
    for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _TAG + "merge"):
        if key.value in seen:
            raise _RefusalError(key.start_mark, f"the key '{key.value}' is given twice")
        seen.add(key.value)


def _short(tag: str) -> str:
    return ("!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else masked(tag))[:_SHOWN]
