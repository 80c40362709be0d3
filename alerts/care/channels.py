"""The channels that the notifier has, and by which of them each care team is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from alerts.database import Tx, scalars

LOG: Final = "log"
"""The channel that always exists and reaches nobody: a line in the notifier's log."""


@dataclass(frozen=True, slots=True)
class TeamChannels:
    """A team and its channels.  ``chosen``: none means every channel of the notifier; ``used``: those that messages take;
    ``missing``: chosen ones that the notifier does not have.
    """

    team: int
    name: str
    chosen: tuple[str, ...]
    used: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def reaches_people(self) -> bool:
        """True if at least one channel brings a message to somebody."""
        return any(one != LOG and one not in self.missing for one in self.used)

    @property
    def log_was_chosen(self) -> bool:
        """True if somebody decided that this team is told by the log alone."""
        return self.chosen == (LOG,)


def register_channels(tx: Tx, names: Collection[str], personal: Collection[str] = ()) -> None:
    """Write down the channels that the notifier has, of them those that need a person's address; those it has no more go."""
    kept = [one for one in names if one != LOG]
    tx.execute("DELETE FROM channel WHERE name <> ALL(%s)", [kept])
    tx.execute(
        "INSERT INTO channel (name, personal) SELECT n, n = ANY(%s) FROM unnest(%s::text[]) n"
        " ON CONFLICT (name) DO UPDATE SET personal = excluded.personal",
        [list(personal), kept],
    )


def registered_channels(tx: Tx, *, personal: bool = False) -> list[str]:
    """The channels that reach people and that the notifier has; those that need a person's address only if asked for."""
    return scalars(tx, "SELECT name FROM channel WHERE %s OR NOT personal ORDER BY name", [personal])


def team_channels(tx: Tx) -> list[TeamChannels]:
    """The channels of every care team, by its number."""
    there = tuple(registered_channels(tx))
    rows = tx.execute("SELECT team, name, channels FROM care_team ORDER BY team").fetchall()
    return [
        TeamChannels(
            team=team,
            name=name,
            chosen=tuple(chosen),
            used=tuple(chosen) or there or (LOG,),
            missing=tuple(one for one in chosen if one != LOG and one not in there),
        )
        for team, name, chosen in rows
    ]
