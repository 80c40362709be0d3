"""Manual observations on their way into the log: each becomes one sealed reading of device 0, gateway 0.

The relay sends them after the control records that wait, so that a consent that came first is there first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import psycopg

from alerts.control.data_keys import DESK, current_key
from alerts.database import epoch_ms
from devices.sample import SAMPLE, mark_implausible
from devices.vitals import vital_named
from devices.wire.batch import Kind, header
from devices.wire.sealing import new_nonce, seal

AT_ONCE: Final = 500
_WAITING: Final = f"""
SELECT observation, patient, {epoch_ms("time")}, content::text FROM observation
WHERE sent IS NULL ORDER BY observation LIMIT %s"""
_SENT: Final = "UPDATE observation SET sent = clock_timestamp(), epoch = %s WHERE observation = ANY(%s)"
_VALUES: Final = msgspec.json.Decoder(dict[str, float])


@dataclass(frozen=True, slots=True)
class Waiting:
    """An observation that is not in the log yet; ``content`` is JSON, ``at`` ms."""

    number: int
    patient: int
    at: int | None
    content: str


def waiting(db: psycopg.Connection[Any]) -> list[Waiting]:
    """The oldest observations that wait, at most :data:`AT_ONCE`."""
    return [Waiting(*row) for row in db.execute(_WAITING, [AT_ONCE]).fetchall()]


def sealed(db: psycopg.Connection[Any], master: bytes, epoch: int, one: Waiting) -> bytes | None:
    """The record of an observation; ``None`` if its row cannot be read.

    Raises:
        SealError: the desk's key of the patient does not open.
    """
    try:
        values = {vital_named(column).vital: value for column, value in _VALUES.decode(one.content).items()}
    except (msgspec.DecodeError, KeyError):
        return None
    if one.at is None or not values:
        return None
    samples = np.zeros(len(values), SAMPLE)
    samples["time"], samples["vital"], samples["value"] = one.at, list(values), list(values.values())
    mark_implausible(samples)
    key, secret = current_key(db, master, one.patient, DESK)
    clear = header(
        Kind.SAMPLES, patient=one.patient, gateway=DESK, key=key, first=one.number, epoch=epoch, received=one.at,
        nonce=new_nonce(),
    )  # fmt: skip
    return seal(clear, samples.tobytes(), secret)


def mark_sent(db: psycopg.Connection[Any], epoch: int, numbers: list[int]) -> None:
    """Never send these again."""
    db.execute(_SENT, [epoch, numbers])
