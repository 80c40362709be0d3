"""Poison: records at which the engine fails, after it has folded half of what came with them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from devices.wire.batch import Kind
from streams.engine.columns.arrays import Rows
from streams.engine.engine import Engine
from streams.engine.round import Round
from streams.engine.writes import Writes
from streams.worker.set_aside import ENGINE_FAILED, Aside

_ONE_IN: Final = 23
REASON: Final = f"{ENGINE_FAILED}: ArithmeticError"


def poisoned(records: Rows) -> npt.NDArray[np.bool_]:
    """Which of these are: it depends on what they hold alone, so that a copy is too."""
    number = records["epoch"].astype(np.uint64) + records["first"] + records["device"]
    found: npt.NDArray[np.bool_] = (records["kind"] == Kind.SAMPLES) & (number % _ONE_IN == 0)
    return found


def aside_of(round_: Round) -> Aside:
    """The records that have to be set aside."""
    bad = round_.records[poisoned(round_.records)]
    return dict.fromkeys(zip(bad["partition"].tolist(), bad["offset"].tolist(), strict=True), REASON)


def failing(engine: type[Engine]) -> type[Engine]:
    """An engine that fails at them; its state has moved on then, and is good for nothing."""

    class Failing(engine):  # type: ignore[misc, valid-type]
        def advance(self, batch: Round) -> Writes:
            writes: Any = super().advance(batch)
            if poisoned(batch.records).any():
                raise ArithmeticError
            return writes  # type: ignore[no-any-return]

    return Failing
