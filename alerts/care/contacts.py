"""The channels of a person, in order, each with its address sealed under the master key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from alerts.care.text import NAME, checked_text
from alerts.database import Tx, scalar
from alerts.errors import InvalidContactError
from alerts.rota.contact import Contact
from devices.errors import DeviceError
from devices.wire.sealing import unwrap, wrap

LONGEST_ADDRESS: Final = 2000
LONGEST_DELAY_S: Final = 3600
_ORDERED: Final = """
SELECT person, channel, after_s, quiet_since, quiet_until FROM person_channel WHERE person = ANY(%s)
ORDER BY person, place, channel"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact with its address, as it is shown to those who set it; ``None``: it does not open."""

    contact: Contact
    address: str | None


def contacts_of(tx: Tx, people: Collection[int]) -> dict[int, list[Contact]]:
    """The contacts of each of these people, in their order; who has none is not in it."""
    found: dict[int, list[Contact]] = {}
    for person, channel, after_s, since, until in tx.execute(_ORDERED, [list(people)]):
        quiet = (since, until) if since is not None and until is not None else None
        found.setdefault(person, []).append(Contact(channel, max(0, after_s), quiet))
    return found


def entries_of(tx: Tx, master: bytes, person: int) -> list[Entry]:
    """The contacts of one person with their addresses."""
    return [Entry(one, address_of(tx, master, person, one.channel)) for one in contacts_of(tx, [person]).get(person, [])]


def address_of(tx: Tx, master: bytes, person: int, channel: str) -> str | None:
    """The address of a person on a channel, "" if it needs none; ``None`` if there is no such contact, or it does not
    open.
    """
    sealed = scalar(tx, "SELECT address FROM person_channel WHERE person = %s AND channel = %s", [person, channel])
    if sealed is None or not sealed:
        return None if sealed is None else ""
    try:
        return unwrap(bytes(sealed), master, _about(person, channel)).decode()
    except (DeviceError, UnicodeDecodeError):
        return None


def add_contact(
    tx: Tx,
    master: bytes,
    person: int,
    channel: str,
    address: str = "",
    *,
    after_s: int = 0,
    quiet: tuple[time, time] | None = None,
) -> None:
    """Add a channel behind those that a person has, or change the one that they have.

    Raises:
        InvalidContactError: the delay is out of range, or the quiet hours begin when they end.
        InvalidTextError: the channel or the address cannot be stored.
    """
    if not 0 <= after_s <= LONGEST_DELAY_S:
        raise InvalidContactError(f"A channel waits 0 to {LONGEST_DELAY_S} s: {after_s} is none of these.")
    if quiet is not None and quiet[0] == quiet[1]:
        raise InvalidContactError("Quiet hours that end when they begin are none: give two times, such as 22:00-07:00.")
    channel = checked_text(channel, "The name of a channel", NAME)
    address = checked_text(address, "The address", LONGEST_ADDRESS, blank=True)
    sealed = wrap(address.encode(), master, _about(person, channel)) if address else b""
    since, until = quiet or (None, None)
    tx.execute(
        "INSERT INTO person_channel (person, channel, place, address, after_s, quiet_since, quiet_until)"
        " SELECT %s, %s, coalesce(max(place), 0) + 1, %s, %s, %s, %s FROM person_channel WHERE person = %s"
        " ON CONFLICT (person, channel) DO UPDATE SET (address, after_s, quiet_since, quiet_until) ="
        " (excluded.address, excluded.after_s, excluded.quiet_since, excluded.quiet_until)",
        [person, channel, sealed, after_s, since, until, person],
    )


def remove_contacts(tx: Tx, person: int, channels: Sequence[str]) -> int:
    """Remove these channels of a person; return how many there were."""
    return tx.execute(
        "DELETE FROM person_channel WHERE person = %s AND channel = ANY(%s)", [person, list(channels)]
    ).rowcount


def _about(person: int, channel: str) -> bytes:
    return f"person_channel:{person}:{channel}".encode()
