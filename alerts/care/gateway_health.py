"""The state of each gateway: when it was last heard, what waits in it, whether its clock is set, and what it finds wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from alerts.database import Tx
from devices.wire.event import Found

_BEATS: Final = """
SELECT g.gateway, b.time, b.value::text FROM unnest(%s::int4[]) AS g (gateway)
JOIN LATERAL (SELECT min(patient) AS patient FROM enrolment e WHERE e.gateway = g.gateway AND e.until IS NULL) p ON true
JOIN LATERAL (
    SELECT time, value FROM event v WHERE v.patient = p.patient AND v.device = 0 AND v.gateway = g.gateway
      AND v.kind = 'heartbeat' AND v.time > now() - interval '7 days' AND v.time < now() + interval '1 hour'
    ORDER BY v.time DESC LIMIT 1) b ON true"""
_CHECKS: Final = """
SELECT g.gateway, b.time, b.value::text FROM unnest(%s::int4[]) AS g (gateway)
JOIN LATERAL (
    SELECT time, value FROM event v WHERE v.gateway = g.gateway AND v.kind = 'self_check'
      AND v.time > now() - interval '7 days' AND v.time < now() + interval '1 hour'
    ORDER BY v.time DESC LIMIT 1) b ON true"""

_FAULTS: Final = """
SELECT v.gateway, string_agg(DISTINCT left(v.value ->> 'what', 60) || ': ' || left(v.value ->> 'reason', 200), '; ')
FROM event v WHERE v.kind = 'fault' AND v.device = 0 AND v.gateway = ANY(%s)
  AND v.time > now() - interval '26 hours' AND v.time < now() + interval '1 hour' AND v.value ? 'what' AND v.value ? 'reason'
GROUP BY v.gateway"""


class GatewayHealth(msgspec.Struct, frozen=True):
    """``seen`` and ``checked``: by the gateway's clock, within a week; ``full``: percent, None below 50; ``wrong``: what it
    finds itself; ``faults``: what it reported within 26 h, in words.
    """

    seen: datetime | None = None
    waiting: int = 0
    full: int | None = None
    clock_set: bool = True
    checked: datetime | None = None
    wrong: tuple[Found, ...] = ()
    faults: str = ""


def gateway_health(tx: Tx, gateways: Sequence[int]) -> dict[int, GatewayHealth]:
    """The health of each of ``gateways``."""
    found = dict.fromkeys(gateways, GatewayHealth())
    for gateway, time, value in tx.execute(_BEATS, [list(gateways)]).fetchall():
        try:
            beat = msgspec.json.decode(value, type=_Beat)
        except msgspec.DecodeError:  # a damaged row
            continue
        found[gateway] = GatewayHealth(time, beat.waiting, beat.full, beat.clock_set)
    for gateway, time, value in tx.execute(_CHECKS, [list(gateways)]).fetchall():
        try:
            wrong = msgspec.json.decode(value, type=_Check).wrong
        except msgspec.DecodeError:
            continue
        found[gateway] = replace(found[gateway], checked=time, wrong=wrong)
    for gateway, faults in tx.execute(_FAULTS, [list(gateways)]).fetchall():
        found[gateway] = replace(found[gateway], faults=faults)
    return found


class _Beat(msgspec.Struct):
    """The part of a :class:`devices.wire.event.Heartbeat` that is shown, as the table has it."""

    waiting: int = 0
    full: int | None = None
    clock_set: bool = True


class _Check(msgspec.Struct):
    """The part of a :class:`devices.wire.event.SelfCheck` that is shown."""

    wrong: tuple[Found, ...] = ()
