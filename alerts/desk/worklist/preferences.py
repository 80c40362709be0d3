"""The preference of sources in the rule set in effect, for the desk to show what the engine judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from devices.wire.control import Preference

_PREFER: Final = """
SELECT payload -> 'prefer' FROM control WHERE patient = 0 AND kind = 'rule_set'
ORDER BY took_effect DESC, at_offset DESC LIMIT 1"""


async def read_preferences(connection: AsyncConnection[Any]) -> Mapping[int, int]:
    """By vital the seconds for which its source is held to; one that the rule set does not name is left out."""
    row = await (await connection.execute(_PREFER)).fetchone()
    try:
        found = msgspec.convert(row[0] if row and row[0] else [], tuple[Preference, ...])
    except (msgspec.ValidationError, RecursionError):  # the list's own reader names a damaged rule set
        return {}
    return {one.vital: max(one.hold_s, 1) for one in found}
