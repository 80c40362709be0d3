"""A disk seen from below SQLite: what was written, and what of it was synced.

The functions that SQLite calls to write, cut and sync a file are replaced by our own, which keep a copy and call the
original: the library under Python's own ``sqlite3``, its write-ahead log and its checkpoints are the real ones.  A power cut
leaves what was synced, and of the rest any part, torn at sectors.

Source: https://sqlite.org/c3ref/io_methods.html, https://sqlite.org/c3ref/vfs.html.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SECTOR: Final = 512
_OK: Final = 0
_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_CLOSE = ctypes.CFUNCTYPE(_I, _P)
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_DELETE = ctypes.CFUNCTYPE(_I, _P, _P, _I)


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", _I), ("close", _P), ("read", _P), ("write", _P), ("truncate", _P), ("sync", _P), ("size", _P),
        ("lock", _P), ("unlock", _P), ("reserved", _P), ("control", _P), ("sector", _P), ("characteristics", _P),
        ("shm_map", _P), ("shm_lock", _P), ("shm_barrier", _P), ("shm_unmap", _P), ("fetch", _P), ("unfetch", _P),
    )  # fmt: skip


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", _I), ("os_file", _I), ("longest", _I), ("next", _P), ("name", ctypes.c_char_p), ("data", _P),
        ("open", _P), ("delete", _P),
    )  # fmt: skip


@dataclass
class RecordedFile:
    """One file: ``synced`` is what is on the disk for sure, ``rest`` what was done since: (offset, bytes), or (length, None)
    where it was cut.
    """

    synced: bytearray = field(default_factory=bytearray)
    exists: bool = False
    rest: list[tuple[int, bytes | None]] = field(default_factory=list)

    def copy(self) -> RecordedFile:
        return RecordedFile(bytearray(self.synced), self.exists, list(self.rest))


def _apply(image: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del image[at:]
        return
    if len(image) < at:
        image.extend(bytes(at - len(image)))
    image[at : at + len(data)] = data


class Recorder:
    """The files opened while :meth:`recording`.  ``at_call``: called after each write, cut or sync, with their number."""

    def __init__(self) -> None:
        self.files: dict[str, RecordedFile] = {}
        self.calls = 0
        self.at_call: Callable[[int], None] = lambda _: None

    def copy(self) -> dict[str, RecordedFile]:
        """The state of all files at this moment."""
        return {path: one.copy() for path, one in self.files.items()}

    def _called(self) -> None:
        self.calls += 1
        self.at_call(self.calls)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what this process's SQLite does to files."""
        library = _library()
        vfs = ctypes.cast(library.sqlite3_vfs_find(None), ctypes.POINTER(_Vfs)).contents
        opened, deleted = _OPEN(vfs.open), _DELETE(vfs.delete)
        kept: list[Any] = []  # what C has a pointer to
        names: dict[int, str] = {}
        changed: dict[int, int] = {}  # our methods, by the address of theirs

        def open_(this: int, name: int, file: int, flags: int, out: int) -> int:
            path = ctypes.string_at(name).decode() if name else ""
            code = int(opened(this, name, file, flags, out))
            held = ctypes.cast(file, ctypes.POINTER(_File)).contents
            if code == _OK and path and held.methods:
                names[file] = path
                self.files.setdefault(path, RecordedFile())
                address = ctypes.addressof(held.methods.contents)
                if address not in changed:
                    ours = self._methods(held.methods.contents, names, kept)
                    kept.append(ours)
                    changed[address] = ctypes.addressof(ours)
                held.methods = ctypes.cast(changed[address], ctypes.POINTER(_Methods))
            return code

        def delete(this: int, name: int, sync: int) -> int:
            self.files.pop(ctypes.string_at(name).decode(), None)
            return int(deleted(this, name, sync))

        ours = _OPEN(open_), _DELETE(delete)
        before = vfs.open, vfs.delete
        vfs.open, vfs.delete = (ctypes.cast(one, _P).value for one in ours)
        try:
            yield
        finally:
            vfs.open, vfs.delete = before

    def _methods(self, theirs: _Methods, names: dict[int, str], kept: list[Any]) -> _Methods:
        ours = _Methods()
        ctypes.pointer(ours)[0] = theirs
        write, truncate, sync = _WRITE(theirs.write), _TRUNCATE(theirs.truncate), _SYNC(theirs.sync)
        close = _CLOSE(theirs.close)

        def write_(file: int, data: int, count: int, at: int) -> int:
            code = int(write(file, data, count, at))
            if code == _OK and file in names:
                self.files[names[file]].rest.append((at, ctypes.string_at(data, count)))
                self._called()
            return code

        def truncate_(file: int, length: int) -> int:
            code = int(truncate(file, length))
            if code == _OK and file in names:
                self.files[names[file]].rest.append((length, None))
                self._called()
            return code

        def sync_(file: int, flags: int) -> int:
            code = int(sync(file, flags))
            if code == _OK and file in names:
                one = self.files[names[file]]
                for at, data in one.rest:
                    _apply(one.synced, at, data)
                one.rest, one.exists = [], True
                self._called()
            return code

        def close_(file: int) -> int:
            names.pop(file, None)
            return int(close(file))

        made = _WRITE(write_), _TRUNCATE(truncate_), _SYNC(sync_), _CLOSE(close_)
        kept += made
        ours.write, ours.truncate, ours.sync, ours.close = (ctypes.cast(one, _P).value for one in made)
        return ours


def after_power_cut(state: dict[str, RecordedFile], folder: Path, rng: random.Random) -> None:
    """Write into ``folder`` what a disk may hold after the power was cut: of what was not synced any part, in any order."""
    for path, one in state.items():
        name = Path(path).name
        if name.endswith("-shm") or not (one.exists or rng.random() < 0.5):
            continue
        image = bytearray(one.synced)
        how = rng.random()
        for at, data in one.rest:
            if data is None:
                if rng.random() < 0.5:
                    _apply(image, at, None)
                continue
            for begin in range(0, len(data), SECTOR):
                if rng.random() < how:
                    _apply(image, at + begin, data[begin : begin + SECTOR])
        (folder / name).write_bytes(image)


def _library() -> Any:
    library = ctypes.CDLL(_sqlite3.__file__)  # its symbols are those of the SQLite that it is linked with
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    return library


def can_record() -> bool:
    """True if SQLite's functions can be reached: not where the interpreter hides them."""
    try:
        return bool(_library().sqlite3_vfs_find(None)) and sqlite3.sqlite_version_info >= (3, 7)
    except (AttributeError, OSError):
        return False
