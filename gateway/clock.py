"""The gateway's clocks: the wall clock, its synchronisation, and the monotonic clock of this boot."""

from __future__ import annotations

import ctypes
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ClockSource = Literal["kernel", "assumed"]
"""``kernel``: the kernel knows if NTP has set the clock; ``assumed``: the clock counts as set (demo, tests, GPS clocks)."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC: Final = 0x40


@dataclass(frozen=True, slots=True)
class Stamp:
    """One instant: ``wall`` in ms since the epoch, ``mono`` in ms since ``boot`` began; ``sure`` once the clock was set."""

    wall: int
    mono: int
    boot: str
    sure: bool


class GatewayClock:
    """Reads the clocks.  Once synchronised in this boot it stays so: a lost time server does not undo it."""

    def __init__(self, source: ClockSource = "kernel", ask_kernel: Callable[[], bool] | None = None) -> None:
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else uuid.uuid4().hex
        self._sure, self._ask_kernel = source == "assumed", ask_kernel or kernel_synchronised

    def synchronised(self) -> bool:
        """Return True once a time source has set the wall clock in this boot."""
        self._sure = self._sure or self._ask_kernel()
        return self._sure

    def now(self) -> Stamp:
        """The present instant on all clocks."""
        return Stamp(time.time_ns() // 1_000_000, _since_boot_ms(), self.boot, self.synchronised())


def _since_boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def kernel_synchronised() -> bool:
    """Return True if the kernel reports its clock as set (``adjtimex(2)``: status without ``STA_UNSYNC``)."""
    # struct timex begins with modes (int, padded), offset, freq, maxerror, esterror (long), status (int); 208 bytes.
    fields = (ctypes.c_long * 64)()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(fields))
    except (OSError, AttributeError):
        return False
    return answer >= 0 and not (fields[5] & 0xFFFFFFFF) & _STA_UNSYNC
