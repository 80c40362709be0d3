"""The allocator: memory of a round is kept for the next, instead of being given back and taken again page by page."""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8  # malloc.h
_MB: Final = 1 << 20


def keep_memory() -> None:
    """Tell glibc so, before threads are started; elsewhere nothing is done.

    A round's arrays are of some MB: by default each is mapped, filled with zeros by the kernel and unmapped again, and each
    thread has an arena of its own that gives back its top.  One arena that keeps 128 MB costs a fifth less CPU, and memory
    only as far as a round once needed it.  docs/decisions/0072-memory-is-kept.md
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for option, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 32 * _MB), (_TRIM_THRESHOLD, 128 * _MB), (_TOP_PAD, 16 * _MB)):
        mallopt(ctypes.c_int(option), ctypes.c_int(value))
