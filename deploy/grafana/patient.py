"""One patient: stacked trends with limits in force, alarms marked in them, coverage, devices."""

from __future__ import annotations

from typing import Final

from deploy.grafana import patient_query as query
from deploy.grafana.dashboard import annotation, choice, dashboard, link_to, query_variable
from deploy.grafana.look import HIGH, MEDIUM, TECHNICAL, TRACES, Json, fixed, override, unit_of, words
from deploy.grafana.panel import table, text, trend
from deploy.grafana.trend_query import trend_sql
from deploy.grafana.ward import AGES, NOTICE, PATIENT_UID, PRIORITY, UID
from devices.vitals import VITALS, Vital

_STATE: Final = override(
    "State",
    mappings=words(too_old=MEDIUM, unusable=TECHNICAL, silent=TECHNICAL),
    custom__cellOptions={"type": "color-text"},
)
_NO_LEGEND: Final = {"legend": True, "tooltip": False, "viz": False}
_LIMITS: Final = [
    override(
        f"/ limit (low|high), {level}$/",
        color=fixed(color),
        custom__lineStyle={"fill": "dash", "dash": [8, 6]},
        custom__showPoints="never",
        custom__hideFrom=_NO_LEGEND,
    )
    for level, color in (("high", HIGH), ("medium", MEDIUM))
]


def _traces(vitals: tuple[Vital, ...]) -> list[Json]:
    """Each vital's mean as a line in its own colour, its lowest to highest as a band behind it."""
    shown = []
    for vital, color in zip(vitals, TRACES, strict=False):
        short = VITALS[vital].short
        edge = {"color": fixed(color), "custom__lineWidth": 0, "custom__showPoints": "never", "custom__hideFrom": _NO_LEGEND}
        shown += [
            override(f"/^{short} \\(device \\d+\\)$/", color=fixed(color)),
            override(f"{short} lowest", **edge),
            override(f"{short} highest", **edge, custom__fillBelowTo=f"{short} lowest", custom__fillOpacity=15),
        ]
    return shown


def _trend(title: str, *vitals: Vital) -> Json:
    episodic = not VITALS[vitals[0]].continuous
    return trend(
        title,
        trend_sql(vitals),
        "Mean of each bin, its lowest to highest as a band; limits in force dashed. A hole stays a hole.",
        unit=unit_of(vitals[0]),
        decimals=VITALS[vitals[0]].decimals,
        split=True,
        custom={"showPoints": "always"} if episodic else None,
        overrides=[*_traces(vitals), *_LIMITS],
    )


PATIENT: Final = dashboard(
    PATIENT_UID,
    "Patient",
    "Trends of one patient with the limits in force and alarms marked; raw, minutes or hours as the range asks.",
    since="now-6h",
    refresh="10s",
    links=[link_to(UID, "Ward")],
    variables=[
        query_variable("patient", "Patient", query.PATIENTS),
        choice(
            "resolution",
            "Resolution",
            ("auto", "raw", "minute", "hour"),
            "auto: readings for a point under a minute, minutes under half an hour, else hours. "
            "Raw readings are kept for a shorter time than minutes and hours.",
        ),
    ],
    annotations=[
        annotation("High priority", HIGH, query.annotations_sql("category = 'physiological' AND priority = 3")),
        annotation("Medium and low priority", MEDIUM, query.annotations_sql("category = 'physiological' AND priority < 3")),
        annotation("Technical", TECHNICAL, query.annotations_sql("category = 'technical'")),
    ],
    panels=[
        text(NOTICE),
        table(
            "Latest values",
            query.LATEST,
            "The newest of each series. Last measured and last arrived differ: a drained backlog is not live.",
            overrides=[AGES, _STATE],
        ),
        table("Open alarms", query.OPEN_ALARMS, "Most urgent first.", overrides=[PRIORITY, AGES]),
        _trend("Heart rate and pulse", Vital.HEART_RATE, Vital.PULSE_RATE),
        _trend("Oxygen saturation", Vital.SPO2),
        _trend("Respiration", Vital.RESPIRATORY_RATE),
        _trend("Blood pressure", Vital.SYSTOLIC, Vital.DIASTOLIC, Vital.MEAN_ARTERIAL),
        _trend("Temperature", Vital.TEMPERATURE),
        trend(
            "Coverage of continuous vitals",
            query.COVERAGE,
            "Covered: minutes with a usable value. Poor: seconds with only unusable ones, of those with any.",
            unit="percentunit",
            points=300,
            min=0,
            max=1,
            overrides=[override("/ poor$/", custom__lineStyle={"fill": "dash", "dash": [4, 4]})],
        ),
        table("Devices", query.DEVICES, "Worn now.", overrides=[AGES, _STATE]),
        table("Device events", query.EVENTS, "Connections, contact, batteries, clocks; the newest 200."),
    ],
)
