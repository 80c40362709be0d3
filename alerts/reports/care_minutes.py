"""Minutes of care for each patient in a month, from what was really done, and the United States' codes of 2026 for them.

What people do at the desk leaves a time: they open a patient, acknowledge, write a note, record an outcome, enter an
observation.  The time from one act on a patient to the same person's next act, on any patient or back on the list, counts to
that patient, at most :data:`LONGEST_S`; a last act counts nothing, and no minute counts twice.  A call by telephone counts
while its outcome is open on the screen, no longer: this is a lower bound.

Codes of 2026 for management in a calendar month: CPT 99470 for 10 to 19 minutes, 99457 for the first 20, 99458 for each 20
more, each only with an interactive talk with the patient or a carer in that month (Centers for Medicare & Medicaid Services,
Physician Fee Schedule of 2026; *confirm* at the source before you bill).  Here an outcome "called" or "visit" is that talk.
"""

from __future__ import annotations

from typing import Any, Final

from alerts.care.admit import identity_of
from alerts.care.registers import UNREADABLE
from alerts.database import Tx
from alerts.errors import CareError
from alerts.reports.period import Period
from devices.errors import DeviceError

LONGEST_S: Final = 300
"""Whoever does nothing for longer is doing something else."""
_SHORT, _FULL = 10, 20
_MINUTES: Final = f"""
WITH act AS (
    SELECT u.person, u.at, CASE WHEN u.subject ~ '^patient:[0-9]{{1,9}}$' THEN substr(u.subject, 9)::int4 END AS patient
    FROM audit u WHERE u.at >= %(start)s AND u.at < %(end)s AND u.person > 0 AND u.action NOT LIKE '%%denied'
    UNION ALL
    SELECT e.actor, e.at, a.subject FROM alarm_event e JOIN alarm a USING (alarm)
    WHERE e.at >= %(start)s AND e.at < %(end)s AND e.actor > 0 AND a.subject_kind = 'patient'
), timed AS (
    SELECT act.*, lead(at) OVER (PARTITION BY person ORDER BY at) AS next
    FROM act JOIN person USING (person) WHERE role <> 'administrator'
)
SELECT p.patient, p.team,
    coalesce(round((sum(least(extract(epoch FROM t.next - t.at), {LONGEST_S})) FILTER (WHERE t.next IS NOT NULL)
        )::numeric / 60, 1), 0)::float8,
    count(DISTINCT t.person)::int4,
    (SELECT count(*) FROM alarm_event e JOIN alarm a USING (alarm)
     WHERE a.subject_kind = 'patient' AND a.subject = p.patient AND e.kind = 'outcome' AND e.at >= %(start)s
       AND e.at < %(end)s AND e.content ->> 'outcome' IN ('called', 'visit'))::int4
FROM patient p LEFT JOIN timed t USING (patient)
WHERE (%(team)s::int4 IS NULL OR p.team = %(team)s) AND p.admitted < %(end)s
  AND (p.discharged IS NULL OR p.discharged > %(start)s)
GROUP BY p.patient ORDER BY 3 DESC, 1"""


def care_minutes(tx: Tx, master: bytes, period: Period, team: int | None = None) -> list[dict[str, Any]]:
    """A record for each patient in care in the period, the most minutes first; ``talks``: outcomes "called" and "visit".

    ``codes`` is empty without a talk.  A name that cannot be opened is said to be so.
    """
    values = {"start": period.start, "end": period.end, "team": team}
    return [
        {
            "patient": patient,
            "name": _name(tx, master, patient),
            "team": of,
            "minutes": minutes,
            "people": people,
            "talks": talks,
            "codes": codes_of(minutes, talks),
        }
        for patient, of, minutes, people, talks in tx.execute(_MINUTES.encode(), values).fetchall()
    ]


def codes_of(minutes: float, talks: int) -> str:
    """The codes of a month with so many minutes of care, as "99457 + 2 × 99458"; empty where there is none."""
    whole = int(minutes)
    if not talks or whole < _SHORT:
        return ""
    if whole < _FULL:
        return "99470"
    more = whole // _FULL - 1
    return "99457" + (f" + {more} × 99458" if more > 1 else " + 99458" if more else "")


def _name(tx: Tx, master: bytes, patient: int) -> str:
    try:
        return identity_of(tx, master, patient).name
    except (CareError, DeviceError):
        return UNREADABLE
