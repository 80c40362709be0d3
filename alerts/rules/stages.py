"""The rules in the order in which the engine asks them: a stage that explains or mutes another stands before it."""

from __future__ import annotations

from alerts.rules.agreement import SourcesDisagree
from alerts.rules.combined.combinations import Combinations
from alerts.rules.limits.limits import LimitRules
from alerts.rules.news2.rule import EarlyWarning
from alerts.rules.patient_rule import PatientRule
from alerts.rules.rolling.rolling_limits import RollingLimits
from alerts.rules.scores.score_rules import ScoreRules
from alerts.rules.silence.clock_wrong import ClockWrong
from alerts.rules.silence.gateway_clock import GatewayClock
from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.gateway_outbox import GatewayOutbox
from alerts.rules.silence.no_data import NoData
from alerts.rules.silence.no_value import NoValue
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.sources import Sources
from alerts.rules.suppression import Suppression
from alerts.rules.trends.minutes import MinuteTrends
from alerts.rules.trends.readings import ReadingTrends
from streams.engine.stage import Stage


def stages(*more: type[PatientRule]) -> list[Stage]:
    """New stages, for one engine; ``more`` rules to try, but for those that stand in the list already."""
    suppression = Suppression()
    gateways, sensors = GatewayOffline(suppression), SensorOff(suppression)
    devices, sources = NoData(suppression, gateways), Sources(suppression)
    limits = [LimitRules(suppression, continuous=continuous) for continuous in (True, False)]
    clinical = _clinical(suppression)
    ours: list[Stage] = [
        suppression,
        gateways,
        devices,
        sensors,
        ClockWrong(suppression, devices, sensors),
        GatewayClock(suppression, gateways),
        GatewayOutbox(suppression, gateways),
        sources,
        SourcesDisagree(suppression, sources),
        *limits,
        *[NoValue(suppression, devices, sensors, each, continuous=each.continuous) for each in limits],
        *clinical,
    ]
    return [*ours, *[rule(suppression) for rule in more if rule not in {type(one) for one in ours}]]


def clinical_stages() -> list[Stage]:
    """Those that judge values, without the technical rules: for records in which no sensor comes off.  They pass over the
    seconds in which nothing can change.
    """
    suppression = Suppression()
    sources = Sources(suppression)
    limits = [LimitRules(suppression, continuous=continuous) for continuous in (True, False)]
    return [suppression, sources, SourcesDisagree(suppression, sources), *limits, *_clinical(suppression)]


def _clinical(suppression: Suppression) -> list[Stage]:
    """The rules about values other than limits."""
    news2 = EarlyWarning(suppression)
    return [
        news2,
        RollingLimits(suppression),
        MinuteTrends(suppression),
        ReadingTrends(suppression),
        ScoreRules(suppression, news2),
        Combinations(suppression),
    ]
