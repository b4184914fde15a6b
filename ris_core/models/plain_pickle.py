"""Check of the pickle in a weight file of PyTorch, without making its objects: it may only describe tensors by name.

`torch.load(weights_only=True)` runs no program, but a pickle can keep it busy for ever or make it use any amount of
memory. So the pickle is stepped through first, with stand-ins instead of objects.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FLOATS = {"FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage"}
_STORAGE = "Storage"
_UNUSABLE = {
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_meta_tensor_no_storage": "a tensor without values (device meta)",
    "_rebuild_nested_tensor": "a nested tensor",
}
_LONGEST = 200
_MARK = object()
_PLAIN = {"NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class NotPlainError(ValueError):
    """A pickle has other content than tensors by name; the message says what."""


@dataclass(frozen=True)
class _Function:
    name: str


@dataclass(frozen=True)
class _Stored:
    """A stand-in for the values of a tensor, with the class of their storage."""

    kind: str


def check_plain(pickle: bytes) -> dict[str, str]:
    """Return the class of the storage of each tensor by name, for example ``FloatStorage``.

    Raises
    ------
    NotPlainError
        The bytes are not a pickle, or it has other content.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            if opcode.name == "STOP":
                break
            _step(opcode.name, argument, stack, memo)
        (found,) = stack
    except NotPlainError:
        raise
    except Exception as error:  # an empty stack, or bytes that are not a pickle
        raise NotPlainError(f"its pickle is damaged: {type(error).__name__}") from error
    if not isinstance(found, dict) or not all(isinstance(value, _Stored) for value in found.values()):
        raise NotPlainError("expected a state dict of tensors by name")
    return {name: value.kind for name, value in found.items()}


def _step(name: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    if name in _PLAIN:
        stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(name, argument))
    elif name in ("BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name == "GLOBAL":
        stack.append(_Function(_allowed(argument)))
    elif name in _TUPLES:
        count = _TUPLES[name]
        stack[-count:] = [tuple(stack[-count:])]
    elif name in _STEPS:
        _STEPS[name](stack)
    elif (name, argument) != ("PROTO", 2):
        raise NotPlainError(f"its pickle does something ({name}) that state dicts do not")


def _allowed(argument: str) -> str:
    """Return the name of a function or class that occurs in state dicts."""
    module, name = argument.split(" ", maxsplit=1)
    if module == "torch" and name.endswith(_STORAGE):
        return name
    if (module, name) in (("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2")):
        return name
    if (module, name) == ("torch._utils", "_rebuild_parameter"):
        return name
    if module == "torch._utils" and name in _UNUSABLE:
        raise NotPlainError(f"it holds {_UNUSABLE[name]}")
    raise NotPlainError(f"it uses {module}.{name}"[:120])


def _after_mark(stack: list[Any]) -> list[Any]:
    at = next(i for i in range(len(stack) - 1, -1, -1) if stack[i] is _MARK)
    found = stack[at + 1 :]
    del stack[at:]
    return found


def _reduce(stack: list[Any]) -> None:
    arguments, function = stack.pop(), stack.pop()
    name = function.name if isinstance(function, _Function) else ""
    if name == "OrderedDict" and arguments == ():
        stack.append({})
    elif name.startswith("_rebuild") and isinstance(arguments, tuple) and isinstance(arguments[0], _Stored):
        stack.append(arguments[0])
    else:
        raise NotPlainError(f"its pickle calls {name or 'something'} as state dicts do not")


def _stored(stack: list[Any]) -> None:
    match stack.pop():
        case ("storage", _Function(name=name), str(), str(), int()) if name.endswith(_STORAGE):
            stack.append(_Stored(name))
        case _:
            raise NotPlainError("its pickle names a storage as state dicts do not")


def _set(items: list[Any], into: Any) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not (isinstance(key, str) and key.isprintable() and len(key) <= _LONGEST and isinstance(into, dict)):
            raise NotPlainError(f"its pickle names something otherwise than by a text of at most {_LONGEST} characters")
        into[key] = value


def _set_one(stack: list[Any]) -> None:
    items = [stack.pop(-2), stack.pop()]
    _set(items, stack[-1])


def _set_all(stack: list[Any]) -> None:
    items = _after_mark(stack)
    _set(items, stack[-1])


def _build(stack: list[Any]) -> None:
    state = stack.pop()  # versions of modules, beside the dict
    if not isinstance(state, dict) or not isinstance(stack[-1], dict) or set(state) != {"_metadata"}:
        raise NotPlainError("its pickle sets attributes")


_STEPS: dict[str, Callable[[list[Any]], None]] = {
    "MARK": lambda stack: stack.append(_MARK),
    "EMPTY_TUPLE": lambda stack: stack.append(()),
    "EMPTY_DICT": lambda stack: stack.append({}),
    "TUPLE": lambda stack: stack.append(tuple(_after_mark(stack))),
    "BINPERSID": _stored,
    "REDUCE": _reduce,
    "SETITEM": _set_one,
    "SETITEMS": _set_all,
    "BUILD": _build,
}
