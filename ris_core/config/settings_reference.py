"""The reference of the settings: every key with type, unit, bounds, default and meaning, made from the models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ris_core.config.defaults import RECOMMENDED, known_presets, preset_values
from ris_core.config.environment import READERS
from ris_core.config.methods import CLUSTERERS, REPRESENTATIONS
from ris_core.config.settings import Settings
from ris_core.detectors.registry import DETECTORS
from ris_core.plugins import load_plugins
from ris_core.registry import Registry
from ris_core.section import Section

_HEAD = """\
# Settings

This page is for those who write or read a settings file. It has every key, and is made by `ris reference settings`
from the models that read the file; the command lists kinds of your own plug-ins as well. A dot leads into a section:
`aec.grid.batch_size` is `aec: {grid: {batch_size: [64]}}`. Numbers may be written with their unit (`lta: 30 s`). The
default is that of the profile `paper`; values that the profile `recommended` and the [presets](#presets) have instead
follow it. The meaning ends with the source of the default: *J21* is the paper (Jenkins et al. 2021), *code* its
published code, *ours* our own choice. Some values must also fit each other: `ris check-config` tests it.
"""
_COLUMNS = "| key | values | unit | default | meaning |\n|---|---|---|---|---|"
_TOP = "Top level"
_REGISTRIES: dict[str, tuple[Registry[Any], str]] = {
    "detector": (DETECTORS, "detector"),
    "representations": (REPRESENTATIONS, "representations.NAME"),
    "clusterers": (CLUSTERERS, "clusterers.NAME"),
    "environment": (READERS, "environment[]"),
}
_COMPARED = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< "}
_WORDS = {"number": "number", "integer": "integer", "boolean": "true, false", "string": "text", "null": "none"}
_FORMATS = {"date": "date", "date-time": "time", "path": "path"}


@dataclass(frozen=True)
class Key:
    """A key of the settings.

    Attributes
    ----------
    path
        Where it is in a file, with dots.
    values
        Type and bounds in words.
    unit
        Unit of numbers, empty without one.
    default
        As it is written in YAML; ``required`` without a default.
    elsewhere
        Values of the profile `recommended` and of presets, by their names.
    meaning
        The description of the field.
    """

    path: str
    values: str
    unit: str
    default: str
    elsewhere: tuple[tuple[str, str], ...]
    meaning: str


@dataclass(frozen=True)
class Group:
    """The keys of a section, or of one kind of a section.

    Attributes
    ----------
    title
        Heading.
    level
        Of the heading: 2, or 3 for one of several kinds.
    about
        What the section is.
    keys
        Its keys in their order.
    """

    title: str
    level: int
    about: str
    keys: tuple[Key, ...]


def settings_groups(plugins: bool = True) -> tuple[Group, ...]:
    """Return all keys of the settings, by section.

    Parameters
    ----------
    plugins
        Whether kinds that plug-ins have added are listed.
    """
    load_plugins()
    return tuple(_groups(plugins))


def settings_reference(plugins: bool = True) -> str:
    """Return the reference of the settings as Markdown; `plugins` as in `settings_groups`."""
    parts = [_HEAD]
    for group in settings_groups(plugins):
        parts.append("\n".join(_shown(group)))
    parts.append("\n".join(_presets()))
    return "\n".join(parts) + "\n"


def _groups(plugins: bool) -> Iterator[Group]:
    schema = Settings.model_json_schema(mode="serialization")["properties"]
    own = Settings.__annotations__
    fields = dict(sorted(Settings.model_fields.items(), key=lambda one: one[0] not in own))
    alone = [name for name, field in fields.items() if not _sections_of(name, field.annotation)]
    keys = tuple(key for name in alone for key in _keys_of_field(Settings, name, name, schema[name], {}))
    yield Group(_TOP, 2, "Keys without a section.", keys)
    for name, field in fields.items():
        sections = _sections_of(name, field.annotation)
        if name in _REGISTRIES:
            registry, prefix = _REGISTRIES[name]
            yield Group(name, 2, f"{field.description or _said(registry)} Its `{registry.key}` chooses one of:", ())
            for kind in registry.kinds:
                section = registry.settings_of(kind)
                if plugins or section.__module__.startswith("ris_core."):
                    plugin = registry.plugin(kind)
                    about = _doc(section) + (f" Added by the plug-in {plugin.called}." if plugin else "")
                    yield Group(f"{name}: {kind}", 3, about, tuple(_keys(section, prefix, kind=kind)))
        elif len(sections) > 1:
            yield Group(name, 2, f"{field.description or ''} Its `kind` chooses one of:", ())
            for section in sections:
                kind = str(section.model_fields["kind"].default)
                yield Group(f"{name}: {kind}", 3, _doc(section), tuple(_keys(section, name, kind=kind)))
        elif sections:
            listed = "tuple" in str(field.annotation)
            default = field.default if isinstance(field.default, Section) else None
            prefix = f"{name}[]" if listed else name
            yield Group(name, 2, _doc(sections[0]), tuple(_keys(sections[0], prefix, default)))


def _said(registry: Registry[Any]) -> str:
    return f"A {registry.family}."


def _doc(section: type[Section]) -> str:
    return " ".join((section.__doc__ or "").split("\n\n", maxsplit=1)[0].split())


def _sections_of(name: str, annotation: Any) -> tuple[type[Section], ...]:
    """Return the sections that a field may hold; of a registry its own base, since its kinds are listed apart."""
    if name in _REGISTRIES:
        return (Section,)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    return tuple(section for part in get_args(annotation) for section in _sections_of("", part))


def _keys(section: type[Section], prefix: str, default: Section | None = None, kind: str = "") -> Iterator[Key]:
    schema = section.model_json_schema(mode="serialization")
    for name in section.model_fields:
        if not name.startswith("_"):
            described = schema["properties"].get(name, {})
            yield from _keys_of_field(
                section, name, f"{prefix}.{name}", described, schema.get("$defs", {}), default, kind
            )


def _keys_of_field(
    section: type[Section],
    name: str,
    path: str,
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    default: Section | None = None,
    kind: str = "",
) -> Iterator[Key]:
    field = section.model_fields[name]
    inner = _sections_of("", field.annotation)
    value = getattr(default, name) if default is not None else field.get_default(call_default_factory=True)
    required = default is None and field.is_required()
    if inner and "dict" not in str(field.annotation):
        if not isinstance(value, Section):
            yield Key(path, "section, or none", "", _yaml(value), (), field.description or _doc(inner[0]))
        many = "[]" if "tuple" in str(field.annotation) else ""
        yield from _keys(inner[0], path + many, value if isinstance(value, Section) else None)
        return
    words, bounds = _words(schema, definitions)
    yield Key(
        path,
        ", ".join((words, *dict.fromkeys(bounds))),
        _unit(schema),
        "required" if required else _yaml(value),
        tuple(_elsewhere(path, kind)),
        field.description or ("The only value of this kind." if "const" in schema else ""),
    )


def _unit(schema: Mapping[str, Any]) -> str:
    found = schema.get("unit") or next((part["unit"] for part in schema.get("anyOf", ()) if "unit" in part), "")
    return str(found)


def _words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the type of a value in words, and its bounds."""
    if "$ref" in schema:
        return _words(definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {}), definitions)
    if named := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return ", ".join(f"`{value}`" for value in named), []
    if "anyOf" in schema:
        parts = [_words(part, definitions) for part in schema["anyOf"]]
        return " or ".join(dict.fromkeys(words for words, _ in parts)), [one for _, bounds in parts for one in bounds]
    bounds = [f"{sign}{schema[name]:g}" for name, sign in _COMPARED.items() if name in schema]
    bounds += [f"like `{schema['pattern']}`"] if "pattern" in schema else []
    bounds += [f"{schema['minItems']} or more"] if schema.get("minItems") and "prefixItems" not in schema else []
    kind, words = schema.get("type", ""), ""
    inner: list[str] = []
    if kind == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        words, inner = _words(items[0], definitions)
        words = f"list of {f'{len(items)} × ' if 'prefixItems' in schema else ''}{words}"
    elif kind == "object":
        words, inner = _words(schema.get("additionalProperties") or {}, definitions)
        words = f"mapping of names to {words or 'sections'}"
    return words or _FORMATS.get(schema.get("format", ""), _WORDS.get(kind, "")), [*inner, *bounds]


