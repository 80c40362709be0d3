"""Checks of the way from the homes to people: gateways' clocks, faults of devices, refused records, the notifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, LiteralString

import psycopg

from alerts.control.notifier_parts import DOES, away_in_words, parts_away
from alerts.life.typed_number import whole_number
from deploy.finding import Finding
from deploy.settings import ServerSettings

_SHOWN: Final = 10
_OVERDUE_S: Final = 120
_CLOCKS: Final = """
SELECT DISTINCT a.source, g.name, a.detail ->> 'off_s' FROM alarm a JOIN gateway g ON g.gateway = a.source
WHERE a.rule = 'gateway_clock' AND a.active AND a.closed IS NULL ORDER BY 1"""
# a fault is said once a day while it lasts
_FAULTS: Final = """
SELECT DISTINCT f.gateway, g.name, f.device, d.name, left(f.value ->> 'what', 60), left(f.value ->> 'reason', 200)
FROM event f JOIN gateway g USING (gateway) LEFT JOIN device d USING (device)
WHERE f.kind = 'fault' AND f.time > now() - interval '26 hours' AND f.time < now() + interval '1 hour'
ORDER BY 1, 3, 5, 6"""
_KEYS: Final = "SELECT key, patient, gateway, since FROM damaged_key ORDER BY patient, gateway"
_DROPPED: Final = """
SELECT patient, gateway, sum(dropped)::int8 FROM refused_tally WHERE patient >= 0
GROUP BY patient, gateway HAVING sum(dropped) > 0 ORDER BY 3 DESC, 1, 2"""
_OVERDUE: Final = """
SELECT count(*) FROM notification WHERE sent IS NULL AND stopped IS NULL
  AND due < now() - make_interval(secs => %s) AND error IS DISTINCT FROM 'no such channel is configured'"""


def homes(settings: ServerSettings) -> Iterator[Finding]:
    """Name the gateways whose clock is wrong, and what devices and gateways themselves say of their faults."""
    wrong = [
        (f"The clock of gateway {gateway} ({name}) {_off(off)}", "have its time service mended (NTP)")
        for gateway, name, off in _rows(settings, _CLOCKS)
    ]
    for gateway, name, device, device_name, what, reason in _rows(settings, _FAULTS):
        whose = f"Device {device} ({device_name})" if device else f"Gateway {gateway} ({name})"
        if what and reason:
            wrong.append((f"{whose} reports a fault of {what} ({reason})", f"see to it in the home of gateway {gateway}"))
    yield from _named(wrong, "No gateway or device reports a fault", "faults are reported in all")


def refusals(settings: ServerSettings) -> Iterator[Finding]:
    """Name the keys at which the workers failed, and whose refused records are so many that they are not kept."""
    wrong = []
    for key, patient, gateway, since in _rows(settings, _KEYS):
        what = f"The workers cannot open data key {key} of {_sender(patient, gateway)} since {since:%Y-%m-%d %H:%M}"
        wrong.append((what, "restore this row of data_key from a backup, then run vigil rejected retry"))
    for patient, gateway, count in _rows(settings, _DROPPED):
        what = f"{count} refused records of {_sender(patient, gateway)} were not kept, since there were too many"
        cure = "see vigil rejected list for the reason, and mend it"
        if gateway:
            cure += f"; if the gateway is not yours or was stolen, run vigil gateway revoke {gateway}"
        wrong.append((what, cure))
    yield from _named(wrong, "The workers open every key, and keep what they refuse", "senders are refused in all")


def notifier(settings: ServerSettings) -> Iterator[Finding]:
    """Say which part of the notifier is away, and whether messages wait."""
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            away = parts_away(db)
            (overdue,) = db.execute(_OVERDUE, [_OVERDUE_S]).fetchone() or (0,)
    except psycopg.Error:
        return  # said by the check of the database
    cure = "start vigil notify" if set(DOES) <= set(away) else "see its log, it tries again by itself"
    yield Finding(not away, away_in_words(away).rstrip(".") if away else "Every part of the notifier runs", cure)
    waiting = f"{overdue} messages about alarms wait for their channel"
    yield Finding(not overdue, waiting, "see that vigil notify reaches its channels")


def _named(wrong: list[tuple[str, str]], well: str, more: str) -> Iterator[Finding]:
    """A finding for each of ``wrong`` (what, cure), at most some of them; ``well`` where there is none."""
    for what, cure in wrong[:_SHOWN]:
        yield Finding(False, what, cure)
    if len(wrong) > _SHOWN:
        yield Finding(False, f"{len(wrong)} {more}", "see to those above first")
    if not wrong:
        yield Finding(True, well)


def _rows(settings: ServerSettings, query: LiteralString) -> list[tuple[Any, ...]]:
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            return db.execute(query).fetchall()
    except psycopg.Error:
        return []  # said by the check of the database


def _off(seconds: str | None) -> str:
    """``seconds`` as the condition says them: ahead if positive; none where the clock is not set."""
    if seconds is None:
        return "is not set"
    whole = whole_number(seconds) or 0
    return f"is {abs(whole)} s {'ahead' if whole > 0 else 'behind'}"


def _sender(patient: int, gateway: int) -> str:
    return f"patient {patient}, {f'gateway {gateway}' if gateway else 'the desk'}"
