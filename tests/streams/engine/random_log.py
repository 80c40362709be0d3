"""Random logs of one partition: everything that may stand in one, likely and unlikely."""

from __future__ import annotations

import random
from dataclasses import replace

from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind
from devices.wire.control import (
    Change,
    Consent,
    Control,
    Drift,
    Enrolled,
    Enrolment,
    Facts,
    Level,
    Limit,
    Limits,
    PausedRule,
    Pauses,
    Preference,
    PriorityWord,
    Rate,
    Repeated,
    Rolling,
    RuleSet,
    Side,
    Slope,
    Soon,
    Steady,
    Trend,
)
from devices.wire.event import ClockCorrection, Contact, Event, Heartbeat
from streams.engine.testing import START, Record, Sample

DENSE = (Vital.HEART_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE, Vital.PULSE_RATE)
SIDES: tuple[Side, ...] = ("high", "low")
ONE_OR_BOTH: tuple[tuple[Side, ...], ...] = (("high", "low"), ("high",), ("low",))
PRIORITIES: tuple[PriorityWord, ...] = ("low", "medium")
LEVELS = {
    Vital.HEART_RATE: (110.0, 140.0),
    Vital.PULSE_RATE: (60.0, 120.0),
    Vital.SPO2: (88.0, 99.0),
    Vital.RESPIRATORY_RATE: (16.0, 27.0),
    Vital.SYSTOLIC: (90.0, 225.0),
    Vital.TEMPERATURE: (36.0, 39.5),
}


