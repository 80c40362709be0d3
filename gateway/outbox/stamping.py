"""Fixes the times of the readings that could not be given one when they came."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from devices.errors import MalformedBatchError
from devices.sample import SAMPLE, Samples
from devices.wire.batch import ClockQuality, Kind
from devices.wire.event import ClockCorrection, Event, Fault, decode_event
from gateway.clock import Stamp
from gateway.outbox.reading import Reading, Refusal
from gateway.outbox.timing import AHEAD_MS, SETTLE_MS, STALE_MS, Basis, Claim, Timed, Trust, settled, timed
from gateway.outbox.vault import Vault

CLOCK_DRIFT_MS: Final = 60_000
"""A clock known to be wrong is told again once it is wrong by another minute."""
UNREADABLE: Final = "cannot be read, and its times cannot be trusted: set the clock, and the home's time zone"
_WAITING: Final = (
    "select id, device, patient, kind, clock, payload, device_time, ahead, boot, mono, wall from reading"
    " where measured is null order by id limit ?"
)

Fix = Callable[[int, "Samples | Event", Timed], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row without a time yet.  ``mono`` is None where our clock was set when it came."""

    id: int
    device: int
    patient: int
    kind: int
    trust: int
    payload: bytes
    device_time: int | None
    ahead: int
    boot: str
    mono: int | None
    wall: int

    def claim(self, now: Stamp) -> Claim:
        """Its time as the device has it; the arrival by our clock as it is known ``now``."""
        ours = self.mono is not None and self.boot == now.boot
        arrived = now.wall - (now.mono - (self.mono or 0)) if ours else self.wall
        return Claim(arrived, self.device_time, self.ahead, Trust.of(self.trust))

    def of_earlier_boot(self, now: Stamp, last: int | None) -> tuple[Claim, Timed]:
        """Its time, where our clock was never set in the boot in which it came; ``last`` ms: the arrival before it.

        It came after that, and before this boot began.  The device's own time counts where it can be; it is sure where it
        lies between the two.  Else the time that our clock showed, if it can be, or the beginning of this boot.
        """
        began = now.wall - now.mono
        since = max(last or 0, began - STALE_MS)
        claim = Claim(min(max(self.wall, since), began) if self.wall >= since else began, self.device_time, self.ahead)
        claim = replace(claim, trust=Trust.of(self.trust))
        own = replace(claim, arrived=began).own
        if own is None:
            return claim, Timed(claim.arrived, quality=ClockQuality.UNSURE)
        sure = last is not None and own >= last - AHEAD_MS and claim.trust.basis in {Basis.KNOWN, Basis.ZONE}
        return claim, Timed(own, quality=ClockQuality.SURE if sure else ClockQuality.UNSURE)


class Stamping:
    """Works on the outbox's connection, within the caller's transaction; ``fix``, ``put`` and ``refuse`` are the store's."""

    def __init__(
        self,
        db: sqlite3.Connection,
        fix: Fix,
        put: Callable[[Reading], bool],
        refuse: Callable[[Refusal], None],
        vault: Vault,
    ) -> None:
        self._db, self._fix, self._put, self._refuse, self._vault = db, fix, put, refuse, vault
        self._reported: dict[int, int] = {}
        """ms, by device: how wrong its clock was said to be."""

    def stamp(self, now: Stamp, limit: int) -> int:
        """Give up to ``limit`` readings that wait for their time that time; return their number.

        A reading that came before our clock was set gets it by the monotonic clock of this boot; one of an earlier boot,
        which ended before its clock was set, as :meth:`_Waiting.of_earlier_boot` says.  The readings of a device whose
        time their neighbours have to say get it once the device has sent nothing for ``SETTLE_MS``.
        """
        waiting = [_Waiting(*row) for row in self._db.execute(_WAITING, (limit,))]
        count, bursts = 0, dict[int, list[tuple[_Waiting, Claim]]]()
        for row in waiting:
            claim = row.claim(now)
            if row.mono is not None and row.boot != now.boot:
                self._stamp(row, *row.of_earlier_boot(now, self._arrival_before(row)))
            elif found := timed(claim) or (Timed(claim.arrived) if row.kind == Kind.EVENT else None):
                self._stamp(row, claim, found)
            else:
                bursts.setdefault(row.device, []).append((row, claim))
                continue
            count += 1
        for device, burst in bursts.items():
            if now.wall - max(claim.arrived for _, claim in burst) >= SETTLE_MS:
                count += self._settle(device, burst, now)
        return count

    def _arrival_before(self, row: _Waiting) -> int | None:
        """The arrival (ms) of the last reading that came before ``row`` while the clock was set."""
        found = self._db.execute(
            "select received from reading where id < ? and received is not null and clock <> ? order by id desc limit 1",
            (row.id, ClockQuality.UNSURE),
        ).fetchone()
        return None if found is None else int(found[0])

    def _stamp(self, row: _Waiting, claim: Claim, time: Timed) -> None:
        payload = self._vault.unseal(row.device, row.payload)
        try:
            content = np.frombuffer(payload, SAMPLE) if row.kind == Kind.SAMPLES else decode_event(payload)
        except (ValueError, MalformedBatchError) as error:  # damaged on the disk: it must not hold up the others
            self._refuse(Refusal(claim.arrived, "outbox", row.device, f"damaged: {error}", payload))
            self._db.execute("delete from reading where id = ?", (row.id,))
            return
        measured, fixed = self._fix(row.device, content, time)
        self._db.execute(
            "update reading set measured = ?, received = ?, payload = ?, clock = ?, boot = null, mono = null,"
            " wall = null where id = ?",
            (measured, claim.arrived, fixed, time.quality, row.id),
        )

    def _settle(self, device: int, burst: Sequence[tuple[_Waiting, Claim]], now: Stamp) -> int:
        """Fix the times of one burst, and tell once what is wrong with the device's clock."""
        newest = self._db.execute(
            "select max(id) from reading where device = ? and kind = 1 and (device_time is not null or measured is null)",
            (device,),
        ).fetchone()[0]
        last, claim = burst[-1]
        times = settled([one for _, one in burst], ends=last.id == newest)
        for (row, one), time in zip(burst, times, strict=True):
            self._stamp(row, one, time)
        event: Event | None = None
        if times[-1].quality is ClockQuality.ARRIVAL and claim.trust.basis is not Basis.NONE:
            off = (claim.device_time or 0) - claim.ahead - claim.arrived
            event = ClockCorrection(now.wall, off) if abs(off - self._reported.get(device, 0)) > CLOCK_DRIFT_MS else None
            self._reported[device] = off
        elif any(not time.sure for time in times) and device not in self._reported:
            event, self._reported[device] = Fault(now.wall, "clock", UNREADABLE), 0
        if event is not None:
            self._put(Reading(device, last.patient, now, event=event))
        return len(burst)
