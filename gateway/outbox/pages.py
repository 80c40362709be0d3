"""Reads the rows of an SQLite file from its pages, also where SQLite itself no longer can.

Source: https://sqlite.org/fileformat2.html (database header, b-tree pages, record format, freelist, write-ahead log).
A page that makes no sense yields no rows; nothing here raises for what a file holds.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

Value = int | float | str | bytes | None
Row = tuple[int | None, tuple[Value, ...]]
"""The rowid (None for a row of an index or of a table without rowid) and the columns."""

_MAGIC: Final = b"SQLite format 3\x00"
_USUAL_SIZE: Final = 4096
_TABLE_LEAF, _TABLE_INNER, _INDEX_LEAF, _INDEX_INNER = 0x0D, 0x05, 0x0A, 0x02
_WAL_MAGIC: Final = (0x377F0682, 0x377F0683)
_WAL_HEAD, _FRAME_HEAD = 32, 24
_INTEGERS: Final = (0, 1, 2, 3, 4, 6, 8)


class Pages:
    """The pages of the file at ``path``, with those that its write-ahead log holds in their place."""

    def __init__(self, path: Path) -> None:
        self._data = _mapped(path)
        whole = self._data[:16] == _MAGIC
        size = int.from_bytes(self._data[16:18], "big") if whole else 0
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else _USUAL_SIZE
        wal = path.with_name(path.name + "-wal")
        self._newer = _frames(wal.read_bytes(), self.size) if wal.exists() else {}
        self.count = max([-(-len(self._data) // self.size), *self._newer])

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def roots(self) -> dict[str, int]:
        """The first page of each table and index by name, as far as the schema can be read."""
        found = {}
        for _, row in self.rows_below(1):
            if len(row) == 5 and isinstance(row[1], str) and isinstance(row[3], int):
                found[row[1]] = row[3]
        return found

    def rows_below(self, root: int, seen: set[int] | None = None) -> Iterator[Row]:
        """The rows of the b-tree that begins at page ``root``, in order; the pages visited are added to ``seen``."""
        seen = set() if seen is None else seen
        left = [root]
        while left:
            number = left.pop()
            if number in seen or not 1 <= number <= self.count:
                continue
            seen.add(number)
            yield from self.rows_on(number)
            left += reversed(self._children(number))

    def rows_on(self, number: int) -> Iterator[Row]:
        """The rows that stand on one page."""
        page, at = self._page(number), 100 if number == 1 else 0
        kind = page[at] if len(page) == self.size else 0
        if kind not in {_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER}:
            return
        for start in self._cells(page, at, kind):
            try:
                yield self._row(page, start + (4 if kind == _INDEX_INNER else 0), table=kind == _TABLE_LEAF)
            except (IndexError, ValueError, struct.error):
                continue

    def free(self) -> set[int]:
        """The pages of the freelist, which hold rows that were deleted."""
        found: set[int] = set()
        trunk = int.from_bytes(self._page(1)[32:36], "big") if self._page(1)[:16] == _MAGIC else 0
        while 1 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            page = self._page(trunk)
            leaves = min(int.from_bytes(page[4:8], "big"), self.size // 4 - 2)
            found |= {int.from_bytes(page[8 + 4 * i : 12 + 4 * i], "big") for i in range(leaves)}
            trunk = int.from_bytes(page[:4], "big")
        return found

    def _page(self, number: int) -> bytes:
        return self._newer.get(number) or self._data[(number - 1) * self.size : number * self.size]

    def _cells(self, page: bytes, at: int, kind: int) -> list[int]:
        head = at + (12 if kind in {_TABLE_INNER, _INDEX_INNER} else 8)
        count = min(int.from_bytes(page[at + 3 : at + 5], "big"), (self.size - head) // 2)
        starts = struct.unpack_from(f">{count}H", page, head)
        return [start for start in starts if head + 2 * count <= start < self.size]

    def _children(self, number: int) -> list[int]:
        page, at = self._page(number), 100 if number == 1 else 0
        if len(page) < self.size or page[at] not in {_TABLE_INNER, _INDEX_INNER}:
            return []
        inner = [int.from_bytes(page[start : start + 4], "big") for start in self._cells(page, at, page[at])]
        return [*inner, int.from_bytes(page[at + 8 : at + 12], "big")]

    def _row(self, page: bytes, at: int, *, table: bool) -> Row:
        length, at = _varint(page, at)
        rowid = None
        if table:
            rowid, at = _varint(page, at)
            rowid = rowid - (1 << 64) if rowid >> 63 else rowid
        return rowid, _columns(self._payload(page, at, length, table=table))

    def _payload(self, page: bytes, at: int, length: int, *, table: bool) -> bytes:
        """The bytes of a row, those on its overflow pages included."""
        most = self.size - 35 if table else (self.size - 12) * 64 // 255 - 23
        if length <= most:
            found = page[at : at + length]
        else:
            least = (self.size - 12) * 32 // 255 - 23
            here = least + (length - least) % (self.size - 4)
            here = here if here <= most else least
            found, following = page[at : at + here], int.from_bytes(page[at + here : at + here + 4], "big")
            for _ in range(self.count):
                if len(found) >= length or not 1 <= following <= self.count:
                    break
                more = self._page(following)
                found, following = found + more[4:], int.from_bytes(more[:4], "big")
        if len(found) < length:
            raise ValueError("cut off")
        return found[:length]


def _mapped(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, and where the next field begins."""
    value = 0
    for i in range(8):
        value = value << 7 | data[at + i] & 0x7F
        if data[at + i] < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9


def _columns(payload: bytes) -> tuple[Value, ...]:
    head, at = _varint(payload, 0)
    types, body = [], head
    while at < head:
        one, at = _varint(payload, at)
        types.append(one)
    found: list[Value] = []
    for one in types:
        size = _INTEGERS[one] if one < 7 else 8 if one == 7 else 0 if one < 12 else (one - 12) // 2
        raw = payload[body : body + size]
        if len(raw) < size or one in {10, 11}:
            raise ValueError("no record")
        body += size
        found.append(_value(one, raw))
    return tuple(found)


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind < 7:
        return int.from_bytes(raw, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", raw)[0])
    if kind < 10:
        return kind - 8
    return raw.decode() if kind % 2 else raw


def _frames(wal: bytes, size: int) -> dict[int, bytes]:
    """The newest committed copy of each page in a write-ahead log."""
    if len(wal) < _WAL_HEAD or int.from_bytes(wal[:4], "big") not in _WAL_MAGIC or int.from_bytes(wal[8:12], "big") != size:
        return {}
    salt, committed, pending = wal[16:24], dict[int, bytes](), dict[int, bytes]()
    for at in range(_WAL_HEAD, len(wal) - size - _FRAME_HEAD + 1, size + _FRAME_HEAD):
        number, pages = struct.unpack_from(">II", wal, at)
        if wal[at + 8 : at + 16] != salt:
            break  # what follows is of an earlier log
        pending[number] = wal[at + _FRAME_HEAD : at + _FRAME_HEAD + size]
        if pages:
            committed |= pending
            pending = {}
    return committed
