"""A gateway killed at any moment keeps all that it acknowledged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("seed", "kills"), [(1, 20), pytest.param(2, 1000, marks=pytest.mark.full)])
def test_an_outbox_killed_again_and_again_keeps_what_it_acknowledged(seed: int, kills: int, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.gateway.power.killing", str(tmp_path), str(seed), str(kills)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert int(done.stdout.split()[2]) > 20 * kills  # it worked meanwhile
