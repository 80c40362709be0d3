"""Care teams: members see the team's patients, and the team's channels notify them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from alerts.care.people import SESSIONS_CHANNEL
from alerts.care.records import row_of
from alerts.care.text import NAME, checked_text
from alerts.database import Tx, scalar
from alerts.errors import InvalidTextError

_LONGEST_PHONE: Final = 40
_PHONE: Final = re.compile(r"[0-9+()/. -]+")
_MEMBER = "m.person = %s AND (m.until IS NULL OR m.until > clock_timestamp())"


def add_team(tx: Tx, name: str, channels: Sequence[str] = ()) -> int:
    """Add a care team that these channels notify (none: every one that the notifier has); return its number.

    Raises:
        InvalidTextError: the name is blank, too long, or holds characters that cannot be stored.
    """
    values = [checked_text(name, "The name of a care team", NAME), _channels(channels)]
    team: int = scalar(tx, "INSERT INTO care_team (name, channels) VALUES (%s, %s) RETURNING team", values)
    return team


def set_channels(tx: Tx, team: int, channels: Sequence[str]) -> None:
    """Change the channels that notify a team; :class:`UnknownRecordError` if there is no such team."""
    row_of(tx, "care team", team, "UPDATE care_team SET channels = %s WHERE team = %s RETURNING team", _channels(channels))


def set_phone(tx: Tx, team: int, phone: str) -> None:
    """Set the telephone number that stands on each screen of the patients' own pages; empty: none, and no leaflet is made.

    Raises:
        InvalidTextError: it is longer than 40 characters, holds no digit, or characters that no number has.
        UnknownRecordError: there is no such team.
    """
    number = checked_text(phone, "The telephone number", _LONGEST_PHONE, blank=True)
    if number and not (_PHONE.fullmatch(number) and any(one.isdigit() for one in number)):
        raise InvalidTextError("The telephone number holds other signs than digits, blanks and + - / ( ): type it again.")
    row_of(tx, "care team", team, "UPDATE care_team SET phone = %s WHERE team = %s RETURNING team", number)


def _channels(channels: Sequence[str]) -> list[str]:
    return [checked_text(channel, "The name of a channel", NAME) for channel in channels]


def join(tx: Tx, person: int, team: int) -> None:
    """Make the person a member, who sees this team's patients from now on; do nothing if they are one already.

    Raises:
        UnknownRecordError: there is no such team.
    """
    row_of(tx, "care team", team, "SELECT FROM care_team WHERE team = %s")
    tx.execute(
        "INSERT INTO membership (person, team, since) SELECT %s, %s, clock_timestamp() WHERE NOT EXISTS "
        f"(SELECT FROM membership m WHERE {_MEMBER} AND m.team = %s)",
        [person, team, person, team],
    )


def leave(tx: Tx, person: int, team: int) -> bool:
    """End the membership: the person no longer sees this team's patients.  Return False if they were no member."""
    ended = tx.execute(f"UPDATE membership m SET until = clock_timestamp() WHERE {_MEMBER} AND m.team = %s", [person, team])
    tx.execute("SELECT pg_notify(%s, '')", [SESSIONS_CHANNEL])
    return ended.rowcount > 0
