"""Technical conditions."""

from __future__ import annotations

from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.state import NEVER


class Technical(Records):
    def gateways(self, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for link in sorted({*self.serving, *self.away}):
            wanted = link in self.serving and active_s - self.gateway[link] > self.rules.gateway_offline_s
            wanted = wanted and not self.paused(link[0], "gateway_offline", now) and self.consent.get(link[0]) is not False
            if wanted != (link in self.away):
                (self.away.add if wanted else self.away.discard)(link)
                if not wanted:
                    self.back[link] = self.gateway[link]
                out.append(("gateway_offline", *link, "onset" if wanted else "end", "MEDIUM", None, None))
        return out

    def devices(self, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for who in sorted({*self.watched, *self.silent}):
            wanted = False
            if who in self.watched:
                link = self.link[who]
                since = self.last_arrival[who] if who in self.silent else max(self.last_arrival[who], self.back[link])
                alone = link not in self.away and self.gateway[link] >= self.last_arrival[who] + 5
                wanted = active_s - since > self.allowance(who) and (who in self.silent or alone)
                wanted = wanted and not self.paused(who[0], "no_data", now) and self.consent.get(who[0]) is not False
            if wanted != (who in self.silent):
                (self.silent.add if wanted else self.silent.discard)(who)
                out.append(("no_data", *who, "onset" if wanted else "end", "MEDIUM", None, self.measured[who] or None))
        return out

    def sensors(self, now: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        hold = min(self.rules.sensor_off_s, 63)
        for who in sorted({*self.off, *self.loose, *self.sensor_off}):
            denied = max(self.good[who], self.on[who])
            newest_off = max(self.off[who], default=-NEVER)
            run = [t for t in self.off[who] if t > max(denied, newest_off - 64)]
            lasted = bool(run) and newest_off > now - 900 and newest_off - min(run) >= hold
            begins = lasted or (self.loose[who] > denied and self.loose[who] > now - 900)
            newest = max(newest_off, self.loose[who])
            wanted = who[1] in self.current.get(who[0], ()) and newest > denied and (begins or who in self.sensor_off)
            wanted = wanted and not self.paused(who[0], "sensor_off", now) and self.consent.get(who[0]) is not False
            if wanted != (who in self.sensor_off):
                (self.sensor_off.add if wanted else self.sensor_off.discard)(who)
                at = newest if wanted else max(newest, denied)
                out.append(("sensor_off", *who, "onset" if wanted else "end", "MEDIUM", None, at * 1000))
        return out

    def gateway_clocks(self, now: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for link in sorted({*self.gateway_ahead, *self.wrong_gateways}):
            off, behind = self.gateway_ahead[link], self.behind.get(link)
            lasted = behind is not None and self.clock_received[link] - behind >= 120
            wanted = off > 30_000 or (off < -300_000 and (lasted or link in self.wrong_gateways))
            wanted = wanted and link in self.serving and self.consent.get(link[0]) is not False
            wanted = wanted and not self.paused(link[0], "gateway_clock", now)
            if wanted != (link in self.wrong_gateways):
                (self.wrong_gateways.add if wanted else self.wrong_gateways.discard)(link)
                out.append(("gateway_clock", *link, "onset" if wanted else "end", "MEDIUM", None, None))
        return out

    def clocks(self, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for who in sorted({*self.unsure, *self.corrected, *self.doubted}):
            unsure, sure = self.unsure.get(who, -NEVER), self.session.get(who, (-NEVER,))[0]
            wanted = unsure > sure or (who in self.doubted and who in self.unsure and sure < unsure + 60)
            wanted = wanted or abs(self.corrected.get(who, (0, 0))[1]) >= 30_000
            wanted = wanted and who[1] in self.current.get(who[0], ())
            wanted = wanted and not self.paused(who[0], "clock_wrong", now) and self.consent.get(who[0]) is not False
            if wanted != (who in self.doubted):
                (self.doubted.add if wanted else self.doubted.discard)(who)
                out.append(("clock_wrong", *who, "onset" if wanted else "end", "MEDIUM", None, None))
        return out
