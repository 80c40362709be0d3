"""The answers of a person to a message, by the token in it: takes the patient, looks at it, or cannot.

The token says who answers and to what.  It acts only for people who may act at the desk too, once, and only on the
alarms that the page showed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alerts.care.answer_links import GOOD_FOR_MS, is_token, number_in
from alerts.care.escalation_rows import read_run, write_run
from alerts.care.rotas import rota_of
from alerts.database import Tx, epoch_ms, now_ms, scalar
from alerts.errors import RefusedError
from alerts.fold.fold import CHANNEL, press
from alerts.life.events import Acknowledge
from alerts.rota.errors import RotaFileError
from alerts.rota.escalation import declined, seen
from alerts.rota.policy import Policy

Answer = Literal["acknowledged", "seen", "declined"]
_NOW: Final = "clock_timestamp()"
_ASKED: Final = f"""
SELECT n.notification, n.alarm, n.episode, n.recipient, {epoch_ms("n.due")}, n.acknowledged, n.declined, a.subject,
    p.person, p.name, p.disabled IS NULL AND p.role <> 'administrator' AND EXISTS (
        SELECT FROM patient t JOIN membership m ON m.team = t.team WHERE t.patient = a.subject AND m.person = p.person
        AND (m.until IS NULL OR m.until > {_NOW}))
FROM notification n JOIN alarm a USING (alarm) JOIN person p ON n.recipient = 'person:' || p.person
WHERE n.notification = %s AND a.subject_kind = 'patient'"""


_CALLED_NO_MORE: Final = f"""
UPDATE notification SET stopped = {_NOW}, error = 'the person cannot' WHERE notification IN (
    SELECT notification FROM notification WHERE episode = %s AND recipient = %s AND notification <> %s
    AND sent IS NULL AND stopped IS NULL ORDER BY notification FOR UPDATE)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that waits for its answer.  ``seen``: the alarms that nobody has taken, each with its version."""

    notification: int
    alarm: int
    episode: int
    person: int
    name: str
    seen: Mapping[int, int]


def asked(tx: Tx, master: bytes, token: str) -> Asked:
    """The question that the token of a message asks.

    Raises:
        RefusedError: it is no token of ours, too old, or answered; nobody has to be called any more; or the person may
        not act.
    """
    number = number_in(token)
    row: Any = tx.execute(_ASKED, [number]).fetchone() if number is not None else None
    if row is None or row[4] is None or not is_token(master, token, row[0], row[4]):
        raise RefusedError("This link is not valid: sign in at the desk.")
    notification, alarm, episode, _, due, taken, refused, _, person, name, may = row
    if not may:
        raise RefusedError("You may not act on this alarm any more: sign in at the desk, or ask the care team.")
    if now_ms(tx) > due + GOOD_FOR_MS:
        raise RefusedError("This link is too old: sign in at the desk.")
    if taken is not None or refused is not None:
        raise RefusedError("You have answered this call already. What you see at the desk counts.")
    left = _open(tx, episode)
    if not left:
        raise RefusedError("Nobody has to be called any more: somebody has the patient, or it is over. Look at the desk.")
    return Asked(notification, alarm, episode, person, name, dict(left))


def answer(tx: Tx, master: bytes, token: str, what: Answer, shown: Mapping[int, int]) -> str:
    """Store an answer, and do what follows; return the sentence for the person.

    Args:
        tx: a transaction for this answer alone.
        master: the master key.
        token: of the message.
        what: the answer.
        shown: the alarms that the page showed, each with its version.

    Raises:
        RefusedError: as :func:`asked`, or the alarms do not allow it now; the transaction must be rolled back.
        ConflictError: somebody else was first.
    """
    found = asked(tx, master, token)
    if what == "acknowledged":
        taken = {one: version for one, version in shown.items() if one in found.seen}
        if not taken:
            raise RefusedError("The alarms have changed meanwhile: open the link again.")
        done = press(tx, taken, Acknowledge(found.person, now_ms(tx)))
        if done.conflict is not None and not done.alarms:
            raise done.conflict
        sentence = "You have the patient. Sign in at the desk to see what is needed."
    else:
        tx.execute("SELECT FROM episode WHERE episode = %s FOR UPDATE", [found.episode])
        _turn(tx, found, what)
        sentence = (
            "Noted: the next step waits a little longer. Take the patient when you can."
            if what == "seen"
            else "Noted: you cannot. The next one is called now."
        )
    _store(tx, found, what)
    tx.execute(
        "INSERT INTO audit (person, action, subject) VALUES (%s, %s, %s)",
        [found.person, f"call.{what}", f"alarm:{found.alarm}"],
    )
    tx.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return sentence


def record_receipt(tx: Tx, key: str, what: Literal["delivered", "seen", "declined", "acknowledged"]) -> bool:
    """Store what a provider reports about a message, by the message's key; False if there is no such message.

    "declined" goes on at once and "seen" waits longer, as if the person had said so.  "acknowledged" is only written
    down: who takes a patient says so at the desk or by the message's link.
    """
    text = key.removeprefix("vigil-")
    if not text.isdigit() or len(text) > 18 or key == text:
        return False
    row = tx.execute(
        "SELECT notification, alarm, episode, recipient FROM notification WHERE notification = %s AND attempts > 0",
        [int(text)],
    ).fetchone()
    if row is None:
        return False
    notification, alarm, episode, recipient = row
    person = recipient.removeprefix("person:")
    if what in ("seen", "declined") and episode is not None and person.isdigit():
        tx.execute("SELECT FROM episode WHERE episode = %s FOR UPDATE", [episode])
        _turn(tx, Asked(notification, alarm, episode, int(person), "", {}), what)
    tx.execute(f"UPDATE notification SET {what} = coalesce({what}, {_NOW}) WHERE notification = %s".encode(), [notification])
    tx.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return True


def _turn(tx: Tx, found: Asked, what: str) -> None:
    """Let the escalation wait or go on; the caller holds the episode."""
    sign_in = scalar(tx, "SELECT sign_in FROM person WHERE person = %s", [found.person])
    team, run = read_run(tx, found.episode)
    if run is None or sign_in is None:
        return
    at = now_ms(tx)
    after = declined(run, sign_in, at) if what == "declined" else seen(run, _policy(tx, team), sign_in, at)
    if after != run:
        write_run(tx, found.episode, team, after)
    if what == "declined":
        tx.execute(_CALLED_NO_MORE, [found.episode, f"person:{found.person}", found.notification])


def _policy(tx: Tx, team: int) -> Policy:
    try:
        rota = rota_of(tx, team)
    except RotaFileError:
        rota = None
    return rota.policy if rota else Policy()


def _store(tx: Tx, found: Asked, what: Answer) -> None:
    """Write the answer down, once: of two at the same time one is refused."""
    stored = tx.execute(
        f"UPDATE notification SET {what} = coalesce({what}, {_NOW})"
        " WHERE notification = %s AND acknowledged IS NULL AND declined IS NULL".encode(),
        [found.notification],
    )
    if not stored.rowcount:
        raise RefusedError("You have answered this call already. What you see at the desk counts.")


def _open(tx: Tx, episode: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = tx.execute(
        "SELECT alarm, version FROM alarm WHERE episode = %s AND closed IS NULL AND life = 'unacknowledged' ORDER BY alarm",
        [episode],
    ).fetchall()
    return found
