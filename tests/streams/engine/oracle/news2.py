"""Partial NEWS2."""

from __future__ import annotations

from fractions import Fraction

from devices.wire.control import Facts
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.sources import parameter
from tests.streams.engine.oracle.state import NEVER, SeriesOracle

NEWS2_COLUMNS = ("respiratory_rate", "spo2", "systolic", "heart_rate", "pulse_rate", "temperature")


class Scores(Records):
    def scores(self, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for patient in sorted({name[0] for name in self.series}):
            total, sure, newest, counts = self.score(patient, now, active_s)
            known, sure_known, _, known_counts = self.score(patient, now, active_s, lapsed=True)
            level = 0
            for which, threshold in ((1, self.rules.news2_medium), (2, self.rules.news2_high)):
                if counts and (total if which == 1 else sure) >= threshold:
                    run, measured = self.stands.setdefault((patient, which), (active_s, newest))
                    if max(active_s - run, newest - measured) >= self.rules.news2_hold_s:
                        level = which
                else:
                    self.stands.pop((patient, which), None)
            was = self.news2_level[patient]
            stays = last_known = 0
            for which, threshold in ((1, self.rules.news2_medium), (2, self.rules.news2_high)):
                least = max(threshold - self.rules.news2_hysteresis, 1)
                if counts and (total if which == 1 else sure) >= least:
                    stays = which
                if known_counts and (known if which == 1 else sure_known) >= least:
                    last_known = which
            level = current = max(level, min(was, stays))
            level = max(level, min(was, last_known))
            self.news2_level[patient] = level
            if (level > current) != (patient in self.unassessed):
                self.unassessed ^= {patient}
                phase = "onset" if level > current else "end"
                at = newest * 1000 if newest > 0 else None
                out.append(("news2_no_value", patient, 0, phase, "MEDIUM", None, at))
            if was != level:
                phase = "end" if not level else "onset" if not was else "worse" if level > was else "better"
                priority = "HIGH" if (level or was) == 2 else "MEDIUM"
                out.append(("news2", patient, 0, phase, priority, float(total) if level and counts else None, None))
        return out

    def score(self, patient: int, now: int, active_s: int, lapsed: bool = False) -> tuple[int, int, int, bool]:
        """(total, total without what is in doubt, newest measured second, whether it counts); ``lapsed``: with old ones."""
        best = {
            SeriesOracle(parameter(vital)).spec.column: (s.newest[0] * 1000 + s.newest[1], s)
            for (who, vital, device), s in self.series.items()
            if who == patient
            and (not lapsed or self.worn((who, device)))
            and s.superseded is None
            and s.newest
            and s.spec.column in NEWS2_COLUMNS
        }
        valid = {k: v for k, v in best.items() if v[1].expires > active_s}
        chosen = best if lapsed else valid
        value = {k: Fraction(s.newest[2], s.spec.steps) for k, (_, s) in chosen.items() if s.newest}
        doubted = {k for k, (_, s) in chosen.items() if s.apart}
        newest = max((at for at, _ in valid.values()), default=-NEVER) // 1000
        facts = self.facts.get(patient, Facts())
        points: dict[str, int] = {}
        if "respiratory_rate" in value:
            points["rr"] = band(round(value["respiratory_rate"]), (9, 12, 21, 25), (3, 1, 0, 2, 3))
        if "spo2" in value:
            x = round(value["spo2"])
            points["spo2"] = band(x, (92, 94, 96), (3, 2, 1, 0))
            if facts.spo2_scale == 2:
                air = band(x, (84, 86, 88), (3, 2, 1, 0))
                points["spo2"] = band(x, (84, 86, 88, 93, 95, 97), (3, 2, 1, 0, 1, 2, 3)) if facts.oxygen else air
        if "systolic" in value:
            points["sbp"] = band(round(value["systolic"]), (91, 101, 111, 220), (3, 2, 1, 0, 3))
        if "heart_rate" in value:
            points["pulse"] = band(round(value["heart_rate"]), (41, 51, 91, 111, 131), (3, 1, 0, 1, 2, 3))
        if "temperature" in value:
            points["temp"] = band(round(value["temperature"] * 10), (351, 361, 381, 391), (3, 1, 0, 1, 2))
        if facts.oxygen is not None:
            points["oxygen"] = 2 if facts.oxygen else 0
        if facts.consciousness is not None:
            points["acvpu"] = 0 if facts.consciousness == "A" else 3
        adult = facts.born is not None and not facts.pregnant and facts.born < "2005"
        counts = len(points) >= 4 and adult and not self.paused(patient, "news2", now)
        short = {"respiratory_rate": "rr", "spo2": "spo2", "heart_rate": "pulse"}
        sure = sum(p for k, p in points.items() if k not in {short[d] for d in doubted})
        return sum(points.values()), sure, newest, counts


def band(value: int, edges: tuple[int, ...], points: tuple[int, ...]) -> int:
    """Points of a value; ``edges`` are the lowest values of all bands but the first."""
    return points[sum(value >= edge for edge in edges)]
