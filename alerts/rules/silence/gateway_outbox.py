"""Gateway outbox: the disk of a gateway is filling up, by what its heartbeats say.

It begins when the outbox is full to :data:`BEGINS` percent and ends below :data:`ENDS`.  At 100 % the gateway acknowledges
nothing more and keeps what it has: devices that cannot send again lose what they measure.  One condition for each patient
served, source = gateway; ``detail`` says how full it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.technical import TechnicalRule
from alerts.rules.suppression import Suppression
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.stage import Arrival, View

RULE: Final = "gateway_outbox"
BEGINS: Final = 80
ENDS: Final = 70
"""Percent."""


class Stores(Columns):
    """Per (patient, gateway): ``full`` int64 percent at the newest heartbeat, and ``beaten`` int64 ms, its time."""

    full: Ints = array(np.int64)
    beaten: Ints = array(np.int64)
    active: Bools = array(np.bool_)


class GatewayOutbox(TechnicalRule):
    """``table``: :class:`Stores`; stands after ``gateways``, which know who is served."""

    name = RULE
    table: Stores

    def __init__(self, suppression: Suppression, gateways: GatewayOffline) -> None:
        super().__init__(suppression)
        self._gateways = gateways

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Stores(view.layout.links, RULE)

    def arrive(self, arrival: Arrival) -> None:
        newer = arrival.beaten >= self.table.beaten[arrival.links]  # what waited for the network is older
        links = arrival.links[newer]
        order = np.argsort(arrival.beaten[newer], kind="stable")  # of several of one link the newest counts
        self.table.full[links[order]] = arrival.full[newer][order]
        self.table.beaten[links[order]] = arrival.beaten[newer][order]

    def suspect(self, columns: slice, now: int) -> Bools:
        found: Bools = self.table.full[columns] >= BEGINS
        return found

    def decide(self, column: Ints, now: int) -> tuple[Bools, None]:
        full = self.table.full[column]
        wanted = (full >= BEGINS) | self.table.active[column] & (full >= ENDS)
        return self._gateways.table.watched[column] & wanted, None

    def detail(self, column: int) -> dict[str, object]:
        return {"reason": f"{int(self.table.full[column])} % full"}
