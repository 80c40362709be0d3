"""The people who were called about a patient: when, by which channel, with which receipt; and who is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.care.escalation_rows import read_run
from alerts.care.reach import reach_of
from alerts.database import Tx, epoch_ms, scalar, to_datetime
from alerts.fold.fold import ROTA
from alerts.rota.errors import RotaFileError

MOST: Final = 60
_EPISODE: Final = """
SELECT episode FROM episode WHERE subject_kind = 'patient' AND subject = %s ORDER BY closed IS NULL DESC, episode DESC
LIMIT 1"""
_CALLS: Final = f"""
SELECT n.step, coalesce(p.name, CASE WHEN n.recipient LIKE 'team:%%' THEN 'the whole team' ELSE n.recipient END), n.channel,
    n.attempts, n.error, {epoch_ms("n.due")}, {epoch_ms("n.sent")}, {epoch_ms("n.delivered")}, {epoch_ms("n.seen")},
    {epoch_ms("n.declined")}, {epoch_ms("n.acknowledged")}, {epoch_ms("n.stopped")}
FROM notification n LEFT JOIN person p ON n.recipient = 'person:' || p.person
WHERE n.episode = %s AND n.channel <> '{ROTA}' ORDER BY n.notification DESC LIMIT {MOST}"""


@dataclass(frozen=True, slots=True)
class CalledOnce:
    """One message: call number ``step``, its recipient by name, and its times in ms; ``error`` of the last attempt."""

    step: int
    who: str
    channel: str
    attempts: int
    error: str | None
    due: int | None
    sent: int | None
    delivered: int | None
    seen: int | None
    declined: int | None
    acknowledged: int | None
    stopped: int | None

    @property
    def state(self) -> str:
        """Its state in a word or two: the most that is known."""
        for name, words in (
            ("acknowledged", "taken by the person"), ("declined", "the person cannot"), ("seen", "seen"),
            ("delivered", "delivered"), ("sent", "sent"),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                return words
        if self.stopped is not None:
            return "not needed any more"
        return f"not sent: {self.error}" if self.error else "waits"

    @property
    def at(self) -> int | None:
        """The time of its state."""
        known = (self.acknowledged, self.declined, self.seen, self.delivered, self.sent, self.stopped, self.due)
        return next((one for one in known if one is not None), None)


@dataclass(frozen=True, slots=True)
class Next:
    """The people who are called next, at ``at`` (ms), if nobody acts."""

    who: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Calls:
    """The newest calls of a patient's episode, and who is next."""

    made: tuple[CalledOnce, ...] = ()
    after: Next | None = None


def calls_of(tx: Tx, patient: int) -> Calls:
    """The calls of a patient's open episode, or of the last one."""
    episode = scalar(tx, _EPISODE, [patient])
    if episode is None:
        return Calls()
    return Calls(tuple(CalledOnce(*row) for row in tx.execute(_CALLS, [episode])), _next(tx, episode))


def _next(tx: Tx, episode: int) -> Next | None:
    team, run = read_run(tx, episode)
    if run is None or run.due is None:
        return None
    try:
        book = reach_of(tx, team)
    except RotaFileError:
        book = None
    steps = book.rota.policy.of(run.priority) if book else ()
    if book is None or not steps:
        return None
    for further in range(1, len(steps) + 1):
        found = book.reach(steps[(run.step + further) % len(steps)], run.priority, to_datetime(run.due))
        if found.somebody:
            names = [book.people[one].name for one in found.people]
            return Next((*names, *(["the whole team"] if found.team else [])), run.due)
    return Next(("the whole team",), run.due)
