"""The reference of the commands: every command with its arguments, options, defaults and help, made from typer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

_HEAD = """\
# Commands

This page is for those who use the command line. It has every command of `ris`, and is made by
`ris reference commands`; `ris COMMAND --help` says the same. The settings file is that of `--config`, else of
`RIS_CONFIG`, else the demo's.
"""


def command_tree(app: typer.Typer) -> dict[str, Any]:
    """Return all commands by how they are called, like ``ris review status``, in the order of the help."""
    return dict(_walk(typer.main.get_command(app), "ris"))


def command_reference(app: typer.Typer) -> str:
    """Return the reference of all commands as Markdown."""
    tree = command_tree(app)
    lines = [_HEAD]
    for called, command in tree.items():
        lines += [f"## {called}\n", *_about(called, command)]
    return "\n".join(lines).rstrip() + "\n"


def _walk(command: Any, called: str) -> Iterator[tuple[str, Any]]:
    yield called, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner, f"{called} {name}")


def _about(called: str, command: Any) -> Iterator[str]:
    said = (command.help or "").split("\f")[0].split()
    parameters = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    arguments = [_named(parameter) for parameter in parameters if _is_argument(parameter)]
    inner = getattr(command, "commands", {})
    usage = [called, *(["[OPTIONS]"] if len(arguments) < len(parameters) else []), *arguments]
    yield f"{' '.join(said)}\n"
    yield f"```\n{' '.join([*usage, *(['COMMAND'] if inner else [])])}\n```\n"
    if parameters:
        yield "| argument or option | values | default | meaning |"
        yield "|---|---|---|---|"
        yield from (_row(parameter) for parameter in parameters)
        yield ""


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _named(parameter: Any) -> str:
    if not _is_argument(parameter):
        return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    name = parameter.name.upper() + (" ..." if parameter.nargs != 1 else "")
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any) -> str:
    named = f"`{_named(parameter)}`" if _is_argument(parameter) else _named(parameter)
    default = "required" if parameter.required else _default(parameter.default)
    cells = (named, _values(parameter.type_descriptor.annotation), default, " ".join((parameter.help or "").split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(value: object) -> str:
    if value is None or value is False or value in ((), []) or callable(value):
        return ""
    if isinstance(value, Path) and value.is_absolute():
        # Where the platform lies differs from machine to machine.
        return f"`{value.name}` of the platform"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _values(annotation: Any) -> str:
    """Return what an argument or option takes, in words."""
    if get_origin(annotation) in (list, tuple):
        return f"{_values(get_args(annotation)[0])}, several"
    if parts := [part for part in get_args(annotation) if part is not type(None)]:
        return _values(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    return {bool: "switch", int: "integer", float: "number", Path: "path", datetime: "date"}.get(annotation, "text")
