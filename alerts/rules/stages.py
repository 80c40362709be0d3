"""The rules in the order in which the engine asks them: what explains a silence comes before what it explains."""

from __future__ import annotations

from alerts.rules.limits.limits import LimitRules
from alerts.rules.news2.rule import EarlyWarning
from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.no_data import NoData
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.sources import Sources
from alerts.rules.trends.trends import Trends
from streams.engine.stage import Stage


def stages() -> list[Stage]:
    """New stages, for one engine."""
    gateways, sensors, sources = GatewayOffline(), SensorOff(), Sources()
    rules: list[Stage] = [LimitRules(sensors, sources), EarlyWarning(sources), Trends(sensors, sources)]
    return [gateways, NoData(gateways), sensors, sources, *rules]
