"""Pauses: a rule of a patient says nothing for a time.  Each has a reason and an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from alerts.care.records import check_in_care
from alerts.care.text import NAME, NOTE, checked_text
from alerts.control.outbox import send, take_turn
from alerts.database import Tx, now, to_ms
from alerts.errors import InvalidPauseError
from alerts.rules.guidance import guidance
from alerts.rules.suppression import EVERY_RULE
from devices.wire.control import PausedRule, Pauses

LONGEST: Final = timedelta(hours=12)
"""One night: of a rule."""
AWAY: Final[dict[str, str]] = {
    "admitted": "Admitted to hospital",
    "holiday": "On holiday",
    "returned": "Devices returned",
    "asked": "Asked for a break",
}
"""The reasons for which a patient is not watched for days."""
LONGEST_AWAY: Final = timedelta(days=31)


def pause(tx: Tx, patient: int, rule: str, until: datetime, reason: str, by: int) -> None:
    """Pause ``rule`` (``"*"``: all rules) until ``until``; this replaces an earlier pause of the rule.

    Raises:
        InvalidPauseError: no such rule, already over, or longer than :data:`LONGEST`.
        InvalidTextError: no reason, or rule or reason cannot be stored.
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    rule, reason = checked_text(rule, "The rule of a pause", NAME), checked_text(reason, "The reason of a pause", NOTE)
    _pause(tx, patient, rule, until, reason, by, LONGEST)


def pause_patient(tx: Tx, patient: int, until: datetime, reason: str, note: str, by: int) -> None:
    """Watch a patient no more until ``until``, because they are away: ``reason`` is a key of :data:`AWAY`.

    Standing conditions end; a high that nobody has taken stays on the list.  :func:`resume` with the rule ``*`` ends it.

    Raises:
        InvalidPauseError: no such reason, already over, or longer than :data:`LONGEST_AWAY`.
        InvalidTextError: the note is too long or cannot be stored.
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    if reason not in AWAY:
        raise InvalidPauseError(f"There is no reason {reason!r}: name one of {', '.join(AWAY)}.")
    note = checked_text(note, "The note of a pause", NOTE, blank=True)
    _pause(tx, patient, EVERY_RULE, until, f"{AWAY[reason]}: {note}" if note else AWAY[reason], by, LONGEST_AWAY)


def _pause(tx: Tx, patient: int, rule: str, until: datetime, reason: str, by: int, longest: timedelta) -> None:
    take_turn(tx)
    check_in_care(tx, patient)
    at = now(tx)
    if rule != EVERY_RULE and guidance(rule) is None:
        raise InvalidPauseError(f"There is no rule {rule!r}: name one such as spo2.low or news2, or * for all.")
    if not at < until <= at + longest:
        most = f"{longest.days} days" if longest.days else f"{longest // timedelta(hours=1)} h"
        raise InvalidPauseError(f"A pause ends within {most} from now: choose its end.")
    tx.execute(
        "INSERT INTO pause (subject, rule, until, reason, by_person, created) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (subject, rule) DO UPDATE SET (until, reason, by_person, created) = "
        "(excluded.until, excluded.reason, excluded.by_person, excluded.created)",
        [patient, rule, until, reason, by, at],
    )
    send(tx, patient, pauses_of(tx, patient), by)


def resume(tx: Tx, patient: int, rule: str, by: int) -> bool:
    """End a pause now; without one, do nothing and return False."""
    take_turn(tx)
    ended = tx.execute("DELETE FROM pause WHERE subject = %s AND rule = %s", [patient, rule]).rowcount > 0
    if ended:
        send(tx, patient, pauses_of(tx, patient), by)
    return ended


def pauses_of(tx: Tx, patient: int) -> Pauses:
    """The pauses of a patient that have not ended."""
    rows = tx.execute(
        "SELECT rule, until FROM pause WHERE subject = %s AND until > clock_timestamp() ORDER BY rule", [patient]
    )
    return Pauses(tuple(PausedRule(rule, to_ms(until)) for rule, until in rows))
