"""The hand-over of a shift, confirmed by both: one offers what they have, the other looks at it and takes it.

Until it is confirmed nothing changes hands, so that no patient is ever nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import class_row

from alerts.care.hands import check_member, hand_over, work_of
from alerts.care.records import row_of
from alerts.care.text import NOTE, checked_text
from alerts.database import Tx, epoch_ms, scalar
from alerts.errors import RefusedError
from alerts.life.alarm import Alarm

OPEN: Final = "accepted IS NULL AND withdrawn IS NULL"
_SELECT: Final = f"""
SELECT hand_over AS number, giver, taker, note, {epoch_ms("offered")}, {OPEN} AS open FROM hand_over"""


@dataclass(frozen=True, slots=True)
class HandOver:
    """An offer; ``offered`` in ms; ``open``: nobody has confirmed or withdrawn it."""

    number: int
    giver: int
    taker: int
    note: str
    offered: int
    open: bool


def offer(tx: Tx, giver: int, taker: int, note: str) -> int:
    """Offer all that ``giver`` has to ``taker``; return the number.  An earlier open offer of the giver is withdrawn.

    Raises:
        RefusedError: the giver has nothing, or the taker may not act on one of the patients.
        InvalidTextError: the note is too long or cannot be stored.
    """
    note = checked_text(note, "The note of a hand-over", NOTE, blank=True)
    if giver == taker:
        raise RefusedError("Somebody else takes over a shift: name another person.")
    mine = work_of(tx, giver)
    if not mine:
        raise RefusedError("There is nothing in this person's hands: no hand-over is needed.")
    check_member(tx, sorted({one.subject for one in mine if one.subject_kind == "patient"}), taker)
    tx.execute(f"UPDATE hand_over SET withdrawn = clock_timestamp() WHERE giver = %s AND {OPEN}", [giver])
    values = [giver, taker, note]
    number: int = scalar(tx, "INSERT INTO hand_over (giver, taker, note) VALUES (%s, %s, %s) RETURNING hand_over", values)
    return number


def withdraw(tx: Tx, number: int, by: int) -> None:
    """Take an offer back, or decline it.

    Raises:
        UnknownRecordError: there is no such hand-over.
        RefusedError: it is over, or somebody else's.
    """
    _locked(tx, number, by)
    tx.execute("UPDATE hand_over SET withdrawn = clock_timestamp() WHERE hand_over = %s", [number])


def accept(tx: Tx, number: int, by: int) -> list[Alarm]:
    """Confirm an offer: all that the giver has *now* is the taker's; return it.

    Raises:
        UnknownRecordError: there is no such hand-over.
        RefusedError: it is over or was offered to somebody else; or the giver has nothing any more.
    """
    found = _locked(tx, number, by)
    if found.taker != by:
        raise RefusedError("The person to whom it is offered confirms a hand-over: ask them.")
    given = hand_over(tx, found.giver, found.taker, by)
    tx.execute(
        "UPDATE hand_over SET accepted = clock_timestamp(), alarms = %s WHERE hand_over = %s",
        [[one.alarm for one in given], number],
    )
    return given


def hand_over_of(tx: Tx, number: int) -> HandOver:
    """An offer; :class:`UnknownRecordError` if there is none."""
    found: HandOver = row_of(_as_offers(tx), "hand-over", number, f"{_SELECT} WHERE hand_over = %s")
    return found


def open_hand_overs(tx: Tx, person: int) -> list[HandOver]:
    """The open offers from or to a person, the oldest first."""
    where = f"WHERE {OPEN} AND %s IN (giver, taker) ORDER BY hand_over"
    return tx.cursor(row_factory=class_row(HandOver)).execute(f"{_SELECT} {where}", [person]).fetchall()


def _as_offers(tx: Tx) -> Any:
    return tx.cursor(row_factory=class_row(HandOver))


def _locked(tx: Tx, number: int, by: int) -> HandOver:
    found: HandOver = row_of(_as_offers(tx), "hand-over", number, f"{_SELECT} WHERE hand_over = %s FOR UPDATE")
    if not found.open:
        raise RefusedError("This hand-over is over: look at the list of your patients.")
    if by not in (found.giver, found.taker):
        raise RefusedError("This hand-over is between other people.")
    return found
