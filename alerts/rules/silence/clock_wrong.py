"""Clock wrong: readings of an enrolled device cannot decide anything for their time.

The time is not known, lies ahead of the clock or longer ago than is accepted; or the gateway has found the device's clock
to be off by half a minute or more (:class:`devices.wire.event.ClockCorrection`): its readings carry times that are
corrected, or that of their arrival.  ``detail["reason"]`` says which.  The condition ends with a reading of a sure time,
of now, that comes at least a minute after the last unsure one, or when the gateway finds the clock right.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.silence.no_data import NoData
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.silence.technical import TechnicalRule
from alerts.rules.suppression import Suppression
from devices.wire.event import ClockCorrection, Event
from streams.engine.admission.readings import Doubt
from streams.engine.columns.arrays import Bools, Bytes, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.stage import Arrival, View

RULE: Final = "clock_wrong"
OFF_MS: Final = 30_000
"""ms by which a clock that the gateway corrects must be off."""
CALM: Final = 60
"""s without an unsure time after which a sure one ends the condition."""
REASONS: Final = {
    Doubt.UNKNOWN: "time not known",
    Doubt.AHEAD: "ahead of the clock",
    Doubt.OLD: "older than 30 days",
}
_FARTHEST: Final = 1 << 50


class Doubts(Columns):
    """Per sender.  ``unsure`` int64: active second of the last arrival of a reading of such a time; ``why`` uint8: the
    :class:`streams.engine.admission.readings.Doubt` of the last one; ``offset`` and ``found`` int64 ms: the newest
    correction of its clock, and when it was.
    """

    unsure: Ints = array(np.int64, -NEVER)
    kind_of_doubt: Bytes = array(np.uint8)
    offset: Ints = array(np.int64)
    found: Ints = array(np.int64, -NEVER)
    active: Bools = array(np.bool_)


class ClockWrong(TechnicalRule):
    """``table``: :class:`Doubts`; stands after ``devices``, which hear the sure ones, and ``sensors``, which know who is
    enrolled.
    """

    name = RULE
    table: Doubts

    def __init__(self, suppression: Suppression, devices: NoData, sensors: SensorOff) -> None:
        super().__init__(suppression)
        self._devices, self._sensors = devices, sensors

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Doubts(view.layout.senders, RULE)

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if isinstance(event, ClockCorrection):
            column = self.view.layout.senders.at(patient, device)
            if column >= 0 and event.at >= self.table.found[column]:
                self.table.found[column] = event.at
                self.table.offset[column] = min(max(event.offset_ms, -_FARTHEST), _FARTHEST)

    def arrive(self, arrival: Arrival) -> None:
        table = self.table
        if arrival.unsure.size:
            now = self.active_now(arrival.now, arrival.unsure)
            table.kind_of_doubt[arrival.unsure[table.unsure[arrival.unsure] < now]] = 0
            table.unsure[arrival.unsure] = now
            np.maximum.at(table.kind_of_doubt, arrival.unsure, arrival.doubt)

    def suspect(self, columns: slice, now: int) -> Bools:
        found: Bools = self.table.unsure[columns] > self._devices.table.last[columns]
        return found | (np.abs(self.table.offset[columns]) >= OFF_MS)

    def decide(self, column: Ints, now: int) -> tuple[Bools, None]:
        table = self.table
        unsure, sure = table.unsure[column], self._devices.table.last[column]
        doubted = (unsure > sure) | table.active[column] & (unsure > -NEVER) & (sure < unsure + CALM)
        wanted = self._sensors.table.watched[column] & (doubted | (np.abs(table.offset[column]) >= OFF_MS))
        return wanted, None

    def detail(self, column: int) -> dict[str, object]:
        table = self.table
        if table.unsure[column] > -NEVER and abs(int(table.offset[column])) < OFF_MS:
            return {"reason": REASONS[Doubt(int(table.kind_of_doubt[column]))]}
        return {"reason": "set wrongly", "off_s": int(table.offset[column]) // 1000}
