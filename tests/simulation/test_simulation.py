"""Seeds of the simulation, as many as CI has time for; ``make simulate SEEDS=20000`` runs a night's worth."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulation.patches import simulated
from tests.simulation.world import simulate

ROOT = Path(__file__).resolve().parents[2]
SEEDS, BLOCKS = 300, 6
SAME = (3, 17)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_fails_nothing_is_lost_or_doubled_and_every_alarm_comes_once(block):
    each = SEEDS // BLOCKS
    began = time.process_time()
    with simulated():
        outcomes = [simulate(seed) for seed in range(block * each, (block + 1) * each)]
    wrong = [
        "\n".join([*one.trace[-25:], f'again: make simulate ARGS="--seed {one.seed} --trace"'])
        for one in outcomes
        if one.wrong
    ]
    assert not wrong, "\n\n".join(wrong)
    assert sum(one.readings for one in outcomes) > 10 * each
    assert sum(one.conditions for one in outcomes) > 5 * each
    print(f"{each} seeds, {(time.process_time() - began) / each:.3f} s each")


def test_a_seed_is_the_same_every_time_and_in_every_process():
    with simulated():
        here = [simulate(seed, keep=None) for seed in SAME]
        again = [simulate(seed, keep=None) for seed in SAME]
    assert [one.trace for one in here] == [one.trace for one in again]
    for one in here:
        command = [sys.executable, "-m", "tests.simulation", "--seed", str(one.seed), "--trace"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines() == [*one.trace, f"seed {one.seed}, trace {one.digest}, all holds"]
