"""On how many days of a period each patient measured anything, and the United States' code that such a period has.

Codes of 2026 for the supply of devices in 30 days: CPT 99445 for 2 to 15 days with readings, 99454 for 16 and more
(Centers for Medicare & Medicaid Services, Physician Fee Schedule of 2026; *confirm* at the source before you bill).
"""

from __future__ import annotations

from typing import Any, Final

from alerts.care.admit import identity_of
from alerts.care.registers import UNREADABLE
from alerts.database import Tx
from alerts.errors import CareError
from alerts.reports.period import Period
from devices.errors import DeviceError
from devices.vitals import VITALS

DAYS_OF_SUPPLY: Final = 30
_FEW, _MANY = 2, 16
_USABLE: Final = " OR ".join(f"({v.column} IS NOT NULL AND {v.column}_status IS NULL)" for v in VITALS.values())
# a day is asked for its first usable reading alone: thirty looks at an index for each patient, however much was sent
_DAYS: Final = f"""
WITH day AS (
    SELECT n, (%(first)s::date + n)::timestamp AT TIME ZONE %(zone)s AS start,
        (%(first)s::date + n + 1)::timestamp AT TIME ZONE %(zone)s AS until FROM generate_series(0, %(days)s - 1) n)
SELECT p.patient, p.team, count(*) FILTER (WHERE measured) AS days,
    (%(first)s::date + max(n) FILTER (WHERE measured))::date AS last_day
FROM patient p CROSS JOIN day CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM reading r WHERE r.patient = p.patient AND r.time >= day.start AND r.time < day.until AND ({_USABLE})
) AS measured) m
WHERE (%(team)s::int4 IS NULL OR p.team = %(team)s) AND p.admitted < %(end)s
  AND (p.discharged IS NULL OR p.discharged > %(start)s)
GROUP BY p.patient ORDER BY 3, 1"""


def adherence(tx: Tx, master: bytes, period: Period, team: int | None = None) -> list[dict[str, Any]]:
    """A record for each patient in care in the period, the fewest days first.

    ``code`` is empty for a period that is not 30 days long.  A name that cannot be opened is said to be so.
    """
    values = {
        "first": period.first,
        "days": period.days,
        "zone": str(period.zone),
        "team": team,
        "start": period.start,
        "end": period.end,
    }
    return [
        {
            "patient": patient,
            "name": _name(tx, master, patient),
            "team": of,
            "days": days,
            "of": period.days,
            "last_day": last,
            "code": code_of(days) if period.days == DAYS_OF_SUPPLY else "",
        }
        for patient, of, days, last in tx.execute(_DAYS.encode(), values).fetchall()
    ]


def code_of(days: int) -> str:
    """The code of 30 days with readings on ``days`` of them; empty where there is none."""
    return "99454" if days >= _MANY else "99445" if days >= _FEW else ""


def _name(tx: Tx, master: bytes, patient: int) -> str:
    try:
        return identity_of(tx, master, patient).name
    except (CareError, DeviceError):
        return UNREADABLE
