"""The machine that was measured on, and how fast it is at this moment."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

_TURNS: Final = 1_000_000


def turn_ns() -> float:
    """ns of CPU a turn of a fixed loop of plain Python takes now: figures are given in it, because cores are shared."""
    begin, x = time.process_time_ns(), 0
    for i in range(_TURNS):
        x = (x * 31 + i) & 0xFFFF
    return (time.process_time_ns() - begin) / _TURNS


def machine() -> dict[str, Any]:
    """The facts that figures depend on, without a name of the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu_class(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _cpu_class() -> str:
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return platform.processor() or "unknown"
