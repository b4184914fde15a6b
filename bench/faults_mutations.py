"""Damage to files for `bench.faults`: bits, bytes and blocks of any file; numbers, lines and nesting of text."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

_SPECIAL = (0, 1, 0x7F, 0x80, 0xFF)
_BOUNDS = (0, 1, -1, 2**15, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63))
_NUMBERS = (
    *(b"0", b"-1", b"1e999", b"-1e999", b"1e-320", b"nan", b".nan", b"NaN", b"Infinity", b"18446744073709551616"),
    *(b"9" * 400, b"0x10", b"1_000", b"010", b"12:30", b"1.5", b"true", b"null", b"''", b"[]", b"{}", b"2015-02-30"),
)
_WORDS = (
    *(
        b"!!bool maybe",
        b"!!python/object:os.system",
        b"!!binary x",
        b"&a [*a]",
        b"*nothing",
        b"\t",
        b"\x00",
        b"\xff\xfe",
    ),
    *("é".encode("latin-1"), "\u2028".encode(), b"<<: *x", b"%YAML 9.9", b"---\n", b"&lt;&nothing;", b"<!--", b"]]>"),
    *(b"https://u:p@h", b"../../../etc/passwd", b"NO", b"~", b'"', b"'", b"\\u0000", b"\\ud800"),
)
_LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>'
)
_DEEP = (b"[", b"{", b"- ", b"<a>", b"(", b'{"a":', b"a: {b: ")
_LONGEST = 4096

Mutator = Callable[[np.random.Generator, bytearray], str]


def mutate(rng: np.random.Generator, data: bytes, text: bool = False) -> tuple[bytes, str]:
    """Return damaged bytes and a description of the damage; a file of text is damaged as text half of the time.

    The same generator and bytes give the same result. The returned bytes differ from ``data``.
    """
    kinds = _OF_TEXT if text and rng.random() < 0.5 else _OF_BYTES
    while True:
        spoilt, done = bytearray(data), []
        for _ in range(1 if rng.random() < 0.7 else int(rng.integers(2, 5))):
            if spoilt:
                done.append(kinds[int(rng.integers(len(kinds)))](rng, spoilt))
        if bytes(spoilt) != data:
            return bytes(spoilt), ", ".join(done)


def _place(rng: np.random.Generator, data: bytearray) -> int:
    """Draw a position, half of the time from the first kilobyte, where headers are."""
    return int(rng.integers(min(len(data), 1024) if rng.random() < 0.3 else len(data)))


def _length(rng: np.random.Generator, data: bytearray, at: int) -> int:
    """Draw a number of bytes from a position on: every order of magnitude has the same chance."""
    longest = max(1, min(len(data) - at, _LONGEST))
    return int(min(longest, 2 ** rng.uniform(0, np.log2(longest) + 1)))


def _flip(rng: np.random.Generator, data: bytearray) -> str:
    at, bit = _place(rng, data), int(rng.integers(8))
    data[at] ^= 1 << bit
    return f"bit {bit} of byte {at} flipped"


def _set(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    data[at] = int(rng.choice(_SPECIAL)) if rng.random() < 0.5 else int(rng.integers(256))
    return f"byte {at} set to {data[at]}"


def _number(rng: np.random.Generator, data: bytearray) -> str:
    size = int(rng.choice([2, 4, 8]))
    at = _place(rng, data) // size * size
    value = int(rng.choice(np.array(_BOUNDS, dtype=object))) % 256**size
    order = "big" if rng.random() < 0.5 else "little"
    data[at : at + size] = value.to_bytes(size, order)[: max(0, len(data) - at)]
    return f"{size} bytes at {at} set to {value} ({order} endian)"


def _cut(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    del data[at:]
    return f"cut at {at}"


def _zero(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    size, value = _length(rng, data, at), int(rng.choice([0, 255]))
    data[at : at + size] = bytes([value]) * min(size, len(data) - at)
    return f"{size} bytes at {at} set to {value}"


def _delete(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    size = _length(rng, data, at)
    del data[at : at + size]
    return f"{size} bytes at {at} deleted"


def _repeat(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    size, times = _length(rng, data, at), int(rng.integers(1, 4))
    data[at:at] = bytes(data[at : at + size]) * times
    return f"{size} bytes at {at} repeated {times} time(s)"


def _insert(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    size = _length(rng, data, at)
    data[at:at] = rng.bytes(size)
    return f"{size} bytes inserted at {at}"


def _swap(rng: np.random.Generator, data: bytearray) -> str:
    one, other = _place(rng, data), _place(rng, data)
    size = min(_length(rng, data, one), _length(rng, data, other))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return f"{size} bytes at {one} and {other} swapped"


def _random(rng: np.random.Generator, data: bytearray) -> str:
    at = _place(rng, data)
    size = _length(rng, data, at)
    data[at : at + size] = rng.bytes(min(size, len(data) - at))
    return f"{size} bytes at {at} set at random"


def _other_number(rng: np.random.Generator, data: bytearray) -> str:
    found = list(re.finditer(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", bytes(data)))
    if not found:
        return _insert(rng, data)
    match, value = found[int(rng.integers(len(found)))], bytes(rng.choice(np.array(_NUMBERS, dtype=object)))
    data[match.start() : match.end()] = value
    return f"{match[0].decode()[:30]} at {match.start()} replaced by {value[:30]!r}"


def _other_word(rng: np.random.Generator, data: bytearray) -> str:
    found = list(re.finditer(rb"[A-Za-z_]{2,}", bytes(data)))
    if not found:
        return _insert(rng, data)
    match, value = found[int(rng.integers(len(found)))], bytes(rng.choice(np.array(_WORDS, dtype=object)))
    data[match.start() : match.end()] = value
    return f"{match[0].decode()[:30]} at {match.start()} replaced by {value[:30]!r}"


def _lines(rng: np.random.Generator, data: bytearray) -> str:
    """Delete, repeat, move or indent a line."""
    lines = bytes(data).splitlines(keepends=True)
    at, kind = int(rng.integers(len(lines))), ("deleted", "repeated", "moved", "indented")[int(rng.integers(4))]
    line = lines[at]
    if kind in ("deleted", "moved"):
        del lines[at]
    if kind in ("repeated", "moved"):
        lines.insert(int(rng.integers(len(lines) + 1)), line)
    if kind == "indented":
        lines[at] = bytes(rng.choice(np.array([b"  ", b"\t", b" ", b"- "], dtype=object))) + line
    data[:] = b"".join(lines)
    return f"line {at} {kind}"


def _nest(rng: np.random.Generator, data: bytearray) -> str:
    at, times = _place(rng, data), int(rng.choice([10, 200, 5000, 50_000]))
    what = bytes(rng.choice(np.array(_DEEP, dtype=object)))
    data[at:at] = what * times
    return f"{what!r} inserted {times} times at {at}"


def _entities(rng: np.random.Generator, data: bytearray) -> str:
    at = data.find(b"?>") + 2 if b"?>" in data else 0
    data[at:at] = _LAUGHS
    to = int(rng.integers(at + len(_LAUGHS), len(data) + 1))
    data[to:to] = b"&d;"
    return f"entities of entities declared, and one used at {to}"


_OF_BYTES: tuple[Mutator, ...] = (
    _flip,
    _flip,
    _flip,
    _set,
    _number,
    _cut,
    _zero,
    _delete,
    _repeat,
    _insert,
    _swap,
    _random,
)
_OF_TEXT: tuple[Mutator, ...] = (_other_number, _other_number, _other_word, _lines, _nest, _entities)
