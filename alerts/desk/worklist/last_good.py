"""The last usable value of each series whose newest sample is unusable: what the rules still judge.

``latest`` keeps the newest sample alone.  While that is usable, nothing is read.  Otherwise the last usable one is found
in the readings of its minute, which the rollups name, or in the newest readings, whose minutes have no rollup yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.database import epoch_ms, to_datetime
from alerts.desk.worklist.rows import value_of
from alerts.desk.worklist.snapshot import Value
from alerts.rules.newest_usable import usable
from devices.vitals import VITALS, Vital

_EVERY_MS: Final = 2000
_LOOK_BACK: Final = {True: 3600, False: 3 * 86_400}
"""Seconds, for continuous and for episodic vitals: much longer than they count."""
_FIND: Final = """
SELECT s.patient, s.device, {time}, f.value
FROM unnest(%(patients)s::int4[], %(devices)s::int4[]) s (patient, device)
CROSS JOIN LATERAL (
  (SELECT r.time, r.{column} AS value FROM reading r
   WHERE r.patient = s.patient AND r.device = s.device AND r.{column} IS NOT NULL AND r.{column}_status IS NULL
     AND r.time > %(now)s::timestamptz - interval '3 minutes'
     AND r.time < %(now)s::timestamptz + interval '1 minute' ORDER BY r.time DESC LIMIT 1)
  UNION ALL
  (SELECT r.time, r.{column} FROM (
      SELECT m.time FROM rollup_minute m
      WHERE m.patient = s.patient AND m.vital = %(vital)s AND m.device = s.device AND m.n > 0
        AND m.time > %(now)s::timestamptz - make_interval(secs => %(back)s)
        AND m.time < %(now)s::timestamptz + interval '1 minute' ORDER BY m.time DESC LIMIT 1) minute
   CROSS JOIN LATERAL (
      SELECT * FROM reading r WHERE r.patient = s.patient AND r.device = s.device
        AND r.{column} IS NOT NULL AND r.{column}_status IS NULL
        AND r.time >= minute.time AND r.time < minute.time + interval '1 minute' ORDER BY r.time DESC LIMIT 1) r)
  ORDER BY time DESC LIMIT 1) f"""

Series = tuple[int, int, int]
"""(patient, vital, device)."""


@dataclass(slots=True)
class LastGood:
    """The last usable value of each series, as far as it was read."""

    values: dict[Series, Value] = field(default_factory=dict)
    read_at: int = 0

    async def of(self, connection: AsyncConnection[Any], newest: Iterable[Value], now: int) -> list[Value]:
        """The last usable values of the series of which the newest sample (``newest``: one a series) is unusable."""
        bad: list[Value] = []
        for value in newest:
            if usable(value):
                self.values[value.patient, value.vital, value.device] = value
            else:
                bad.append(value)
        series = [(value.patient, value.vital, value.device) for value in bad]
        if series and (now - self.read_at >= _EVERY_MS or any(one not in self.values for one in series)):
            self.read_at = now
            await self._read(connection, series, now)
        found = (self.values.get(one) for one in series)
        return [value for value in found if value is not None and now - value.at <= _look_back_s(value.vital) * 1000]

    async def _read(self, connection: AsyncConnection[Any], series: list[Series], now: int) -> None:
        by_vital: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for patient, vital, device in series:
            by_vital[vital].append((patient, device))
        for vital, pairs in by_vital.items():
            patients, devices = zip(*pairs, strict=True)
            query = _FIND.format(time=epoch_ms("f.time"), column=VITALS[Vital(vital)].column)
            about = {
                "patients": list(patients), "devices": list(devices), "vital": vital, "now": to_datetime(now),
                "back": _look_back_s(vital),
            }  # fmt: skip
            for patient, device, at, number in await (await connection.execute(query, about)).fetchall():
                value = value_of((patient, vital, device, at, number, 0, at))
                if value is not None:  # a damaged reading is passed over
                    self.values[patient, vital, device] = value


def _look_back_s(vital: int) -> int:
    return _LOOK_BACK[VITALS[Vital(vital)].continuous]
