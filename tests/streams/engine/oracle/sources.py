"""Which device decides."""

from __future__ import annotations

from tests.streams.engine.oracle.state import NEVER, State


class SourcesOracle(State):
    def judge(self, active_s: int) -> None:
        holds = {one.vital: max(one.hold_s, 1) for one in self.rules.prefer}
        for (patient, vital, _), s in self.series.items():
            s.superseded = None
            rivals = [(name, other) for name, other in self.series.items() if name[:2] == (patient, vital)]
            live = [
                self.rank(patient, name[2])
                for name, other in rivals
                if other.newest and vital in holds
                and active_s - (other.expires - self.validity(name)) <= holds[vital]
            ]  # fmt: skip
            for name, other in rivals:
                if other is s and live and self.rank(patient, name[2]) > min(live):
                    s.superseded = next(n[2] for n, _ in rivals if self.rank(patient, n[2]) == min(live))

    def rank(self, patient: int, device: int) -> int:
        enrolled = [one.device for one in self.enrolment[patient].devices] if patient in self.enrolment else []
        return enrolled.index(device) if device and device in enrolled else NEVER
