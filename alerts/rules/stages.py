"""The rules in the order in which the engine asks them: what explains a silence comes before what it explains."""

from __future__ import annotations

from alerts.rules.early_warning import EarlyWarning
from alerts.rules.gateway_offline import GatewayOffline
from alerts.rules.limits import LimitRules
from alerts.rules.no_data import NoData
from alerts.rules.sensor_off import SensorOff
from alerts.rules.sources import Sources
from alerts.rules.trends import Trends
from streams.stage import Stage


def stages() -> list[Stage]:
    """New stages, for one engine."""
    gateways, sensors, sources = GatewayOffline(), SensorOff(), Sources()
    rules: list[Stage] = [LimitRules(sensors, sources), EarlyWarning(sources), Trends(sensors, sources)]
    return [gateways, NoData(gateways), sensors, sources, *rules]
