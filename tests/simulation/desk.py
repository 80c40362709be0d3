"""The desk: control records in their order, a nurse who acts on alarms, and the notifier's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from alerts.errors import RefusedError
from alerts.life.events import Acknowledge, AddNote, RecordOutcome, Shelve, Tick, Unshelve
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS, Kind, header
from devices.wire.control import (
    Consent,
    Control,
    Enrolled,
    Enrolment,
    Facts,
    Level,
    Limit,
    Limits,
    PausedRule,
    Pauses,
    RuleSet,
    encode_control,
    kind_of,
)
from devices.wire.sealing import seal
from tests.simulation.database import Database
from tests.simulation.home import Device
from tests.simulation.log import Log
from tests.simulation.scheduler import Scheduler

DESK_EPOCH: Final = 7
NURSES: Final = (1, 2)
_LIMITS: Final = (
    Limit(Vital.HEART_RATE, "high", Level(110, 4), Level(130, 2), 5),
    Limit(Vital.PULSE_RATE, "high", Level(110, 0), Level(130, 0), 5),
    Limit(Vital.SPO2, "low", Level(94, 3), Level(90, 2), 1),
    Limit(Vital.RESPIRATORY_RATE, "low", None, Level(9, 2), 1),
    Limit(Vital.RESPIRATORY_RATE, "high", Level(21, 6), Level(25, 3), 2),
    Limit(Vital.TEMPERATURE, "high", Level(39), None, 0.3),
    Limit(Vital.SYSTOLIC, "high", None, Level(219), 5),
)


class Desk:
    """``keys``: by patient (0: the partitions) the desk's own data key and its secret."""

    def __init__(
        self,
        scheduler: Scheduler,
        log: Log,
        database: Database,
        keys: Mapping[int, tuple[int, bytes]],
        enrolled: Mapping[int, Sequence[tuple[Device, int]]],
    ) -> None:
        self.scheduler, self.log, self.database, self.keys, self.enrolled = scheduler, log, database, keys, enrolled
        self._sequence = 0
        self._waiting: list[tuple[int, bytes]] = []
        self._sent: list[tuple[int, bytes]] = []
        self.newest: dict[int, dict[str, int]] = {}
        """By patient and kind, the number of the record that holds the state of today."""
        self._every: list[tuple[int, int, int, Control]] = []
        self._rng = scheduler.chance("desk")
        self._begin()
        scheduler.every(0.2, self._relay)
        scheduler.every(1.0, self._act)
        scheduler.every(1.0, self._tick)

    @property
    def idle(self) -> bool:
        return not self._waiting

    def tell(self, patient: int, control: Control) -> None:
        """Put a control record into the outbox of the desk; a rule set goes to every partition."""
        self._put(patient, control, [patient % PARTITIONS] if patient else sorted(self.log.partitions))

    def _put(self, patient: int, control: Control, partitions: Sequence[int]) -> None:
        self._sequence += 1
        self.newest.setdefault(patient, {})[kind_of(control)] = self._sequence
        for partition in partitions:
            self._every.append((partition, patient, self._sequence, control))
            key, secret = self.keys[patient]
            nonce = self.scheduler.nonces.randbytes(12)
            head = header(Kind.CONTROL, patient=patient, key=key, first=self._sequence, epoch=DESK_EPOCH, nonce=nonce)
            self._waiting.append((partition, seal(head, encode_control(control), secret)))

    def send_lost_again(self, partitions: Sequence[int]) -> None:
        """See :func:`alerts.control.lost.send_lost_again`: what the log has lost before it took effect."""
        effective: dict[tuple[int, int, str], int] = {}
        for (partition, _), (patient, kind, _, sequence, *_) in self.database.tables.control.items():
            effective[partition, patient, kind] = max(sequence, effective.get((partition, patient, kind), 0))
        again = [one for one in self._every if one[0] in partitions]
        self._every = [one for one in self._every if one[0] not in partitions]
        self._waiting = [one for one in self._waiting if one[0] not in partitions]
        for partition, patient, sequence, control in again:  # with what waits: the order stays
            if sequence > effective.get((partition, patient, kind_of(control)), 0):
                self._put(patient, control, [partition])
            else:
                self._every.append((partition, patient, sequence, control))

    def change(self) -> None:
        """Somebody changes something."""
        rng = self._rng
        patient = rng.choice(sorted(self.enrolled))
        until = self.scheduler.ms + rng.choice((5000, 20_000))
        self.tell(
            patient,
            rng.choice(
                (
                    Limits((Limit(Vital.SPO2, "low", Level(rng.choice((88, 96)), 2), None, 1),)),
                    Limits(),
                    Pauses((PausedRule(rng.choice(("*", "spo2.low", "no_data", "news2")), until),)),
                    Facts(rng.choice((1, 2)), rng.choice((True, False, None)), rng.choice(("A", "V")), "1950-02-03"),
                    Consent(rng.random() < 0.8, self.scheduler.ms),
                    self._enrolment(patient, rng.random() < 0.3),
                )
            ),
        )

    def settle(self) -> None:
        """Everybody may be watched again: what still comes shall count."""
        for patient in sorted(self.enrolled):
            self.tell(patient, Consent(True, self.scheduler.ms))

    def _begin(self) -> None:
        self.tell(0, RuleSet(1, _LIMITS, gateway_offline_s=15, no_data_extra_s=3, sensor_off_s=3, news2_hold_s=3))
        for patient in sorted(self.enrolled):
            controls: list[Control] = [Consent(True, 0), self._enrolment(patient, False), Facts(1, False, "A", "1950-02-03")]
            self._rng.shuffle(controls)
            for control in controls:
                self.tell(patient, control)

    def _enrolment(self, patient: int, odd: bool) -> Enrolment:
        devices = self.enrolled[patient]
        now = self.scheduler.ms
        until = now + self._rng.choice((0, 5000, -5000)) if odd else None
        spells = [Enrolled(one.device, at, 0, until, max(1, round(one.interval_s))) for one, at in devices]
        if odd and self._rng.random() < 0.5:
            spells += [Enrolled(one.device, at, now + 8000, None, 2) for one, at in devices]
        return Enrolment(tuple(spells), tuple(sorted({at for _, at in devices})))

    def _relay(self) -> None:
        if self.log.down or not self._waiting or self._rng.random() < 0.2:
            return
        n = self._rng.randint(1, 5)
        sent, self._waiting = self._waiting[:n], self._waiting[n:]
        if self._rng.random() < 0.1:  # it died before it had written down what was sent
            sent = self._sent[-3:] + sent
        for partition, record in sent:
            self.log.append(partition, record)
        self._sent += sent

    # people and time

    def _act(self) -> None:
        rng, alarms, now = self._rng, self.database.tables.alarms, self.scheduler.ms
        if self.database.down or self.database.read_only or not alarms.open or rng.random() > 0.3:
            return
        seen = alarms.rows[alarms.open[rng.choice(sorted(alarms.open))]]
        by = rng.choice(NURSES)

        def do() -> None:
            at = self.scheduler.ms
            event = rng.choice(
                (Acknowledge(by, at), Acknowledge(by, at), Acknowledge(by, at), AddNote(by, at, "seen"),
                 Shelve(by, at, now + 20_000, "busy"), Unshelve(by, at), RecordOutcome(by, at, "called"))
            )  # fmt: skip
            if self.database.free(("episode", seen.episode or 0)):
                try:
                    alarms.apply(seen.alarm, event, seen.version)
                except RefusedError:
                    return

        self.scheduler.after(rng.uniform(0.0, 1.5), do)

    def _tick(self) -> None:
        alarms, now = self.database.tables.alarms, self.scheduler.ms
        if self.database.down or self.database.read_only:
            return
        for alarm in sorted(alarms.open.values()):
            row = alarms.rows[alarm]
            episode = alarms.episodes[row.episode or 0]
            due = min((one for one in (row.due, episode.due) if one is not None), default=None)
            if row.closed is None and due is not None and due <= now and self.database.free(("episode", episode.episode)):
                alarms.apply(alarm, Tick(now))
