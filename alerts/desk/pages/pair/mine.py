"""The content of "My readings": a patient's newest values and the connection of each device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from alerts.database import Tx, epoch_ms, now_ms
from alerts.desk.pages.pair.visit import Value, Visit
from devices.vitals import Vital

State = Literal["measures", "ready", "off_skin", "away", "never", "stopped"]
_STREAM_FRESH_S: Final = 90.0
_BATTERY_LOW: Final = 20
_ORDER: Final = tuple(one for one in Vital if one is not Vital.MEAN_ARTERIAL)
"""Vitals in the order of the page; the mean pressure is not shown."""
_VALUES: Final = f"""
SELECT DISTINCT ON (vital) vital, value, {epoch_ms("time")}, {epoch_ms("arrived")} FROM latest
WHERE patient = %s AND status = 0 AND value IS NOT NULL AND time < now() + interval '1 hour' ORDER BY vital, time DESC"""
_RECENT: Final = "v.time > now() - interval '2 days' AND v.time < now() + interval '1 hour'"
_DEVICES: Final = f"""
SELECT d.device, d.name, d.interval_s, newest.arrived, link.up, contact.on_skin, battery.percent
FROM enrolment e JOIN device d USING (device)
LEFT JOIN LATERAL (
    SELECT (extract(epoch FROM max(l.arrived)) * 1000)::int8 AS arrived FROM latest l
    WHERE l.patient = e.patient AND l.device = e.device AND l.arrived >= e.since) newest ON true
LEFT JOIN LATERAL (
    SELECT value ->> 'up' = 'true' AS up FROM event v WHERE v.patient = e.patient AND v.device = e.device
    AND kind = 'link' AND {_RECENT} ORDER BY v.time DESC LIMIT 1) link ON true
LEFT JOIN LATERAL (
    SELECT value ->> 'on' = 'true' AS on_skin FROM event v WHERE v.patient = e.patient AND v.device = e.device
    AND kind = 'contact' AND {_RECENT} ORDER BY v.time DESC LIMIT 1) contact ON true
LEFT JOIN LATERAL (
    SELECT value ->> 'percent' AS percent FROM event v WHERE v.patient = e.patient AND v.device = e.device
    AND kind = 'battery' AND {_RECENT} ORDER BY v.time DESC LIMIT 1) battery ON true
WHERE e.patient = %s AND e.until IS NULL ORDER BY e.enrolment"""


@dataclass(frozen=True, slots=True)
class Connection:
    """One device as its wearer sees it; ``seen_s``: seconds since its last value, ``None`` if there was none."""

    device: int
    name: str
    state: State
    seen_s: float | None
    low_battery: bool


def connection_state(
    interval_s: int, seen_s: float | None, linked: bool | None, on_skin: bool | None, *, consented: bool
) -> State:
    """The connection of a device, in one word; ``interval_s`` 0: it is used by hand, and need not be connected."""
    if not consented:
        return "stopped"
    if interval_s == 0:
        return "never" if seen_s is None else "ready"
    if linked and on_skin is False:
        return "off_skin"
    if seen_s is not None and seen_s <= max(_STREAM_FRESH_S, 3.0 * interval_s):
        return "measures"
    return "never" if seen_s is None and linked is not False else "away"


def connections(tx: Tx, visit: Visit) -> list[Connection]:
    """The devices of the patient, in the order in which they came."""
    at = now_ms(tx)
    return [
        _connection(row, at, consented=visit.progress.consented) for row in tx.execute(_DEVICES, [visit.patient]).fetchall()
    ]


def _connection(row: tuple[Any, ...], at: int, *, consented: bool) -> Connection:
    device, name, interval_s, arrived, linked, on_skin, percent = row
    seen_s = None if arrived is None else max(0.0, (at - arrived) / 1000)
    low = isinstance(percent, str) and percent.isdecimal() and int(percent) <= _BATTERY_LOW
    state = connection_state(interval_s, seen_s, linked, on_skin, consented=consented)
    return Connection(device, name, state, seen_s, low)


def newest_values(tx: Tx, patient: int) -> list[Value]:
    """The newest good value of each vital, in the order of the page."""
    rows = tx.execute(_VALUES, [patient]).fetchall()
    return in_order(Value(*row) for row in rows if None not in row)


def in_order(values: Iterable[Value]) -> list[Value]:
    """The values that people read, in the order in which they stand; what belongs together is one of them."""
    found = {one.vital: one for one in values}
    if Vital.HEART_RATE in found:  # to whom they belong, heart and pulse rate are one figure
        found.pop(Vital.PULSE_RATE, None)
    upper, lower = found.get(Vital.SYSTOLIC), found.get(Vital.DIASTOLIC)
    if upper is not None and lower is not None and upper.at == lower.at:
        found[Vital.SYSTOLIC] = replace(upper, lower=lower.value)
        del found[Vital.DIASTOLIC]
    return [found[vital] for vital in _ORDER if vital in found]
