"""The observed worker as one of several: it reads nothing before the file ``BENCH_GO`` exists, so that all begin at once,
each with its share of the partitions restored and all data keys read.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.loads import observed_worker


def _wait_to_be_told(go: Path) -> None:
    from streams.worker.loop import Loop

    has_room, told = Loop.has_room, []

    def gated(self: Loop, partition: int) -> bool:
        if not told:
            if not go.exists():
                return False
            told.append(True)
        return has_room(self, partition)

    Loop.has_room = gated  # type: ignore[method-assign]


def main() -> None:
    _wait_to_be_told(Path(os.environ["BENCH_GO"]))
    observed_worker._read_keys()
    observed_worker.main()


if __name__ == "__main__":
    main()