def _yaml(value: Any) -> str:
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_yaml(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if value == "" or isinstance(value, dict) else str(value)


def _elsewhere(path: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what the profile `recommended` and the presets say of a key."""
    parts = path.replace(".NAME", f".{kind}").split(".")
    for name in ("recommended", *known_presets()):
        values: Any = RECOMMENDED if name == "recommended" else preset_values(name)
        if parts[0] == "detector" and values.get("detector", {}).get("method", kind) != kind:
            continue
        for part in parts:
            values = values.get(part) if isinstance(values, Mapping) else None
        if values is not None:
            yield name, _yaml(values)


def _shown(group: Group) -> Iterator[str]:
    yield f"{'#' * group.level} {group.title}\n"
    if group.about:
        yield f"{group.about.strip()}\n"
    if group.keys:
        yield _COLUMNS
        for key in group.keys:
            yield _row((f"`{key.path}`", key.values, key.unit, _defaults(key), key.meaning))
        yield ""


def _defaults(key: Key) -> str:
    return "; ".join((f"`{key.default}`", *(f"{name} `{value}`" for name, value in key.elsewhere)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _presets() -> Iterator[str]:
    yield "## Presets\n"
    yield "`preset: NAME` sets values for one kind of network. They replace those of the profile, and your own replace"
    yield "both. [Method](method.md#other-bands-rates-and-windows) says what each is for.\n"
    yield f"| key | {' | '.join(known_presets())} |"
    yield "|---|" + "---|" * len(known_presets())
    flat = [dict(_flat(preset_values(name))) for name in known_presets()]
    for path in dict.fromkeys(path for values in flat for path in values):
        yield _row((f"`{path}`", *(values.get(path, "") for values in flat)))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _yaml(value)
