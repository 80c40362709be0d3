"""Pauses: a rule of a patient says nothing for a time.  Each has a reason and an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from alerts.care.text import NAME, NOTE, checked_text
from alerts.control.outbox import send, take_turn
from alerts.database import Tx, now, to_ms
from alerts.errors import InvalidPauseError
from devices.wire.control import PausedRule, Pauses

LONGEST: Final = timedelta(hours=12)
"""One night."""


def pause(tx: Tx, patient: int, rule: str, until: datetime, reason: str, by: int) -> None:
    """Pause ``rule`` (``"*"``: all rules) until ``until``; this replaces an earlier pause of the rule.

    Raises:
        InvalidPauseError: already over, or longer than :data:`LONGEST`.
        InvalidTextError: no reason, or rule or reason cannot be stored.
    """
    rule, reason = checked_text(rule, "The rule of a pause", NAME), checked_text(reason, "The reason of a pause", NOTE)
    take_turn(tx)
    at = now(tx)
    if not at < until <= at + LONGEST:
        raise InvalidPauseError(f"A pause ends within {LONGEST // timedelta(hours=1)} h from now: choose its end.")
    tx.execute(
        "INSERT INTO pause (subject, rule, until, reason, by_person, created) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (subject, rule) DO UPDATE SET (until, reason, by_person, created) = "
        "(excluded.until, excluded.reason, excluded.by_person, excluded.created)",
        [patient, rule, until, reason, by, at],
    )
    send(tx, patient, pauses_of(tx, patient), by)


def resume(tx: Tx, patient: int, rule: str, by: int) -> None:
    """End a pause now; without one, do nothing."""
    take_turn(tx)
    if tx.execute("DELETE FROM pause WHERE subject = %s AND rule = %s", [patient, rule]).rowcount:
        send(tx, patient, pauses_of(tx, patient), by)


def pauses_of(tx: Tx, patient: int) -> Pauses:
    """The pauses of a patient that have not ended."""
    rows = tx.execute(
        "SELECT rule, until FROM pause WHERE subject = %s AND until > clock_timestamp() ORDER BY rule", [patient]
    )
    return Pauses(tuple(PausedRule(rule, to_ms(until)) for rule, until in rows))
