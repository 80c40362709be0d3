"""How each gateway is: when it was last heard, what waits in it, and what it finds wrong with itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

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


class GatewayHealth(msgspec.Struct, frozen=True):
    """``seen`` and ``checked``: by the gateway's clock, within a week; ``full``: percent, None below 50."""

    seen: datetime | None = None
    waiting: int = 0
    full: int | None = None
    checked: datetime | None = None
    wrong: tuple[Found, ...] = ()


def gateway_health(tx: Tx, gateways: Sequence[int]) -> dict[int, GatewayHealth]:
    """The health of each of ``gateways``."""
    found = dict.fromkeys(gateways, GatewayHealth())
    for gateway, time, value in tx.execute(_BEATS, [list(gateways)]).fetchall():
        try:
            beat = msgspec.json.decode(value, type=_Beat)
        except msgspec.DecodeError:  # a damaged row
            continue
        found[gateway] = GatewayHealth(time, beat.waiting, beat.full)
    for gateway, time, value in tx.execute(_CHECKS, [list(gateways)]).fetchall():
        try:
            wrong = msgspec.json.decode(value, type=_Check).wrong
        except msgspec.DecodeError:
            continue
        found[gateway] = msgspec.structs.replace(found[gateway], checked=time, wrong=wrong)
    return found


class _Beat(msgspec.Struct):
    """The part of a :class:`devices.wire.event.Heartbeat` that is shown, as the table has it."""

    waiting: int = 0
    full: int | None = None


class _Check(msgspec.Struct):
    """The part of a :class:`devices.wire.event.SelfCheck` that is shown."""

    wrong: tuple[Found, ...] = ()
