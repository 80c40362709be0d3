"""The time from measuring a sample to committing it: a histogram filled a round at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

NAME: Final = "vigil_sample_to_committed_seconds"
BOUNDS: Final[npt.NDArray[np.float64]] = np.round(np.geomspace(0.005, 600, 101), 4)
"""Upper bounds in seconds, each about 12 % above the one before."""
_MOST: Final = int(BOUNDS[-1] * 1000) + 1
_BUCKET: Final = np.searchsorted(BOUNDS, np.arange(_MOST + 1) / 1000).astype(np.uint8)  # by ms


class Latency(Collector):
    """Counts per bound.  One call a round, whatever the number of samples in it."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(BOUNDS) + 1, np.int64)
        self._sum = 0.0
        self._lock = threading.Lock()

    def observe(self, ms: npt.NDArray[np.int64]) -> None:
        """Add int64 [n] ms; a negative one (a clock ahead of ours) counts as the smallest."""
        counts = np.bincount(_BUCKET[np.clip(ms, 0, _MOST)], minlength=len(self._counts))
        with self._lock:
            self._counts += counts
            self._sum += int(ms.sum()) / 1000

    def collect(self) -> Iterator[HistogramMetricFamily]:
        with self._lock:
            running, total = np.cumsum(self._counts), self._sum
        buckets = [(str(bound), float(count)) for bound, count in zip(BOUNDS, running[:-1], strict=True)]
        family = HistogramMetricFamily(NAME, "From being measured to being committed; live samples only")
        family.add_metric([], [*buckets, ("+Inf", float(running[-1]))], total)
        yield family


LATENCY: Final = Latency()
REGISTRY.register(LATENCY)
