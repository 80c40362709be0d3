"""Seeds of the simulation, as many as CI has time for; ``make simulate SEEDS=20000`` runs a night's worth."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pytest

from tests.simulation import night
from tests.simulation.__main__ import many
from tests.simulation.night import AT_ONCE, seeds_of
from tests.simulation.planted import BUGS
from tests.simulation.quiet import simulated
from tests.simulation.world import simulate

ROOT = Path(__file__).resolve().parents[2]
SEEDS, MANY = 150, 1000
SAME = (3, 17)


@pytest.mark.alone  # on all cores
def test_whatever_fails_nothing_is_lost_or_doubled_and_every_alarm_comes_once(
    record_property: Callable[[str, object], None],
) -> None:
    began = time.monotonic()
    outcomes = list(seeds_of(range(SEEDS), os.cpu_count() or 1))
    wrong = [
        "\n".join([*one.lines[-25:], f'again: make simulate ARGS="--seed {one.seed} --trace"'])
        for one in outcomes
        if one.wrong
    ]
    assert not wrong, "\n\n".join(wrong)
    assert [one.seed for one in outcomes] == list(range(SEEDS))
    assert sum(one.readings for one in outcomes) > 10 * SEEDS
    assert sum(one.conditions for one in outcomes) > 5 * SEEDS
    record_property("seconds for the seeds", f"{time.monotonic() - began:.1f}")


def test_a_wrong_seed_ends_the_search_and_says_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.simulation.night.simulate", partial(simulate, parts=BUGS[0].parts))
    assert many(range(MANY), 1) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith('again:  make simulate ARGS="--seed ')
    with simulated():
        assert simulate(int(printed[-1].split()[-2]), BUGS[0].parts).wrong


def test_seeds_come_in_their_order_from_several_processes_as_from_one() -> None:
    few = range(5, 5 + AT_ONCE + 1)
    assert list(seeds_of(few, 2)) == list(seeds_of(few))


def test_a_process_that_is_killed_ends_the_search_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "AT_ONCE", 1)
    seeds = seeds_of(range(40), 2)
    next(seeds)
    victim = multiprocessing.active_children()[0]
    victim.kill()
    with pytest.raises(BrokenProcessPool):
        list(seeds)


def test_no_seeds_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert many(range(0), 1) == 2
    assert capsys.readouterr().out == "no seeds: nothing was tried\n"


def test_a_seed_is_the_same_every_time_and_in_every_process() -> None:
    with simulated():
        here = [simulate(seed, keep=None) for seed in SAME]
        again = [simulate(seed, keep=None) for seed in SAME]
    assert [one.lines for one in here] == [one.lines for one in again]
    for one in here:
        command = [sys.executable, "-m", "tests.simulation", "--seed", str(one.seed), "--trace"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines() == [*one.lines, f"seed {one.seed}, trace {one.digest}, all holds"]
