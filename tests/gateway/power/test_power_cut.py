"""A power cut at any write below SQLite costs nothing that was acknowledged."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.gateway.power.recording import RecordedFile, Recorder, after_power_cut, can_record
from tests.gateway.power.working import Promised, Work, check, open_store

pytestmark = pytest.mark.skipif(not can_record(), reason="could not run: this interpreter hides the functions of its SQLite")
CALLS = 400
"""Writes and syncs within which the power is cut."""


def cut(seed: int, folder: Path, change: str = "") -> tuple[Promised, bool]:
    """Work until the power is cut, twice over the same disk; (what was promised, True if a start had to salvage)."""
    rng = random.Random(seed)
    promised, salvaged = Promised(), False
    source = folder / "0"
    source.mkdir(parents=True)
    for life in (1, 2):
        recorder, last = Recorder(), rng.randint(1, CALLS)
        state: dict[str, RecordedFile] = {}
        known = promised.copy()

        def at_call(number: int, recorder: Recorder = recorder, last: int = last, now: Promised = promised) -> None:
            nonlocal state, known
            if number == last:
                state, known = recorder.copy(), now.copy()

        recorder.at_call = at_call
        for path in source.iterdir():  # what the last life left is on the disk
            recorder.files[str(path)] = RecordedFile(bytearray(path.read_bytes()), exists=True)
        with recorder.recording():
            store = open_store(source / "outbox.sqlite")
            try:
                if change:
                    store._db.execute(change)
                work = Work(store, promised, rng)
                while not state:
                    work.step()
            finally:
                store.close()
        promised = known
        target = folder / str(life)
        target.mkdir()
        after_power_cut(state, target, rng)
        salvaged |= check(target / "outbox.sqlite", promised)
        source = target
    return promised, salvaged


BATCH = 20
BATCHES = [0, *(pytest.param(batch, marks=pytest.mark.full) for batch in range(1, 50))]


@pytest.mark.parametrize("batch", BATCHES)
def test_nothing_acknowledged_is_lost_and_no_identity_is_given_twice(batch: int, tmp_path: Path) -> None:
    kept = 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        promised, salvaged = cut(seed, tmp_path / str(seed))
        assert not salvaged, seed  # a power cut damages no file that is synced as it should be
        kept += len(promised.acknowledged)
    print(f"{BATCH} seeds, each cut twice: {kept} readings acknowledged, none lost")
    assert kept > BATCH


def test_an_outbox_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    """The recording can fail: without it no seed would say anything."""
    found = 0
    for seed in range(12):
        try:
            found += cut(seed, tmp_path / str(seed), "pragma synchronous = off")[1]
        except AssertionError:
            found += 1
    assert found
