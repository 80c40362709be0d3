"""The parts of the notifier: each has a connection of its own, by whose name the database says that it works."""

from __future__ import annotations

from typing import Final

from alerts.database import Tx, scalars

DOES: Final = {
    "relay": "no change of limits, consent or enrolment reaches the log",
    "watch": "nobody is paged when Vigil itself stands still",
    "notify due": "no alarm is repeated or escalated",
    "notify escalation": "nobody is called by a rota, and no step follows another",
    "notify log": "nothing is written into its log",
}
"""The things that are missing while a part is away; the others are channels."""
_CONNECTED: Final = """
SELECT DISTINCT substr(application_name, 7) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'vigil %%'"""
_CHANNELS: Final = "SELECT 'notify ' || name FROM channel ORDER BY name"


def parts_away(tx: Tx) -> list[str]:
    """The parts of the notifier that are not connected now, such as "relay" and "notify webhook"."""
    connected = set(scalars(tx, _CONNECTED))
    return [part for part in (*DOES, *scalars(tx, _CHANNELS)) if part not in connected]


def away_in_words(parts: list[str]) -> str:
    """As "The notifier does not run." or "The notifier's part relay is away: no change of limits … reaches the log."."""
    if set(DOES) <= set(parts):
        return "The notifier does not run: nobody is paged, and no change reaches the log."
    one = parts[0]
    does = DOES.get(one, f"nothing is sent by {one.removeprefix('notify ')}")
    more = f", and {len(parts) - 1} more" if len(parts) > 1 else ""
    return f"The notifier's part {one} is away{more}: {does}."
