"""Gateway clock: the clock of a gateway itself is wrong, by what its heartbeats say.

It is not set, it is more than half a minute ahead of the log, or it has been five minutes and more behind in all heartbeats
of two minutes: one heartbeat alone may have waited for the network, and what waited comes in one go.  One condition for each
patient served, source = gateway; ``detail`` says how far it is off.  It ends with a heartbeat of a right clock.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.technical import TechnicalRule
from alerts.rules.suppression import Suppression
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.stage import UNSET, Arrival, View

RULE: Final = "gateway_clock"
AHEAD_MS: Final = 30_000
"""ms: readings that are further ahead decide nothing."""
BEHIND_MS: Final = 300_000
BEHIND_S: Final = 120
"""s for which all heartbeats must have been behind."""


class Clocks(Columns):
    """Per (patient, gateway), int64.  ``off`` ms: how far the clock was ahead at the newest heartbeat; active seconds
    ``received`` of that one, and ``behind`` of the first of those that have all been behind since.
    """

    off: Ints = array(np.int64)
    received: Ints = array(np.int64, -NEVER)
    behind: Ints = array(np.int64, -NEVER)
    active: Bools = array(np.bool_)


class GatewayClock(TechnicalRule):
    """``table``: :class:`Clocks`; stands after ``gateways``, which know who is served."""

    name = RULE
    table: Clocks

    def __init__(self, suppression: Suppression, gateways: GatewayOffline) -> None:
        super().__init__(suppression)
        self._gateways = gateways

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Clocks(view.layout.links, RULE)

    def arrive(self, arrival: Arrival) -> None:
        table, links = self.table, arrival.links
        if not links.size:
            return
        late = arrival.ahead < -BEHIND_MS
        table.off[links] = arrival.ahead  # of several of one link the last counts
        table.received[links] = self.active_now(arrival.now, links)
        table.behind[links[~late]] = -NEVER
        begins = links[late]
        begins = begins[(table.off[begins] < -BEHIND_MS) & (table.behind[begins] == -NEVER)]
        table.behind[begins] = self.active_now(arrival.now, begins)

    def suspect(self, columns: slice, now: int) -> Bools:
        off = self.table.off[columns]
        found: Bools = (off > AHEAD_MS) | (off < -BEHIND_MS)
        return found

    def decide(self, column: Ints, now: int) -> tuple[Bools, None]:
        table = self.table
        off, lasted = table.off[column], table.received[column] - table.behind[column]
        wrong = (off > AHEAD_MS) | (off < -BEHIND_MS) & ((lasted >= BEHIND_S) | table.active[column])
        return self._gateways.table.watched[column] & wrong, None

    def detail(self, column: int) -> dict[str, object]:
        off = int(self.table.off[column])
        return {"reason": "not set"} if off == UNSET else {"reason": "set wrongly", "off_s": off // 1000}
