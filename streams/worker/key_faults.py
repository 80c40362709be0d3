"""Key faults of a round: whose data key was found damaged, and who is heard again."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from devices.wire.batch import Kind
from streams.engine.opening.opening import KEY_DAMAGED_REASON
from streams.engine.round import Round
from streams.store.damaged_keys import KeyFault

Sender = tuple[int, int]
"""Patient and gateway."""


class KeyFaults:
    """The senders noted as having a damaged key, of each partition held."""

    def __init__(self) -> None:
        self._noted: dict[int, set[Sender]] = {}

    def take(self, partition: int, noted: Collection[Sender]) -> None:
        self._noted[partition] = set(noted)

    def drop(self, partition: int) -> None:
        self._noted.pop(partition, None)

    def of(self, round_: Round) -> list[KeyFault]:
        """The changes by this round, which is going to be stored."""
        records = round_.records
        refused = {one.record for one in round_.rejected if one.reason == KEY_DAMAGED_REASON}
        if not refused and not any(self._noted.values()):
            return []
        opened = np.isin(records["kind"], (Kind.SAMPLES, Kind.EVENT, Kind.CONTROL))  # opened: of one refused it is 0
        changes = []
        for n in sorted({*refused, *np.flatnonzero(opened).tolist()}):
            fields = ("partition", "patient", "gateway", "key", "append")
            partition, patient, gateway, key, append = (int(records[name][n]) for name in fields)
            noted, damaged = self._noted.setdefault(partition, set()), n in refused
            if damaged == ((patient, gateway) in noted):
                continue
            (noted.add if damaged else noted.discard)((patient, gateway))
            changes.append(KeyFault(partition, patient, gateway, key, append // 1000, damaged))
        return changes
