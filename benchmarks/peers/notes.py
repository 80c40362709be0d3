"""Notes of a contender about itself while it works; read by :class:`benchmarks.loads.observation.Observed`.

It imports nothing of the product, because the peers have an environment of their own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

_STEPS = 50


class Notes:
    """``BENCH_OBSERVATION`` is the file, ``BENCH_MESSAGES`` how many there will be."""

    def __init__(self) -> None:
        self._file = Path(os.environ["BENCH_OBSERVATION"]).open("ab", buffering=0)  # noqa: SIM115  lives as long as we do
        self.total = int(os.environ["BENCH_MESSAGES"])
        self._step = max(self.total // _STEPS, 1)
        self._done, self._noted, self._samples = 0, 0, 0

    def done(self, messages: int, samples: Callable[[], int], found: Callable[[], dict[str, float]]) -> None:
        """Note that ``messages`` more were handled.  A call with 0 before the first begins the measurement."""
        self._done += messages
        if messages and self._done - self._noted < self._step and self._done < self.total:
            return
        if self._done >= self.total:
            self._write({"found": found()})
        seen = samples()
        step = {"messages": self._done - self._noted, "samples": seen - self._samples}
        self._write({"at": time.time_ns(), "cpu": time.process_time_ns(), **step})
        self._noted, self._samples = self._done, seen

    def _write(self, line: dict[str, object]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
