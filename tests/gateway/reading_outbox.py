"""What an outbox's file holds, read beside the gateway."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from devices.sample import SAMPLE
from devices.wire.batch import Kind
from devices.wire.event import decode_event
from gateway.outbox.vault import Vault


def stored(folder: Path, device: int | None = None) -> list[tuple[int, int, int, bytes]]:
    """(device, kind, measured, payload) in the order stored."""
    with closing(sqlite3.connect(folder / "outbox.sqlite")) as reader:
        rows = reader.execute("select device, kind, measured, payload from reading order by id").fetchall()
    vault = Vault(key.read_bytes() if (key := folder / "outbox.key").exists() else None)
    return [(of, *more, vault.unseal(of, payload)) for of, *more, payload in rows if device in {None, of}]


def values(folder: Path, device: int, vital: int) -> list[float]:
    found = [np.frombuffer(row[3], SAMPLE) for row in stored(folder, device) if row[1] == Kind.SAMPLES]
    return [float(one["value"]) for samples in found for one in samples if one["vital"] == vital]


def events(folder: Path, device: int) -> list[Any]:
    return [decode_event(row[3]) for row in stored(folder, device) if row[1] == Kind.EVENT]


def refused(folder: Path) -> list[tuple[str, int, str, bytes]]:
    with closing(sqlite3.connect(folder / "outbox.sqlite")) as reader:
        return reader.execute("select source, device, reason, data from refused order by id").fetchall()
