"""What gateways last reported of themselves: when they were heard, what waits in them, and whether their clock is set."""

from __future__ import annotations

from typing import Any, Final

from psycopg.rows import dict_row

from alerts.database import Tx

# each heartbeat comes once for each patient that a gateway serves: one of them is enough
_REPORTED: Final = """
SELECT g.gateway, h.time AS seen, h.value ->> 'waiting' AS waiting, h.value ->> 'clock_set' AS clock_set,
    (SELECT string_agg(DISTINCT left(v.value ->> 'what', 60) || ': ' || left(v.value ->> 'reason', 200), '; ')
     FROM event v WHERE v.kind = 'fault' AND v.device = 0 AND v.gateway = g.gateway
       AND v.time > now() - interval '26 hours' AND v.time < now() + interval '1 hour') AS faults,
    (SELECT min(expires) FROM claim c WHERE c.gateway = g.gateway AND c.used IS NULL AND c.expires > now()) AS claim_until
FROM gateway g
LEFT JOIN LATERAL (SELECT min(patient) AS patient FROM enrolment e WHERE e.gateway = g.gateway AND e.until IS NULL) p ON true
LEFT JOIN LATERAL (
    SELECT time, value FROM event v WHERE v.patient = p.patient AND v.device = 0 AND v.gateway = g.gateway
      AND v.kind = 'heartbeat' AND v.time > now() - interval '7 days' AND v.time < now() + interval '1 hour'
    ORDER BY v.time DESC LIMIT 1) h ON true
WHERE %s::int4 IS NULL OR g.gateway = %s ORDER BY g.gateway"""


def reported(tx: Tx, gateway: int | None = None) -> dict[int, dict[str, Any]]:
    """By gateway: ``seen`` (a time, or ``None`` within seven days), ``waiting`` readings, ``clock_set`` (False or ``None``:
    nothing was said), ``faults`` in words, ``claim_until``: a code that can be used.
    """
    with tx.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_REPORTED, [gateway, gateway]).fetchall()
    return {row["gateway"]: {**row, "clock_set": row["clock_set"] != "false"} for row in rows}
