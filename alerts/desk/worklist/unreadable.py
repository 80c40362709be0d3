"""The stored things of patients that the desk cannot read, found in one read of the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psycopg import AsyncConnection

from alerts.care.identity import open_identity
from alerts.desk.worklist.isolated import lines_of_each
from alerts.desk.worklist.read import SlowParts, read_quick, read_slow_parts
from alerts.desk.worklist.snapshot import Fault


async def read_faults(database: str, master: bytes) -> tuple[Fault, ...]:
    """Read the list once, as the desk does, and return its faults.

    Raises:
        psycopg.Error: the database is away.
    """
    parts = SlowParts()
    async with await AsyncConnection.connect(database, autocommit=True, connect_timeout=5) as connection:
        await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, master, patient))
        snapshot, _ = lines_of_each(await read_quick(connection, 1, parts))
    return snapshot.faults


def summary(faults: Iterable[Fault]) -> str:
    """As "identity of patient 17, limits of 3 patients"."""
    of = Counter(fault.what for fault in faults)
    one = {fault.what: fault.patient for fault in faults}
    return ", ".join(
        f"{what} of {f'{count} patients' if count > 1 else f'patient {one[what]}' if one[what] else 'all patients'}"
        for what, count in of.items()
    )
