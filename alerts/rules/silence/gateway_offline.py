"""Gateway offline: a gateway that serves a patient has sent no heartbeat for ``RuleSet.gateway_offline_s``.

Heartbeats count when they were appended, by the engine's clock; in seconds that do not count (the pipeline stood still) no
gateway grows older.  One condition for each patient served, source = gateway.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.silence.technical import TechnicalRule
from devices.wire.control import Consent, Control, Enrolment
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.stage import Arrival, View

RULE: Final = "gateway_offline"
FRESH_MS: Final = 60_000
"""ms around now: a heartbeat of this time is always news, whatever a clock that was wrong has said before."""


class Links(Columns):
    """Per (patient, gateway).  ``heard`` and ``back`` int64: active second of the last heartbeat, and of the one that ended
    the last absence.  ``beaten`` int64 ms: the newest heartbeat by the gateway's own clock.
    """

    watched: Bools = array(np.bool_)
    active: Bools = array(np.bool_)
    received: Ints = array(np.int64)
    back: Ints = array(np.int64)
    beaten: Ints = array(np.int64)


class GatewayOffline(TechnicalRule):
    """``table``: :class:`Links`."""

    name = RULE
    parameters = ("gateway_offline_s",)
    table: Links

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Links(view.layout.links, RULE)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        """A gateway that comes to serve a patient, or again after consent was withdrawn, counts as heard now."""
        columns = self.view.layout.links.of_patient(patient)
        if isinstance(control, Consent) and patient in self.suppression.agreed_again:
            self.table.received[columns] = self.view.timeline.active(now, partition)
        if not isinstance(control, Enrolment):
            return
        wanted = np.isin(self.view.layout.links.others(columns), control.gateways)
        self.table.received[columns[wanted & ~self.table.watched[columns]]] = self.view.timeline.active(now, partition)
        self.table.watched[columns] = wanted

    def arrive(self, arrival: Arrival) -> None:
        """Samples prove nothing about a gateway: they may be a backlog that another one brought.  A heartbeat that is not
        newer than another one is sent again: it proves nothing now, either, unless it is of this minute.
        """
        links, beaten, table = arrival.links, arrival.beaten, self.table
        newer = (beaten > table.beaten[links]) | (np.abs(beaten - arrival.now * 1000) <= FRESH_MS)
        table.received[links[newer]] = self.active_now(arrival.now, links[newer])
        np.maximum.at(table.beaten, links, beaten)

    def suspect(self, columns: Ints | slice, now: int) -> Bools:
        age = self.active_now(now, columns) - self.table.received[columns]
        away: Bools = self.table.watched[columns] & (age > self.value_of("gateway_offline_s", columns))
        return away

    def decide(self, column: Ints, now: int) -> tuple[Bools, None]:
        return self.suspect(column, now), None

    def changed(self, column: int, begins: bool) -> None:
        if not begins:
            self.table.back[column] = self.table.received[column]
