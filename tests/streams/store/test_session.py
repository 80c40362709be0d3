"""A database session whose other host is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APART = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-current-user", "--keep-caps", "--net"]


@pytest.mark.stack
def test_a_database_host_that_drops_packets_is_given_up_in_15_s_and_lets_go_of_locks_in_20(home: Path) -> None:
    if subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        pytest.skip("could not run: this host allows no network of its own (unshare --net)")
    done = subprocess.run(
        [*APART, sys.executable, "-m", "tests.streams.store.cut_off", str(home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    gave_up, let_go = map(float, done.stdout.split())
    assert gave_up < 15
    assert let_go < 20
