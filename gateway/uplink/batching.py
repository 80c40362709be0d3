"""Cuts readings into batches and seals them; pure but for the nonce."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from devices.sample import SAMPLE
from devices.wire.batch import HEADER, MAX_BYTES, Kind, Lane, header
from devices.wire.sealing import TAG_BYTES, new_nonce, seal
from gateway.outbox.reading import OutboxRow

MAX_READINGS: Final = 1000
MAX_PAYLOAD: Final = MAX_BYTES - HEADER.itemsize - TAG_BYTES


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one device with consecutive sequences, sent as one record."""

    rows: tuple[OutboxRow, ...]

    @property
    def lane(self) -> Lane:
        return self.rows[0].lane

    @property
    def patient(self) -> int:
        return self.rows[0].patient

    @property
    def ids(self) -> list[int]:
        """The rows' ids in the outbox."""
        return [row.id for row in self.rows]

    def payload(self) -> bytes:
        """The bytes to be sealed: SAMPLE [n] with ``reading`` = the offset of each reading in this batch, or the event."""
        payload = bytearray().join(row.payload for row in self.rows)
        if self.rows[0].kind is Kind.SAMPLES:
            sizes = [len(row.payload) // SAMPLE.itemsize for row in self.rows]
            np.frombuffer(payload, SAMPLE)["reading"] = np.repeat(np.arange(len(self.rows)), sizes)
        return bytes(payload)

    def sealed(
        self, *, gateway: int, epoch: int, key: int, secret: bytes, new_nonce: Callable[[], bytes] = new_nonce
    ) -> bytes:
        """Make the record, sealed under data key ``key`` (32 bytes ``secret``) with its own nonce."""
        first = self.rows[0]
        head = header(
            first.kind,
            patient=first.patient,
            device=first.device,
            gateway=gateway,
            key=key,
            count=len(self.rows),
            first=first.sequence,
            epoch=epoch,
            received=max(row.received for row in self.rows),
            lane=first.lane,
            clock=first.clock,
            nonce=new_nonce(),
        )
        return seal(head, self.payload(), secret)


def cut(rows: Iterable[OutboxRow], *, max_readings: int = MAX_READINGS, max_payload: int = MAX_PAYLOAD) -> list[Batch]:
    """Cut ``rows`` (any devices, any order) into batches, each row in exactly one.

    A batch has one device, patient, lane, kind and clock quality, consecutive sequences, at most ``max_readings`` readings
    (an event travels alone) and ``max_payload`` bytes.
    """

    def batch_key(row: OutboxRow) -> tuple[int, int, int, int, int]:
        return row.device, row.patient, row.lane, row.kind, row.clock

    batches: list[Batch] = []
    for _, same in groupby(sorted(rows, key=lambda row: (*batch_key(row), row.sequence)), batch_key):
        open_rows: list[OutboxRow] = []
        size = 0
        for row in same:
            fits = (
                open_rows
                and row.kind is Kind.SAMPLES
                and row.sequence == open_rows[-1].sequence + 1
                and len(open_rows) < max_readings
                and size + len(row.payload) <= max_payload
            )
            if open_rows and not fits:
                batches.append(Batch(tuple(open_rows)))
                open_rows, size = [], 0
            open_rows.append(row)
            size += len(row.payload)
        batches.append(Batch(tuple(open_rows)))
    return batches
