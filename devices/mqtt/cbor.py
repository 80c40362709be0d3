"""Reads CBOR as far as SenML uses it: whole numbers, floats, texts, bytes, lists, maps, true, false and null.

Source: RFC 8949.  A decoder of our own: SenML needs seventy lines of it, and a home has one dependency less.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from devices.errors import UndecodableError

_WHAT: Final = "CBOR"
_DEEPEST: Final = 8
_BREAK: Final = object()
_SIMPLE: Final = {20: False, 21: True, 22: None, 23: None}
_FLOATS: Final = {25: (2, ">e"), 26: (4, ">f"), 27: (8, ">d")}
_DECIMAL: Final = 4
"""The tag of a decimal fraction: [exponent, mantissa]."""


def decode_cbor(data: bytes) -> Any:
    """Decode one item; :class:`UndecodableError` for anything else, also for bytes behind it."""
    reader = _Reader(data)
    found = reader.item(0)
    if found is _BREAK or reader.at != len(data):
        raise UndecodableError(_WHAT, "is more or less than one item")
    return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def item(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise UndecodableError(_WHAT, "is nested too deep")
        first = self._take(1)[0]
        major, low = first >> 5, first & 0x1F
        if major == 7:
            return self._simple(low)
        size = None if low == 31 and 2 <= major <= 5 else self._number(low)
        if major == 0:
            return size
        if major == 1:
            return -1 - (size or 0)
        if major in (2, 3):
            raw = b"".join(self._parts(depth)) if size is None else self._take(size)
            return raw if major == 2 else raw.decode(errors="replace")
        if major == 4:
            return self._list(size, lambda: self.item(depth + 1))
        if major == 5:
            return self._map(size, depth)
        return _tagged(size or 0, self.item(depth + 1))

    def _parts(self, depth: int) -> list[bytes]:
        parts = self._list(None, lambda: self.item(depth + 1))
        return [one if isinstance(one, bytes) else str(one).encode() for one in parts]

    def _list(self, size: int | None, item: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        while size is None or len(found) < size:
            one = item()
            if one is _BREAK:
                if size is not None:
                    raise UndecodableError(_WHAT, "a list ends too early")
                break
            found.append(one)
        return found

    def _map(self, size: int | None, depth: int) -> dict[Any, Any]:
        flat = self._list(None if size is None else 2 * size, lambda: self.item(depth + 1))
        if len(flat) % 2 or any(isinstance(key, dict | list) for key in flat[::2]):
            raise UndecodableError(_WHAT, "a map has no whole pairs")
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _simple(self, low: int) -> Any:
        if low == 31:
            return _BREAK
        if low in _FLOATS:
            size, form = _FLOATS[low]
            return struct.unpack(form, self._take(size))[0]
        if low not in _SIMPLE:
            raise UndecodableError(_WHAT, f"simple value {low} is not known")
        return _SIMPLE[low]

    def _number(self, low: int) -> int:
        if low < 24:
            return low
        if low > 27:
            raise UndecodableError(_WHAT, "a length is reserved")
        return int.from_bytes(self._take(1 << (low - 24)), "big")

    def _take(self, size: int) -> bytes:
        if self.at + size > len(self._data):
            raise UndecodableError(_WHAT, f"truncated: {size} bytes are needed, {len(self._data) - self.at} are left")
        self.at += size
        return self._data[self.at - size : self.at]


def _tagged(tag: int, found: Any) -> Any:
    if tag != _DECIMAL:
        return found
    whole = isinstance(found, list) and len(found) == 2 and all(type(one) is int for one in found)
    if not whole or abs(found[0]) > 300:
        raise UndecodableError(_WHAT, "is no decimal fraction")
    return float(f"{found[1]}e{found[0]}")
