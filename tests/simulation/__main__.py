"""Simulate seeds:  python -m tests.simulation [--seeds 300] [--first 0] [--processes 2] | --seed 17 [--trace]."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Final

from tests.simulation.night import seeds_of
from tests.simulation.quiet import simulated
from tests.simulation.world import Outcome, simulate

_SAY_EVERY_S: Final = 10.0
_LINES: Final = 25


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description="Simulate Vigil with faults, until a seed is wrong.")
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="so many at a time; one for each core")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="print all that happened")
    asked = parser.parse_args()
    if asked.seed is not None:
        with simulated():
            outcome = simulate(asked.seed, keep=None)
        report(outcome, None if asked.trace else _LINES)
        return bool(outcome.wrong)
    try:
        return many(range(asked.first, asked.first + asked.seeds), max(asked.processes or 1, 1))
    except KeyboardInterrupt:
        print("interrupted: the seeds named so far hold", flush=True)
        return 130


def many(seeds: range, processes: int) -> int:
    if not seeds:
        print("no seeds: nothing was tried", flush=True)
        return 2
    began = printed = time.monotonic()
    readings = conditions = 0
    for n, outcome in enumerate(seeds_of(seeds, processes), 1):
        readings, conditions = readings + outcome.readings, conditions + outcome.conditions
        if outcome.wrong:
            report(outcome, _LINES)
            return 1
        now = time.monotonic()
        if now - printed > _SAY_EVERY_S or n == len(seeds):
            printed = now
            print(
                f"{n} of {len(seeds)} seeds hold, {n / (now - began):.1f} a second; {readings} readings stored,"
                f" {conditions} steps of alarms",
                flush=True,
            )
    return 0


def report(outcome: Outcome, lines: int | None) -> None:
    """What happened in one seed, and how to see it again."""
    for line in outcome.lines if lines is None else outcome.lines[-lines:]:
        print(line)
    result = f"{len(outcome.wrong)} wrong" if outcome.wrong else "all holds"
    print(f"seed {outcome.seed}, trace {outcome.digest}, {result}")
    if outcome.wrong:
        print(f'again:  make simulate ARGS="--seed {outcome.seed} --trace"')


if __name__ == "__main__":
    sys.exit(main())
