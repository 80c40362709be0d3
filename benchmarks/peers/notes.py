"""A contender's orders, and its notes about itself while it works; read by :class:`benchmarks.loads.observation.Observed`.

It imports nothing of the product but devices, because the peers have an environment of their own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import SAMPLE
from benchmarks.peers.sample_job import SampleJob

_STEPS = 50


class Notes:
    """``BENCH_OBSERVATION`` is the file, ``BENCH_MESSAGES`` how many there will be; ``job`` counts its ``samples`` and knows
    what it ``found``.
    """

    def __init__(self, job: Any) -> None:
        self._file = Path(os.environ["BENCH_OBSERVATION"]).open("ab", buffering=0)  # noqa: SIM115  lives as long as we do
        self.total = int(os.environ["BENCH_MESSAGES"])
        self.job, self._step = job, max(self.total // _STEPS, 1)
        self._done, self._noted, self._samples = 0, 0, 0

    def done(self, messages: int) -> None:
        """Note that ``messages`` more were handled.  A call with 0 before the first begins the measurement."""
        self._done += messages
        if messages and self._done - self._noted < self._step and self._done < self.total:
            return
        if self._done >= self.total:
            self._write({"found": self.job.found()})
        step = {"messages": self._done - self._noted, "samples": self.job.samples - self._samples}
        self._write({"at": time.time_ns(), "cpu": time.process_time_ns(), **step})
        self._noted, self._samples = self._done, self.job.samples

    def _write(self, line: dict[str, object]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")


class Orders(Notes):
    """The job that the environment names, where its log is, and its notes."""

    def __init__(self, sample: Callable[[], Any] = SampleJob, batch: Callable[[], Any] = BatchJob) -> None:
        self.by_sample, self.stored = os.environ["BENCH_JOB"] == SAMPLE, os.environ["BENCH_MODE"] == "state"
        self.kafka, self.topic = os.environ["BENCH_KAFKA"], os.environ["BENCH_TOPIC"]
        self.group, self.folder = os.environ["BENCH_GROUP"], os.environ["BENCH_FOLDER"]
        super().__init__(sample() if self.by_sample else batch())
