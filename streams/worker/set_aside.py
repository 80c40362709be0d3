"""Records set aside: those at which the engine or the store failed.  They are refused instead, each alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import psycopg

from streams.engine.errors import EngineError
from streams.engine.round import Rejection, Round
from streams.errors import StreamsError

ENGINE_FAILED: Final = "the engine failed"
STORE_FAILED: Final = "the store failed"
Aside = Mapping[tuple[int, int], str]
"""(partition, offset) -> the reason for which the record there is refused."""


def reason_of(where: str, error: BaseException) -> str:
    """The reason as it stands in the table ``rejected``; nothing of what the record holds."""
    return f"{where}: {type(error).__name__}"


def may_be_a_records_fault(error: BaseException) -> bool:
    """True if ``error`` may come of what one record holds; else another record would fail as well."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError | psycopg.IntegrityError)
    return not isinstance(error, StreamsError | EngineError | MemoryError)


def set_aside(round_: Round, aside: Aside) -> Round:
    """The round with the records at ``aside`` refused: they move the clock and say nothing, like all that is refused."""
    if not aside:
        return round_
    records = round_.records.copy()
    places = zip(records["partition"].tolist(), records["offset"].tolist(), strict=True)
    refused = {n: aside[place] for n, place in enumerate(places) if place in aside}
    if not refused:
        return round_
    records["kind"][list(refused)] = 0
    kept = ~np.isin(round_.record, list(refused))
    return Round(
        records,
        round_.samples[kept],
        round_.record[kept],
        [one for one in round_.events if one[0] not in refused],
        [one for one in round_.controls if one[0] not in refused],
        [one for one in round_.rejected if one.record not in refused]
        + [Rejection(n, -1, reason) for n, reason in refused.items()],
    )
