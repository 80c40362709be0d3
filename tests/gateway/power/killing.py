"""A program: kills a working outbox at random moments, again and again over the same file, and checks it after each kill.

``python -m tests.gateway.power.killing FOLDER FIRST_SEED KILLS``.  It forks, since a thousand interpreters would take
an hour; so it is a process of its own, with one thread.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

from devices.wire.batch import Lane
from gateway.clock import Stamp
from gateway.outbox.outbox import Outbox
from tests.gateway.making import BOOT, T0, HandClock, pulse
from tests.gateway.power.working import PATIENTS, Promised, check, mark_of, open_store

LIVES: Final = 10
"""Kills of one file, before another is begun."""
_LONGEST_S: Final = 0.06


async def _work(path: Path, say: int, first: int, rng: random.Random) -> None:
    """Put, take and deliver until killed; say what was promised once it was."""
    outbox = Outbox(path, clock=HandClock(T0 + 10**8), open_store=open_store)
    mark = first

    def note(text: str) -> None:
        os.write(say, f"{text}\n".encode())

    async def put(device: int) -> None:
        nonlocal mark
        while True:
            marks = [mark := mark + 1 for _ in range(rng.randint(1, 5))]
            readings = [pulse(float(one), at=Stamp(T0 + one, 1, BOOT, True), device=device, patient=1) for one in marks]
            await outbox.put(readings)
            note("a " + " ".join(map(str, marks)))

    async def send() -> None:
        while True:
            rows = await outbox.take(rng.randint(1, 20), Lane.BACKFILL, PATIENTS)
            for row in rows:
                note(f"l {row.device} {outbox.epoch} {row.sequence} {mark_of(row)} {row.payload.hex()}")
            if rng.random() < 0.5:
                await outbox.delivered([row.id for row in rows])
                note("d " + " ".join(str(int(mark_of(row))) for row in rows))
            await asyncio.sleep(0)

    await asyncio.gather(*(put(device) for device in (7, 8, 9)), send())


def _child(path: Path, say: int, first: int, seed: int) -> None:
    try:
        asyncio.run(_work(path, say, first, random.Random(seed)))
    finally:
        os._exit(1)


def _read_all(pipe: int) -> list[list[str]]:
    data = b""
    while part := os.read(pipe, 1 << 16):
        data += part
    return [line.split() for line in data.decode().rpartition("\n")[0].splitlines()]


def kill(folder: Path, seed: int, kills: int) -> tuple[int, int]:
    """Kill so often; return (readings acknowledged, identities that left)."""
    rng, acknowledged, left = random.Random(seed), 0, 0
    for n in range(kills):
        if n % LIVES == 0:
            path, promised = folder / f"{seed}-{n}" / "outbox.sqlite", Promised()
            path.parent.mkdir(parents=True)
        pipe, say = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(pipe)
            _child(path, say, promised.next_mark, seed * 1000 + n)
        os.close(say)
        time.sleep(rng.random() * _LONGEST_S + (0.02 if n % LIVES == 0 else 0))
        os.kill(child, signal.SIGKILL)
        lines = _read_all(pipe)
        os.close(pipe)
        os.waitpid(child, 0)
        _note(lines, promised)
        acknowledged, left = (
            acknowledged + sum(len(line) - 1 for line in lines if line[0] == "a"),
            left + sum(line[0] == "l" for line in lines),
        )
        promised.next_mark += 1_000_000  # beyond all that was put and not acknowledged
        assert not check(path, promised), "a kill damages no file"
    return acknowledged, left


def _note(lines: list[list[str]], promised: Promised) -> None:
    identity_of: dict[str, tuple[int, int, int]] = {}
    for kind, *words in lines:
        if kind == "a":
            promised.acknowledged.update(map(float, words))
        elif kind == "l":
            identity = int(words[0]), int(words[1]), int(words[2])
            identity_of[str(int(float(words[3])))] = identity
            payload = bytes.fromhex(words[4])
            known = promised.left.setdefault(identity, payload)
            assert known == payload, "an identity was given twice"
        else:
            promised.delivered.update(identity_of[word] for word in words)


if __name__ == "__main__":
    where, first_seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    total = kill(where, first_seed, count)
    print(f"{count} kills: {total[0]} readings acknowledged, {total[1]} identities left, none lost, none given twice")
