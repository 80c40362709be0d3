"""Which device decides, and whether sources disagree."""

from __future__ import annotations

from fractions import Fraction

from devices.wire.control import Preference
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.state import NEVER, SeriesOracle

Name = tuple[int, int, int]
PULSE = {2: 1}
"""The parameter of a pulse is the heart rate."""


def parameter(vital: int) -> int:
    return PULSE.get(vital, vital)


class SourcesOracle(Records):
    def groups(self) -> dict[tuple[int, int], list[tuple[Name, SeriesOracle]]]:
        out: dict[tuple[int, int], list[tuple[Name, SeriesOracle]]] = {}
        for name, s in sorted(self.series.items()):
            out.setdefault((name[0], parameter(name[1])), []).append((name, s))
        return {key: sorted(found, key=lambda one: self.rank(one[0])) for key, found in out.items()}

    def judge(self, active_s: int) -> None:
        for key, found in self.groups().items():
            known = [(name, s) for name, s in found if s.newest]
            live = [(name, s) for name, s in known if self.holds(name, s, active_s)]
            newest = sorted(known, key=lambda one: (not self.is_worn(one[0]), -self.at(one[1])))[
                :1
            ]  # of equal ones the preferred
            leaders: list[tuple[Name, SeriesOracle] | tuple[None, None]] = [*live, *newest, (None, None)]
            leader = leaders[0]
            for place, (name, s) in enumerate(found):
                led = len(found) > 1 and leader[0] is not None and name != leader[0]
                s.superseded = leader[0][2] if led and leader[0] else None
                before = led and bool(live) and place > found.index(live[0])
                s.covered, s.leads = before, not led
            pairs = [(name, s) for name, s in live if name != leader[0] and leader in live]
            self.compare(key, leader, pairs if len(found) > 1 else [])
            apart = key in self.apart and len(found) > 1
            for name, s in found:
                s.apart = apart and (name, s) in live

    def is_worn(self, name: Name) -> bool:
        return self.worn((name[0], name[2]))

    def at(self, s: SeriesOracle) -> int:
        assert s.newest
        return s.newest[0] * 1000 + s.newest[1]

    def holds(self, name: Name, s: SeriesOracle, active_s: int) -> bool:
        found = [one for one in self.rules.prefer if one.vital == name[1]]
        hold = max(found[-1].hold_s, 1) if found else Preference(0).hold_s if s.spec.continuous else 0
        if not hold or (name[0], name[2]) in self.sensor_off or not self.is_worn(name):
            return False
        interval = self.intervals.get((name[0], name[2]), 0)
        return active_s - (s.expires - self.validity(name)) <= max(hold, 2 * interval)

    def rank(self, name: Name) -> tuple[int, ...]:
        patient, vital, device = name
        enrolled = [one.device for one in self.enrolment[patient].devices] if patient in self.enrolment else []
        place = enrolled.index(device) if device and device in enrolled else NEVER
        interval = self.intervals.get((patient, device), 0)
        return (device != 0, interval == 0 or interval > 60, vital in PULSE, place, device)

    def compare(self, key: tuple[int, int], leader: tuple[object, ...], pairs: list[tuple[Name, SeriesOracle]]) -> None:
        """Whether the sources of a parameter disagree."""
        found = [one for one in self.rules.agree if parameter(one.vital) == key[1]]
        times: list[tuple[int, bool]] = []
        lead = leader[1]
        if found and isinstance(lead, SeriesOracle) and lead.newest:
            for _, s in pairs:
                assert s.newest
                apart = abs(Fraction(s.newest[2] - lead.newest[2], s.spec.steps)) > Fraction(repr(found[-1].within))
                times.append((min(s.newest[0], lead.newest[0]), apart))
        if not times:
            self.apart.discard(key)
            self.apart_since.pop(key, None)
            return
        beyond = any(far for _, far in times)
        newest = max(t for t, far in times if far or not beyond)
        if beyond == (key in self.apart):
            self.apart_since.pop(key, None)
            return
        if newest - self.apart_since.setdefault(key, newest) >= found[-1].for_s:
            (self.apart.add if beyond else self.apart.discard)(key)
            del self.apart_since[key]

    def disagreements(self, now: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for (patient, vital), found in self.groups().items():
            key, rule = (patient, vital), f"{SeriesOracle(vital).spec.column}.disagree"
            wanted = key in self.apart and not self.paused(patient, rule, now) and self.consent.get(patient) is not False
            if wanted != (key in self.disagree):
                (self.disagree.add if wanted else self.disagree.discard)(key)
                leader = next(s for _, s in found if s.leads)
                at = self.at(leader)
                out.append((rule, patient, 0, "onset" if wanted else "end", "MEDIUM", None, at))
        return out
