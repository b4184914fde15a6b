"""Settings from a YAML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ris_core.config.settings import Settings

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_CONFIG = PROJECT_ROOT / "config" / "demo.yaml"
PROVIDER_VARIABLE = "RIS_FDSN_PROVIDER"


class SettingsError(ValueError):
    """The settings file cannot be used; the message names the file, the key, the value and what is allowed."""


def _explain(error: ValidationError, where: str) -> str:
    lines = []
    for item in error.errors():
        # The kind of the source is a step on pydantic's way, but no key of the file.
        way = [part for i, part in enumerate(item["loc"]) if (i, item["loc"][0]) != (1, "source")]
        key = ".".join(str(part) for part in way) or "(whole file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            lines.append(f"{key}: this key is not known")
        elif item["type"] == "missing":
            lines.append(f"{key}: this key is required")
        elif item["loc"] and not isinstance(item["input"], dict):
            lines.append(f"{key} = {item['input']!r}: {message}")
        else:
            lines.append(f"{key}: {message}")
    return f"{where}: {len(lines)} setting(s) cannot be used\n  " + "\n  ".join(lines)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key that stands twice is refused; plain YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def config_path() -> Path:
    """Return the settings file that `RIS_CONFIG` names, or the demo's."""
    named = os.environ.get("RIS_CONFIG")
    if not named:
        return DEFAULT_CONFIG
    path = Path(named).expanduser()
    if not path.is_absolute() and not path.exists():
        path = PROJECT_ROOT / path
    return path


def load_settings(path: Path | str | None = None) -> Settings:
    """Read settings from a YAML file, by default the one that `RIS_CONFIG` names.

    Where the source is a data centre, `RIS_FDSN_PROVIDER` overrides its address. The environment is looked at here and
    nowhere later, so that workers, which are given settings as JSON, ask the same data centre.

    Raises
    ------
    SettingsError
        The file is absent, is not YAML, or a value cannot be used; names file, key, value and what is allowed.
    """
    path = Path(path) if path is not None else config_path()
    try:
        content = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except OSError as error:
        raise SettingsError(f"{path}: the settings file cannot be read ({error.strerror}); set RIS_CONFIG") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected keys and values, for example 'network:'; found {type(content).__name__}")
    source = content.get("source")
    provider = os.environ.get(PROVIDER_VARIABLE) if isinstance(source, dict) and source.get("kind") == "fdsn" else None
    if provider:
        content = content | {"source": dict(source or {}, provider=provider)}
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        where = f"{path} with source.provider from {PROVIDER_VARIABLE}" if provider else str(path)
        raise SettingsError(_explain(error, where)) from error


def data_root(settings: Settings) -> Path:
    """Return the folder of all products of a network: `RIS_DATA`/<network name>, by default ./data/<network name>."""
    return Path(os.environ.get("RIS_DATA") or "data").expanduser().resolve() / settings.network.name