class Maker:
    """Makes the records of one partition with ``patients`` patients."""

    def __init__(self, rng: random.Random, partition: int, patients: int) -> None:
        self.rng, self.partition = rng, partition
        self.now = START * 1000 + rng.randrange(60_000)
        self.patients = [partition + 64 * (k + 1) for k in range(patients)]
        self.devices = {p: [p * 10, p * 10 + 1][: rng.choice((1, 1, 2))] for p in self.patients}
        self.level = {(p, v): rng.uniform(*LEVELS[v]) for p in self.patients for v in LEVELS}
        self.sequence = 0
        self.log: list[Record] = []
        self.sent: list[Record] = []
        self.slow = rng.choice((0, 2, 60, 200, 900))
        self.calm = rng.random() < 0.4
        self.away: dict[int, int] = {}
        self.stride = 1  # longer: a log of hours, in which trends have time

    def make(self, length: int) -> list[Record]:
        self.tell(0, self.rule_set())
        for patient in self.patients:
            facts = Facts(self.rng.choice((1, 1, 2)), self.rng.choice((True, False, None)), "A", "1950-02-03")
            controls: list[Control] = [self.enrolment(patient, first=True), facts]
            if self.rng.random() < 0.97:
                controls.append(Consent(True, 0))
            self.rng.shuffle(controls)  # the desk sends what is decided first: facts may stand before the enrolment
            for control in controls:
                self.tell(patient, control)
        for _ in range(length):
            self.step()
        return self.log

    def step(self) -> None:
        rng = self.rng
        if rng.random() < (0.015 if self.stride == 1 else 0.002):
            self.now += rng.choice(
                (
                    -3000,
                    -9999,
                    -10_000,
                    9000,
                    10_999,
                    11_000,
                    12_000,
                    45_000,
                    200_000,
                    333_000,
                    500_000,
                    1_000_000,
                    3_700_000,
                    20_000_000,
                    70_000_000,
                )
            )
        elif rng.random() < (0.005 if self.stride == 1 else 0.001):
            self.now -= rng.choice((10_001, 30_000, 400_000, 4_000_000, 100_000_000))
            self.add(Record(self.now, Kind.CLOCK))
        else:
            self.now += rng.choice((0, 1, 250, 999, 1000, 1000, 2000)) if self.stride == 1 else self.stride * 1000
        if rng.random() < 0.85:
            silence = rng.choice((0,) * 60 + (1, 5))
            self.add(Record(self.now, Kind.CLOCK, silence=silence))
            if silence:
                self.now += rng.choice((0, 5000, 65_000, 70_999, 71_000, 320_000))
        for patient in self.patients:
            if rng.random() < 0.01:
                self.away[patient] = self.now + rng.randrange(200_000)
            if rng.random() < 0.05 and self.now >= self.away.get(patient, 0):
                self.heartbeat(patient)
            if rng.random() < 0.02:
                self.contact(patient)
            if rng.random() < (0.6 if self.now >= self.away.get(patient, 0) else 0.1):
                self.data(patient)
            if not self.calm and rng.random() < 0.03:
                self.tell(patient, self.patient_control(patient))
        if not self.calm and rng.random() < 0.01:
            self.tell(0, self.rule_set())

    def add(self, one: Record) -> None:
        self.log.append(replace(one, partition=self.partition))

    def tell(self, patient: int, control: Control) -> None:
        if self.log and self.rng.random() < 0.1 and self.sequence:
            first, epoch = self.rng.randrange(1, self.sequence + 1), 5  # the relay sends again
        else:
            self.sequence += 1
            first, epoch = self.sequence, 5
        self.add(Record(self.now, Kind.CONTROL, patient, control=control, first=first, epoch=epoch))

    def heartbeat(self, patient: int) -> None:
        late = self.rng.choice((0, 0, None, 500, 59_000, 61_000, 3_600_000, -61_000))  # None: the clock is not set
        gateway = self.rng.choice((3, 3, 3, 3, 4, 9))
        late = 3_600_000 if gateway == 4 else late  # one of them is always an hour behind
        clock = ClockQuality.UNSURE if late is None else ClockQuality.SURE
        beat: Event = Heartbeat(self.now - (late or 0))
        self.add(Record(self.now, Kind.EVENT, patient, 0, gateway, event=beat, clock=clock))

    def contact(self, patient: int) -> None:
        at = self.now - self.rng.choice((0, 500, 60_000, 1_000_000, -20_000, -40_000))
        event: Event = Contact(at, self.rng.random() < 0.6)
        if self.rng.random() < 0.2:
            event = ClockCorrection(at, self.rng.choice((0, 1, -7_200_000, 3_600_000)))
        self.add(Record(self.now, Kind.EVENT, patient, self.rng.choice(self.devices[patient]), 3, event=event))

    def data(self, patient: int) -> None:
        rng = self.rng
        if self.sent and rng.random() < 0.1:
            self.add(replace(rng.choice(self.sent), append=self.now))
            return
        device = rng.choice((*self.devices[patient] * 6, 0, 77))
        begin = self.now - rng.choice((0, 500, 1500, 1500, rng.randrange(1 + self.slow * 1000), rng.randrange(1_200_000)))
        if rng.random() < 0.04:
            begin = self.now + rng.choice((100, 5000, 29_000, 30_000, 30_001, 90_000, 90_000_000, -31 * 86_400_000))
        every = rng.choice((1000, 1000, 1000, 250, 10_000))
        count = rng.choice((1, 1, 5, 60)) if begin > self.now - 400_000 else rng.choice((1, 30))
        vitals = [v for v in LEVELS if rng.random() < (0.5 if v in DENSE else 0.1)]
        off = rng.random() < 0.15
        samples: list[Sample] = []
        for k in range(count):
            for vital in vitals:
                status = rng.choice((2, 3)) if off else rng.choice((0,) * 30 + (1, 3, 9))
                samples.append((begin - k * every, self.value(patient, vital), int(vital), status, k))
        if rng.random() < 0.03 and samples:
            time, value, code, _, reading = samples[0]
            value, code = rng.choice((float("nan"), 1e9, value)), rng.choice((code, 99))
            samples[0] = (time, value, code, rng.choice((0, 99)), reading)
        one = Record(self.now, Kind.SAMPLES, patient, device, 3, samples=tuple(samples[:: rng.choice((1, -1))]),
                  key=rng.choice((0,) * 20 + (1,)))  # fmt: skip
        self.sent.append(one)
        self.add(one)

    def value(self, patient: int, vital: Vital) -> float:
        rng, (low, high) = self.rng, LEVELS[vital]
        level = self.level[patient, vital] + rng.choice((0, 0, 0, 0, 0.1, -0.1, 1, -1, (high - low) / 8, (low - high) / 8))
        self.level[patient, vital] = min(max(level, low), high)
        return rng.choice((level,) * 30 + (-5.0, 1e4, level + 20))

    def limit(self, vital: Vital) -> Limit:
        rng, (low, high) = self.rng, LEVELS[vital]
        side = rng.choice(SIDES)
        edges = sorted(round(rng.uniform(low, high), rng.choice((0, 1, 2))) for _ in range(2))
        medium, severe = edges if side == "high" else edges[::-1]
        levels = [Level(edge, rng.choice((0, 0, 5, 15, 60))) if rng.random() < 0.8 else None for edge in (medium, severe)]
        return Limit(int(vital), side, levels[0], levels[1], rng.choice((0.0, 0.1, 1.0, 3.0)), rng.random() < 0.3)

    def rule_set(self) -> RuleSet:
        rng = self.rng
        return RuleSet(
            version=1,
            limits=tuple(self.limit(v) for v in LEVELS for _ in range(rng.choice((0, 1, 2)))),
            gateway_offline_s=rng.choice((90, 40)),
            no_data_extra_s=rng.choice((30, 10)),
            sensor_off_s=rng.choice((10, 0, 40)),
            news2_medium=rng.choice((5, 3)),
            news2_high=rng.choice((7, 6)),
            news2_hold_s=rng.choice((30, 0, 10)),
            news2_hysteresis=rng.choice((0, 0, 2)),
            hold_percent=rng.choice((80, 80, 50, 100)),
            prefer=tuple(Preference(v, rng.choice((1, 5, 60))) for v in LEVELS if rng.random() < 0.3),
            rolling=tuple(self.rolling() for _ in range(rng.choice((0, 0, 3, 6)))),
            trends=tuple(self.trend() for _ in range(rng.choice((0, 4, 12)))),
        )

    def rolling(self) -> Rolling:
        rng, vital = self.rng, self.rng.choice(DENSE)
        low, high = LEVELS[vital]
        return Rolling(
            vital,
            rng.choice(("high", "low")),
            rng.choice(("mean", "median", "share")),
            rng.choice((60, 300, 3600, 14_400, 86_400)),
            round(rng.uniform(low, high), rng.choice((0, 1, 2))),
            rng.choice((50, 80)),
            rng.choice((0.0, 0.5, 3.0)),
            rng.choice((1, 10)),
            rng.choice(("low", "medium", "high")),
        )

    def trend(self) -> Trend:
        rng, side, priority = self.rng, self.rng.choice(SIDES), self.rng.choice(PRIORITIES)
        kind = rng.choice((Drift, Slope, Change, Repeated, Rate, Soon, Steady))
        if kind in (Repeated, Rate, Soon, Steady):
            return self.reading_trend(kind, side, priority)
        if kind is Drift:
            sides = rng.choice(ONE_OR_BOTH)
            floor, baseline = rng.choice((0.1, 1.0)), rng.choice((16, 64, 1000))
            limit, slack = rng.choice((0.5, 3.0)), rng.choice((0.0, 0.25, 1.0))
            return Drift(rng.choice(DENSE), limit, slack, floor, baseline, sides, priority)
        if kind is Slope:
            window = rng.choice((2, 3, 4, 10, 60))
            per_hour, back = rng.choice((0.1, 5.0, 33.3)), rng.choice((0.0, 0.1, 9.0))
            return Slope(rng.choice(DENSE), side, per_hour, window, back, priority)
        vital, within = rng.choice((Vital.SYSTOLIC, Vital.TEMPERATURE)), rng.choice((1, 24, 72))
        return Change(vital, side, rng.choice((0.1, 0.33, 4.0)), within, rng.choice((0.0, 0.1, 3.0)), priority)

    def reading_trend(self, kind: type[Trend], side: Side, priority: PriorityWord) -> Trend:
        rng = self.rng
        vital = rng.choice((Vital.SYSTOLIC, Vital.TEMPERATURE, *(DENSE if kind is Repeated else ())))
        low, high = LEVELS[vital]
        limit, back = round(rng.uniform(low, high), rng.choice((0, 1, 2))), rng.choice((0.0, 0.1, 2.0))
        if kind is Repeated:
            return Repeated(vital, side, limit, rng.choice((1, 2, 3)), rng.choice((2, 3, 8, 20)), 72, back, priority)
        if kind is Rate:
            beyond = rng.choice((None, limit))
            return Rate(vital, side, rng.choice((0.01, 0.25, 3.3)), rng.choice((1, 5, 60)), beyond, back, priority)
        if kind is Soon:
            return Soon(vital, side, limit, rng.choice((1, 20)), rng.choice((1, 5, 60)), back, priority)
        return Steady(vital, side, rng.choice((0.01, 0.3, 2.0)), rng.choice((4, 5, 14)), back, priority)

    def enrolment(self, patient: int, first: bool = False) -> Enrolment:
        rng, devices = self.rng, []
        for device in self.devices[patient]:
            since = 0 if first else rng.choice((0, 0, 0, self.now - 20_000))
            until = rng.choice((None,) * 6 + (self.now, self.now + 30_000)) if not first else None
            devices.append(Enrolled(device, 3, since, until, rng.choice((0, 1, 5, 30, 100, 600))))
            if rng.random() < 0.1:
                devices.append(Enrolled(device, 3, self.now + 60_000, None, 5))
        gateways = rng.choice(((3,), (3,), (3, 4), ())) if not first else (3,)
        if rng.random() < 0.3:
            devices.reverse()
        return Enrolment(tuple(devices), gateways, rng.choice(((), (), (1,))))

    def patient_control(self, patient: int) -> Control:
        rng = self.rng
        rules = ("*", "news2", "heart_rate.high", "spo2.low", "spo2.rising", "no_data", "sensor_off", "gateway_offline")
        until = self.now + rng.choice((-1000, 500, 20_000, 90_000))
        return rng.choice(
            (
                Limits(tuple(self.limit(v) for v in LEVELS if rng.random() < 0.5)),
                Limits(tuple(self.limit(v) for v in LEVELS if rng.random() < 0.5)),
                Pauses(tuple(PausedRule(rng.choice(rules), until) for _ in range(rng.choice((0, 1, 2))))),
                Facts(rng.choice((1, 2)), rng.choice((True, False, None)), rng.choice(("A", "V", None)),
                      rng.choice(("1950-02-03", "1950-02-03", None)), rng.random() < 0.1),
                Consent(rng.random() < 0.7, rng.choice((0, self.now, self.now - 5000, self.now + 9000))),
                self.enrolment(patient),
            )
        )  # fmt: skip
